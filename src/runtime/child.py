"""One supervised child: its incarnations one after the other, each in a cancel scope of its own.

    IDLE ─► STARTING ─► RUNNING ─► RESTARTING ─► STARTING …
                 └──────────┴───────────┴─► STOPPING ─► STOPPED | GAVE_UP

A child decides nothing: its host (the supervisor or pool above) starts it, hears of each ending, and says what comes
next. An incarnation's exception never leaves ``live``: it is recorded here, and the ending is posted to the host.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

import trio
from trio.lowlevel import Task, current_task

from runtime.errors import ActorKilled
from runtime.failure import Failure
from runtime.mailbox import MailboxStatistics
from runtime.member import Member
from runtime.observe import Crashed, Kind, RuntimeEvent, Started, State, Stopped, StoppedLate
from runtime.policy import Backoff, Restart

# Seconds that a cancelled child may take to end before the stop goes on without it: plenty for a finally block that
# does not wait for anyone, and little beside the graces.
PATIENCE = 1.0

_FINISHED = (State.STOPPED, State.GAVE_UP)


class Child(Member, ABC):
    """What actors, services, supervisors and pools have in common as children."""

    __slots__ = (
        "_attempt",
        "_begun",
        "_cut",
        "_ended",
        "_killed",
        "_scope",
        "_started_at",
        "_task",
        "backoff",
        "crashed",
        "error",
        "grace",
        "heard",
        "incarnation",
        "kind",
        "last_failure",
        "overdue",
        "restart",
        "returned",
        "state",
        "stopped",
        "stopping",
    )

    def __init__(self, name: str, kind: Kind, restart: Restart, grace: float, backoff: Backoff) -> None:
        super().__init__(name)
        self.kind = kind
        self.restart = restart
        self.grace = grace
        self.backoff = backoff
        self.state = State.IDLE
        self.incarnation = 0
        self.stopping = False
        self.heard = True  # the host has handled the latest incarnation's end
        self.last_failure: Failure | None = None
        self.crashed = self.returned = False  # how the last incarnation ended; neither: from outside
        # Of a crash, until the next incarnation or the end for good: it keeps alive what the crashed one had.
        self.error: Exception | None = None
        self.overdue: StoppedLate | None = None  # it did not stop within its grace
        self.stopped: Stopped | None = None  # for good
        self._scope: trio.CancelScope | None = None  # there while an incarnation lives
        self._task: Task | None = None  # which runs it
        self._started_at = 0.0
        self._attempt = 0
        self._killed = False
        self._cut = math.inf  # when a stop turns into a cancellation
        # Made only when somebody waits: thousands of idle children never need them.
        self._begun: trio.Event | None = None
        self._ended: trio.Event | None = None

    # What the kinds differ in

    @abstractmethod
    async def _run(self) -> None:
        """One incarnation. Calls ``begun`` when it runs."""

    @abstractmethod
    def _release(self, *, returned: bool, blamed: bool) -> None:
        """An incarnation ended: by returning, by a crash of its own (blamed), or from outside (neither)."""

    @abstractmethod
    def _ask_to_stop(self) -> None:
        """Begin the orderly end of the living incarnation, which must be over at ``_cut``."""

    @abstractmethod
    def _close(self) -> int:
        """It will never run again. Returns how many accepted messages are lost. May be called more than once."""

    def healthy(self) -> bool:
        """Whether the latest incarnation has said so."""
        return False

    def statistics(self) -> MailboxStatistics | None:
        return None

    def children(self) -> Sequence["Child"]:
        return ()

    # Life

    @property
    def alive(self) -> bool:
        return self._scope is not None

    @property
    def finished(self) -> bool:
        return self.state in _FINISHED

    @property
    def failure(self) -> Failure | None:
        """How the last incarnation ended, when it was not in order."""
        return self.last_failure if self.crashed else None

    @property
    def uptime(self) -> float:
        return trio.current_time() - self._started_at if self.state is State.RUNNING else 0.0

    def current(self) -> Started | None:
        """The event that brought about its present state, if it runs."""
        running = self.state is State.RUNNING
        return Started(self.path, self._started_at, self.incarnation) if running else None

    def contains(self, lineage: Collection[Task]) -> bool:
        """Whether the living incarnation is among a task and those above it: that task would wait for itself."""
        return self._task in lineage

    def start(self, nursery: trio.Nursery) -> None:
        self.prepare()
        nursery.start_soon(self.live, name=self.path)

    def prepare(self) -> None:
        """Open the next incarnation's scope, so that it can be ended before its first step."""
        assert self._scope is None, f"{self.path} has a live incarnation"
        self._scope = trio.CancelScope()
        self.state = State.STARTING
        self.incarnation += 1
        self.heard = False
        self.error = None
        self._killed = False
        self._started_at = trio.current_time()

    async def live(self) -> None:
        scope = self._scope
        assert scope is not None
        self._task = current_task()
        returned = False
        error: Exception | None = None
        try:
            with scope:
                await self._run()
            returned = not scope.cancelled_caught
        except Exception as crash:
            error = crash
        except BaseExceptionGroup as group:
            # It crashed while all above it was cancelled, too: the crash is recorded here, the rest goes on up.
            error, rest = group.split(Exception)
            assert rest is not None
            raise rest from None
        finally:
            self._conclude(scope, error, returned=returned)
            del error  # its traceback holds this frame: only a collection would free the two

    def begun(self) -> None:
        """The incarnation runs."""
        if self.state is State.STARTING:
            self.state = State.RUNNING
        self.emit(Started(self.path, trio.current_time(), self.incarnation))
        if self._begun is not None:
            self._begun.set()

    async def wait_begun(self) -> None:
        """Until the incarnation runs, or has already ended."""
        if self.state is State.STARTING:
            self._begun = trio.Event()
            try:
                await self._begun.wait()
            finally:
                self._begun = None

    def _conclude(self, scope: trio.CancelScope, error: Exception | None, *, returned: bool) -> None:
        now = trio.current_time()
        self._scope = self._task = None
        if self.healthy() or now - self._started_at >= self.backoff.reset_after:
            self._attempt = 0
        if error is None and self._killed and not returned:
            error = ActorKilled(self.name)
        self.error = error
        self.crashed, self.returned = error is not None, returned
        if error is not None:
            self.last_failure = Failure.of(error, now)
            self.emit(Crashed(self.path, now, self.incarnation, self.last_failure, error))
        self._release(returned=returned, blamed=error is not None and not scope.cancel_called)
        if not self.stopping:
            self.state = State.RESTARTING
        elif not returned and now >= self._cut:
            self._report_late(stuck=False)
        for event in (self._begun, self._ended):
            if event is not None:
                event.set()
        if self.host is not None:
            self.host.exited(self)

    # Restarts

    @property
    def done(self) -> bool:
        """It has ended by itself, and that is the end of it by its restart type."""
        return (self.returned or self.crashed) and not self.restart.wanted(crashed=self.crashed)

    def next_delay(self, rng: random.Random) -> float:
        self._attempt += 1
        return self.backoff.delay(self._attempt, rng)

    def cancel(self) -> None:
        """End the incarnation from outside; nothing is held against its mail, all of which the next one gets."""
        if self._scope is not None:
            self._scope.cancel()

    def kill(self) -> None:
        if self._scope is not None:
            self._killed = True
            self._scope.cancel()

    # The end

    def begin_stop(self, deadline: float) -> None:
        """Ask for an orderly end for good, to be cancelled when its grace is over, at the deadline at the latest."""
        self.stopping = True
        now = trio.current_time()
        self._cut = max(now, min(self._cut, now + self.grace, deadline))
        if self._scope is not None:
            self.state = State.STOPPING
            self._ask_to_stop()

    async def wait_ended(self, until: float) -> bool:
        """Whether the incarnation has ended by then."""
        if self._scope is not None:
            if self._ended is None or self._ended.is_set():
                self._ended = trio.Event()
            with trio.move_on_at(until):
                await self._ended.wait()
        return self._scope is None

    async def see_off(self) -> None:
        """After ``begin_stop``: until it has stopped, or until waiting longer would hold up the others for nothing."""
        if await self.wait_ended(self._cut + PATIENCE):
            self.finish()
        else:
            self._report_late(stuck=True)
            self._close()

    def _report_late(self, *, stuck: bool) -> None:
        if self.overdue is None:
            self.overdue = StoppedLate(self.path, trio.current_time(), stuck)
            self.emit(self.overdue)

    def finish(self, state: State = State.STOPPED, *why: RuntimeEvent) -> None:
        """No incarnation will follow; ``why`` is told first."""
        undelivered = self._close()
        if self.finished or self.alive:
            return
        self.state = state
        self.error = None
        self.stopped = Stopped(self.path, trio.current_time(), undelivered, state, self.failure)
        for event in (*why, self.stopped):
            self.emit(event)
