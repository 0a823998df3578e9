"""The judge of subscribers can tell: each kind of wrong record is a complaint, and a right one is none."""

import json

import pytest

from mission_control.core.events import Event, encode
from mission_control.core.ledger import Ledger
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from tests.chaos.judge import complaints
from tests.chaos.record import Record
from tests.stores.samples import ALPHA, BETA, activity, chunk

LEDGER = Ledger("epoch")
JOURNAL: list[Event] = [
    entry.event
    for number in range(6)
    for entry in LEDGER.admit([activity(f"step-{number}", of=(ALPHA, BETA)[number % 2])], [])[0]
]
ONLY_ALPHA = Filter(agents=frozenset({"alpha"}))


def record(*offsets: int, after: int = 0, upto: int = 6, select: Filter = EVERYTHING, epoch: str = "epoch") -> Record:
    """Of a subscriber that was given the events at these offsets."""
    made = Record("it")
    made.begin(Cursor(epoch, after), select)
    for offset in offsets:
        made.saw(offset, JOURNAL[offset - 1].event_id if offset <= len(JOURNAL) else "nobody's")
    made.came_to(upto)
    return made


def said(made: Record) -> str:
    return "; ".join(complaint.what for complaint in complaints(JOURNAL, "epoch", [made]))


def test_who_was_given_everything_has_no_complaint() -> None:
    assert said(record(1, 2, 3, 4, 5, 6)) == ""
    assert said(record(4, 5, after=3, upto=5)) == ""
    assert said(record(1, 3, 5, select=ONLY_ALPHA)) == ""


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (record(1, 2, 4, 5, 6), "lost 1 of 6"),
        (record(1, 2, 3, 3, 4, 5, 6), "got 1 twice"),
        (record(1, 2, 4, 3, 5, 6), "out of order"),
        (record(1, 2, 3, 4, 5, 6, 7, upto=7), "got 1 that are not there"),
        (record(1, 2, 3, 5, select=ONLY_ALPHA), "got 1 that are not there"),
        (record(3, 4, 5, 6, after=3), "got 1 that are not there"),
        (record(epoch="another"), "epoch another"),
    ],
)
def test_what_is_wrong_is_said(wrong: Record, complaint: str) -> None:
    assert complaint in said(wrong)


def test_a_snapshot_that_is_not_the_state_at_its_cursor_is_noticed() -> None:
    ledger = Ledger("epoch")
    [one] = ledger.admit([chunk("m", 0, "one")], [])[0]
    taken = json.loads(encode(ledger.projection.snapshot(Cursor("epoch", 1), EVERYTHING)))
    [two] = ledger.admit([chunk("m", 1, "two")], [])[0]
    made = Record("it")
    made.begin(Cursor("epoch", 1), EVERYTHING, taken)
    journal = [one.event, two.event]
    assert complaints(journal, "epoch", [made]) == []
    made.stretches[0].after = made.stretches[0].upto = 2
    [complaint] = complaints(journal, "epoch", [made])
    assert "the messages of its snapshot at 2" in complaint.what
