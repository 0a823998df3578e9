"""Keeps a saturated event loop from starving the journal's threads.

A loop that always has something to run polls for I/O without waiting, every few hundred microseconds. Each poll lets
go of the interpreter's lock for about a microsecond: too short for another thread to wake up and take it, yet enough
to restart that thread's 5 ms patience after which it may demand the lock. So the loop keeps the lock, and a commit of a
few milliseconds was measured to take as long as 16 seconds (benchmarks/journal.py, "loop busy").

While a call to a thread is pending on a saturated loop, this instrument lets go of the lock for long enough now and
then.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

import trio

EVERY_S: Final = 0.001
PAUSE_S: Final = 0.000_02
"""What is asked for; the kernel's timer makes it about 70 microseconds."""


class GiveWay(trio.abc.Instrument):
    """An instrument, and the context manager that marks a call to a thread as pending."""

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._pending = 0
        self._last = clock()

    def __enter__(self) -> None:
        self._pending += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pending -= 1

    def before_io_wait(self, timeout: float) -> None:
        """Called by trio before each poll; ``timeout`` is 0 when tasks are waiting to run."""
        if self._pending and timeout <= 0 and self._clock() - self._last >= EVERY_S:
            self._pause(PAUSE_S)
            self._last = self._clock()
