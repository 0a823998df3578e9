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
from runtime.child import PATIENCE, Child
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

    group: list[Child] = attrs.field(factory=list)
    awaited: set[Child] = attrs.field(factory=set)  # those that were cancelled and have not ended yet
    rested: bool = False  # the backoff is over
    overtaken: bool = False  # a wider one does it all


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
        self._recoveries: dict[Child, _Recovery] = {}  # by each of the children that it is about
        children = tuple(children)
        self._check(children)
        self._children = [self._place(spec) for spec in children]
        # Those whose end counts, and is still to come.
        self._significant = {child for child, spec in zip(self._children, children, strict=True) if spec.significant}

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
        self._recoveries = {}
        for child in self._children:
            if child.done and not child.heard:  # it ended as the incarnation before this one did
                self._end(child)
        await super()._supervise()

    async def _stop_children(self) -> None:
        waiting = list(self._children)
        while waiting:
            # One by one while there is time. When those that are stuck have used it up, all that are left at once.
            in_time = trio.current_time() < self._stop_by + PATIENCE
            turn = [waiting.pop() for _ in (waiting[-1:] if in_time else tuple(waiting))]
            for child in turn:
                child.begin_stop(self._stop_by)
            for child in turn:
                await child.see_off()

    async def _handle(self, signal: Exited | Due[object]) -> Exception | None:
        match signal:
            case Exited(child):
                return await self._on_exit(child)
            case Due(_Recovery() as recovery):
                recovery.rested = True
                await self._resume(recovery)
        return None

    async def _on_exit(self, child: Child) -> Exception | None:
        recovery = self._recoveries.get(child)
        if recovery is not None:
            recovery.awaited.remove(child)
            if child.done or child not in recovery.group:
                self._drop(child, recovery)
            await self._resume(recovery)
            return None
        if child.done:
            self._end(child)
            return None
        if not self._log.admit(trio.current_time()):
            return self._escalate(child)
        self._recover(child)
        return None

    def _end(self, child: Child) -> None:
        """It has ended for good, and perhaps all the work with it."""
        child.finish()
        if child in self._significant:
            self._significant.remove(child)
            if self._auto_shutdown is AutoShutdown.ANY or not self._significant:
                self._node.emit(ShuttingDown(self.path, trio.current_time(), child.path))
                self.stop()

    def _escalate(self, child: Child) -> RestartIntensityExceeded:
        self._node.emit(Escalated(self.path, trio.current_time(), child.path, child.failure))
        failure = RestartIntensityExceeded(self.path, child.path, self._intensity.restarts, self._intensity.within)
        failure.__cause__ = child.error
        return failure

    def _recover(self, dead: Child) -> None:
        recovery = _Recovery()
        affected = [child for child in self._strategy.affected(self._children, dead) if not child.finished]
        for child in affected:
            if child.restart is not Restart.TEMPORARY:
                recovery.group.append(child)
            if child in self._recoveries:  # groups of one strategy are nested or disjoint
                self._recoveries[child].overtaken = True
            self._recoveries[child] = recovery
        for child in reversed(affected):
            if not child.heard:  # alive, or crashed at the same time: one incident, counted once
                child.cancel()
                recovery.awaited.add(child)
        self._announce(recovery, dead)

    def _announce(self, recovery: _Recovery, dead: Child) -> None:
        delay = dead.next_delay(self.rng)
        for child in recovery.group:
            child.emit(Restarting(child.path, trio.current_time(), delay, dead.path))
        self._later(delay, Due(recovery))

    def _drop(self, child: Child, recovery: _Recovery) -> None:
        """It does not come back with the others."""
        del self._recoveries[child]
        if child in recovery.group:
            recovery.group.remove(child)
        self._end(child)

    async def _resume(self, recovery: _Recovery) -> None:
        if recovery.rested and not recovery.awaited and not recovery.overtaken:
            for child in recovery.group:
                del self._recoveries[child]
            await self._start_in_order(recovery.group)
