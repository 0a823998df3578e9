"""The words of the session (:mod:`mission_control.client.session`): its states, its actions, why it ends."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from mission_control.core.events import Event, LinkStateName
from mission_control.core.frames import CloseCode, Notice
from mission_control.core.subscription import Cursor, Filter

Link: TypeAlias = Literal["idle", "opening", "greeting", "loading", "catching_up", "live", "waiting", "stopped"]
"""Where the session stands; the diagram is at the top of ``session.py``."""

WITH_SOCKET: Final = frozenset({"opening", "greeting", "loading", "catching_up", "live"})
FINAL_CODES: Final = frozenset({CloseCode.BAD_REQUEST, CloseCode.UNAUTHENTICATED, CloseCode.ORIGIN})
"""Close codes after which the same request can never succeed."""
NOTICES_KEPT: Final = 3
LOST: Final = 1006
"""Stands for the close code of a connection that ended without one."""


class RefusedError(Exception):
    """The daemon will not serve this request, however often it is made; the text says what to do about it.

    ``close_code`` is the connection's, None when this side ended it: the daemon speaks another version of the protocol.
    ``code`` is the error frame's.
    """

    def __init__(self, close_code: int | None, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code


@frozen
class Backoff:
    """How long to wait before an attempt, in s: a random time below a bound that doubles with each attempt.

    Full jitter, so that subscribers that lost the same daemon do not come back in step.
    """

    first: float = 0.25
    ceiling: float = 10.0

    def bound(self, attempt: int) -> float:
        """The longest wait before attempt number ``attempt``, counted from 1."""
        return min(self.ceiling, self.first * 2.0 ** min(attempt - 1, 30))

    def delay_ms(self, attempt: int, chance: float) -> int:
        """The wait in ms; ``chance`` is a random number in [0, 1)."""
        return round(chance * self.bound(attempt) * 1000)


RECONNECT: Final = Backoff()


@frozen
class Problem:
    """Why there is no connection. ``code`` is a close code, or a word of ours: ``silent``, ``gap``, ``version``."""

    code: str
    message: str


def newest_words(notices: Sequence[Notice], notice: Notice) -> list[Notice]:
    """The newest on each subject: ``persistence_recovered`` takes the place of ``persistence_stalled``."""
    subject = notice.code.rpartition("_")[0]
    others = [old for old in notices if old.code != notice.code and old.code.rpartition("_")[0] != subject]
    return [*others, notice][-NOTICES_KEPT:]


@frozen
class Jump:
    """The events after ``before`` and up to ``after`` were not delivered; ``before`` is None at the first connection.

    ``reason`` is that of the protocol's snapshot (``first``, ``expired``, ``slow_consumer`` …), or ``gap`` when the
    stream itself was found to have a hole. After ``filter`` come events by the filter that was asked for.
    """

    reason: str
    before: Cursor | None
    after: Cursor


@frozen
class Batch:
    """What one frame brought, for whoever follows: a jump or events in order, and the cursor after them.

    ``select`` is the filter by which the events after the jump, or these, were chosen.
    """

    events: list[Event]
    cursor: Cursor
    select: Filter
    jump: Jump | None = None


@frozen
class Send:
    """This text is to be sent."""

    text: str


@frozen
class Deliver:
    """This is for whoever follows."""

    batch: Batch


@frozen
class Changed:
    """The connection's state is new, or was confirmed by another failure; ``why`` is one line."""

    state: LinkStateName
    why: str


@frozen
class Noticed:
    """The daemon said something that is not in the journal."""

    notice: Notice


Action: TypeAlias = Send | Deliver | Changed | Noticed
