"""What a mailbox holds, pure: the order of mail, who has it in hand, and what comes again. No tasks, no clock.

Rules
- A message stays in the queue until it is acknowledged, so the capacity bounds what is accepted and not yet handled,
  in hand included. (A policy that may lose mail counts differently: see runtime.overflow.)
- What a reader has in hand is always the head of the queue.

Redelivery
  Messages in hand when an incarnation ends (handed out and not acknowledged) are delivered again, in order, before
  newer mail. When it ended by an exception of its own, they are *suspects*: the next incarnations receive them one
  at a time until they are past, so that the guilty one shows itself. A suspect alone in hand at another crash is taken
  out (the kernel records it as a dead letter) and the actor goes on. A kill, a cancellation or a restart caused by a
  sibling makes no suspects.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import ClassVar, Generic, TypeVar

from runtime.ages import Ages

M = TypeVar("M")


class Queue(Generic[M]):
    """First in, first out; what comes when it is full is not taken.

    messages: accepted and not acknowledged, oldest first
    peak: the greatest depth before the last time that messages left
    removed: how many have left at the head: ``removed + i`` is the number of the message at index i
    in_hand: how many of the head the living incarnation has; returned: how many an earlier one had, and of those
    suspects: how many it may have crashed of
    got: the first message was handed out by ``get``, whose next call acknowledges it
    selective: it must be offered each message, however much room there is
    """

    selective: ClassVar[bool] = False

    __slots__ = (
        "ages",
        "capacity",
        "dropped",
        "got",
        "in_hand",
        "messages",
        "peak",
        "removed",
        "returned",
        "superseded",
        "suspects",
    )

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.messages: deque[M] = deque()
        self.ages = Ages()
        self.peak = self.removed = self.in_hand = self.returned = self.suspects = 0
        self.got = False
        self.dropped = self.superseded = 0  # stay 0 but for the policies that lose mail

    def offer(self, message: M) -> bool:
        """Take it, if there is room."""
        if len(self.messages) >= self.capacity:
            return False
        self.messages.append(message)
        return True

    # The reader

    def first(self) -> M:
        """Hand out the oldest message."""
        self.got = True
        if not self.in_hand:
            self.in_hand = 1
        return self.messages[0]

    def take(self, limit: int) -> Sequence[M]:
        """Hand out the oldest messages."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        messages = self.messages
        if self.suspects:
            limit = 1
        taken = list(messages) if len(messages) <= limit else list(islice(messages, limit))
        if len(taken) > self.in_hand:
            self.in_hand = len(taken)
        return taken

    def acknowledge(self, count: int) -> None:
        """The oldest messages are handled."""
        if not 0 <= count <= self.in_hand:
            raise ValueError(f"cannot acknowledge {count} messages: {self.in_hand} are in hand")
        self.got = False
        self.in_hand -= count
        self.removed += count
        if self.returned:
            self.returned = max(0, self.returned - count)
            self.suspects = max(0, self.suspects - count)
        self._note_peak()
        messages = self.messages
        if count == 1:
            messages.popleft()
        elif count == len(messages):
            messages.clear()
        else:
            for _ in range(count):
                messages.popleft()

    # The end of an incarnation

    def give_back(self) -> None:
        """What is in hand goes to the next incarnation, under no new suspicion."""
        self.returned = max(self.returned, self.in_hand)
        self.in_hand = 0
        self.got = False

    def give_back_after_crash(self) -> Sequence[M]:
        """Returns the message that is to blame, taken out, if that is now certain."""
        guilty: Sequence[M] = ()
        if not self.suspects:
            self.suspects = self.in_hand
        elif self.in_hand == 1:
            guilty = (self.messages[0],)
            self.acknowledge(1)
        self.give_back()
        return guilty

    def drop_waiting(self) -> int:
        """Empty it but for what is in hand. Returns how many messages that cost."""
        self._note_peak()
        lost = len(self.messages) - self.in_hand
        for _ in range(lost):
            self.messages.pop()
        return lost

    def _note_peak(self) -> None:
        """Before the depth falls."""
        if len(self.messages) > self.peak:
            self.peak = len(self.messages)
