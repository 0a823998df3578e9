"""What becomes of a message that finds its mailbox full: chosen with the address, one queue for each choice."""

import enum
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from runtime.options import callable_by
from runtime.queues import Queue

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)


class Overflow(enum.Enum):
    """WAIT: ``tell`` raises MailboxFull, ``send`` waits for room.
    REFUSE: ``tell``, ``send`` and ``ask`` raise MailboxFull at once.
    DROP_OLDEST: all is accepted; the oldest message that no reader has had in hand goes for it.
    """

    WAIT = "wait"
    REFUSE = "refuse"
    DROP_OLDEST = "drop_oldest"


@attrs.frozen
class KeepLatest(Generic[M]):
    """A message takes the place of the one with an equal key that waits and that no reader has had in hand; one
    with a new key finds a full mailbox as under WAIT. For states, of which only the newest counts.

    key: names what a message tells the state of; pure, quick, and hashable. What it raises, the sender gets.
    """

    key: Callable[[M], Hashable] = attrs.field(validator=callable_by("key(message) names what the message is about"))


OverflowPolicy = Overflow | KeepLatest[M]


class Lost(Protocol[M_contra]):
    """Hears of each accepted message that a policy takes out again."""

    def __call__(self, message: M_contra, *, superseded: bool) -> None: ...


class LossyQueue(Queue[M]):
    """The common part of the queues that may lose mail, but never what was handed out once: that may be half done.

    What was handed out does not count against the capacity, so that there is always room for news; in return no more
    than the capacity is in hand at once. Together these bound the depth to twice the capacity.
    """

    __slots__ = ("_lost",)

    def __init__(self, capacity: int, lost: Lost[M]) -> None:
        super().__init__(capacity)
        self._lost = lost

    def spared(self) -> int:
        """How many messages of the head were handed out."""
        return self.in_hand if self.in_hand > self.returned else self.returned

    def take(self, limit: int) -> Sequence[M]:
        return super().take(min(limit, self.capacity))


class DropOldestQueue(LossyQueue[M]):
    __slots__ = ()

    def offer(self, message: M) -> bool:
        messages = self.messages
        spared = self.spared()
        if len(messages) - spared >= self.capacity:
            self._drop(spared)
        messages.append(message)
        return True

    def _drop(self, index: int) -> None:
        oldest = self.messages[index]
        del self.messages[index]
        self.ages.close_gap(self.removed + index)
        self.dropped += 1
        self._lost(oldest, superseded=False)


class KeepLatestQueue(LossyQueue[M]):
    """Remembers the number of the newest message of each key. A number below those that wait says nothing any more;
    such numbers are forgotten when they outweigh the others, so that keys of the past cost neither memory nor time.
    """

    selective = True

    __slots__ = ("_key", "_numbers")

    def __init__(self, capacity: int, lost: Lost[M], key: Callable[[M], Hashable]) -> None:
        super().__init__(capacity, lost)
        self._key = key
        self._numbers: dict[Hashable, int] = {}

    def offer(self, message: M) -> bool:
        key = self._key(message)
        messages = self.messages
        spared = self.spared()
        index = self._numbers.get(key, -1) - self.removed
        if index >= spared:
            self._supersede(index, message)
            return True
        if len(messages) - spared >= self.capacity:
            return False
        self._numbers[key] = self.removed + len(messages)
        messages.append(message)
        if len(self._numbers) > 2 * self.capacity:
            self._forget_past()
        return True

    def _supersede(self, index: int, message: M) -> None:
        older = self.messages[index]
        self.messages[index] = message
        self.superseded += 1
        self._lost(older, superseded=True)

    def _forget_past(self) -> None:
        waiting = self.removed + self.spared()
        self._numbers = {key: number for key, number in self._numbers.items() if number >= waiting}


def queue_for(overflow: OverflowPolicy[M], capacity: int, lost: Lost[M]) -> Queue[M]:
    match overflow:
        case Overflow.DROP_OLDEST:
            return DropOldestQueue(capacity, lost)
        case KeepLatest(key):
            return KeepLatestQueue(capacity, lost, key)
        case _:
            return Queue(capacity)


def name_of(overflow: OverflowPolicy[Any]) -> str:
    return overflow.value if isinstance(overflow, Overflow) else "keep_latest"
