"""When which agent does what: the scripts of a whole fleet merged into one sequence, in seconds since its start."""

import heapq
from collections.abc import Iterator
from typing import TypeAlias

from mission_control.simulate.fleet import Fleet
from mission_control.simulate.runs import Actor
from mission_control.simulate.script import Action, Step, natural, prepared_texts, steady

_Entry: TypeAlias = tuple[float, int, Action]


class Schedule:
    """The steps of all agents in order of time; equal for equal fleets."""

    def __init__(self, fleet: Fleet, actors: dict[str, Actor]) -> None:
        self._agents = list(actors)
        self._scripts = _scripts(fleet, actors)
        self._next = [self._following(index, 0.0) for index in range(len(self._agents))]
        heapq.heapify(self._next)

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

    def _following(self, index: int, after: float) -> _Entry:
        wait, action = next(self._scripts[index])
        return (after + wait, index, action)


def _scripts(fleet: Fleet, actors: dict[str, Actor]) -> list[Iterator[Step]]:
    if fleet.rate is None:
        return [natural(fleet.random(f"{agent_id}/script"), actor.session_keys) for agent_id, actor in actors.items()]
    texts = prepared_texts(fleet.random("texts"))
    return [
        steady(fleet.random(f"{agent_id}/script"), actor.session_keys[0], fleet.rate, texts)
        for agent_id, actor in actors.items()
    ]
