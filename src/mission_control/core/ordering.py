"""Recognising what was seen before, and putting what came out of order into its order.

A source of events that numbers them itself (docs/envelope.md) may repeat them, swap them and lose some. A
:class:`ReorderWindow` stands at the door for each of its agents and waits a little for what is missing. It decides
nothing that must be exact: that is :class:`~mission_control.core.telling.Telling`'s, which knows what is committed.
"""

from collections import deque
from collections.abc import Hashable
from typing import Final as Constant
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")

WINDOW_EVENTS: Constant = 256
WINDOW_MS: Constant = 2_000
NAMES_KEPT: Constant = 1_024
MOST_HOLES: Constant = 64
ASK_BACK: Constant = 4_096
"""A hole further back than this many events is not asked for again: what could fill it was given up long ago."""

Holes: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of sequences that never came, first and last of each, ascending; the newest :data:`MOST_HOLES`."""


def with_hole(holes: Holes, first: int, last: int) -> Holes:
    return (*holes, (first, last))[-MOST_HOLES:]


def without(holes: Holes, sequence: int) -> Holes | None:
    """The holes when this one number has come after all; None when it was not missing."""
    for place, (first, last) in enumerate(holes):
        if first <= sequence <= last:
            left = [(first, sequence - 1)] if first < sequence else []
            right = [(sequence + 1, last)] if sequence < last else []
            return (*holes[:place], *left, *right, *holes[place + 1 :])[-MOST_HOLES:]
    return None


class SeenWindow:
    """Remembers the newest ``size`` identities, so that a repeated delivery is recognised however late it comes.

    The journal's unique ``event_id`` is the exact guard against duplicates; this window keeps them from being
    *processed* twice before they get there.
    """

    def __init__(self, size: int) -> None:
        self._order: deque[Hashable] = deque()
        self._members: set[Hashable] = set()
        self._size = size
        self.repeats = 0

    def __contains__(self, identity: Hashable) -> bool:
        return identity in self._members

    def first_time(self, identity: Hashable) -> bool:
        """Whether this identity is new; remembers it."""
        if identity in self._members:
            self.repeats += 1
            return False
        self._members.add(identity)
        self._order.append(identity)
        if len(self._order) > self._size:
            self._members.discard(self._order.popleft())
        return True


class ReorderWindow(Generic[T]):
    """Gives items in the order of their sequences. All times in ms.

    What comes before its turn is held until the hole before it is filled, or until more than ``size`` items are held
    or one of them for longer than ``wait_ms``: then the hole is given up, and what comes of it later goes straight
    through. Holds at most ``size`` items, :data:`NAMES_KEPT` names and :data:`MOST_HOLES` holes.

    Args:
        expected: the sequence whose turn it is.
        holes: what was given up before.
    """

    def __init__(
        self, expected: int = 1, holes: Holes = (), *, size: int = WINDOW_EVENTS, wait_ms: int = WINDOW_MS
    ) -> None:
        self.expected = expected
        self.holes = holes
        self.repeats = 0
        self._size = size
        self._wait_ms = wait_ms
        self._held: dict[int, tuple[int, T]] = {}
        self._names = SeenWindow(NAMES_KEPT)
        self._unasked = next((first for first, last in holes if last > expected - ASK_BACK), None)

    def __len__(self) -> int:
        """How many items are held."""
        return len(self._held)

    def take(self, sequence: int, name: str, item: T, now: int, *, certain: bool) -> list[T]:
        """Take an item in, and give those whose turn it is.

        Args:
            name: identifies the item, whatever its sequence.
            certain: the source is known to number on. Then a number that has passed is a repetition; else it, under a
                name that is not known, means that the source numbers anew from 1.
        """
        if not self._names.first_time(name) or sequence in self._held:
            self.repeats += 1
            return []
        out: list[T] = []
        if sequence < self.expected:
            filled = without(self.holes, sequence)
            if filled is not None:
                self.holes = filled
                return [item]
            if certain:
                self.repeats += 1
                return []
            out = self.start_over()
        self._held[sequence] = (now, item)
        out += self._run()
        while len(self._held) > self._size:
            out += self._give_up()
        return out

    def due(self) -> int | None:
        """When :meth:`expire` should be called."""
        for since, _ in self._held.values():  # the first one has waited longest
            return since + self._wait_ms
        return None

    def expire(self, now: int) -> list[T]:
        """Give up the holes before what has waited long enough."""
        overdue = [sequence for sequence, (since, _) in self._held.items() if now >= since + self._wait_ms]
        out: list[T] = []
        while self._held and min(self._held) <= max(overdue, default=0):
            out += self._give_up()
        return out

    def flush(self) -> list[T]:
        """Give up all holes and everything that is held: nothing more will come for now."""
        out: list[T] = []
        while self._held:
            out += self._give_up()
        return out

    def start_over(self) -> list[T]:
        """The source numbers from 1 again. Gives what was held of before."""
        out = self.flush()
        self.expected, self.holes, self._unasked = 1, (), None
        return out

    def ask_after(self) -> int:
        """The sequence after which the source should repeat itself: that before the oldest hole not asked for yet."""
        unasked, self._unasked = self._unasked, None
        return (self.expected if unasked is None else min(unasked, self.expected)) - 1

    def _run(self) -> list[T]:
        """What follows without a hole."""
        out: list[T] = []
        while (held := self._held.pop(self.expected, None)) is not None:
            out.append(held[1])
            self.expected += 1
        return out

    def _give_up(self) -> list[T]:
        """Give up the hole before the first that is held."""
        first = min(self._held)
        self.holes = with_hole(self.holes, self.expected, first - 1)
        if self._unasked is None:
            self._unasked = self.expected
        self.expected = first
        return self._run()
