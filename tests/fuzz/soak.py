"""Many inputs, one after the other, through one dialect and its agents, or one client: does memory grow?

Each lap says the same again of other runs, sessions, messages and events, later. After as many laps again, what is not
meant to fill up must not hold more than before.
"""

from collections.abc import Iterable, Sequence
from itertools import count

from tests.fuzz.held import check_growth, check_held, held
from tests.fuzz.script import Step, duration, renewed
from tests.fuzz.targets import Follower


def soak(follower: Follower, inputs: Iterable[Sequence[Step]], laps: int) -> int:
    """Gives how many steps it took. Raises whatever the product raises, or AssertionError where memory grows."""
    turns = [[step for step in one if step.word not in ("at", "again")] for one in inputs]
    steps = 0
    later = 0
    numbers = count(1)
    figures = []
    for _ in range(2):
        for _ in range(laps):
            lap = next(numbers)
            for turn in turns:
                for step in (*renewed(turn, lap, later), Step("lose")):
                    follower.play(step)
                steps += len(turn) + 1
                later += duration(turn)
        figures.append(held(*follower.roots))
        check_held(*follower.roots)
    check_growth(*figures)
    return steps
