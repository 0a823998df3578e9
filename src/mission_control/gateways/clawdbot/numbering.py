"""The order of a connection's event frames, by the number that the gateway gives to each.

A WebSocket neither loses nor swaps frames, but what stands between may, and a gateway leaves out a frame for a client
that is slow. Frames that come too early wait a little for those before them; what does not come is missing.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final as Constant

from mission_control.core.ordering import ReorderWindow
from mission_control.gateways.clawdbot.frames import Head

WAIT_MS: Constant = 200
"""How long a frame waits for those before it. Every frame behind it waits too, so it is short."""
RECENT: Constant = 1_024
"""A number further back than this is no repetition: the gateway numbers anew."""


class Numbering:
    """Of one connection. ``repeated`` and ``missing`` count frames since the daemon's start; times are in ms."""

    def __init__(self) -> None:
        self.repeated = 0
        self.missing = 0
        self.flowed_at = 0
        """When the newest frame came that was in its place."""
        self._window: ReorderWindow[Head] | None = None
        self._behind: deque[tuple[int, Head]] = deque()
        self._newest = 0
        self._noticed = 0

    def has_hole(self) -> bool:
        """Whether anything has gone missing since this was last asked."""
        noticed, self._noticed = self._noticed, self.missing
        return self.missing > noticed

    def begin(self) -> None:
        """A new connection: it has frames from any number on."""
        self._window = None
        self._behind.clear()

    def take(self, head: Head, now: int) -> Sequence[Head]:
        """Take in a frame, and give those whose turn it is. One without a number goes behind all that came before it:
        an answer knows what they say."""
        if head.seq is None:
            if not self._window:
                return (head,)
            self._behind.append((self._newest, head))
            return ()
        self._newest = max(self._newest, head.seq)
        window = self._window
        if window is None or head.seq < window.expected - RECENT:
            window = self._window = ReorderWindow(head.seq, wait_ms=WAIT_MS)
            self._newest = head.seq
        if head.seq == window.expected and not window:
            window.expected += 1
            self.flowed_at = now
            return (head,)
        if head.seq < window.expected:
            self.repeated += 1  # or so late that it counts as missing, and is being made good
            return ()
        before = window.repeats
        ready = self._counted(window, window.take(head.seq, str(head.seq), head, now, certain=True))
        self.repeated += window.repeats - before
        return ready

    def expire(self, now: int) -> Sequence[Head]:
        """What has waited long enough for the frames before it."""
        return () if self._window is None else self._counted(self._window, self._window.expire(now))

    def flush(self) -> Sequence[Head]:
        """The connection has ended: everything that waited."""
        rest = () if self._window is None else self._counted(self._window, self._window.flush())
        return [*rest, *(head for _, head in self._behind)]

    def due(self) -> int | None:
        """When :meth:`expire` should be called."""
        return None if self._window is None else self._window.due()

    def _counted(self, window: ReorderWindow[Head], ready: Sequence[Head]) -> Sequence[Head]:
        self.missing += sum(last - first + 1 for first, last in window.holes)
        window.holes = ()
        out: list[Head] = []
        for head in ready:
            out.append(head)
            while self._behind and self._behind[0][0] <= (head.seq or 0):
                out.append(self._behind.popleft()[1])
        return out
