"""A daemon that says what a test lets it say, on the client's own event loop, whichever that is."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.streams.tls import TLSListener
from attrs import define
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from mission_control.core.frames import SUBPROTOCOL

SOON = 20.0
"""Seconds after which something counts as never."""
BACKENDS = ["trio", "asyncio"]
on_both = pytest.mark.parametrize("backend", BACKENDS)


def run(backend: str, main: Callable[[], Awaitable[None]]) -> None:
    """Run a test's own ``main`` on this event loop."""

    async def soon() -> None:
        with anyio.fail_after(SOON):
            await main()

    anyio.run(soon, backend=backend)


class Peer:
    """The daemon's side of one connection."""

    def __init__(self, stream: ByteStream, subprotocol: str | None) -> None:
        offered = None if subprotocol is None else [Subprotocol(subprotocol)]
        # Without a choice of its own the library would refuse a client that offers a subprotocol.
        self._protocol = ServerProtocol(subprotocols=offered, select_subprotocol=None if offered else lambda *_: None)
        self._stream = stream
        self._frames: list[dict[str, Any]] = []
        self.farewell: int | None = None
        """The close code that the client said."""
        self.over = anyio.Event()

    async def greeted(self) -> Self:
        """The connection is open."""
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    self._protocol.send_response(self._protocol.accept(event))
                    await self._flush()
                    return self
            if self._protocol.handshake_exc is not None:
                raise anyio.EndOfStream  # this is no WebSocket
            self._protocol.receive_data(await self._stream.receive())

    async def heard(self, op: str) -> dict[str, Any]:
        """The next frame with this op; others before it are passed over."""
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame["op"] == op:
                    return frame
            self._protocol.receive_data(await self._stream.receive())
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    self._frames.append(json.loads(bytes(event.data)))
            if self._protocol.close_rcvd is not None:
                self.farewell = self._protocol.close_rcvd.code
            if self._protocol.close_rcvd is not None:
                self.farewell = self._protocol.close_rcvd.code

    async def say(self, *frames: dict[str, Any] | str) -> None:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            self._protocol.send_text(text.encode())
        await self._flush()

    async def say_in_parts(self, *parts: str) -> None:
        """One message in several fragments."""
        for index, part in enumerate(parts):
            fin = index == len(parts) - 1
            send = self._protocol.send_continuation if index else self._protocol.send_text
            send(part.encode(), fin=fin)
        await self._flush()

    async def say_bytes(self, data: bytes) -> None:
        self._protocol.send_binary(data)
        await self._flush()

    async def close(self, code: int, reason: str = "") -> None:
        self._protocol.send_close(code, reason)
        await self._flush()

    async def cut(self) -> None:
        """The network fails."""
        await anyio.aclose_forcefully(self._stream)
        self.over.set()

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._stream.send(data)


@define(eq=False)
class FakeDaemon:
    port: int
    _arrivals: AsyncIterator[Peer]
    scheme: str = "ws"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/stream"

    async def connection(self) -> Peer:
        """The next connection, open."""
        return await anext(self._arrivals)


@asynccontextmanager
async def fake_daemon(
    tls: ssl.SSLContext | None = None, subprotocol: str | None = SUBPROTOCOL
) -> AsyncIterator[FakeDaemon]:
    """Listens on loopback; each connection waits until the test takes it, and is cut at the end."""
    give, take = anyio.create_memory_object_stream[Peer](100)

    async def serve(stream: ByteStream) -> None:
        async with stream:
            peer = Peer(stream, subprotocol)
            try:
                await give.send(await peer.greeted())
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client has gone before
            await peer.over.wait()

    plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = plain.extra(anyio.abc.SocketAttribute.local_port)
    listener = plain if tls is None else TLSListener(plain, tls, standard_compatible=False)
    async with listener, give, take, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield FakeDaemon(port, take, "ws" if tls is None else "wss")
        tasks.cancel_scope.cancel()


def welcome(resume: str = "snapshot", offset: int = 10, ping_interval_ms: float = 10_000) -> dict[str, Any]:
    return {
        "op": "welcome",
        "protocol": 1,
        "session": "s",
        "resume": resume,
        "reason": "first" if resume == "snapshot" else None,
        "cursor": {"epoch": "e", "offset": offset},
        "server_time": 0,
        "policy": {"ping_interval_ms": ping_interval_ms},
        "source": "live",
    }


def snapshot(offset: int = 10, reason: str = "first", **more: Any) -> dict[str, Any]:
    cursor = {"epoch": "e", "offset": offset}
    parts: dict[str, Any] = {"gateways": [], "agents": [], "messages": [], "feed": []}
    return {"op": "snapshot", "reason": reason, "cursor": cursor, **parts, **more}


def happened(*offsets: int, after: int | None = None) -> dict[str, Any]:
    """An events frame with an activity at each offset; ``after`` is the cursor after it."""
    events = [
        {
            "event_id": f"a{offset}",
            "timestamp": offset,
            "agent_id": "alpha",
            "type": "activity.event",
            "payload": {"kind": "run.started", "title": "begins", "run_id": "r"},
            "sequence": offset,
            "gateway": "gw",
            "offset": offset,
        }
        for offset in offsets
    ]
    return {"op": "events", "events": events, "offset": offsets[-1] if after is None else after}
