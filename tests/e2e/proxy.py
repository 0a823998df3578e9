"""A network between two programs that the test can cut."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from attrs import define, field


@define
class CuttableNetwork:
    """Forwards TCP connections to `target`, a URL; `url` is that of the same thing through the network.

    `cut` ends all connections and refuses new ones until `restore`. With a gateway's `token` it can be given to a
    daemon in the gateway's place.
    """

    target: str
    token: str = ""
    _listener: socket.socket = field(init=False)
    _lock: threading.Lock = field(factory=threading.Lock)
    _ends: list[socket.socket] = field(factory=list)
    _is_cut: bool = False

    def __attrs_post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, name="network", daemon=True).start()

    @property
    def url(self) -> str:
        return f"{urlsplit(self.target).scheme}://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        for end in ends:
            hang_up(end)

    def restore(self) -> None:
        with self._lock:
            self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        where = urlsplit(self.target)
        with self._lock:
            if self._is_cut:
                near.close()
                return
            try:
                far = socket.create_connection((where.hostname, where.port))
            except OSError:  # no gateway there: as if it was not reached
                near.close()
                return
            self._ends += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=forward, args=(source, sink), name="network", daemon=True).start()


def forward(source: socket.socket, sink: socket.socket) -> None:
    with source:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        hang_up(sink)


def hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
