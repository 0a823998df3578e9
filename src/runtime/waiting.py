"""Who waits at a mailbox: senders for room, one reader for mail."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import outcome
import trio
from trio.lowlevel import Abort, Task, current_task, enable_ki_protection, reschedule, wait_task_rescheduled

M = TypeVar("M")


class Senders(OrderedDict[Task, M]):
    """Tasks that wait for room, each with its message, served in their order."""

    @enable_ki_protection
    async def wait(self, message: M) -> None:
        """Until the message is accepted. Cancelled, it has not been; raises what ``turn_away`` was given."""
        task = current_task()
        self[task] = message

        def abort(_: object) -> Abort:
            del self[task]
            return Abort.SUCCEEDED

        await wait_task_rescheduled(abort)

    def admit(self, offer: Callable[[M], bool]) -> None:
        """There may be room: let in those that ``offer`` takes, and stop at the first that it does not take."""
        while self:
            task, message = next(iter(self.items()))
            try:
                if not offer(message):
                    return
            except Exception as error:  # the key function of KeepLatest failed: the sender's affair, not the reader's
                result: outcome.Outcome[None] = outcome.Error(error)
            else:
                result = outcome.Value(None)
            del self[task]
            reschedule(task, result)

    def turn_away(self, error: Callable[[], Exception]) -> None:
        """Each gets an error of its own."""
        while self:
            task, _ = self.popitem(last=False)
            reschedule(task, outcome.Error(error()))


class Reader:
    """The one task that reads, in one incarnation after the other, and how long it was busy with what it read.

    latest: the task that came for mail last, while its incarnation lives; parked: the same while it waits
    """

    __slots__ = ("_busy_s", "_busy_since", "_clock", "latest", "parked")

    def __init__(self) -> None:
        self.latest: Task | None = None
        self.parked: Task | None = None
        self._clock: trio.abc.Clock | None = None
        self._busy_s = 0.0
        self._busy_since: float | None = None  # there while an incarnation lives and does not wait for mail

    def begin(self, clock: trio.abc.Clock) -> None:
        """An incarnation begins."""
        self._clock = clock
        self._busy_s = 0.0
        self._busy_since = clock.current_time()

    def end(self) -> None:
        """The incarnation is over."""
        self._rest()
        self.latest = None

    def busy_s(self) -> float:
        """Seconds that the incarnation, the latest if none lives, has not been waiting for mail."""
        return self._busy_s if self._busy_since is None else self._busy_s + self._now() - self._busy_since

    def park(self) -> Callable[[object], Abort]:
        """The calling task is about to wait for ``wake``, with ``wait_task_rescheduled`` and what this returns."""
        self.parked = current_task()
        self._rest()
        return self._abort

    def wake(self, now: float) -> None:
        """No effect when it does not wait."""
        task = self.parked
        if task is not None:
            self.parked = None
            self._busy_since = now
            reschedule(task)

    def _abort(self, _: object) -> Abort:
        self.parked = None
        self._busy_since = self._now()
        return Abort.SUCCEEDED

    def _rest(self) -> None:
        if self._busy_since is not None:
            self._busy_s += self._now() - self._busy_since
            self._busy_since = None

    def _now(self) -> float:
        assert self._clock is not None
        return self._clock.current_time()
