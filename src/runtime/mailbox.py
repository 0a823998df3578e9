"""The mailbox: a bounded FIFO between many senders and the one incarnation that reads.

Rules
- The mailbox belongs to the address, not to the reader: it outlives incarnations.
- A message stays in the queue until it is acknowledged: by ``drop`` after ``peek``, or, after ``get``, by the next
  ``get`` or ``peek`` or a clean return. So cancelling a reader at any point loses nothing, and the capacity bounds
  what is accepted and not yet handled, the message in hand included.
- Waiting senders are served in their order, by handing their message over when room appears. A ``send`` that is
  cancelled has accepted nothing; one that is through has accepted the message, even when a cancellation is pending.
- Closing refuses new mail and keeps what was accepted; readers drain it, then meet ``trio.EndOfChannel``.

Redelivery
  Messages in hand when an incarnation ends (handed out and not acknowledged) are delivered again, in order, before
  newer mail. When it ended by an exception of its own, they are *suspects*: the next incarnations receive them one
  at a time (``peek`` returns one) until they are past, so that the guilty one shows itself. A suspect alone in hand at
  another crash is taken out (the kernel records it as a dead letter) and the actor goes on. A kill, a cancellation
  or a restart caused by a sibling makes no suspects.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Generic, TypeVar

import attrs
import outcome
import trio
from trio.lowlevel import Abort, Task, checkpoint, current_task, reschedule, wait_task_rescheduled

from runtime.errors import ActorStopped, MailboxFull

M = TypeVar("M")

HIGH_WATER = 0.8


@attrs.frozen
class MailboxStatistics:
    """depth: accepted and not handled, of which in_hand are with the reader; peak: the greatest depth seen;
    handled, dead_lettered: since the start; refused: how often ``tell`` found it full; waiting: senders in ``send``.
    """

    depth: int
    capacity: int
    in_hand: int
    peak: int
    handled: int
    dead_lettered: int
    refused: int
    waiting: int
    closed: bool


class Mailbox(Generic[M]):
    """Both ends of the queue. Actors see an Inbox, everyone else a Ref."""

    __slots__ = (
        "_closed",
        "_dead_lettered",
        "_got",
        "_handled",
        "_high_water",
        "_in_hand",
        "_peak",
        "_queue",
        "_reader",
        "_refused",
        "_senders",
        "_suspects",
        "_unchecked_below",
        "_undelivered",
        "capacity",
        "name",
        "on_high_water",
    )

    def __init__(self, name: str, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"the capacity of {name!r} must be at least 1, not {capacity}")
        self.name = name
        self.capacity = capacity
        self.on_high_water: Callable[[int], None] | None = None
        self._queue: deque[M] = deque()
        self._senders: OrderedDict[Task, M] | None = None  # made when the first sender waits: most never do
        self._reader: Task | None = None
        self._closed = False
        self._got = False  # the first message was handed out by get
        self._in_hand = 0
        self._suspects = 0
        self._high_water = max(1, int(capacity * HIGH_WATER))
        # The one number the fast path of put_nowait compares with: 0 once closed, else where something is to be
        # done or told (the high-water mark, or the capacity when that was told).
        self._unchecked_below = self._high_water - 1
        self._peak = self._handled = self._dead_lettered = self._refused = self._undelivered = 0

    # The senders' end

    def put_nowait(self, message: M) -> None:
        queue = self._queue
        if len(queue) >= self._unchecked_below:
            self._put_checked(message)
            return
        queue.append(message)
        if self._reader is not None:
            self._wake_reader()

    def _put_checked(self, message: M) -> None:
        if self._closed:
            raise ActorStopped(self.name)
        if len(self._queue) >= self.capacity:
            self._refused += 1
            raise MailboxFull(self.name, self.capacity)
        self._queue.append(message)
        if self._reader is not None:
            self._wake_reader()
        if self._unchecked_below < self.capacity:
            self._unchecked_below = self.capacity
            if self.on_high_water is not None:
                self.on_high_water(len(self._queue))

    async def put_without_checkpoint(self, message: M) -> None:
        """Wait for room. Not a checkpoint when there is room: the caller has just made one, and what it does in the
        same step as the acceptance (Ref.ask) must not be torn from it."""
        if self._closed or len(self._queue) < self.capacity:
            self.put_nowait(message)
            return
        task = current_task()
        if self._senders is None:
            self._senders = OrderedDict()
        self._senders[task] = message

        def abort(_: object) -> Abort:
            assert self._senders is not None
            del self._senders[task]
            return Abort.SUCCEEDED

        await wait_task_rescheduled(abort)

    def close(self) -> None:
        """Refuse new mail; end the waits of senders with ActorStopped, and the reader's once it is drained."""
        if self._closed:
            return
        self._closed = True
        self._unchecked_below = 0
        while self._senders:
            task, _ = self._senders.popitem(last=False)
            reschedule(task, outcome.Error(ActorStopped(self.name)))
        if self._reader is not None:
            self._wake_reader()

    # The reader's end

    def _wake_reader(self) -> None:
        reader, self._reader = self._reader, None
        assert reader is not None
        reschedule(reader)

    def _abort_read(self, _: object) -> Abort:
        self._reader = None
        return Abort.SUCCEEDED

    async def wait_mail(self) -> None:
        """A checkpoint, then at least one message in the queue; else trio.EndOfChannel."""
        if self._queue:
            await checkpoint()
        while not self._queue:
            if self._closed:
                raise trio.EndOfChannel
            if self._reader is not None:
                raise trio.BusyResourceError(f"another task is already reading the mailbox of {self.name!r}")
            self._reader = current_task()
            await wait_task_rescheduled(self._abort_read)

    def take_first(self) -> M:
        self._got = True
        self._in_hand = max(self._in_hand, 1)
        return self._queue[0]

    def hold(self, limit: int) -> Sequence[M]:
        """The first messages, now in hand."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        queue = self._queue
        if self._suspects:
            limit = 1
        held = list(queue) if len(queue) <= limit else list(islice(queue, limit))
        self._in_hand = max(self._in_hand, len(held))
        return held

    def settle(self) -> None:
        """Acknowledge what get handed out."""
        if self._got:
            self.drop(1)

    def drop(self, count: int) -> None:
        if not 0 <= count <= self._in_hand:
            raise ValueError(f"cannot acknowledge {count} messages: {self._in_hand} are in hand")
        self._handled += count
        self._suspects = max(0, self._suspects - count)
        self._in_hand -= count
        self._got = False
        self._remove(count)

    def _remove(self, count: int) -> None:
        queue = self._queue
        depth = len(queue)
        self._peak = max(self._peak, depth)  # depth only falls here, so its peaks are seen here
        if count == depth:
            queue.clear()
        else:
            for _ in range(count):
                queue.popleft()
        if self._senders:
            self._admit_waiting()
        if self._unchecked_below >= self._high_water and 2 * len(queue) <= self.capacity:
            self._unchecked_below = self._high_water - 1

    def _admit_waiting(self) -> None:
        while self._senders and len(self._queue) < self.capacity:
            task, message = self._senders.popitem(last=False)
            self._queue.append(message)
            reschedule(task)

    # The kernel's part

    def release_clean(self) -> None:
        """The incarnation returned: what get handed out is handled, what peek handed out only if it was dropped."""
        self.settle()
        self._in_hand = 0

    def release_interrupted(self) -> None:
        """The incarnation was ended from outside: what it had in hand goes to the next, under no suspicion."""
        self._got = False
        self._in_hand = 0

    def release_crashed(self) -> Sequence[M]:
        """The incarnation crashed. Returns the message that is to blame, if that is now certain."""
        in_hand = self._in_hand
        self.release_interrupted()
        if not self._suspects:
            self._suspects = in_hand
            return ()
        if in_hand != 1:
            return ()
        guilty = self._queue[0]
        self._suspects -= 1
        self._dead_lettered += 1
        self._remove(1)
        return (guilty,)

    def holds(self, messages: Collection[M]) -> set[int]:
        """The ids of those messages that are still to be handled, or whose senders still wait."""
        wanted = {id(message) for message in messages}
        waiting = self._senders.values() if self._senders else ()
        return wanted.intersection(map(id, (*self._queue, *waiting)))

    def discard(self) -> int:
        """Nobody will read again. Returns how many accepted messages are lost by that, all in all.

        Spares what is in hand: a reader that cannot be stopped may still acknowledge it.
        """
        self.close()
        while len(self._queue) > self._in_hand:
            self._queue.pop()
            self._undelivered += 1
        return self._undelivered

    def statistics(self) -> MailboxStatistics:
        depth = len(self._queue)
        return MailboxStatistics(
            depth=depth,
            capacity=self.capacity,
            in_hand=self._in_hand,
            peak=max(self._peak, depth),
            handled=self._handled,
            dead_lettered=self._dead_lettered,
            refused=self._refused,
            waiting=len(self._senders or ()),
            closed=self._closed,
        )
