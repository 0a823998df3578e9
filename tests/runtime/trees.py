"""What the tests of trees share."""

import random
from collections.abc import Awaitable, Callable

from runtime.testing import Probe


def seeded() -> random.Random:
    """The same randomness in each run."""
    return random.Random(20)


def crash_once() -> Callable[[int], Awaitable[None]]:
    """A negative message crashes its actor when it is seen for the first time."""
    seen = set()

    async def handle(message: int) -> None:
        if message < 0 and message not in seen:
            seen.add(message)
            raise ValueError(message)

    return handle


def probes(names: str) -> list[Probe[int]]:
    """One for each letter."""
    return [Probe(name, crash_once()) for name in names]
