"""The WebSocket to a gateway (RFC 6455), client side. No other module knows which library speaks it.

trio-websocket does the handshake, answers pings and closes; the text messages, which are nearly all of the traffic, are
taken out of the byte stream before it (:mod:`mission_control.gateways.tap`). Whatever goes wrong ends in one of two
errors: :class:`LinkFailed` when the link could not be opened, :class:`LinkClosed` when it ended.

There are no timeouts here: opening, sending and receiving last until they are done or cancelled.
"""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import trio
from attrs import frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto.utilities import LocalProtocolError

from mission_control.gateways.framing import Oversized
from mission_control.gateways.tap import InboxStatistics, TapStream

_CLOSE_SECONDS = 1.0  # how long a polite goodbye may take


class LinkFailed(Exception):
    """The link could not be opened. ``remedy`` tells the operator what to do about it, in a line
    that may stand behind ``message`` and a semicolon."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class LinkClosed(Exception):
    """The peer or the network ended the link.

    ``code`` is the WebSocket close code, 1005 for a close frame without one, None when there was no close frame.
    ``by_peer``: the peer has closed it; else the network, or this side because of what the peer sent.
    """

    def __init__(self, code: int | None, reason: str, *, by_peer: bool = False) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason
        self.by_peer = by_peer

    def __str__(self) -> str:
        return self.reason if self.code is None else f"{self.code} {self.reason}".rstrip()


@frozen
class _Endpoint:
    host: str
    port: int
    tls: bool
    target: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Link:
    """An open WebSocket to a gateway. One task receives; any task may send."""

    def __init__(self, connection: WebSocketConnection, tap: TapStream, peer: str) -> None:
        self.peer = peer
        """Where the link leads to, as ``host:port``."""
        self._connection = connection
        self._tap = tap
        self._end: LinkClosed | None = None
        self._cut_short = False

    async def receive(self) -> Sequence[bytes | Oversized]:
        """The oldest complete messages that have arrived, in order, at least one. Not checked to be text, nor UTF-8.
        An :class:`~mission_control.gateways.framing.Oversized` stands for one that was too large.

        At most 256 messages or about 128 KiB of them come at once, so that handling them does not hold up the loop. The
        socket is not read while more than about a mebibyte waits here, so that a peer's own limits apply.

        Raises:
            LinkClosed: the link has ended, and all that came before its end has been received.
        """
        messages = await self._tap.inbox.get()
        if not messages:
            raise self._ended()
        return messages

    async def send(self, text: str) -> None:
        """Send a text message. If it is cancelled half-way the link is of no more use, and ends.

        Raises:
            LinkClosed: the link has ended.
        """
        try:
            await self._connection.send_message(text)
        except (ConnectionClosed, LocalProtocolError, trio.ClosedResourceError):
            raise self._ended() from None
        except trio.Cancelled:
            self._cut_short = True
            self._finish(None, "a send was cut short")
            raise

    def statistics(self) -> InboxStatistics:
        """What has arrived and was not received yet."""
        return self._tap.inbox.statistics()

    async def _deliver(self) -> None:
        """Hand over what the library received itself (fragmented messages), until it says that the link has ended."""
        while True:
            try:
                message = await self._connection.get_message()
            except ConnectionClosed:
                closed = self._connection.closed
                if closed is None or closed.code == 1006:
                    self._finish(None, "the connection was lost")
                else:
                    self._finish(closed.code, closed.reason or "", by_peer=self._tap.closed_by_peer)
                return
            self._tap.inbox.pay(message if isinstance(message, bytes) else message.encode())

    def _finish(self, code: int | None, reason: str, *, by_peer: bool = False) -> None:
        if self._end is None:
            self._end = LinkClosed(code, reason, by_peer=by_peer)
        self._tap.inbox.close()

    def _ended(self) -> LinkClosed:
        end = self._end or LinkClosed(None, "the link is closing")
        return LinkClosed(end.code, end.reason, by_peer=end.by_peer)


@asynccontextmanager
async def open_link(url: str, *, max_message: int, subprotocol: str | None = None) -> AsyncIterator[Link]:
    """Open a link to ``url`` (ws or wss; certificates are checked against the system's) and close it at the end.

    ``subprotocol`` is offered if there is one. A message of more than ``max_message`` bytes is left out and told; one
    that comes in fragments ends the link with code 1009. No Origin header is sent: gateways take one for a browser's.

    Raises:
        LinkFailed: the link could not be opened.
    """
    endpoint = _endpoint(url)
    socket = await _connect(endpoint)
    raised: BaseException | None = None
    try:
        stream = await _secure(socket, endpoint) if endpoint.tls else socket
        # What the body raises is carried around the nursery, which would wrap it in a group.
        async with trio.open_nursery() as nursery:
            link: Link | None = None
            try:
                link = await nursery.start(
                    _run, TapStream(stream, max_message=max_message), endpoint, max_message, subprotocol
                )
                yield link
            except BaseException as error:
                raised = error
            if link is not None:
                with trio.move_on_after(_CLOSE_SECONDS):
                    await _close(link)
            nursery.cancel_scope.cancel()
    finally:
        socket.socket.close()
        if raised is not None:
            raise raised


async def _run(
    tap: TapStream,
    endpoint: _Endpoint,
    max_message: int,
    subprotocol: str | None,
    *,
    task_status: trio.TaskStatus[Link],
) -> None:
    """Keep the library running behind a link. Raises nothing but LinkFailed, and that only before the link is open."""
    link: Link | None = None
    fault: BaseException | None = None
    try:
        async with trio.open_nursery() as library:
            connection = await _shake_hands(library, tap, endpoint, max_message, subprotocol)
            if connection is not None:
                link = Link(connection, tap, f"{endpoint.host}:{endpoint.port}")
                task_status.started(link)
                await link._deliver()
            else:
                library.cancel_scope.cancel()
    except* Exception as faults:
        fault = faults.exceptions[0]
    if link is None:
        raise _refused(tap, endpoint) from fault
    if fault is not None:
        link._finish(None, f"the connection broke: {fault}")


async def _shake_hands(
    library: trio.Nursery, tap: TapStream, endpoint: _Endpoint, max_message: int, subprotocol: str | None
) -> WebSocketConnection | None:
    """The open connection, or None when the stream ended first, which the library itself would never notice."""
    connection = None
    async with trio.open_nursery() as opening:

        @opening.start_soon
        async def give_up() -> None:
            await tap.ended.wait()
            opening.cancel_scope.cancel()

        connection = await wrap_client_stream(
            library,
            # The library takes any stream, and says so in its documentation but not in its annotations.
            cast("trio.SocketStream", tap),
            endpoint.authority,
            endpoint.target,
            subprotocols=None if subprotocol is None else [subprotocol],
            max_message_size=max_message,
            receive_buffer_size=None,
        )
        opening.cancel_scope.cancel()
    return connection


async def _close(link: Link) -> None:
    """Say goodbye and wait for the answer, unless the peer would take the goodbye for the rest of a message."""
    link._finish(None, "the link was closed by this side")
    if link._cut_short:
        return
    try:
        await link._connection.aclose()
    except (ConnectionClosed, LocalProtocolError, trio.ClosedResourceError):
        return  # it was closed already


def _endpoint(url: str) -> _Endpoint:
    remedy = "give the gateway's address as ws://HOST:PORT or wss://HOST:PORT"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise LinkFailed(f"the address is malformed: {error}", remedy) from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise LinkFailed("the address is not that of a WebSocket", remedy)
    tls = parts.scheme == "wss"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Endpoint(parts.hostname, port or (443 if tls else 80), tls, target)


async def _connect(endpoint: _Endpoint) -> trio.SocketStream:
    where = f"{endpoint.host}:{endpoint.port}"
    try:
        return await trio.open_tcp_stream(endpoint.host, endpoint.port)
    except trio.socket.gaierror as error:
        raise LinkFailed(
            f"the host name {endpoint.host} could not be resolved ({error.strerror})",
            "check the host name in the gateway's address, and the network",
        ) from None
    except OSError as error:
        refused = _contains(error, ConnectionRefusedError)
        what = f"nothing listens on {where}" if refused else f"{where} could not be reached ({error})"
        raise LinkFailed(what, "start the gateway there, or correct its address") from None


async def _secure(socket: trio.SocketStream, endpoint: _Endpoint) -> trio.SSLStream[trio.SocketStream]:
    stream = trio.SSLStream(socket, ssl.create_default_context(), server_hostname=endpoint.host, https_compatible=True)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as broken:
        cause = broken.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise LinkFailed(
                f"the certificate of {endpoint.host} was not accepted: {cause.verify_message}",
                "give the gateway a certificate that this machine trusts, or reach it over ws:// through a tunnel",
            ) from None
        raise LinkFailed(
            f"no TLS connection to {endpoint.host}:{endpoint.port} ({cause or 'the connection was lost'})",
            "if the gateway does not serve TLS, use ws:// in its address",
        ) from None
    return stream


def _refused(tap: TapStream, endpoint: _Endpoint) -> LinkFailed:
    where = f"{endpoint.host}:{endpoint.port}"
    if tap.refusal is not None:
        return LinkFailed(
            f"{where} answered {tap.refusal!r} instead of opening a WebSocket",
            "check that the address is the gateway's own, with the right path, and that no proxy stands before it",
        )
    return LinkFailed(
        f"{where} ended the connection before a WebSocket was open",
        "check that a gateway listens there; if it serves TLS, use wss:// in its address",
    )


def _contains(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error, its cause, or any member of a group among them is of a kind."""
    if error is None or isinstance(error, kind):
        return error is not None
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return _contains(error.__cause__, kind) or any(_contains(member, kind) for member in members)
