"""``python -m tests.chaos.stepping SEED …``: the daemon's command line on a machine whose clock steps.

Every other second or so it goes forth or back by up to an hour, as on a machine that wakes up, or is set by hand.
"""

import sys
import time
from collections.abc import Callable
from random import Random

HOUR = 3_600 * 10**9


def stepping(seed: int) -> Callable[[], int]:
    """A wall clock in ns that steps, by the monotonic one."""
    rng = Random(seed)
    began, base = time.monotonic(), time.time_ns()
    next_step, ahead = 5.0, 0

    def now() -> int:
        nonlocal next_step, ahead
        passed = time.monotonic() - began
        if passed >= next_step:
            next_step = passed + rng.uniform(1, 5)
            ahead = rng.randint(-HOUR, HOUR)
        return base + int(passed * 10**9) + ahead

    return now


if __name__ == "__main__":
    time.time_ns = stepping(int(sys.argv.pop(1)))
    from mission_control.cli import main

    sys.exit(main())
