"""A WebSocket server that does exactly what a test tells it, down to the bytes."""

import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Request

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]
Handler = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection; the handshake is up to the test."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.request: Request | None = None
        self._ws = WSConnection(ConnectionType.SERVER)

    async def accept(self) -> Request:
        request = await self.next_event()
        assert isinstance(request, Request)
        await self.send(AcceptConnection())
        self.request = request
        return request

    async def send(self, *events: Event) -> None:
        await self.stream.send_all(b"".join(map(self._ws.send, events)))

    async def next_event(self) -> Event | None:
        """The next event from the client; None when it has hung up."""
        while True:
            for event in self._ws.events():
                return event
            data = await self.stream.receive_some()
            if not data:
                return None
            self._ws.receive_data(bytes(data))

    async def close(self, code: int, reason: str) -> None:
        """Close politely: wait for the client's answer before the connection is dropped."""
        await self.send(CloseConnection(code=code, reason=reason))
        answer = await self.next_event()
        assert isinstance(answer, CloseConnection)
        await self.stream.aclose()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        socket = (self.stream.transport_stream if isinstance(self.stream, trio.SSLStream) else self.stream).socket
        socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close()


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on loopback with ``handler`` for every connection; gives the port. A client may leave at any time."""

    async def handle(stream: Stream) -> None:
        try:
            async with stream:
                await handler(Peer(stream))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listeners[0].socket.getsockname()[1]
        if context is None:
            nursery.start_soon(trio.serve_listeners, handle, listeners)
        else:
            secured = [trio.SSLListener(listener, context, https_compatible=True) for listener in listeners]
            nursery.start_soon(trio.serve_listeners, handle, secured)
        yield port
        nursery.cancel_scope.cancel()
