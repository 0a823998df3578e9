"""Runs a scenario in virtual time under a scheduler seed, so that what failed once fails again."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import trio
import trio.testing

from runtime.testing.scheduler import seeded_scheduler

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SEEDS = 2**32


def run(scenario: Callable[[*Ts], Awaitable[T]], *args: *Ts, seed: int | None = None) -> T:
    """``trio.run(scenario, *args)``, with a clock that jumps when all tasks wait, interleaved as ``seed`` says.

    seed: a random one when omitted. What is raised carries it as a note; the same seed takes the same steps again,
        as long as the scenario waits for no sockets, threads or processes and draws no random numbers of its own.
    """
    seed = random.randrange(SEEDS) if seed is None else seed  # noqa: S311  # no secret
    try:
        with seeded_scheduler(seed):
            return trio.run(scenario, *args, clock=trio.testing.MockClock(autojump_threshold=0))
    except BaseException as error:
        error.add_note(f"scheduler seed: {seed}")
        raise
