"""The mailbox: a bounded queue between many senders and the one incarnation that reads.

Rules
- The mailbox belongs to the address, not to the reader: it outlives incarnations. What it holds and what comes again
  after a crash is decided in runtime.queues; what becomes of mail that finds no room, in runtime.overflow.
- A message stays in the queue until it is acknowledged: by ``drop`` after ``peek``, or, after ``get``, by the next
  ``get`` or ``peek`` or a clean return. So cancelling a reader at any point loses nothing.
- Waiting senders are served in their order, by handing their message over when room appears. A ``send`` that is
  cancelled has accepted nothing; one that is through has accepted the message, even when a cancellation is pending.
- Closing refuses new mail and keeps what was accepted; readers drain it, then meet ``trio.EndOfChannel``.
- Control-C never strikes in the middle of a change: that is what ``enable_ki_protection`` is for; it costs nothing.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

import attrs
import trio
from trio.lowlevel import current_clock, current_task, enable_ki_protection, in_trio_run, wait_task_rescheduled

from runtime.errors import ActorStopped, MailboxFull, WaitsForItself
from runtime.overflow import Lost, Overflow, OverflowPolicy, name_of, queue_for
from runtime.waiting import Reader, Senders

M = TypeVar("M")

HIGH_WATER = 0.8


@attrs.frozen
class MailboxStatistics:
    """What an address has to say of its mail.

    depth: accepted and not handled, of which in_hand are with the reader; peak: the greatest depth seen
    handled, dead_lettered, dropped, superseded: what became of the mail, since the start
    refused: how often MailboxFull was raised; waiting: senders that wait for room
    overflow: the policy's name
    oldest_age_s: how long the oldest message has been here, in hand or not; 0 when empty. Exact for the first after
        each receive, for those behind it never too small (see runtime.ages)
    busy_s: how long the incarnation, the latest if none lives, has not been waiting for mail
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
    overflow: str
    dropped: int
    superseded: int
    oldest_age_s: float
    busy_s: float


class Mailbox(Generic[M]):
    """Both ends of the queue. Actors see an Inbox, everyone else a Ref. ``lost``: hears what a policy takes out."""

    __slots__ = (
        "_append_below",
        "_clock",
        "_closed",
        "_dead_lettered",
        "_high_water",
        "_limit",
        "_queue",
        "_reader",
        "_refused",
        "_senders",
        "_told_high_water",
        "_undelivered",
        "messages",
        "name",
        "on_high_water",
        "overflow",
    )

    def __init__(self, name: str, capacity: int, overflow: OverflowPolicy[M], lost: Lost[M]) -> None:
        self.name = name
        self.overflow = overflow
        self.on_high_water: Callable[[int], None] | None = None
        self._queue = queue_for(overflow, capacity, lost)
        self.messages = self._queue.messages
        self._senders: Senders[M] | None = None  # made when the first sender waits: most never do
        self._reader = Reader()
        self._clock: trio.abc.Clock | None = None
        self._closed = False
        self._high_water = max(1, int(capacity * HIGH_WATER))
        self._told_high_water = False
        # Below this depth a message is appended, and that is all. 0 when more is to be done: once it is closed, and for
        # the first message after a receive, as the first of an empty mailbox always is (its time is noted, and the
        # reader woken): what empties a mailbox was handed out last, else something that came later would be left.
        self._append_below = 0
        self._limit = self._first_limit()  # what it is otherwise: up to the high water, then up to the capacity
        self._dead_lettered = self._refused = self._undelivered = 0

    @property
    def capacity(self) -> int:
        return self._queue.capacity

    # The senders' end

    @enable_ki_protection
    def put_nowait(self, message: M) -> None:
        messages = self.messages
        if len(messages) < self._append_below:
            messages.append(message)
        elif not self._offer(message):
            self._refuse()

    @enable_ki_protection
    async def put_without_checkpoint(self, message: M) -> None:
        """Wait for room. Not a checkpoint when there is room: the caller has just made one, and what it does in the
        same step as the acceptance (Ref.ask) must not be torn from it."""
        messages = self.messages
        if len(messages) < self._append_below:
            messages.append(message)
            return
        if self._offer(message):
            return
        if self.overflow is Overflow.REFUSE:
            self._refuse()
        if self.is_read_here():
            raise WaitsForItself(self.name)
        if self._senders is None:
            self._senders = Senders()
        await self._senders.wait(message)

    def _offer(self, message: M) -> bool:
        if self._closed:
            raise ActorStopped(self.name)
        if not self._place(message):
            return False
        if len(self.messages) >= self._high_water and not self._told_high_water:
            self._tell_high_water()
        return True

    def _place(self, message: M) -> bool:
        queue = self._queue
        was_empty = not self.messages
        if not queue.offer(message):
            return False
        self._append_below = self._limit
        newest = queue.removed + len(self.messages) - 1
        if was_empty or newest >= queue.ages.due:
            self._note_time(newest)
        return True

    def _refuse(self) -> None:
        self._refused += 1
        raise MailboxFull(self.name, self.capacity)

    def _note_time(self, newest: int) -> None:
        if self._clock is None and in_trio_run():
            self._clock = current_clock()
        if self._clock is not None:
            now = self._clock.current_time()
            self._queue.ages.mark(self._queue.removed, newest, now)
            self._reader.wake(now)

    def _tell_high_water(self) -> None:
        self._told_high_water = True
        if self._limit:
            self._append_below = self._limit = self.capacity
        if self.on_high_water is not None:
            self.on_high_water(len(self.messages))

    @enable_ki_protection
    def close(self) -> None:
        """Refuse new mail; end the waits of senders with ActorStopped, and the reader's once it is drained."""
        if self._closed:
            return
        self._closed = True
        self._append_below = self._limit = 0
        if self._senders:
            self._senders.turn_away(lambda: ActorStopped(self.name))
        if self._clock is not None:
            self._reader.wake(self._clock.current_time())

    # The reader's end

    def begin(self) -> None:
        """An incarnation begins."""
        clock = self._clock = current_clock()
        self._reader.begin(clock)
        self._queue.ages.begin(clock.current_time())

    def is_read_here(self) -> bool:
        """Whether the calling task is the one that came for mail last. It must not wait for what only it can do."""
        return self._reader.latest is not None and self._reader.latest is current_task()

    @enable_ki_protection
    def come_for_mail(self) -> None:
        """Acknowledge what ``get`` handed out: its reader is back."""
        if self._reader.parked is not None:
            self._refuse_second_reader()
        self._reader.latest = current_task()
        if self._queue.got:
            self.drop(1)

    @enable_ki_protection
    async def wait_mail(self) -> bool:
        """Until there is a message; False when none will come. Not a checkpoint when there is one."""
        while not self.messages:
            if self._closed:
                return False
            if self._reader.parked is not None:
                self._refuse_second_reader()
            await wait_task_rescheduled(self._reader.park())
        return True

    def _refuse_second_reader(self) -> None:
        raise trio.BusyResourceError(f"another task is already reading the mailbox of {self.name!r}")

    @enable_ki_protection
    def first(self) -> M:
        """Hand out the oldest message."""
        message = self._queue.first()
        self._append_below = 0
        if self._senders:
            self._senders.admit(self._place)
        return message

    @enable_ki_protection
    def take(self, limit: int) -> Sequence[M]:
        """Hand out the oldest messages."""
        taken = self._queue.take(limit)
        self._append_below = 0
        if self._senders:
            self._senders.admit(self._place)
        return taken

    @enable_ki_protection
    def drop(self, count: int) -> None:
        self._queue.acknowledge(count)
        if self._senders or self._told_high_water:
            self._make_room()

    def _make_room(self) -> None:
        if self._senders:
            self._senders.admit(self._place)
        if self._told_high_water and 2 * len(self.messages) <= self.capacity:
            self._told_high_water = False
            self._append_below = 0
            self._limit = self._first_limit()

    def _first_limit(self) -> int:
        return 0 if self._closed or self._queue.selective else self._high_water - 1

    # The kernel's part

    def release_clean(self) -> None:
        """The incarnation returned: what get handed out is handled, what peek handed out only if it was dropped."""
        if self._queue.got:
            self.drop(1)
        self.release_interrupted()

    def release_interrupted(self) -> None:
        """The incarnation was ended from outside: what it had in hand goes to the next, under no suspicion."""
        self._reader.end()
        self._queue.give_back()

    def release_crashed(self) -> Sequence[M]:
        """The incarnation crashed. Returns the message that is to blame, if that is now certain."""
        self._reader.end()
        guilty = self._queue.give_back_after_crash()
        if guilty:
            self._dead_lettered += 1
            self._make_room()
        return guilty

    def holds(self, messages: Collection[M]) -> set[int]:
        """The ids of those messages that are still to be handled, or whose senders still wait."""
        wanted = {id(message) for message in messages}
        waiting = self._senders.values() if self._senders else ()
        return wanted.intersection(map(id, (*self.messages, *waiting)))

    def discard(self) -> int:
        """Nobody will read again. Returns how many accepted messages are lost by that, all in all.

        Spares what is in hand: a reader that cannot be stopped may still acknowledge it.
        """
        self.close()
        self._undelivered += self._queue.drop_waiting()
        return self._undelivered

    def statistics(self) -> MailboxStatistics:
        queue = self._queue
        depth = len(self.messages)
        now = 0.0 if self._clock is None else self._clock.current_time()
        since = queue.ages.since(queue.removed) if depth else None
        return MailboxStatistics(
            depth=depth,
            capacity=queue.capacity,
            in_hand=queue.in_hand,
            peak=max(queue.peak, depth),
            handled=queue.removed - self._dead_lettered,
            dead_lettered=self._dead_lettered,
            refused=self._refused,
            waiting=len(self._senders or ()),
            closed=self._closed,
            overflow=name_of(self.overflow),
            dropped=queue.dropped,
            superseded=queue.superseded,
            oldest_age_s=0.0 if since is None else now - since,
            busy_s=self._reader.busy_s(),
        )
