"""The simulated gateway on a socket: the thin part that has a clock, tasks and connections."""

import math
import secrets
from collections.abc import Callable
from typing import Never

import trio
from attrs import frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from mission_control.simulate.desk import Desk
from mission_control.simulate.fanout import Fanout, Outlet, text_frame
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import (
    HEALTH_SECONDS,
    MAX_BUFFERED_BYTES,
    MAX_PAYLOAD_BYTES,
    TICK_SECONDS,
    Gateway,
)
from mission_control.simulate.schedule import Schedule

_HANDSHAKE_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_STUCK_SECONDS = 30.0
_MOMENT_SECONDS = 0.001  # steps that are due within a moment are played together
_LATENESS_SECONDS = 1.0  # a simulation that was suspended does not catch up on more than this

Clock = Callable[[], int]
"""Gives the time in ms since the epoch."""


@frozen
class SimulationAddress:
    """Where the simulated gateway listens, and the token that it admits clients with."""

    url: str
    token: str


async def serve_simulation(
    fleet: Fleet,
    *,
    clock: Clock,
    token: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[SimulationAddress] = trio.TASK_STATUS_IGNORED,
) -> Never:
    """Serve a simulated gateway until cancelled. ``port`` 0 takes a free one; without a ``token`` it makes one up.

    Raises:
        OSError: the address cannot be listened on.
    """
    token = token or secrets.token_urlsafe(16)
    simulation = Simulation(fleet, token, clock)
    [listener] = await trio.open_tcp_listeners(port, host=host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulation.play)
        nursery.start_soon(simulation.tick)
        nursery.start_soon(simulation.report_health)
        bound = listener.socket.getsockname()[1]
        task_status.started(SimulationAddress(f"ws://{host}:{bound}", token))
        await trio.serve_listeners(simulation.serve, [listener])
    raise AssertionError("a server ends only when it is cancelled")


class Simulation:
    """The tasks of a simulated gateway; :func:`serve_simulation` runs all of them."""

    def __init__(self, fleet: Fleet, token: str, clock: Clock) -> None:
        self._clock = clock
        self._token = token
        self._gateway = Gateway(fleet, clock())
        self._schedule = Schedule(fleet, self._gateway.actors)
        self._fanout = Fanout()

    async def play(self) -> Never:
        """Let the agents act when their scripts say so."""
        began = trio.current_time()
        while True:
            due = began + self._schedule.next_at
            await trio.sleep_until(max(due, trio.current_time() + _MOMENT_SECONDS))
            late = trio.current_time() - due
            began += late if late > _LATENESS_SECONDS else 0
            for agent_id, action in self._schedule.take(until=trio.current_time() - began):
                self._fanout.publish(self._gateway.act(agent_id, action, self._clock()))

    async def tick(self) -> Never:
        """Tell everyone every 30 s that the gateway lives."""
        while True:
            await trio.sleep(TICK_SECONDS)
            self._fanout.publish([self._gateway.tick(self._clock())])

    async def report_health(self) -> Never:
        """Tell everyone the state of all agents every 60 s."""
        while True:
            await trio.sleep(HEALTH_SECONDS)
            self._publish_health()

    def _publish_health(self) -> None:
        self._fanout.publish([self._gateway.health_event(self._clock())])

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; whatever its client does ends that connection and nothing else."""
        shared = _SharedStream(stream)
        try:
            async with shared, trio.open_nursery() as nursery:
                connection = None
                with trio.move_on_after(_HANDSHAKE_SECONDS):
                    request = await wrap_server_stream(nursery, shared, max_message_size=MAX_PAYLOAD_BYTES)
                    connection = await request.accept()
                if connection is not None:
                    await self._converse(connection, shared)
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _converse(self, connection: WebSocketConnection, stream: "_SharedStream") -> None:
        desk = Desk(self._gateway, self._token)
        outlet = Outlet(MAX_BUFFERED_BYTES)
        outlet.put(text_frame(desk.greet(self._clock())))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, connection, desk, outlet, nursery.cancel_scope)
                await _talk(connection, stream, outlet)
                nursery.cancel_scope.cancel()
        finally:
            self._fanout.discard(outlet)
            if desk.leave(self._clock()):
                self._fanout.publish([self._gateway.presence_event(self._clock())])

    async def _listen(
        self, connection: WebSocketConnection, desk: Desk, outlet: Outlet, conversation: trio.CancelScope
    ) -> None:
        """Answer the client's messages until it is gone, or has let the time to introduce itself go by."""
        joined = False
        try:
            while True:
                with trio.move_on_after(math.inf if joined else _HANDSHAKE_SECONDS) as patience:
                    message = await connection.get_message()
                if patience.cancelled_caught:
                    outlet.close(1000, "")
                    return
                reply = desk.receive(message, self._clock())
                for frame in reply.frames:
                    outlet.put(text_frame(frame))
                if reply.close is not None:
                    outlet.close(*reply.close)
                    return
                if reply.joined:
                    joined = True
                    self._fanout.add(outlet)
                    self._publish_health()
        except ConnectionClosed:
            conversation.cancel()


async def _talk(connection: WebSocketConnection, stream: "_SharedStream", outlet: Outlet) -> None:
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


class _SharedStream(trio.abc.Stream):
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
