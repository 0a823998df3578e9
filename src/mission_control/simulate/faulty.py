"""A fan-out whose frames go through a line with faults."""

from collections.abc import Iterable
from typing import Never

import trio

from mission_control.simulate.fanout import Fanout, Outlet
from mission_control.simulate.faults import Chance, FaultLine, Faults

Recipients = tuple[Outlet, ...]


class FaultyFanout(Fanout):
    """Who was not there when a frame was said does not get it late. :meth:`run` it for as long as it is used."""

    def __init__(self, faults: Faults, chance: Chance) -> None:
        super().__init__()
        self._line: FaultLine[Recipients] = FaultLine(faults, chance)
        self._began = trio.current_time()
        self._sooner = trio.Event()

    async def run(self) -> Never:
        """Deliver what is held back when it is due."""
        while True:
            self._sooner = trio.Event()
            due = self._line.next_at
            with trio.move_on_at(self._began + due) as waiting:
                await self._sooner.wait()
            if waiting.cancelled_caught:  # then it is due, whatever is left of the time by rounding
                self._deliver(self._line.take(max(due, self._now)))

    def publish(self, frames: Iterable[bytes]) -> None:
        to = self.outlets
        for frame in frames:
            self._line.say(frame, to, self._now)
        self._deliver(self._line.take(self._now))
        self._sooner.set()

    def answer(self, outlet: Outlet, frame: bytes) -> None:
        self._line.answer(frame, (outlet,), self._now)
        self._deliver(self._line.take(self._now))
        self._sooner.set()

    def arrive(self) -> None:
        self._deliver(self._line.arrive())

    def settle(self) -> None:
        self._line.settle()
        self.arrive()

    def lose(self) -> None:
        self._line.lose()

    def _deliver(self, passed: Iterable[tuple[bytes, Recipients]]) -> None:
        for wire, to in passed:
            for outlet in to:
                outlet.put(wire)

    @property
    def _now(self) -> float:
        return trio.current_time() - self._began
