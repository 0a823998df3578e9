"""Who waits at a mailbox: senders for room, one reader for mail."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

import outcome
import trio
from trio.lowlevel import Abort, Task, current_task, enable_ki_protection, reschedule, wait_task_rescheduled

M = TypeVar("M")


class Senders(Generic[M]):
    """Tasks that wait for room, each with its message, served in their order."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: OrderedDict[Task, M] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def messages(self) -> Collection[M]:
        return self._waiting.values()

    @enable_ki_protection
    async def wait(self, message: M) -> None:
        """Until the message is accepted. Cancelled, it has not been; raises what ``turn_away`` was given."""
        task = current_task()
        self._waiting[task] = message

        def abort(_: object) -> Abort:
            del self._waiting[task]
            return Abort.SUCCEEDED

        await wait_task_rescheduled(abort)

    def admit(self, offer: Callable[[M], bool]) -> None:
        """There may be room: let in those that ``offer`` takes, and stop at the first that it does not take."""
        while self._waiting:
            task, message = next(iter(self._waiting.items()))
            try:
                if not offer(message):
                    return
            except Exception as error:  # the key function of KeepLatest failed: the sender's affair, not the reader's
                result: outcome.Outcome[None] = outcome.Error(error)
            else:
                result = outcome.Value(None)
            del self._waiting[task]
            reschedule(task, result)

    def turn_away(self, error: Callable[[], Exception]) -> None:
        """Each gets an error of its own."""
        while self._waiting:
            task, _ = self._waiting.popitem(last=False)
            reschedule(task, outcome.Error(error()))


class Reader:
    """The one task that reads, in one incarnation after the other, and how long it was busy with what it read.

    latest: the task that came for mail last, while its incarnation lives
    """

    __slots__ = ("_busy_s", "_busy_since", "_clock", "_parked", "latest")

    def __init__(self) -> None:
        self.latest: Task | None = None
        self._parked: Task | None = None
        self._clock: trio.abc.Clock | None = None
        self._busy_s = 0.0
        self._busy_since: float | None = None  # there while an incarnation lives and does not wait for mail

    @property
    def parked(self) -> bool:
        return self._parked is not None

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

    async def park(self) -> None:
        """Wait for ``wake``."""
        self._parked = current_task()
        self._rest()
        await wait_task_rescheduled(self._abort)

    def wake(self) -> None:
        task, self._parked = self._parked, None
        if task is not None:
            self._busy_since = self._now()
            reschedule(task)

    def _abort(self, _: object) -> Abort:
        self._parked = None
        self._busy_since = self._now()
        return Abort.SUCCEEDED

    def _rest(self) -> None:
        self._busy_s = self.busy_s()
        self._busy_since = None

    def _now(self) -> float:
        assert self._clock is not None
        return self._clock.current_time()
