"""Supervision policy, pure: who restarts, how often, how soon. No clock, no I/O; ``now`` and the randomness come in."""

import enum
import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

import attrs

from runtime.options import above, at_least

T = TypeVar("T")


class Restart(enum.Enum):
    """Which endings of a child lead to its next incarnation."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # after a crash; a clean return ends it for good
    TEMPORARY = "temporary"  # never

    def wanted(self, *, crashed: bool) -> bool:
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and crashed)


class Strategy(enum.Enum):
    """Which children share the fate of one that is restarted. Order is the order of the supervisor's children."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"

    def affected(self, siblings: Sequence[T], dead: T) -> Sequence[T]:
        match self:
            case Strategy.ONE_FOR_ONE:
                return (dead,)
            case Strategy.REST_FOR_ONE:
                return siblings[siblings.index(dead) :]
            case Strategy.ONE_FOR_ALL:
                return siblings


class AutoShutdown(enum.Enum):
    """When a supervisor stops because its work is done: once significant children have ended for good."""

    NEVER = "never"
    ANY = "any"  # the first of them
    ALL = "all"  # the last of them


@attrs.frozen
class Intensity:
    """The restart budget: at most ``restarts`` within ``within`` seconds; the next one exceeds it."""

    restarts: float = attrs.field(default=5, validator=at_least(0))
    within: float = attrs.field(default=60.0, validator=above(0))

    @classmethod
    def unlimited(cls) -> "Intensity":
        """A budget that nothing exceeds: only the backoff slows down what keeps crashing."""
        return cls(restarts=math.inf)


@attrs.frozen
class Backoff:
    """Seconds to wait before a restart: uniform in [0, min(ceiling, first * factor ** (attempt - 1))].

    Full jitter, so that children that died of one cause don't come back in step.
    A child that ran for ``reset_after`` seconds, or said that it is healthy (``Inbox.healthy``), starts over at
    attempt 1. ``math.inf``: only by its word.
    """

    first: float = attrs.field(default=0.1, validator=at_least(0))
    factor: float = attrs.field(default=2.0, validator=at_least(1))
    ceiling: float = attrs.field(default=30.0, validator=at_least(0))
    reset_after: float = attrs.field(default=30.0, validator=at_least(0))

    def bound(self, attempt: int) -> float:
        """The longest possible delay before the restart number ``attempt``, counted from 1."""
        try:
            return min(self.ceiling, self.first * self.factor ** (attempt - 1))
        except OverflowError:
            return self.ceiling

    def delay(self, attempt: int, rng: random.Random) -> float:
        return rng.uniform(0.0, self.bound(attempt))


@attrs.define
class RestartLog:
    """Remembers the restarts that still count against an Intensity."""

    intensity: Intensity
    _times: list[float] = attrs.field(factory=list, init=False)

    def admit(self, now: float) -> bool:
        """Note a restart at ``now``. False when it exceeds the budget."""
        if self.intensity.restarts == math.inf:
            return True  # nothing to remember
        del self._times[: bisect_right(self._times, now - self.intensity.within)]
        self._times.append(now)
        return len(self._times) <= self.intensity.restarts
