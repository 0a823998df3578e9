"""A blocking WebSocket client, the bottom of the test's own clients.

It shares no code with the program's clients, so that the two can't be wrong in the same way.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from attrs import define, field
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

PATIENCE_S = 60.0
"""How long anything is waited for before the test fails: long, since it costs time only when something is broken."""

T = TypeVar("T")


class ConnectionLost(Exception):
    """The connection ended while something was awaited. `code` is the close code: 1006 if there was none, or the HTTP
    status if the connection was refused."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@define
class Wire:
    """One connection. `receive` is called with each text message, on a thread of the connection's own and under the
    lock of `news`; after it, and when the connection has ended, everyone who waits for `news` is woken."""

    url: str
    receive: Callable[[str], None]
    subprotocol: str | None = None
    origin: str | None = None
    closed: ConnectionLost | None = None
    news: threading.Condition = field(factory=threading.Condition)
    _socket: socket.socket = field(init=False)
    _protocol: WSConnection = field(init=False)
    _reader: threading.Thread = field(init=False)
    _writing: threading.Lock = field(factory=threading.Lock)
    _accepted: bool = False

    def open(self) -> None:
        """Connect, and return once the server has accepted. Raises OSError, ConnectionLost."""
        where = urlsplit(self.url)
        self._socket = socket.create_connection((where.hostname, where.port), PATIENCE_S)
        self._socket.settimeout(None)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._write(
            Request(
                host=where.netloc,
                target=where.path or "/",
                subprotocols=[self.subprotocol] if self.subprotocol else [],
                extra_headers=[(b"Origin", self.origin.encode())] if self.origin else [],
            )
        )
        self._reader = threading.Thread(target=self._read, name="wire", daemon=True)
        self._reader.start()
        try:
            self.wait_for(lambda: self._accepted or None)
        except BaseException:
            self.close()
            raise

    def send(self, text: str) -> None:
        """What is sent after the end of the connection is lost, as it is just before: waiting for an answer tells."""
        with suppress(LocalProtocolError, OSError):
            self._write(TextMessage(data=text))

    def close(self) -> None:
        """Idempotent."""
        self._hang_up()
        self._reader.join(PATIENCE_S)
        self._socket.close()

    def wait_for(self, found: Callable[[], T | None], within: float = PATIENCE_S) -> T:
        """What `found` gives once that is not None; asked again after each message. Raises TimeoutError, and
        ConnectionLost when there will be no more messages."""
        deadline = time.monotonic() + within
        with self.news:
            while True:
                result = found()
                if result is not None:
                    return result
                if self.closed is not None:
                    raise self.closed
                if not self.news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"not received within {within} s")

    def wait_closed(self, within: float = PATIENCE_S) -> ConnectionLost:
        """Wait until the other side ends the connection."""
        with self.news:
            if not self.news.wait_for(lambda: self.closed is not None, within):
                raise TimeoutError(f"still connected after {within} s")
        assert self.closed is not None
        return self.closed

    def _hang_up(self) -> None:
        with suppress(OSError):  # the other side was faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def _write(self, event: Event) -> None:
        with self._writing:
            self._socket.sendall(self._protocol.send(event))

    def _read(self) -> None:
        end, text = ConnectionLost(1006, ""), ""
        try:
            while data := self._socket.recv(1 << 20):
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    match event:
                        case TextMessage():
                            text += event.data
                            if event.message_finished:
                                self._arrived(text)
                                text = ""
                        case Ping():
                            self._write(event.response())
                        case CloseConnection():
                            end = ConnectionLost(event.code, event.reason or "")
                            self._write(event.response())
                        case RejectConnection():
                            end = ConnectionLost(event.status_code, "refused")
                        case AcceptConnection():
                            self._accept()
        except OSError:  # closed under us: the same as an end without a goodbye
            pass
        self._hang_up()  # a gateway that shuts down waits for its clients' ends of the connections
        with self.news:
            self.closed = end
            self.news.notify_all()

    def _accept(self) -> None:
        with self.news:
            self._accepted = True
            self.news.notify_all()

    def _arrived(self, text: str) -> None:
        with self.news:
            self.receive(text)
            self.news.notify_all()
