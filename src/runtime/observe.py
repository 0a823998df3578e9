"""What the kernel tells the world: typed events to one observer, dead letters, and a snapshot of the tree.

The kernel never logs. The program turns events into logs and metrics in one place.
Times are ``trio.current_time()`` in seconds; paths are names joined with "/", from the root: "root/agents/alpha".
"""

import enum
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType

import attrs

from runtime.mailbox import MailboxStatistics

SUMMARY_LIMIT = 300


@attrs.frozen
class Failure:
    """An exception reduced to text, so that keeping it keeps no frames alive. ``where``: "module:line in function"."""

    type: str
    message: str
    where: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        # A nursery wraps the one error that matters: name that one.
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        return cls(type(error).__qualname__, str(error)[:SUMMARY_LIMIT], _where(error.__traceback__))


def _where(traceback: TracebackType | None) -> str:
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno} in {frame.f_code.co_qualname}"


@attrs.frozen
class DeadLetter:
    """A message that crashed its actor twice. ``message`` is its repr, cut to 300 characters."""

    path: str
    message: str
    failure: Failure
    time: float


def summarize(message: object) -> str:
    """The message's repr, at most 300 characters; a repr that raises must not cost the supervisor its life."""
    try:
        return repr(message)[:SUMMARY_LIMIT]
    except Exception as error:
        return f"<{type(message).__qualname__}: its repr raised {type(error).__qualname__}>"


class DeadLetters:
    """The newest 100 dead letters."""

    LIMIT = 100

    def __init__(self) -> None:
        self._letters: deque[DeadLetter] = deque(maxlen=self.LIMIT)

    def add(self, letter: DeadLetter) -> None:
        self._letters.append(letter)

    def merged(self, others: Iterable[DeadLetter]) -> tuple[DeadLetter, ...]:
        """These and others, oldest first, the newest 100."""
        return tuple(sorted((*self._letters, *others), key=lambda letter: letter.time)[-self.LIMIT :])


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
    """Stopped for good. ``undelivered``: messages accepted but never handled."""

    undelivered: int


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

    restarts: int
    failure: Failure | None


@attrs.frozen
class DeadLettered(RuntimeEvent):
    letter: DeadLetter


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
class TreeNode:
    """One child of the tree at the moment of the snapshot; ``uptime_s`` is 0 unless it is running."""

    name: str
    path: str
    kind: Kind
    state: State
    incarnation: int
    restarts: int
    uptime_s: float
    last_failure: Failure | None
    mailbox: MailboxStatistics | None
    children: tuple["TreeNode", ...]
