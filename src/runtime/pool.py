"""The dynamic pool: one kind of actor, one child per key, one restart budget per child.

A shared budget would let one child that keeps crashing take its healthy siblings down (rabbitmq-server #16672). Here
the one that exceeds its budget stays down alone, until somebody asks for its key again.
"""

import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import trio

from runtime.branch import Branch
from runtime.errors import ActorStopped, DuplicateName, InvalidSignificance, NotAChild, WaitsForItself
from runtime.leaf import ActorChild
from runtime.member import Host
from runtime.observe import GaveUp, Kind, Observer, Restarting, State
from runtime.options import check_type
from runtime.policy import Backoff, Intensity, Restart, RestartLog
from runtime.ref import Ref
from runtime.signals import Due, Exited
from runtime.spec import ActorSpec
from runtime.watch import lineage

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")


class _Pooled(ActorChild):
    """A child that knows its key and its budget."""

    __slots__ = ("key", "log")

    def __init__(self, key: Hashable, spec: ActorSpec[Any], host: Host, intensity: Intensity) -> None:
        super().__init__(spec, host)
        self.key = key
        self.log = RestartLog(intensity)


class Pool(Branch, Generic[K, M]):
    """Children come with ``ensure`` and go with ``remove``, by returning for good, or by exceeding their budget.

    spec_for: makes the spec of a key, with a fresh Ref each time
    intensity: the budget of each child
    grace: seconds within which a stop of the whole is over for all children that obey cancellation
    restart, backoff, significant: how it is run itself, as the child of a supervisor
    """

    def __init__(
        self,
        name: str,
        spec_for: Callable[[K], ActorSpec[M]],
        *,
        intensity: Intensity = Intensity(),  # noqa: B008  # frozen
        grace: float = 30.0,
        restart: Restart = Restart.TRANSIENT,
        backoff: Backoff = Backoff(),  # noqa: B008  # frozen
        significant: bool = False,
        rng: random.Random | None = None,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(name, Kind.POOL, grace, restart, backoff, significant=significant, rng=rng, observer=observer)
        check_type(repr(name), "intensity", intensity, Intensity)
        self._spec_for = spec_for
        self._intensity = intensity
        self._children: dict[Hashable, _Pooled] = {}
        self._names: dict[str, _Pooled] = {}
        self._leaving: dict[str, _Pooled] = {}  # removed, and not ended yet: a successor of that name waits for it

    def ensure(self, key: K) -> Ref[M]:
        """The address of this key's actor, which is started when absent; before the pool runs, it starts with the pool.

        After the actor gave up or ended for good this is a fresh one with a fresh mailbox.
        Raises ActorStopped when the pool has stopped, DuplicateName when another key's actor has the same name.
        """
        child = self._children.get(key)
        if child is not None and not child.finished:
            return child.ref
        if self._stop_requested:
            raise ActorStopped(self.name)
        spec = self._spec_for(key)
        if not isinstance(spec, ActorSpec):
            raise NotAChild(self.name, spec)
        if spec.significant:
            raise InvalidSignificance(
                spec.name,
                f"is significant, but {self.name!r} is a pool, which has no end of its own: a Supervisor has",
            )
        namesake = self._names.get(spec.name)
        if namesake is not None and namesake.key != key:
            raise DuplicateName(self.name, spec.name)
        child = _Pooled(key, spec, self, self._intensity)
        self._children[key] = self._names[spec.name] = child
        self._start(child)
        return child.ref

    def get(self, key: K) -> Ref[M] | None:
        """The address of this key's actor, or None when there is none or it gave up."""
        child = self._children.get(key)
        return None if child is None or child.finished else child.ref

    def refs(self) -> Mapping[K, Ref[M]]:
        """The addresses of all keys at this moment, as ``get`` gives them."""
        return {key: child.ref for key, child in self._children.items() if not child.finished}  # type: ignore[misc]

    async def remove(self, key: K) -> None:
        """Stop one actor for good: close, drain, grace, cancel. Cancelling this does not take the removal back.

        Raises WaitsForItself in a task of that actor: it ends by returning, when its restart type lets it.
        """
        child = self._children.get(key)
        if child is not None:
            if child.contains(lineage()):
                raise WaitsForItself(child.name)
            self._forget(child)
            if child.alive:
                self._leaving[child.name] = child
            child.begin_stop(math.inf)
        else:
            child = next((child for child in self._leaving.values() if child.key == key), None)
            if child is None:
                return
        await child.see_off()
        self._let_go(child)

    # Inside

    def children(self) -> Sequence[_Pooled]:
        return (*self._children.values(), *self._leaving.values())

    def _forget(self, child: _Pooled) -> None:
        del self._children[child.key], self._names[child.name]

    def _start(self, child: _Pooled) -> None:
        if self._nursery is not None and child.name not in self._leaving:
            child.start(self._nursery)

    def _let_go(self, child: _Pooled) -> None:
        """A removed child has ended: its name is free for the one that waits."""
        if not child.alive and self._leaving.get(child.name) is child:
            del self._leaving[child.name]
            successor = self._names.get(child.name)
            child.finish()
            if successor is not None:
                self._start(successor)

    async def _supervise(self) -> None:
        for child in self.children():
            if child.stopping:
                self._let_go(child)
            elif child.done and not child.heard:  # it ended as the pool's incarnation before this one did
                self._on_exit(child)
        await super()._supervise()

    async def _stop_children(self) -> None:
        children = self.children()
        for child in children:
            child.begin_stop(self._stop_by)
        for child in children:
            await child.see_off()

    async def _handle(self, signal: Exited | Due[object]) -> Exception | None:
        match signal:
            case Exited(_Pooled() as child):
                self._on_exit(child)
            case Due(_Pooled() as child) if child.state is State.RESTARTING:
                self._start(child)
        return None

    def _on_exit(self, child: _Pooled) -> None:
        if child.stopping:
            self._let_go(child)
        elif child.done:
            self._forget(child)
            child.finish()
        elif child.log.admit(trio.current_time()):
            delay = child.next_delay(self.rng)
            child.emit(Restarting(child.path, trio.current_time(), delay, child.path))
            self._later(delay, Due(child))
        else:
            gave_up = GaveUp(child.path, trio.current_time(), self._intensity.restarts, child.failure)
            child.finish(State.GAVE_UP, gave_up)
