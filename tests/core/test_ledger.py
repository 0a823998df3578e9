"""The arithmetic of a commit."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import NO_AGENT, Activity, Chunk, Draft, Final, Status, decode_payload
from mission_control.core.ledger import Entry, Ledger
from mission_control.core.subscription import EVERYTHING, Cursor

KEYS = [("gw", "alpha"), ("gw", "beta"), ("gw2", "alpha")]


def draft(event_id: str, key: tuple[str, str] = KEYS[0], *, ephemeral: bool = False) -> Draft:
    return Draft(event_id, 1, *key, Activity("tool.started", event_id), ephemeral)


def talk(event_id: str, message: str, *, ends: bool) -> Draft:
    payload = (
        Final(message, "run", "main", "assistant", "text", "complete", 0)
        if ends
        else Chunk(message, "run", "main", "assistant", 0, "text", 0)
    )
    return Draft(event_id, 1, *KEYS[0], payload)


def ids(entries: Sequence[Entry]) -> list[str]:
    return [entry.event.event_id for entry in entries]


def test_known_events_are_left_out() -> None:
    """Neither what storage knows nor what the batch repeats is admitted, and no number is spent on it."""
    ledger = Ledger("epoch", head=10)
    entries, duplicates = ledger.admit([draft("a"), draft("b"), draft("b"), draft("c")], {"a"})
    assert (ids(entries), duplicates, ledger.head) == (["b", "c"], 2, 12)
    assert [entry.event.offset for entry in entries] == [11, 12]


def test_a_message_ends_once() -> None:
    """After its final, stored or of this batch, nothing of a message is admitted whatever its event id."""
    ledger = Ledger("epoch")
    batch = [talk("1", "old", ends=True), talk("2", "m", ends=False), talk("3", "m", ends=True)]
    entries, duplicates = ledger.admit([*batch, talk("4", "m", ends=True), talk("5", "m", ends=False)], (), {"old"})
    assert (ids(entries), duplicates) == (["2", "3"], 3)


def test_statuses_share_one_sequence() -> None:
    """``system.status`` counts for the whole daemon, whichever gateway it is about."""
    ledger = Ledger("epoch")
    drafts = [Draft(name, 1, name, None, Status("gateway", name, "connected", "")) for name in ("gw", "gw2")]
    entries, _ = ledger.admit(drafts, ())
    assert [entry.event.sequence for entry in entries] == [1, 2]
    assert ledger.sequences == {NO_AGENT: 2}


def test_an_ephemeral_event_takes_no_number() -> None:
    """It has no offset and carries its agent's last sequence."""
    ledger = Ledger("epoch")
    entries, _ = ledger.admit([draft("a"), draft("e", ephemeral=True), draft("b")], ())
    assert [(entry.event.offset, entry.event.sequence) for entry in entries] == [(1, 1), (None, 1), (2, 2)]


def test_a_batch_that_cannot_be_encoded_leaves_the_ledger_alone() -> None:
    """Nothing of the batch is admitted, not even what came before the culprit."""
    ledger = Ledger("epoch")
    with pytest.raises(UnicodeEncodeError):
        ledger.admit([draft("a"), Draft("b", 1, *KEYS[0], Activity("tool.started", "\ud800"))], ())
    assert (ledger.head, ledger.sequences, ledger.projection.agents) == (0, {}, {})


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(KEYS), st.booleans()), max_size=60), st.integers(1, 9))
def test_numbers_have_no_holes_however_it_is_cut(script: list[tuple[int, tuple[str, str], bool]], size: int) -> None:
    """Offsets count all journaled events and sequences each agent's, and batching changes neither."""
    drafts = [draft(f"{key}{name}{volatile}", key, ephemeral=volatile) for name, key, volatile in script]
    ledger, known = Ledger("epoch"), set[str]()
    entries: list[Entry] = []
    for begin in range(0, len(drafts), size):
        admitted, _ = ledger.admit(drafts[begin : begin + size], known)
        entries += admitted
        known |= {entry.event.event_id for entry in admitted if entry.event.offset is not None}
    journaled = [entry.event for entry in entries if entry.event.offset is not None]
    assert [event.offset for event in journaled] == list(range(1, len(known) + 1))
    for key in KEYS:
        sequences = [event.sequence for event in journaled if event.key == key]
        assert sequences == list(range(1, len(sequences) + 1))
        assert ledger.sequences.get(key, 0) == len(sequences)


def test_restoring_what_was_stored_gives_the_same_ledger() -> None:
    """Events that come back from storage leave head, sequences and projection as admitting them did."""
    ledger, restored = Ledger("epoch"), Ledger("epoch")
    batch = [draft("a"), talk("b", "m", ends=False), draft("c", KEYS[2]), talk("d", "m", ends=True)]
    entries, _ = ledger.admit(batch, ())
    for entry in entries:
        assert decode_payload(entry.event.type, entry.event.payload) == entry.payload
        restored.restore(entry.event)
    assert (restored.head, restored.sequences) == (ledger.head, ledger.sequences)
    cursor = _cursor(ledger)
    assert restored.projection.snapshot(cursor, EVERYTHING) == ledger.projection.snapshot(cursor, EVERYTHING)


def _cursor(ledger: Ledger) -> Cursor:
    return Cursor(ledger.epoch, ledger.head)
