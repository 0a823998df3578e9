"""The simulated gateway on a socket: the thin part that has a clock, tasks and connections."""

import math
import secrets
from collections.abc import Callable, Mapping
from typing import Never

import trio
from attrs import frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from mission_control.settings import Address
from mission_control.simulate.chronicle import Witness, unwitnessed
from mission_control.simulate.clawdbot import ClawdbotSource
from mission_control.simulate.envelope import EnvelopeSource
from mission_control.simulate.fanout import Fanout, Outlet
from mission_control.simulate.faults import NO_FAULTS, Faults, Outage, outages
from mission_control.simulate.faulty import FaultyFanout
from mission_control.simulate.fleet import Dialect, Fleet
from mission_control.simulate.framing import text_frame
from mission_control.simulate.gateway import (
    HEALTH_SECONDS,
    MAX_BUFFERED_BYTES,
    MAX_PAYLOAD_BYTES,
    TICK_SECONDS,
)
from mission_control.simulate.openclaw import OpenclawSource
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.sockets import Door, SharedStream, Shutter, talk
from mission_control.simulate.source import Desk, Source
from mission_control.truth import Cut, Restart

_HANDSHAKE_SECONDS = 10.0
_MOMENT_SECONDS = 0.001  # steps that are due within a moment are played together
_LATENESS_SECONDS = 1.0  # a simulation that was suspended does not catch up on more than this

Clock = Callable[[], int]
"""Gives the time in ms since the epoch."""


_SOURCES: Mapping[Dialect, Callable[[Fleet, str, int, Witness], Source]] = {
    "clawdbot": ClawdbotSource,
    "openclaw": OpenclawSource,
    "envelope": EnvelopeSource,
}


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
    door = Door(Address(host, port))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(door.serve, simulation.serve)
        task_status.started(SimulationAddress(url, token))
        nursery.start_soon(simulation.keep_time)
        await simulation.play()
    raise AssertionError("a server ends only when it is cancelled")


class Simulation:
    """A simulated gateway and its tasks; ``witness`` is told what really happens, whatever the faults hide of it."""

    def __init__(
        self,
        fleet: Fleet,
        token: str,
        clock: Clock,
        faults: Faults = NO_FAULTS,
        witness: Witness = unwitnessed,
        dialect: Dialect = "clawdbot",
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._faults = faults
        self._witness = witness
        self._source: Source = _SOURCES[dialect](fleet, token, clock(), witness)
        self._schedule = Schedule(fleet, self._source.agents_by_id)
        self._fanout = FaultyFanout(faults, fleet.random) if faults else Fanout()
        self._conversations: dict[Outlet, trio.CancelScope] = {}
        self._up = trio.Event()
        self._up.set()
        self._began = trio.current_time()
        self._resting = trio.CancelScope()
        self._had_clients = False
        self._heard = trio.Event()

    # What happens by itself. Each method is a task.

    async def play(self) -> Never:
        """Let the agents act when their scripts say so."""
        self._began = trio.current_time()
        while True:
            await self._up.wait()
            due = self._began + self._schedule.next_at
            with trio.CancelScope() as self._resting:
                await trio.sleep_until(max(due, trio.current_time() + _MOMENT_SECONDS))
            if self._resting.cancelled_caught or not self._up.is_set():
                continue
            late = trio.current_time() - due
            self._began += late if late > _LATENESS_SECONDS else 0
            for agent_id, action in self._schedule.take(until=trio.current_time() - self._began):
                self._fanout.publish(self._source.act(agent_id, action, self._clock()))

    async def keep_time(self) -> None:
        """Ticks and health, and the line's own delays."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.tick)
            nursery.start_soon(self.report_health)
            if isinstance(self._fanout, FaultyFanout):
                nursery.start_soon(self._fanout.run)

    async def tick(self) -> Never:
        """Tell everyone every 30 s that the gateway lives."""
        while True:
            await trio.sleep(TICK_SECONDS)
            self._fanout.publish(self._source.tick(self._clock()))

    async def report_health(self) -> Never:
        """Tell everyone the state of all agents every 60 s."""
        while True:
            await trio.sleep(HEALTH_SECONDS)
            self._publish_health()

    async def cut_now_and_then(self) -> None:
        """Cut every connection, as often as the faults say."""
        for outage in outages(self._faults.disconnect, self._fleet.random("faults/disconnect")):
            await trio.sleep(outage.wait)
            self.cut(abrupt=outage.abrupt)

    def cut(self, *, abrupt: bool) -> None:
        """Cut every connection, in order or without a word."""
        self._witness(Cut(self._clock(), "abrupt" if abrupt else "closed"))
        self._hang_up(None if abrupt else (1001, ""))

    async def restart_now_and_then(self, door: Shutter) -> None:
        """End the gateway's process and begin it anew, as often as the faults say."""
        for outage in outages(self._faults.restart, self._fleet.random("faults/restart")):
            await trio.sleep(outage.wait)
            with trio.CancelScope(shield=True):  # whoever ends the faults finds the gateway up
                await self.restart(outage, door)

    async def restart(self, outage: Outage, door: Shutter) -> None:
        """End the gateway's process now, and begin it anew when the outage is over."""
        at = self._clock()
        door.shut()
        if not outage.abrupt:
            self._fanout.publish(self._source.shutdown(round(outage.down * 1000)))
        self._source.die(at)
        self._up = trio.Event()
        self._resting.cancel()
        self._hang_up(None if outage.abrupt else (1012, "service restart"))
        await trio.sleep(outage.down)
        self._source.boot(self._clock())
        self._schedule.restart(trio.current_time() - self._began)
        self._up.set()
        door.open()
        self._witness(Restart(at, self._clock(), "abrupt" if outage.abrupt else "announced"))

    def _hang_up(self, farewell: tuple[int, str] | None) -> None:
        """End every connection, with a close frame after what is under way, or at once and without a word."""
        if farewell is None:
            self._fanout.lose()
        else:
            self._fanout.arrive()
        for outlet, conversation in self._conversations.items():
            self._fanout.discard(outlet)
            if farewell is None:
                conversation.cancel()
            else:
                outlet.close(*farewell)

    # The end: nothing goes wrong any more.

    def conclude(self) -> None:
        """Every agent brings its run to an end, and all of it arrives."""
        self._fanout.settle()
        now = self._clock()
        self._fanout.publish([*self._source.conclude(now), *self._source.tick(now)])

    async def wait_quiet(self, seconds: float) -> None:
        """Return when no client has said anything for so long. If there were any, one is waited for."""
        while True:
            self._heard = trio.Event()
            with trio.move_on_after(seconds) as patience:
                await self._heard.wait()
            if patience.cancelled_caught and (self._fanout.outlets or not self._had_clients):
                return

    def say_goodbye(self) -> None:
        """Close every connection."""
        self._hang_up((1012, "service restart"))

    # Connections.

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; whatever its client does ends that connection and nothing else."""
        shared = SharedStream(stream)
        try:
            async with shared, trio.open_nursery() as nursery:
                connection = None
                with trio.move_on_after(_HANDSHAKE_SECONDS):
                    request = await wrap_server_stream(nursery, shared, max_message_size=MAX_PAYLOAD_BYTES)
                    connection = await request.accept()
                if connection is not None and self._up.is_set():
                    await self._converse(connection, shared)
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _converse(self, connection: WebSocketConnection, stream: SharedStream) -> None:
        desk = self._source.desk()
        outlet = Outlet(math.inf if self._faults.stall else MAX_BUFFERED_BYTES)
        for frame in desk.greet(self._clock()):
            self._fanout.answer(outlet, frame)
        try:
            async with trio.open_nursery() as nursery:
                self._conversations[outlet] = nursery.cancel_scope
                nursery.start_soon(self._listen, connection, desk, outlet, nursery.cancel_scope)
                await talk(connection, stream, outlet)
                nursery.cancel_scope.cancel()
        finally:
            del self._conversations[outlet]
            self._fanout.discard(outlet)
            if desk.leave(self._clock()) and self._up.is_set():
                self._fanout.publish(self._source.presence(self._clock()))

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
                self._heard.set()
                reply = desk.receive(message, self._clock())
                if reply.close is not None:
                    for frame in reply.frames:
                        outlet.put(text_frame(frame))
                    outlet.close(*reply.close)
                    return
                for frame in reply.frames:
                    self._fanout.answer(outlet, frame)
                if reply.joined:
                    joined = self._had_clients = True
                    self._fanout.add(outlet)
                    self._publish_health()
        except ConnectionClosed:
            conversation.cancel()

    def _publish_health(self) -> None:
        self._fanout.publish(self._source.health(self._clock()))
