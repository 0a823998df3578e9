"""Wall-clock time, injected so that tests can bend it."""

import time
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Now, in ms since the Unix epoch."""

SLEW: Final = 0.1
"""How fast a step of the machine's clock is made up for: an hour in ten."""
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock."""


class SteadyClock:
    """The machine's clock without its steps: what it was at first, and from then on as much later as time has passed.

    Outages are measured from one moment to another, so a clock that is set in between would make them too long, too
    short, or end before they began. A step is made up for little by little, and time never goes back.

    Args:
        wall, steady: the machine's clocks, in ns.
    """

    def __init__(self, wall: Callable[[], int], steady: Callable[[], int]) -> None:
        self._wall, self._steady = wall, steady
        self._now, self._seen = wall(), steady()
        self._lock = Lock()  # the journal's thread reads it, too

    def __call__(self) -> int:
        with self._lock:
            seen = self._steady()
            passed, self._seen = seen - self._seen, seen
            off = self._wall() - (self._now + passed)
            most = int(passed * SLEW)
            self._now += passed + max(-most, min(most, off))
            return self._now // 1_000_000


wall_clock: Clock = SteadyClock(time.time_ns, partial(time.clock_gettime_ns, _STEADY))
"""Of this process."""
