"""What the kernel tells the world: typed events to one observer, and a snapshot of the tree.

The kernel never logs. The program turns events into logs and metrics in one place.
Times are ``trio.current_time()`` in seconds; paths are names joined with "/", from the root: "root/agents/alpha".
"""

import enum
from collections.abc import Callable, Mapping

import attrs

from runtime.failure import Failure
from runtime.mailbox import MailboxStatistics


class Kind(enum.Enum):
    ACTOR = "actor"
    SERVICE = "service"
    SUPERVISOR = "supervisor"
    POOL = "pool"


class State(enum.Enum):
    IDLE = "idle"  # never started yet
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"  # between two incarnations
    STOPPING = "stopping"
    STOPPED = "stopped"
    GAVE_UP = "gave_up"


@attrs.frozen
class DeadLetter:
    """A message that crashed its actor twice, kept until it is retried, discarded, or one of 100 newer ones comes.

    id: unique within the tree, counted from 1; message: its repr, cut to 300 characters
    """

    id: int
    path: str
    message: str
    failure: Failure
    time: float


@attrs.frozen
class RuntimeEvent:
    path: str
    time: float


@attrs.frozen
class Started(RuntimeEvent):
    """An incarnation begins to run; incarnations count from 1. For a supervisor or pool: its children run."""

    incarnation: int


@attrs.frozen
class Stopped(RuntimeEvent):
    """Stopped for good: the last event of every child, also of one that never ran.

    undelivered: messages accepted but never handled; state: STOPPED or GAVE_UP
    failure: how its last incarnation ended; None when that was in order, or when there was none
    """

    undelivered: int
    state: State
    failure: Failure | None


@attrs.frozen
class Crashed(RuntimeEvent):
    """An incarnation ended with an exception (ActorKilled when killed). ``error`` is for a traceback: don't keep it."""

    incarnation: int
    failure: Failure
    error: Exception


@attrs.frozen
class Restarting(RuntimeEvent):
    """The next incarnation starts in ``delay`` seconds. ``because``: the path of the child whose end is the reason."""

    delay: float
    because: str


@attrs.frozen
class Escalated(RuntimeEvent):
    """This supervisor has exceeded its restart intensity and now stops its children, then fails."""

    child: str
    failure: Failure | None


@attrs.frozen
class GaveUp(RuntimeEvent):
    """This child of a pool has exceeded its own restart budget and stays down until it is ensured anew."""

    restarts: float
    failure: Failure | None


@attrs.frozen
class ShuttingDown(RuntimeEvent):
    """This supervisor stops because its work is done: the significant child ``because`` (a path) has ended."""

    because: str


@attrs.frozen
class DeadLettered(RuntimeEvent):
    letter: DeadLetter


@attrs.frozen
class DeadLetterRetried(RuntimeEvent):
    """This dead letter is back in its actor's mailbox, as new mail."""

    letter: DeadLetter


@attrs.frozen
class DeadLetterDiscarded(RuntimeEvent):
    """This dead letter is gone: on request, or (``evicted``) because 100 newer ones have come."""

    letter: DeadLetter
    evicted: bool


@attrs.frozen
class WatcherFailed(RuntimeEvent):
    """A callback that watches this child has raised: what it was told is lost on it."""

    failure: Failure
    error: Exception


@attrs.frozen
class MailboxHighWater(RuntimeEvent):
    """The mailbox has filled to 80 %. Told once; told again after it has been down to half its capacity."""

    depth: int
    capacity: int


@attrs.frozen
class StoppedLate(RuntimeEvent):
    """A child did not stop within its grace and was cancelled. Told once.

    stuck: nor did it end then; the stop goes on without it, and ``run`` returns when it ends (trio abandons no task)
    """

    stuck: bool


Observer = Callable[[RuntimeEvent], None]


@attrs.frozen
class TreeNode:
    """One child of the tree at the moment of the snapshot.

    uptime_s: since when this incarnation runs, 0 unless it does; busy_s: how much of that it spent on its mail
    """

    name: str
    path: str
    kind: Kind
    state: State
    incarnation: int
    restarts: int
    uptime_s: float
    busy_s: float
    last_failure: Failure | None
    mailbox: MailboxStatistics | None
    children: tuple["TreeNode", ...]

    @property
    def busy_fraction(self) -> float:
        """The part of its uptime that an actor did not spend waiting for mail, from 0 to 1."""
        return min(1.0, self.busy_s / self.uptime_s) if self.uptime_s else 0.0


@attrs.frozen
class StopReport:
    """What a stop could not do in order, by path; all empty when everything ended within its grace.

    late: had to be cancelled and ended then; stuck: did not end within a second of that either
    undelivered: messages accepted and never handled, of those that left any
    """

    late: tuple[str, ...]
    stuck: tuple[str, ...]
    undelivered: Mapping[str, int]

    @property
    def clean(self) -> bool:
        return not (self.late or self.stuck or self.undelivered)
