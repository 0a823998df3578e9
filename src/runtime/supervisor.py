"""The static, ordered supervisor.

When a child ends and its restart type wants it back, the strategy names the children that share its fate. Those of them
that live are cancelled (their mail stays), temporary ones for good. When all have ended and the backoff of the
one that caused it is over, they start again in order. One such Recovery is under way per group; a
recovery that is overtaken by a wider one is taken up by it.
"""

import random
from collections.abc import Sequence
from typing import Any

import attrs
import trio

from runtime.branch import Branch, Due, Exited
from runtime.child import Child
from runtime.errors import DuplicateName, RestartIntensityExceeded
from runtime.leaf import ActorChild, ServiceChild
from runtime.observe import Escalated, Kind, Observer, Restarting
from runtime.policy import Intensity, Restart, RestartLog, Strategy
from runtime.spec import ActorSpec, ServiceSpec

ChildSpec = ActorSpec[Any] | ServiceSpec | Branch


@attrs.define(eq=False)
class _Recovery:
    """Children on their way to the next incarnation."""

    group: list[Child]
    awaited: set[Child]  # those that were cancelled and have not ended yet
    rested: bool = False  # the backoff is over


class Supervisor(Branch):
    """Runs its children in their order, and stops them in reverse.

    grace: seconds within which a stop of the whole is over for all children that obey cancellation
    """

    def __init__(
        self,
        name: str,
        children: Sequence[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = Intensity(),  # noqa: B008  # frozen
        grace: float = 30.0,
        rng: random.Random | None = None,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(name, Kind.SUPERVISOR, grace=grace, rng=rng, observer=observer)
        self._strategy = strategy
        self._intensity = intensity
        self._log = RestartLog(intensity)
        self._recoveries: list[_Recovery] = []
        names = [child.name for child in children]
        for child_name in names:
            if names.count(child_name) > 1:
                raise DuplicateName(name, child_name)
        self._children = [self._child(spec) for spec in children]

    def _child(self, spec: ChildSpec) -> Child:
        match spec:
            case ActorSpec():
                return ActorChild(spec, self)
            case ServiceSpec():
                return ServiceChild(spec, self)
            case Branch():
                return spec._join(self)

    def children(self) -> Sequence[Child]:
        return self._children

    async def _supervise(self) -> None:
        self._log = RestartLog(self._intensity)
        self._recoveries = []
        await super()._supervise()

    async def _stop_children(self) -> None:
        for child in reversed(self._children):
            child.begin_stop(self._stop_by)
            await child.wait_stopped()

    async def _handle(self, signal: Exited | Due[object]) -> Exception | None:
        match signal:
            case Exited(child):
                return await self._on_exit(child)
            case Due(what):
                for recovery in self._recoveries:
                    if recovery is what:
                        recovery.rested = True
                        await self._resume(recovery)
                        break
        return None

    async def _on_exit(self, child: Child) -> Exception | None:
        for recovery in self._recoveries:
            if child in recovery.awaited:
                recovery.awaited.remove(child)
                if child not in recovery.group:
                    child.finish()
                await self._resume(recovery)
                return None
        if not child.wants_restart():
            child.finish()
            return None
        if not self._log.admit(trio.current_time()):
            return self._escalate(child)
        self._recover(child)
        return None

    def _escalate(self, child: Child) -> RestartIntensityExceeded:
        self.emit(Escalated(self.path, trio.current_time(), child.path, child.last_failure))
        failure = RestartIntensityExceeded(self.path, child.path, self._intensity.restarts, self._intensity.within)
        failure.__cause__ = child.error
        return failure

    def _recover(self, dead: Child) -> None:
        affected = self._strategy.affected(self._children.index(dead), len(self._children))
        group = [self._children[index] for index in affected]
        recovery = _Recovery([], set())
        for child in reversed(group):
            if not child.heard:  # alive, or crashed at the same time: one incident, counted once
                child.cancel()
                recovery.awaited.add(child)
        recovery.group = [
            child for child in group if not child.finished and (child is dead or child.restart is not Restart.TEMPORARY)
        ]
        self._recoveries = [other for other in self._recoveries if not self._absorbed(other, recovery)]
        self._recoveries.append(recovery)
        self._announce(recovery, dead)

    def _announce(self, recovery: _Recovery, dead: Child) -> None:
        delay = dead.next_delay(self.rng)
        for child in recovery.group:
            self.emit(Restarting(child.path, trio.current_time(), delay, dead.path))
        self._later(delay, Due(recovery))

    @staticmethod
    def _absorbed(other: _Recovery, recovery: _Recovery) -> bool:
        """Groups of one strategy are nested or disjoint. A child of the wider one that is down is started by that."""
        return bool(set(other.group) & set(recovery.group))

    async def _resume(self, recovery: _Recovery) -> None:
        if recovery.rested and not recovery.awaited:
            self._recoveries.remove(recovery)
            await self._start_in_order(recovery.group)
