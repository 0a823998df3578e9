"""When which agent does what: the scripts of a whole fleet merged into one sequence, in seconds since its start."""

import heapq
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mission_control.simulate.fleet import Fleet
from mission_control.simulate.profiles import scripts
from mission_control.simulate.script import Action
from mission_control.simulate.source import HasSessions

_Entry: TypeAlias = tuple[float, int, Action]


class Schedule:
    """The steps of all agents in order of time; equal for equal fleets."""

    def __init__(self, fleet: Fleet, actors: Mapping[str, HasSessions]) -> None:
        self._fleet = fleet
        self._actors = actors
        self._agents = list(actors)
        self._life = 0
        self._begin(0.0)

    @property
    def next_at(self) -> float:
        """When the next step is due."""
        return self._next[0][0]

    def take(self, until: float) -> Iterator[tuple[str, Action]]:
        """The steps that are due by ``until``, as (agent id, action); each is taken as it is yielded."""
        while self._next[0][0] <= until:
            at, index, action = self._next[0]
            heapq.heapreplace(self._next, self._following(index, at))
            yield self._agents[index], action

    def restart(self, at: float) -> None:
        """Forget what everyone was about to do; from ``at`` on they begin with something new."""
        self._life += 1
        self._begin(at)

    def _begin(self, at: float) -> None:
        self._scripts = scripts(self._fleet, self._actors, self._life)
        self._next = [self._following(index, at) for index in range(len(self._agents))]
        heapq.heapify(self._next)

    def _following(self, index: int, after: float) -> _Entry:
        wait, action = next(self._scripts[index])
        return (after + wait, index, action)
