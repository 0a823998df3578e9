"""The order of a connection's event frames, by the number that the gateway gives to each.

A WebSocket neither loses nor swaps frames, but what stands between may, and a gateway leaves out a frame for a client
that is slow. Frames that come too early wait a little for those before them; what does not come is missing.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final as Constant
from typing import TypeAlias

from attrs import frozen

from mission_control.core.ordering import ReorderWindow
from mission_control.gateways.clawdbot.frames import Head
from mission_control.gateways.record import Record

WAIT_MS: Constant = 200
"""How long a frame waits for those before it. Every frame behind it waits too, so it is short."""
RECENT: Constant = 1_024
"""A number further back than this is no repetition: the gateway numbers anew."""


@frozen
class Hole:
    """Stands where frames are missing. ``since``: until when all were there, in ms."""

    since: int


Ordered: TypeAlias = Sequence[Head | Hole]


class Numbering:
    """Of one connection. Repeated and missing frames are counted in ``record``; times are in ms."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._flowed_at = 0
        self._given = 0
        self._window: ReorderWindow[Head] | None = None
        self._behind: deque[tuple[int, Head]] = deque()
        self._newest = 0

    def begin(self) -> None:
        """A new connection: it has frames from any number on."""
        self._window = None
        self._behind.clear()

    def take(self, head: Head, now: int) -> Ordered:
        """Take in a frame, and give those whose turn it is. One without a number goes behind all that came before it:
        an answer knows what they say."""
        if head.seq is None:
            if not self._window:
                return (head,)
            self._behind.append((self._newest, head))
            return ()
        self._newest = max(self._newest, head.seq)
        if self._window is not None and head.seq < self._window.expected - RECENT:
            rest = self.flush()
            self.begin()
            return [*rest, *self.take(head, now)]
        if self._window is None:
            self._window = ReorderWindow(head.seq, wait_ms=WAIT_MS)
            self._newest, self._given = head.seq, head.seq - 1
        window = self._window
        if head.seq == window.expected and not window:
            window.expected += 1
            self._given = head.seq
            self._flowed_at = now
            return (head,)
        if head.seq < window.expected:
            self._record.repeated += 1  # or so late that it counts as missing, and is being made good
            return ()
        before = window.repeats
        ready = self._with_holes(window.take(head.seq, str(head.seq), head, now, certain=True))
        self._record.repeated += window.repeats - before
        return ready

    def expire(self, now: int) -> Ordered:
        """What has waited long enough for the frames before it."""
        return () if self._window is None else self._with_holes(self._window.expire(now))

    def flush(self) -> Ordered:
        """The connection has ended: everything that waited."""
        rest = () if self._window is None else self._with_holes(self._window.flush())
        return [*rest, *(head for _, head in self._behind)]

    def due(self) -> int | None:
        """When :meth:`expire` should be called."""
        return None if self._window is None else self._window.due()

    def _with_holes(self, ready: Sequence[Head]) -> Ordered:
        out: list[Head | Hole] = []
        for head in ready:
            number = head.seq or 0
            if number > self._given + 1:
                self._record.missing += number - self._given - 1
                out.append(Hole(self._flowed_at))
            self._given = number
            out.append(head)
            while self._behind and self._behind[0][0] <= number:
                out.append(self._behind.popleft()[1])
        return out
