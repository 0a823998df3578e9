"""A source that says what a test tells it to, in our own envelope (docs/envelope.md), behind a real WebSocket."""

import json
import threading
import time
from collections.abc import Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

Frame = dict[str, Any]

BOOT = "the-only-life"
MOST_AT_ONCE = 200
"""Events in one frame."""


def now() -> int:
    """The present in ms since the epoch."""
    return time.time_ns() // 1_000_000


@define
class ScriptedSource:
    """Runs in a thread of its own while it is entered. It keeps all that it said, and goes on where a daemon was."""

    url: str = ""
    _said: list[Frame] = field(factory=list)
    _numbers: dict[str, int] = field(factory=dict)
    _token: trio.lowlevel.TrioToken | None = None
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _news: trio.Event = field(factory=trio.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        started: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=trio.run, args=(self._run, started), name="source", daemon=True)
        self._thread.start()
        self.url = started.get()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        trio.from_thread.run_sync(self._scope.cancel, trio_token=self._token)
        self._thread.join()

    def event(self, agent: str, kind: str, payload: Frame, at: int | None = None) -> Frame:
        """An event with the agent's next number, to be given to `say`; `at` is when it happened, in ms."""
        number = self._numbers[agent] = self._numbers.get(agent, 0) + 1
        return {
            "event_id": str(number),
            "timestamp": now() if at is None else at,
            "agent_id": agent,
            "type": kind,
            "payload": payload,
            "sequence": number,
        }

    def say(self, *events: Frame) -> None:
        """Say these, in this order."""
        trio.from_thread.run_sync(self._publish, events, trio_token=self._token)

    def skip(self, agent: str, events: int = 1) -> None:
        """Never say some events that this agent would have had, so that the daemon finds a gap."""
        self._numbers[agent] = self._numbers.get(agent, 0) + events

    def _publish(self, events: Iterable[Frame]) -> None:
        self._said.extend(events)
        self._news.set()
        self._news = trio.Event()

    async def _run(self, started: "SimpleQueue[str]") -> None:
        self._token = trio.lowlevel.current_trio_token()
        with self._scope:
            async with trio.open_nursery() as nursery:
                server = await nursery.start(serve_websocket, self._serve, "127.0.0.1", 0, None)
                started.put(f"ws://127.0.0.1:{server.port}")

    async def _serve(self, request: WebSocketRequest) -> None:
        connection = await request.accept()
        try:
            hello = json.loads(await connection.get_message())
            await connection.send_message(json.dumps({"op": "welcome", "resume": True, "boot": BOOT}))
            sent = 0
            while True:
                batch = self._said[sent : sent + MOST_AT_ONCE]
                sent += len(batch)
                wanted = [event for event in batch if event["sequence"] > hello["resume"].get(event["agent_id"], 0)]
                if wanted:
                    await connection.send_message(json.dumps(wanted))
                if sent == len(self._said):
                    await self._news.wait()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            return
