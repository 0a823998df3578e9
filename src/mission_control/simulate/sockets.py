"""Sockets of the simulated gateway: the address that it listens at, and the sending side of a connection."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import trio
from trio_websocket import WebSocketConnection

from mission_control.settings import Address
from mission_control.simulate.fanout import Outlet

_CLOSE_SECONDS = 5.0
_STUCK_SECONDS = 30.0


class Shutter(Protocol):
    """What keeps connections out while it is shut."""

    def shut(self) -> None: ...

    def open(self) -> None: ...


class Door:
    """An address at which connections are taken while the door is open, the same one each time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._opened = trio.Event()
        self._listening = trio.CancelScope()

    async def serve(
        self,
        handler: Callable[[trio.SocketStream], Awaitable[object]],
        *,
        task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen until cancelled; tells its URL. Connections outlive a door that is shut.

        Raises:
            OSError: the address cannot be listened on.
        """
        async with trio.open_nursery() as connections:
            while True:
                listeners = await trio.open_tcp_listeners(self._address.port, host=self._address.host)
                self._address = Address(self._address.host, listeners[0].socket.getsockname()[1])
                self._opened = trio.Event()
                task_status.started(f"ws://{self._address}")
                task_status = trio.TASK_STATUS_IGNORED
                with trio.CancelScope() as self._listening:
                    await trio.serve_listeners(handler, listeners, handler_nursery=connections)
                await self._opened.wait()

    def shut(self) -> None:
        self._listening.cancel()

    def open(self) -> None:
        self._opened.set()


async def talk(connection: WebSocketConnection, stream: "SharedStream", outlet: Outlet) -> None:
    """Send what is queued until the farewell, and say that too; give up on a client that takes nothing."""
    while True:
        wire = await outlet.get()
        if outlet.farewell is not None and not wire:
            break
        with trio.move_on_after(_STUCK_SECONDS) as patience:
            await stream.send_all(wire)
        if patience.cancelled_caught:
            return
    with trio.move_on_after(_CLOSE_SECONDS):
        await connection.aclose(*outlet.farewell)


class SharedStream(trio.abc.Stream):
    """A stream that two may write to: the library its handshake and control frames, we the events, made beforehand."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._sending = trio.StrictFIFOLock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        async with self._sending:
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        async with self._sending:
            await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()
