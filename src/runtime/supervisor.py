"""The static, ordered supervisor.

When a child ends and its restart type wants it back, the strategy names the children that share its fate. Those of them
that live are cancelled (their mail stays), temporary ones for good. When all have ended and the backoff of the
one that caused it is over, they start again in order. One such Recovery is under way per group; a
recovery that is overtaken by a wider one is taken up by it.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import trio

from runtime.branch import Branch
from runtime.child import Child
from runtime.errors import DuplicateName, InvalidSignificance, NotAChild, RestartIntensityExceeded
from runtime.leaf import ActorChild, ServiceChild
from runtime.observe import Escalated, Kind, Observer, Restarting, ShuttingDown
from runtime.options import check_type
from runtime.policy import AutoShutdown, Backoff, Intensity, Restart, RestartLog, Strategy
from runtime.signals import Due, Exited
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

    auto_shutdown: when it stops because significant children have ended for good
    grace: seconds within which a stop of the whole is over for all children that obey cancellation
    restart, backoff, significant: how it is run itself, as the child of another supervisor
    """

    def __init__(
        self,
        name: str,
        children: Sequence[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = Intensity(),  # noqa: B008  # frozen
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
        grace: float = 30.0,
        restart: Restart = Restart.TRANSIENT,
        backoff: Backoff = Backoff(),  # noqa: B008  # frozen
        significant: bool = False,
        rng: random.Random | None = None,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(
            name, Kind.SUPERVISOR, grace, restart, backoff, significant=significant, rng=rng, observer=observer
        )
        check_type(repr(name), "strategy", strategy, Strategy)
        check_type(repr(name), "intensity", intensity, Intensity)
        check_type(repr(name), "auto_shutdown", auto_shutdown, AutoShutdown)
        self._strategy = strategy
        self._intensity = intensity
        self._auto_shutdown = auto_shutdown
        self._log = RestartLog(intensity)
        self._recoveries: list[_Recovery] = []
        children = tuple(children)
        self._check(children)
        self._children = [self._place(spec) for spec in children]
        self._significant = [child for child, spec in zip(self._children, children, strict=True) if spec.significant]

    def _check(self, specs: Sequence[ChildSpec]) -> None:
        """All that can be wrong with them, before the first gets its place."""
        for spec in specs:
            if not isinstance(spec, ActorSpec | ServiceSpec | Branch):
                raise NotAChild(self.name, spec)
        for name, count in Counter(spec.name for spec in specs).items():
            if count > 1:
                raise DuplicateName(self.name, name)
        significant = [spec for spec in specs if spec.significant]
        if bool(significant) != (self._auto_shutdown is not AutoShutdown.NEVER):
            raise InvalidSignificance(
                self.name,
                f"has significant children ({significant[0].name!r}), but never shuts down by itself:"
                " set auto_shutdown to ANY or ALL"
                if significant
                else "is to shut down by itself, but has no significant child whose end it could follow: mark one",
            )
        for spec in significant:
            if spec.restart is Restart.PERMANENT:
                raise InvalidSignificance(
                    spec.name, "is significant, but permanent, so it never ends: make it transient or temporary"
                )

    def _place(self, spec: ChildSpec) -> Child:
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
            await child.see_off()

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
                    self._end(child)
                await self._resume(recovery)
                return None
        if not child.wants_restart():
            self._end(child)
            return None
        if not self._log.admit(trio.current_time()):
            return self._escalate(child)
        self._recover(child)
        return None

    def _end(self, child: Child) -> None:
        """It has ended for good, and perhaps all the work with it."""
        child.finish()
        if child in self._significant and (
            self._auto_shutdown is AutoShutdown.ANY or all(other.finished for other in self._significant)
        ):
            self._node.emit(ShuttingDown(self.path, trio.current_time(), child.path))
            self.stop()

    def _escalate(self, child: Child) -> RestartIntensityExceeded:
        self._node.emit(Escalated(self.path, trio.current_time(), child.path, child.last_failure))
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
            child.emit(Restarting(child.path, trio.current_time(), delay, dead.path))
        self._later(delay, Due(recovery))

    @staticmethod
    def _absorbed(other: _Recovery, recovery: _Recovery) -> bool:
        """Groups of one strategy are nested or disjoint. A child of the wider one that is down is started by that."""
        return bool(set(other.group) & set(recovery.group))

    async def _resume(self, recovery: _Recovery) -> None:
        if recovery.rested and not recovery.awaited:
            self._recoveries.remove(recovery)
            await self._start_in_order(recovery.group)
