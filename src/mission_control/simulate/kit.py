"""The simulated gateway as a program of its own: for a time, with faults, and with the truth at the end."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from mission_control.failures import unusable_address
from mission_control.simulate.faults import Faults
from mission_control.simulate.plan import Plan
from mission_control.simulate.server import Clock, Simulation
from mission_control.simulate.sockets import Door
from mission_control.truth import Header, Record, write_truth

QUIET_SECONDS: Final = 6.0
"""Clients that have asked for nothing for so long have what they want, or do without: ours waits 5 s for answers…"""
PATIENCE_SECONDS: Final = 30.0
"""…and are not waited for longer than this."""
BREATH_SECONDS: Final = 0.5
"""A retry never comes at once in life, and nobody could tell it from the attempt before it."""
_GOODBYE_SECONDS: Final = 1.0


def run_kit(plan: Plan, token: str, clock: Clock, announce: Callable[[str], None]) -> int:
    """Serve until the time is over or a signal comes (a second one ends at once), then write the truth.

    ``announce`` is called with the gateway's URL. Gives the exit code; SIGINT ends in KeyboardInterrupt.

    Raises:
        OSError: the address cannot be listened on, or the truth cannot be written.
    """
    if plan.truth is not None:
        plan.truth.touch()  # whoever cannot write it learns so now
    kit = _Kit(plan, token, clock)
    trio.run(kit.run, announce)
    if kit.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


def introduce(plan: Plan, url: str, token_file: Path) -> Iterator[str]:
    """What to tell whoever started it. The line that begins with ``gateway`` ends with the URL: programs read it."""
    fleet = plan.fleet
    pace = "at a natural pace" if fleet.rate is None else f"{fleet.rate:g} events/s each"
    yield f"gateway    {url}"
    yield f"token      in {token_file}"
    yield f"seed       {fleet.seed}"
    yield f"agents     {fleet.agents}, {fleet.profile}, {pace}"
    yield f"faults     {plan.faults or 'none'}"
    yield f"truth      {'kept nowhere: give --truth FILE' if plan.truth is None else f'in {plan.truth}, at the end'}"
    yield f"watch it   mission-control run --gateway {url} --gateway-token-file {token_file}"


def explain(error: BaseException, plan: Plan) -> str | None:
    """A failure of :func:`run_kit` with its remedy, or None when it is a fault of the program."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return explain(error.exceptions[0], plan)
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose another place with --truth"
    return unusable_address(error, plan.listen)


@define
class _Kit:
    plan: Plan
    token: str
    clock: Clock
    ended_by: int | None = field(init=False, default=None)
    _records: list[Record] = field(init=False, factory=list)

    async def run(self, announce: Callable[[str], None]) -> None:
        plan, began = self.plan, self.clock()
        simulation = Simulation(plan.fleet, self.token, self.clock, plan.faults, self._witness, plan.dialect)
        door = Door(plan.listen)
        try:
            async with trio.open_nursery() as nursery:
                announce(await nursery.start(door.serve, simulation.serve))
                life, rest = trio.CancelScope(), nursery.cancel_scope
                if plan.duration is not None:
                    life.deadline = trio.current_time() + plan.duration
                nursery.start_soon(simulation.keep_time)
                nursery.start_soon(self._end_on_signals, life, rest)
                with life:
                    await _live(simulation, door, plan.faults)
                await trio.sleep(BREATH_SECONDS)
                simulation.conclude()
                await _wait_until_quiet(simulation)
                door.shut()
                simulation.say_goodbye()
                await trio.sleep(_GOODBYE_SECONDS)
                nursery.cancel_scope.cancel()
        finally:
            if plan.truth is not None:
                write_truth(plan.truth, self._header(began), self._records)

    async def _end_on_signals(self, life: trio.CancelScope, rest: trio.CancelScope) -> None:
        """The first signal ends the agents' work, the second everything."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            scopes = iter((life, rest))
            async for number in signals:
                self.ended_by = number
                next(scopes, rest).cancel()

    def _witness(self, record: Record) -> None:
        if self.plan.truth is not None:
            self._records.append(record)

    def _header(self, began: int) -> Header:
        fleet = self.plan.fleet
        return Header(
            dialect=self.plan.dialect,
            seed=fleet.seed,
            agents=fleet.agents,
            profile=fleet.profile,
            rate=fleet.rate,
            faults=str(self.plan.faults),
            started_at=began,
            ended_at=self.clock(),
        )


async def _live(simulation: Simulation, door: Door, faults: Faults) -> None:
    """The agents at work, and what goes wrong meanwhile; for ever."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulation.play)
        if faults.disconnect:
            nursery.start_soon(simulation.cut_now_and_then)
        if faults.restart:
            nursery.start_soon(simulation.restart_now_and_then, door)


async def _wait_until_quiet(simulation: Simulation) -> None:
    """Let clients fetch what they still want. One that has just been cut may come back for it."""
    with trio.move_on_after(PATIENCE_SECONDS):
        await simulation.wait_quiet(QUIET_SECONDS)
