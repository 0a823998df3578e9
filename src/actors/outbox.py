"""The byte-bounded queue between the subscriber registry and one subscriber's connection."""

from collections.abc import Sequence

import trio
from attrs import frozen


class OutboxOverflowError(Exception):
    """The subscriber fell too far behind: what was pending is gone, and it needs a snapshot and a new outbox."""


@frozen
class OutboxStatistics:
    """What is pending now."""

    bytes: int
    frames: int


class Outbox:
    """Frames on their way to one subscriber: writers that never wait, one reader. It serves one join and no second.

    A frame is never split and never reordered. Over ``max_bytes`` everything pending is dropped at once, since a stream
    with a hole in it is worth nothing. From then on, as after :meth:`close`, nothing more is taken.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._frames: list[str] = []
        self._bytes = 0
        self._overflowed = False
        self._closed = False
        self._wakeup = trio.Event()

    @property
    def closed(self) -> bool:
        """Whether frames are refused, for either reason."""
        return self._closed

    def put_nowait(self, frame: str) -> bool:
        """Queue a frame. False when it is refused."""
        if self._closed:
            return False
        # Frames are JSON text that is nearly all ASCII, so its length stands for its size in bytes.
        self._bytes += len(frame)
        self._frames.append(frame)
        self._wakeup.set()
        if self._bytes > self._max_bytes:
            self.close()
            self._overflowed = True
        return not self._closed

    def nudge(self) -> None:
        """Let :meth:`get` return although there may be nothing to get."""
        self._wakeup.set()

    def close(self) -> None:
        """Take nothing more and forget what is pending. Idempotent."""
        self._closed = True
        self._clear()

    async def get(self) -> Sequence[str]:
        """Wait for frames or a nudge and take all frames there are.

        Raises:
            OutboxOverflowError: from the overflow on.
        """
        await self._wakeup.wait()
        if self._overflowed:
            raise OutboxOverflowError
        self._wakeup = trio.Event()
        frames = self._frames
        self._clear()
        return frames

    def statistics(self) -> OutboxStatistics:
        return OutboxStatistics(self._bytes, len(self._frames))

    def _clear(self) -> None:
        self._frames = []
        self._bytes = 0
