"""Recognising what was seen before."""

from collections import deque
from collections.abc import Hashable


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
