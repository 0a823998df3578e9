"""Wall-clock time, injected so that tests can bend it."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Now, in ms since the Unix epoch."""


def wall_clock() -> int:
    return time.time_ns() // 1_000_000
