"""Everything that hypercorn 0.18 needs to be trusted with subscribers. Nothing else imports hypercorn.

Its rules, each guarded by a test in ``tests/edge/test_guard.py`` that fails without it:

1. *A stuck client ends.* hypercorn sends in a shield without a deadline, so no ``move_on_after`` around an ASGI
   ``send`` ever fires. The kernel ends it instead: our listening sockets carry ``TCP_USER_TIMEOUT``, which accepted
   sockets inherit (Linux). :func:`abort` cuts a connection even in the middle of a send, on any system.
2. *A message is bounded before it is buffered.* hypercorn checks the size of a WebSocket message after taking it all.
3. *No permessage-deflate.* It costs every subscriber its own compression, and no setting of hypercorn's turns it off
   (hypercorn #307).
4. *Every send is a checkpoint.* After a disconnect hypercorn's ``send`` returns at once, so a loop around it would
   freeze the process.
5. *Someone always reads.* hypercorn queues ten inbound messages and then waits, with the connection's only reader, for
   an application that may be gone: the connection would leak.
6. *One request cannot end the server.* An exception in hypercorn's handling of one connection (a header that is no
   ASCII is enough) escapes into the nursery of all of them. And a WebSocket handshake that hypercorn itself refuses
   leaves the connection open without any timeout.
7. *Only HTTP/1.1.* The guards above are written for it, and hypercorn upgrades to HTTP/2 unasked.
8. *Shutdown is orderly and bounded.* ``serve`` is never cancelled (hypercorn #238): cancelling ours starts a shutdown.
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final, cast

import h11
import hypercorn.config
import hypercorn.protocol
import hypercorn.protocol.h11
import hypercorn.trio
import hypercorn.trio.run
import trio
from hypercorn.protocol.events import Event, Request, StreamClosed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import FrameTooLargeError, WSStream
from hypercorn.trio.tcp_server import TCPServer
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.events import Message as Part

from mission_control.core.frames import MAX_CLIENT_FRAME

USER_TIMEOUT_S: Final = 30.0
"""How long a client may take nothing of what was sent to it before the kernel resets the connection."""
GRACE_S: Final = 3.0
"""How long requests may go on after shutdown began."""
BACKLOG: Final = 1024

log = logging.getLogger(__name__)
_server_log = logging.getLogger("mission_control.edge.hypercorn")
_connection: ContextVar[trio.SocketStream] = ContextVar("connection")


async def listen(host: str, port: int, *, user_timeout_s: float = USER_TIMEOUT_S) -> list[socket.socket]:
    """Bind every address of ``host``, IPv4 and IPv6; ``::`` takes both families. Port 0 picks one for all of them.

    Raises:
        OSError: the name does not resolve, or an address cannot be bound; nothing stays bound.
    """
    infos = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(infos):
            taken = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_bind(family, (address[0], taken, *address[2:]), user_timeout_s))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bind(family: int, address: tuple[Any, ...], user_timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(user_timeout_s * 1000))
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


async def serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    shutdown: Callable[[], Awaitable[object]],
    grace_s: float = GRACE_S,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve ``app`` on bound sockets, which it takes over, until ``shutdown()`` returns or the caller is cancelled.

    From then on open requests have ``grace_s`` seconds; what is left is cut. WebSocket applications are not told of a
    shutdown: let ``shutdown`` end them before it returns.
    """
    config = _Config(sockets, grace_s)
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_serve, _Guarded(app), config, stopping, task_status)
        try:
            await shutdown()
        finally:
            stopping.set()


async def _serve(
    app: ASGIApp, config: "_Config", stopping: trio.Event, task_status: trio.TaskStatus[list[str]]
) -> None:
    async def cut_leftovers() -> None:
        await stopping.wait()
        await trio.sleep(config.graceful_timeout)
        for stream in config.connections:
            stream.socket.close()

    with trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cut_leftovers)
            await hypercorn.trio.serve(
                app,  # type: ignore[arg-type]  # hypercorn and Starlette name the same ASGI callable differently
                config,
                shutdown_trigger=stopping.wait,
                task_status=task_status,
            )
            nursery.cancel_scope.cancel()


def abort() -> None:
    """Cut the connection that the calling task serves, even while hypercorn is sending. Idempotent."""
    _connection.get().socket.close()


class _Config(hypercorn.config.Config):
    """hypercorn's settings, and the connections that are open under them."""

    def __init__(self, sockets: Sequence[socket.socket], grace_s: float) -> None:
        self.connections: set[trio.SocketStream] = set()
        # hypercorn makes its own socket objects of these numbers, so ours must let go of them.
        self.bind = [f"fd://{sock.detach()}" for sock in sockets]
        self.backlog = BACKLOG
        self.graceful_timeout = grace_s
        self.websocket_max_message_size = MAX_CLIENT_FRAME
        self.include_server_header = False
        self.accesslog = None
        _server_log.setLevel(logging.WARNING)  # at INFO it prints its own idea of the URL
        self.errorlog = _server_log


class _Guarded:
    """Rules 4 and 5, around the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            await exchange.finish()


class _Exchange:
    """One request's two directions. What ends its response is sent while everything that still comes in is discarded.

    hypercorn's last word to an application is a ``disconnect``. Reading up to it, and no further, leaves nobody waiting
    for room in the queue, since its streams drop what comes later.
    """

    def __init__(self, receive: Receive, send: Callable[[Any], Awaitable[None]]) -> None:
        self._receive = receive
        self._send = send
        self._disconnected = trio.Event()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] in ("http.disconnect", "websocket.disconnect"):
            self._disconnected.set()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send_last(message)
        else:
            await self._send(message)
        await trio.lowlevel.checkpoint()

    async def finish(self) -> None:
        """The application is done. hypercorn's name for that is None; it would say so after us, with nobody reading."""
        if not self._disconnected.is_set():
            await self._send_last(None)

    async def _send_last(self, message: Message | None) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._discard)
            await self._send(message)
            await self._disconnected.wait()
            nursery.cancel_scope.cancel()

    async def _discard(self) -> None:
        while True:
            await self.receive()


class _BoundedWSStream(WSStream):
    """Rules 2, 3 and the second half of 6.

    A message over the bound reaches the application cut off behind the part that passed it, and the rest is thrown
    away: the application, which checks the length anyway, is the one who knows how to say goodbye.
    """

    _taken = 0
    _skipping = False

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            event.headers[:] = [item for item in event.headers if item[0].lower() != b"sec-websocket-extensions"]
        await super().handle(event)

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Part):
                await self._take(event)
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                if self.connection.state is ConnectionState.REMOTE_CLOSING:
                    await self._send_wsproto_event(event.response())
                await self.send(StreamClosed(stream_id=self.stream_id))

    async def _send_error_response(self, status_code: int) -> None:
        await super()._send_error_response(status_code)
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _take(self, part: Part[Any]) -> None:
        if self.closed:
            return
        if not self._skipping:
            with suppress(FrameTooLargeError):  # it has taken the part all the same
                self.buffer.extend(part)
            self._taken += len(part.data.encode() if isinstance(part, TextMessage) else part.data)
            self._skipping = self._taken > MAX_CLIENT_FRAME
            if self._skipping or part.message_finished:
                assert self.app_put is not None
                await self.app_put(self.buffer.to_message())
                self.buffer.clear()
                self._taken = 0
        if part.message_finished:
            self._skipping = False


class _Http11Only(H11Protocol):
    """Rule 7: an offer of HTTP/2 is ignored, as RFC 9110 section 7.8 allows."""

    async def _check_protocol(self, event: h11.Request) -> None:
        pass


class _IsolatedTCPServer(TCPServer):
    """The first half of rule 6, and the list of connections for :func:`abort` and for shutdown."""

    async def run(self) -> None:
        assert isinstance(self.config, _Config)
        stream = cast("trio.SocketStream", self.stream)  # hypercorn's annotation knows only TLS
        self.config.connections.add(stream)
        _connection.set(stream)
        try:
            await super().run()
        except* Exception as failures:
            log.warning("a connection was dropped: its request broke the HTTP server", exc_info=failures)
        finally:
            self.config.connections.discard(stream)


# hypercorn looks its parts up in these modules each time it makes one; there is no other way in.
for _module, _name, _part in (
    (hypercorn.trio.run, "TCPServer", _IsolatedTCPServer),
    (hypercorn.protocol, "H11Protocol", _Http11Only),
    (hypercorn.protocol.h11, "WSStream", _BoundedWSStream),
):
    assert hasattr(_module, _name), f"hypercorn has no {_module.__name__}.{_name} any more"
    setattr(_module, _name, _part)
