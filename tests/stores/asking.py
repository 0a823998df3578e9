"""Asking a journal for all of something, and the short form of its answers."""

from mission_control.core.events import Event
from mission_control.core.ledger import Commit
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.core.views import Snapshot
from mission_control.stores.journal import Journal, Retained, Retention


async def everything(
    journal: Journal, select: Filter = EVERYTHING, *, after: int = 0, limit: int = 1000
) -> list[Event]:
    """All events that are still there, read page by page."""
    events: list[Event] = []
    while True:
        page = await journal.read(after, limit, select)
        events += page.events
        assert page.scanned_to > after or page.scanned_to == page.bounds.head
        if page.scanned_to >= page.bounds.head:
            return events
        after = page.scanned_to


async def retain(journal: Journal, policy: Retention, now: int) -> Retained:
    """Retention to its end; the sums of its slices."""
    removed = compacted = 0
    while (slice_ := await journal.retain(policy, now)).more:
        removed += slice_.removed
        compacted += slice_.compacted
    return Retained(removed + slice_.removed, compacted + slice_.compacted, slice_.floor, more=False)


def ids(events: list[Event] | Commit) -> list[str]:
    found = events.events if isinstance(events, Commit) else events
    return [event.event_id for event in found]


def message_texts(snapshot: Snapshot) -> dict[str, str]:
    return {view.message_id: view.text for view in snapshot.messages}
