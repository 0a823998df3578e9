"""A network in memory between the daemon's transport and a simulated gateway: as fast as can be, and cut at will."""

from collections.abc import Awaitable, Callable

import trio
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_pair

from mission_control.gateways.transport import LinkFailed

Serve = Callable[[trio.abc.Stream], Awaitable[None]]


class Network:
    """``connect`` stands in the place of the transport's own way to a socket. Nobody is there while it is shut."""

    def __init__(self, nursery: trio.Nursery, serve: Serve) -> None:
        self._nursery = nursery
        self._serve = serve
        self.opened = trio.Event()
        self.opened.set()

    @property
    def is_open(self) -> bool:
        return self.opened.is_set()

    def shut(self) -> None:
        if self.is_open:
            self.opened = trio.Event()

    def open(self) -> None:
        self.opened.set()

    async def connect(self, endpoint: object) -> "Wire":
        await trio.lowlevel.checkpoint()
        if not self.is_open:
            raise LinkFailed("connection refused", "Is the gateway running?")
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self._serve, theirs)
        return Wire(ours)


class Wire(trio.abc.Stream):
    """An end of a connection that is, like one of a socket, closed by force as well."""

    def __init__(self, stream: "trio.StapledStream[MemorySendStream, MemoryReceiveStream]") -> None:
        self._stream = stream

    @property
    def socket(self) -> "Wire":
        return self

    def close(self) -> None:
        self._stream.send_stream.close()
        self._stream.receive_stream.close()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()
