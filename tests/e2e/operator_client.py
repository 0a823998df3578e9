"""A small blocking client of the gateway: the person who talks to the agents, and the eyes that check what it says.

It shares no code with the daemon's own client, so that the two can't be wrong in the same way.
"""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import define, field, frozen

from tests.e2e.wire import PATIENCE_S, ConnectionLost, Wire

ENDS = ("final", "error", "aborted")

Frame = dict[str, Any]


class Refused(Exception):
    """The gateway answered a request with an error."""

    def __init__(self, method: str, error: Frame) -> None:
        super().__init__(f"{method}: {error.get('code')}: {error.get('message')}")
        self.method = method
        self.error = error


@frozen
class Received:
    """A frame and when it arrived, in milliseconds since the Unix epoch."""

    at: float
    frame: Frame


@define
class Operator:
    """One connection. `frames` holds everything that was received, in order; `record` names a file that gets it too,
    together with what was sent, one JSON object a line."""

    url: str
    token: str
    scopes: tuple[str, ...] = ("operator.read", "operator.write")
    protocols: tuple[int, int] = (3, 4)
    instance: str = field(factory=lambda: f"test-{uuid.uuid4()}")
    record: Path | None = None
    frames: list[Received] = field(factory=list)
    hello: Frame = field(factory=dict)
    _wire: Wire = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._wire = Wire(self.url, self._arrived)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Open the socket, shake hands and keep the gateway's `hello-ok` payload in `hello`."""
        self._wire.open()
        try:
            self.wait_for(lambda frame: frame.get("event") == "connect.challenge")
            self.hello = self.request("connect", self._greeting())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._wire.close()

    def request(self, method: str, params: Frame | None = None, within: float = PATIENCE_S) -> Frame:
        """Send a request and return the payload of its answer. Raises Refused, ConnectionLost, TimeoutError."""
        name = str(uuid.uuid4())
        self.send({"type": "req", "id": name, "method": method, "params": params or {}})
        answer = self.wait_for(lambda frame: frame.get("type") == "res" and frame.get("id") == name, within=within)
        if not answer["ok"]:
            raise Refused(method, answer.get("error", {}))
        payload: Frame = answer.get("payload", {})
        return payload

    def chat_send(self, session: str, text: str) -> str:
        """Say something to an agent (`session` is "agent:<id>:main"). Returns the id of the run that answers."""
        run_id = str(uuid.uuid4())
        self.request("chat.send", {"sessionKey": session, "message": text, "idempotencyKey": run_id})
        return run_id

    def chat_abort(self, session: str, run_id: str) -> None:
        self.request("chat.abort", {"sessionKey": session, "runId": run_id})

    def chat_history(self, session: str, limit: int = 200) -> list[Frame]:
        """The messages that the gateway has stored for a session, oldest first."""
        messages: list[Frame] = self.request("chat.history", {"sessionKey": session, "limit": limit})["messages"]
        return messages

    def wait_end(self, run_id: str, within: float = PATIENCE_S) -> Frame:
        """Wait for the chat event that ends a run and return its payload."""

        def ends(frame: Frame) -> bool:
            payload = frame.get("payload") or {}
            return frame.get("event") == "chat" and payload["runId"] == run_id and payload["state"] in ENDS

        payload: Frame = self.wait_for(ends, within=within)["payload"]
        return payload

    def wait_text(self, text: str, within: float = PATIENCE_S) -> Frame:
        """Wait until an agent has said exactly this so far, and return the event that said it."""

        def says(frame: Frame) -> bool:
            payload = frame.get("payload") or {}
            return frame.get("event") == "agent" and payload["data"].get("text") == text

        payload: Frame = self.wait_for(says, within=within)["payload"]
        return payload

    def wait_for(self, wanted: Callable[[Frame], bool], since: int = 0, within: float = PATIENCE_S) -> Frame:
        """The first frame from position `since` of `frames` on that is `wanted`; waits for it."""
        position = since

        def found() -> Frame | None:
            nonlocal position
            while position < len(self.frames):
                frame = self.frames[position].frame
                if wanted(frame):
                    return frame
                position += 1
            return None

        return self._wire.wait_for(found, within)

    def wait_closed(self, within: float = PATIENCE_S) -> ConnectionLost:
        """Wait until the gateway ends the connection."""
        return self._wire.wait_closed(within)

    def events(self, kind: str, run_id: str | None = None) -> list[Frame]:
        """The payloads of the events of one kind received so far, of one run if given."""
        with self._wire.news:
            payloads = [item.frame["payload"] for item in self.frames if item.frame.get("event") == kind]
        return [payload for payload in payloads if run_id is None or payload.get("runId") == run_id]

    def send(self, frame: Frame) -> None:
        self._note("send", frame)
        self._wire.send(json.dumps(frame))

    def _greeting(self) -> Frame:
        lowest, highest = self.protocols
        return {
            "minProtocol": lowest,
            "maxProtocol": highest,
            "client": {
                "id": "gateway-client",
                "version": "0.1.0",
                "platform": "test",
                "mode": "backend",
                "instanceId": self.instance,
            },
            "role": "operator",
            "scopes": list(self.scopes),
            "caps": ["tool-events"],
            "auth": {"token": self.token},
        }

    def _arrived(self, text: str) -> None:
        frame = json.loads(text)
        self._note("recv", frame)
        self.frames.append(Received(time.time() * 1000, frame))

    def _note(self, direction: str, frame: Frame) -> None:
        if self.record is not None:
            with self.record.open("a") as out:
                out.write(json.dumps({"t": round(time.time() * 1000, 1), "dir": direction, "frame": frame}) + "\n")
