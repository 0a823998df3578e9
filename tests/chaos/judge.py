"""Whether subscribers were given what the journal has: all of it that their filters admit, once, in order, and
snapshots that are the state at their cursors."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from mission_control.core.events import Event, EventType, decode_payload, encode
from mission_control.core.projection import Projection, newest_activities
from mission_control.core.subscription import Cursor
from tests.chaos.record import Record, Seen, Stretch


@frozen
class Complaint:
    """``who`` was not given what was promised."""

    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.who}: {self.what}"


def complaints(journal: Sequence[Event], epoch: str, records: Sequence[Record]) -> list[Complaint]:
    """``journal``: all events that it has, in order of offset."""
    found = [
        complaint
        for record in records
        for stretch in record.stretches
        for complaint in _about_events(journal, epoch, record.name, stretch)
    ]
    return [*found, *_about_snapshots(journal, records)]


def _about_events(journal: Sequence[Event], epoch: str, who: str, stretch: Stretch) -> Iterator[Complaint]:
    if stretch.epoch != epoch:
        yield Complaint(who, f"was told of epoch {stretch.epoch}")
        return
    admits = stretch.select.admits
    # Offsets count from 1 without holes, so that they are places in the journal.
    promised = [
        Seen(event.offset or 0, event.event_id)
        for event in journal[stretch.after : stretch.upto]
        if admits(event.type, event.gateway, event.agent_id)
    ]
    if stretch.events == promised:
        return
    span = f"after {stretch.after} up to {stretch.upto}"
    offsets = [seen.offset for seen in stretch.events]
    missing = [seen for seen in promised if seen not in set(stretch.events)]
    foreign = [seen for seen in stretch.events if seen not in set(promised)]
    if missing:
        yield Complaint(who, f"{span}: lost {len(missing)} of {len(promised)}, first {missing[0]}")
    if foreign:
        yield Complaint(who, f"{span}: got {len(foreign)} that are not there, first {foreign[0]}")
    if len(set(offsets)) < len(offsets):
        yield Complaint(who, f"{span}: got {len(offsets) - len(set(offsets))} twice")
    if offsets != sorted(offsets):
        yield Complaint(who, f"{span}: out of order")


def _about_snapshots(journal: Sequence[Event], records: Sequence[Record]) -> Iterator[Complaint]:
    """What a snapshot says of messages and activities is what the events up to its cursor come to."""
    taken = [
        (stretch, record.name) for record in records for stretch in record.stretches if stretch.snapshot is not None
    ]
    fold, applied = Projection(), 0
    for stretch, who in sorted(taken, key=lambda each: each[0].after):
        for event in journal[applied : stretch.after]:
            fold.apply(event, decode_payload(event.type, event.payload))
        applied = stretch.after
        messages = fold.snapshot(Cursor(stretch.epoch, applied), stretch.select).messages
        deeds = (event for event in reversed(journal[:applied]) if event.type == EventType.ACTIVITY)
        feed = newest_activities(deeds, stretch.select)
        assert stretch.snapshot is not None
        for part, due in (("messages", messages), ("feed", feed)):
            if _in_any_order(stretch.snapshot[part]) != _in_any_order(json.loads(encode(due))):
                yield Complaint(who, f"the {part} of its snapshot at {applied} are not those of the journal")


def _in_any_order(rows: Sequence[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)
