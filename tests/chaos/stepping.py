"""``python -m tests.chaos.stepping SEED …``: the daemon's command line on a machine whose clock steps.

Every other second or so it goes forth or back by up to an hour, as on a machine that wakes up, or is set by hand.
"""

import sys
import time
from random import Random

import actors.clock

STEP_MS = 3_600_000


def stepping(seed: int) -> "actors.clock.Clock":
    """A wall clock that steps, by the monotonic one."""
    rng = Random(seed)
    began, base = time.monotonic(), time.time_ns() // 1_000_000
    next_step, ahead = 5.0, 0

    def now() -> int:
        nonlocal next_step, ahead
        passed = time.monotonic() - began
        if passed >= next_step:
            next_step = passed + rng.uniform(1, 5)
            ahead = rng.randint(-STEP_MS, STEP_MS)
        return base + int(passed * 1000) + ahead

    return now


if __name__ == "__main__":
    actors.clock.wall_clock = stepping(int(sys.argv.pop(1)))
    from mission_control.cli import main

    sys.exit(main())
