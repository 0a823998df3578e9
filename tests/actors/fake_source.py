"""A source of events behind a real WebSocket, in our own envelope, that does with its frames what a test says."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from tests.gateways.followed import Sent, Source


class FakeSource:
    """What it has said, or should have, is in its ``source``."""

    def __init__(self, *, boots: bool = True, resumes: bool = True) -> None:
        self.source = Source(boots, resumes)
        self.hellos: list[dict[str, Any]] = []
        self.connected = trio.Event()
        self.url = ""
        self._connections: set[WebSocketConnection] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeSource"]:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, self._serve, "127.0.0.1", 0, None)
            self.url = f"ws://127.0.0.1:{server.port}"
            yield self
            nursery.cancel_scope.cancel()

    def event(self) -> Sent:
        """An event that happens now, and is not said."""
        return self.source.event(time.time_ns() // 1_000_000)

    async def say(self, events: int = 1) -> None:
        for _ in range(events):
            await self.send(self.event())

    async def send(self, *sent: Sent) -> None:
        """Send events as they are, in one frame if there are several."""
        frames = [one.frame for one in sent]
        await self._send(frames[0] if len(frames) == 1 else frames)

    async def hang_up(self) -> None:
        """End every connection as a dying network does."""
        self.connected = trio.Event()
        for connection in list(self._connections):
            self._connections.discard(connection)
            await connection._stream.aclose()

    async def _send(self, frame: Any) -> None:
        for connection in list(self._connections):
            try:
                await connection.send_message(json.dumps(frame))
            except ConnectionClosed:
                self._connections.discard(connection)

    async def _serve(self, request: WebSocketRequest) -> None:
        connection = await request.accept()
        try:
            hello = json.loads(await connection.get_message())
            self.hellos.append(hello)
            for frame in self.source.answer(hello):
                await connection.send_message(json.dumps(frame))
            self._connections.add(connection)
            self.connected.set()
            while True:
                await connection.get_message()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            self._connections.discard(connection)
