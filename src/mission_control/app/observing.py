"""The runtime's events as log lines and as ``system.status`` events: the one place that does either."""

import logging
from itertools import count

from actors.clock import Clock
from actors.persistence import Append, PersistenceMessage
from mission_control.core.events import Draft, Status
from mission_control.core.ids import event_id
from runtime import (
    ActorStopped,
    Crashed,
    DeadLetterDiscarded,
    DeadLettered,
    DeadLetterRetried,
    Escalated,
    GaveUp,
    MailboxFull,
    MailboxHighWater,
    Ref,
    Restarting,
    RuntimeEvent,
    StoppedLate,
    WatcherFailed,
)

SOURCE = "daemon"
"""What stands for a gateway in events that are the daemon's own."""

log = logging.getLogger("mission_control.runtime")


def daemon_status(clock: Clock, serial: int, status: Status) -> Draft:
    """A ``system.status`` event about the daemon or a part of it."""
    now = clock()
    return Draft(event_id(SOURCE, status.id, status.state, now, serial), now, SOURCE, None, status)


class RuntimeObserver:
    """Called by the kernel for each of its events."""

    def __init__(self, persistence: Ref[PersistenceMessage], clock: Clock) -> None:
        self._persistence = persistence
        self._clock = clock
        self._serial = count()

    def __call__(self, event: RuntimeEvent) -> None:
        match event:
            case Crashed(path=path, failure=failure, error=error):
                log.error("%s crashed: %s: %s", path, failure.type, failure.message, exc_info=error)
                self._journal(path, "crashed", f"{failure.type}: {failure.message}")
            case Restarting(path=path, delay=delay, because=because):
                log.warning("%s restarts in %.2f s because of %s", path, delay, because)
                self._journal(path, "restarting", f"because of {because}")
            case GaveUp(path=path, restarts=restarts):
                log.error("%s was restarted %d times and stays down", path, restarts)
                self._journal(path, "gave_up", f"after {restarts} restarts")
            case Escalated(path=path, child=child):
                log.critical("%s gives up because of %s", path, child)
            case DeadLettered(path=path, letter=letter):
                log.error("%s set a message aside that crashed it twice: %s", path, letter.message)
                self._journal(path, "dead_letter", letter.message)
            case DeadLetterRetried(path=path, letter=letter):
                log.warning("%s gets dead letter %d again: %s", path, letter.id, letter.message)
                self._journal(path, "dead_letter_retried", letter.message)
            case DeadLetterDiscarded(path=path, letter=letter, evicted=evicted):
                why = "made way for a newer one" if evicted else "is discarded on request"
                log.warning("dead letter %d of %s %s: %s", letter.id, path, why, letter.message)
                self._journal(path, "dead_letter_discarded", letter.message)
            case WatcherFailed(path=path, failure=failure, error=error):
                log.error("what watches %s raised %s: %s", path, failure.type, failure.message, exc_info=error)
            case MailboxHighWater(path=path, depth=depth, capacity=capacity):
                log.warning("the mailbox of %s is filling up: %d of %d", path, depth, capacity)
            case StoppedLate(path=path, stuck=stuck):
                log.error("%s did not stop in time%s", path, " and still runs" if stuck else "")
            case _:
                log.debug("%s", event)

    def _journal(self, path: str, state: str, detail: str) -> None:
        draft = daemon_status(self._clock, next(self._serial), Status("actor", path, state, detail))
        try:
            self._persistence.tell(Append((draft,)))
        except (MailboxFull, ActorStopped):
            return  # the log has it; an event about a crash must not become a second one
