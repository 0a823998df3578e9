"""The WebSocket to the daemon (RFC 6455), on trio and asyncio. No other file here knows which library speaks it.

``websockets`` does the protocol without I/O; this file moves its bytes over an anyio stream. Whatever goes wrong ends
in :class:`LinkLost`. There are no timeouts but the goodbye's: the session decides what is too long.
"""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from mission_control.client.states import LOST

GOODBYE_S: Final = 1.0
"""How long a polite goodbye may take."""
_NOT_SUPPORTED: Final = 1003
_BROKEN: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.BusyResourceError)

_log: Final = logging.getLogger(__name__)
_log.setLevel(logging.INFO)  # on DEBUG the library would log whole frames, and with the hello the token


class LinkLost(Exception):
    """There is no link, or no longer. ``code`` is the WebSocket close code, 1006 when there was no close frame."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Link:
    """An open WebSocket. One task receives; any task may send, unless it is cancelled in the middle of it."""

    def __init__(self, stream: ByteStream, protocol: ClientProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._sending = anyio.Lock()
        self._parts: list[bytes] = []

    async def receive(self) -> list[bytes]:
        """The text messages that have arrived, in order, at least one. Not checked to be UTF-8. Raises LinkLost."""
        while True:
            messages = self._messages()
            if messages:
                return messages
            self._check()
            await self._pull()

    async def send(self, text: str) -> None:
        """Send a text message. Raises LinkLost."""
        self._check()
        self._protocol.send_text(text.encode())
        await self._flush()

    async def _shake_hands(self, where: str) -> None:
        """Raises LinkLost."""
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            await self._pull()
        if self._protocol.handshake_exc is not None:
            raise LinkLost(LOST, _refusal(where, self._protocol.handshake_exc))
        if self._protocol.subprotocol is None:
            raise LinkLost(LOST, f"{where} opened a WebSocket, but does not speak the stream protocol")

    async def _pull(self) -> None:
        """Take what comes next from the network, and answer pings and the like."""
        try:
            self._protocol.receive_data(await self._stream.receive())
        except anyio.EndOfStream:
            self._protocol.receive_eof()
        except (*_BROKEN, OSError) as broken:
            raise LinkLost(LOST, "the connection was lost") from broken
        await self._flush()

    async def _flush(self) -> None:
        async with self._sending:
            try:
                for data in self._protocol.data_to_send():
                    if data:  # an empty one asks to close for writing, which closing the whole connection does
                        await self._stream.send(data)
            except (*_BROKEN, OSError) as broken:
                raise LinkLost(LOST, "the connection was lost") from broken

    def _messages(self) -> list[bytes]:
        messages: list[bytes] = []
        for event in self._protocol.events_received():
            if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                continue
            if event.opcode is Opcode.BINARY:
                self._protocol.fail(_NOT_SUPPORTED, "a message is not text")
                break
            self._parts.append(bytes(event.data))
            if event.fin:
                messages.append(b"".join(self._parts))
                self._parts.clear()
        return messages

    def _check(self) -> None:
        """Raise LinkLost once the link has ended."""
        if self._protocol.state is State.OPEN:
            return
        close = self._protocol.close_rcvd or self._protocol.close_sent
        raise LinkLost(LOST, "the connection was lost") if close is None else LinkLost(close.code, close.reason)

    async def _leave(self) -> None:
        """Say goodbye if that can still be heard, and do not wait for the answer."""
        with anyio.move_on_after(GOODBYE_S, shield=True):
            try:
                if self._protocol.state is State.OPEN:
                    self._protocol.send_close(1000)
                await self._flush()
            except LinkLost:
                pass


@asynccontextmanager
async def open_link(
    url: str, *, max_message: int, subprotocol: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Link]:
    """Open a link to ``url`` (ws or wss) and close it at the end.

    Certificates are checked against the system's, or as ``tls`` says. A message of more than ``max_message`` bytes ends
    the link with code 1009.

    Raises:
        LinkLost: the link could not be opened.
        ValueError: ``url`` is not that of a WebSocket.
    """
    uri = parse_url(url)
    stream = await _connect(uri, tls)
    try:
        protocol = ClientProtocol(uri, subprotocols=[Subprotocol(subprotocol)], max_size=max_message, logger=_log)
        link = Link(stream, protocol)
        await link._shake_hands(f"{uri.host}:{uri.port}")
        try:
            yield link
        finally:
            await link._leave()
    finally:
        await anyio.aclose_forcefully(stream)


def parse_url(url: str) -> WebSocketURI:
    """Raises ValueError, whose text names the remedy."""
    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError) as wrong:
        raise ValueError(f"{wrong}; give the stream's address as ws://HOST:PORT/v1/stream, or wss://") from None
    if uri.username is not None:
        raise ValueError("a user name in the address is of no use; give the operator token as token=")
    return uri


async def _connect(uri: WebSocketURI, tls: ssl.SSLContext | None) -> ByteStream:
    where = f"{uri.host}:{uri.port}"
    try:
        if uri.secure:
            return await anyio.connect_tcp(uri.host, uri.port, tls=True, ssl_context=tls, tls_standard_compatible=False)
        return await anyio.connect_tcp(uri.host, uri.port)
    except ssl.SSLCertVerificationError as untrusted:
        why = f"the certificate of {uri.host} was not accepted: {untrusted.verify_message}"
    except (*_BROKEN, ssl.SSLError) as broken:
        why = f"no TLS connection to {where} ({broken or 'the connection was lost'}); is it ws:// there?"
    except OSError as error:
        refused = _contains(error, ConnectionRefusedError)
        why = f"nothing listens on {where}" if refused else f"{where} could not be reached ({error.__cause__ or error})"
    raise LinkLost(LOST, why)


def _refusal(where: str, reason: Exception) -> str:
    if isinstance(reason, InvalidStatus):
        answer = f"{reason.response.status_code} {reason.response.reason_phrase}".rstrip()
        return f"{where} answered {answer!r} instead of opening a WebSocket"
    if isinstance(reason, InvalidHandshake) and reason.__cause__ is None:
        return f"{where} opened no proper WebSocket: {reason}"
    return f"{where} ended the connection before a WebSocket was open"


def _contains(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error, its cause, or any member of a group among them is of a kind."""
    if error is None or isinstance(error, kind):
        return error is not None
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return _contains(error.__cause__, kind) or any(_contains(member, kind) for member in members)
