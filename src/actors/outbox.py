"""The byte-bounded queue between the subscriber registry and one subscriber's connection."""

from collections.abc import Sequence

import trio
from attrs import frozen


class OutboxOverflowError(Exception):
    """The subscriber fell too far behind: what was pending is gone, and it needs a snapshot."""


@frozen
class OutboxStatistics:
    """``bytes`` and ``frames`` are pending now; ``overflows`` counts how often the bound was passed."""

    bytes: int
    frames: int
    overflows: int


class Outbox:
    """Frames on their way to one subscriber: many writers that never wait, one reader.

    Over ``max_bytes`` everything pending is dropped at once, since a stream with a hole in it is worth nothing, and
    nothing more is taken until the reader has noticed. A frame is never split and never reordered.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._frames: list[str] = []
        self._bytes = 0
        self._overflowed = False
        self._overflows = 0
        self._wakeup = trio.Event()

    @property
    def overflowed(self) -> bool:
        """Whether frames are being refused until :meth:`get` has reported the overflow."""
        return self._overflowed

    def put_nowait(self, frame: str) -> bool:
        """Queue a frame. False when the outbox has overflowed, now or before: the frame is dropped."""
        if self._overflowed:
            return False
        # Frames are JSON text that is nearly all ASCII, so its length stands for its size in bytes.
        self._bytes += len(frame)
        self._frames.append(frame)
        if self._bytes > self._max_bytes:
            self.clear()
            self._overflowed = True
            self._overflows += 1
        self._wakeup.set()
        return not self._overflowed

    async def get(self) -> Sequence[str]:
        """Wait for frames and take all of them.

        Raises:
            OutboxOverflowError: once after each overflow; the outbox takes frames again from then on.
        """
        await self._wakeup.wait()
        self._wakeup = trio.Event()
        if self._overflowed:
            self._overflowed = False
            raise OutboxOverflowError
        frames = self._frames
        self.clear()
        return frames

    def clear(self) -> None:
        """Forget what is pending: a snapshot is about to stand for it."""
        self._frames = []
        self._bytes = 0

    def statistics(self) -> OutboxStatistics:
        return OutboxStatistics(self._bytes, len(self._frames), self._overflows)
