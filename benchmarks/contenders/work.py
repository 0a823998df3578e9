"""The work that every contender on trio is given, so that only the mail between the two tasks differs.

A way to do it takes a number of steps and returns the seconds that each step took.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter

import trio

BURST = 512
"""Messages in one step: put as fast as the sender can, then waited for until the last of them was received."""

CAPACITY = 1024
"""Of the mailboxes and channels that take bursts: no burst fills one."""

NARROW = 16
"""Of those where the sender is to wait for room."""

Way = Callable[[int], list[float]]


class Gate:
    """Where the sender waits for a burst to have been received."""

    def __init__(self) -> None:
        self._opened = trio.Event()

    def open(self) -> None:
        self._opened.set()

    async def wait_opened(self) -> None:
        await self._opened.wait()
        self._opened = trio.Event()


async def put_bursts(put: Callable[[int], None], gate: Gate, steps: int) -> list[float]:
    """Bursts that never wait while they are put."""
    times = []
    for _ in range(steps):
        began = perf_counter()
        for number in range(BURST):
            put(number)
        await gate.wait_opened()
        times.append(perf_counter() - began)
    return times


async def send_bursts(send: Callable[[int], Awaitable[None]], gate: Gate, steps: int) -> list[float]:
    """Bursts that wait for room."""
    times = []
    for _ in range(steps):
        began = perf_counter()
        for number in range(BURST):
            await send(number)
        await gate.wait_opened()
        times.append(perf_counter() - began)
    return times


async def repeat(act: Callable[[int], Awaitable[object]], steps: int) -> list[float]:
    """``act`` with the number of the step, one after the other."""
    times = []
    for step in range(steps):
        began = perf_counter()
        await act(step)
        times.append(perf_counter() - began)
    return times
