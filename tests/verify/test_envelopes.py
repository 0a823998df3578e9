"""The judge of a source in our own envelope: by the source's own numbers and ids."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from mission_control.truth import Envelope, Header, Restart, Truth
from mission_control.verify import compare
from mission_control.verify.readings import Reading
from mission_control.verify.verdict import CLASSES
from tests.verify.world import START, Draft, numbered

EARLY = START - 10_000
"""Long before anything is said, so that the first event is not taken for one from before our time."""
ENVELOPES = Header(dialect="envelope", seed=1, agents=1, profile="chat", started_at=EARLY, ended_at=START + 1000)
CONNECTED = Draft(
    "system.status",
    EARLY,
    {"component": "gateway", "id": "g", "state": "connected", "detail": "", "kind": "envelope"},
    None,
)


def sent(sequence: int, life: str = "x", at: int | None = None) -> Envelope:
    payload = {"kind": "tool.progress", "title": f"Step {sequence} of {life}", "run_id": "r", "session": "s"}
    when = START + sequence * 100 if at is None else at
    return Envelope("a", sequence, f"{life}-{sequence}", "activity.event", when, payload)


def told(envelope: Envelope, **fields: Any) -> Draft:
    return Draft(envelope.type, envelope.timestamp, {**envelope.payload, **fields}, envelope.agent)


def gap(at: int, first: int, last: int, kind: str = "stream.gap") -> Draft:
    detail = {"from_sequence": first, "to_sequence": last}
    return Draft("activity.event", at, {"kind": kind, "title": "", "detail": detail}, "a")


SENT = [sent(number) for number in range(1, 9)]


def judged(drafts: list[Draft], truth: list[Any]) -> dict[str, int]:
    """What is found. The journal's events are named after the source's."""
    by_title = {record.payload["title"]: record.event_id for record in truth if isinstance(record, Envelope)}
    events = numbered([CONNECTED, *drafts])
    names = [
        f"g:a:{by_title.get(draft.payload.get('title', ''), f'own-{index}')}" for index, draft in enumerate(drafts)
    ]
    named = [evolve(event, event_id=name) for event, name in zip(events[1:], names, strict=True)]
    verdict = compare(Truth(ENVELOPES, tuple(truth)), [Reading("journal", (events[0], *named))])
    return {each: verdict.counts[each] for each in CLASSES if verdict.counts[each]}


def test_a_perfect_journal_is_clean() -> None:
    assert judged([told(each) for each in SENT], SENT) == {}


@given(st.integers(0, 7))
def test_a_missing_event_is_lost_unless_its_number_is_declared(at: int) -> None:
    """The gap is in the same life of the source."""
    drafts = [told(each) for each in SENT if each is not SENT[at]]
    number = SENT[at].sequence
    assert judged(drafts, SENT) == {"lost": 1}
    assert judged([*drafts, gap(START + 900, number, number)], SENT) == {"declared": 1}
    restarted = Restart(START + 850, START + 860, "abrupt")
    assert judged([*drafts, gap(START + 900, number, number)], [*SENT, restarted]) == {"lost": 1}


def test_what_came_before_the_first_event_of_an_agent_is_not_missed_at_first() -> None:
    """It may have been there before. Later on, a source would have told of it from its first event on."""
    drafts = [told(each) for each in SENT[2:]]
    assert judged(drafts, SENT) == {"lost": 2}
    late = evolve(CONNECTED, at=SENT[2].timestamp - 4_000)
    events = numbered([late, *drafts])
    named = [evolve(event, event_id=f"g:a:{each.event_id}") for event, each in zip(events[1:], SENT[2:], strict=True)]
    assert compare(Truth(ENVELOPES, tuple(SENT)), [Reading("journal", (events[0], *named))]).findings == ()


def test_an_agent_that_nobody_heard_of_in_a_life_of_its_source_is_not_missed() -> None:
    """Unless it was connected to for long enough."""
    restarted, quiet = Restart(START + 850, START + 860, "abrupt"), {"detail": "", "component": "gateway", "id": "g"}
    assert judged([], [*SENT, restarted]) == {"lost": 8}
    lost = Draft("system.status", START + 845, {**quiet, "state": "reconnecting", "previous": "connected"}, None)
    assert judged([lost], [*SENT, restarted]) == {}
    much_later = evolve(lost, at=START + 5_000)
    assert judged([much_later], [*SENT, Restart(START + 5_001, START + 5_002, "abrupt")]) == {"lost": 8}


def test_a_chunk_is_not_missed_where_its_final_is_there() -> None:
    """The final has the whole text."""
    name = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant"}
    chunk = Envelope(
        "a", 1, "x-1", "conversation.chunk", START, {**name, "index": 0, "delta": "a", "start": 0, "title": ""}
    )
    payload = {**name, "text": "a", "state": "complete", "chunks": 0, "title": "the final"}
    final = Envelope("a", 2, "x-2", "conversation.final", START + 1, payload)
    assert judged([told(final)], [chunk, final]) == {}
    rejected = Draft("activity.event", START, {"kind": "stream.rejected", "title": ""}, "a")
    assert judged([rejected, told(final)], [chunk, final]) == {}
    assert judged([], [chunk]) == {"lost": 1}


@given(st.integers(0, 6))
def test_an_event_in_another_place_is_reordered_unless_that_is_declared(at: int) -> None:
    """One that came late is told late, and said to be."""
    drafts = [told(each) for each in SENT]
    drafts[at], drafts[at + 1] = drafts[at + 1], drafts[at]
    assert judged(drafts, SENT) == {"reordered": 1}
    numbers = SENT[at].sequence, SENT[at + 1].sequence
    assert judged([*drafts, gap(START + 900, *numbers, "stream.repaired")], SENT) == {"declared": 2}


@pytest.mark.parametrize("field", ["title", "run_id", "session"])
def test_an_event_that_says_something_else_is_altered(field: str) -> None:
    drafts = [told(each) for each in SENT]
    wrong = evolve(drafts[3], payload={**drafts[3].payload, field: "#"})
    events = numbered([CONNECTED, *drafts[:3], wrong, *drafts[4:]])
    named = [evolve(event, event_id=f"g:a:{each.event_id}") for event, each in zip(events[1:], SENT, strict=True)]
    verdict = compare(Truth(ENVELOPES, tuple(SENT)), [Reading("journal", (events[0], *named))])
    assert (verdict.counts["altered"], len(verdict.findings)) == (1, 1)


def test_what_a_process_took_with_it_is_declared_by_its_restart() -> None:
    """Its numbers start over; what came after the last that was seen of it cannot be had."""
    former, restarted = SENT[:5], Restart(SENT[4].timestamp, START + 1500, "abrupt")
    later = [sent(number, "y", START + 2000 + number) for number in (1, 2)]
    truth = [*former, restarted, *later]
    word = Draft(
        "activity.event",
        later[0].timestamp,
        {"kind": "stream.restarted", "title": "", "detail": {"after_sequence": 3}},
        "a",
    )
    ours = Draft("activity.event", START + 1900, {"kind": "run.failed", "title": "Run failed", "run_id": "r"}, "a")
    drafts = [*(told(each) for each in former[:3]), ours, word, *(told(each) for each in later)]
    assert judged(drafts, truth) == {"declared": 2}
    assert judged([draft for draft in drafts if draft is not word], truth) == {"lost": 2}


def test_a_chunk_that_waited_for_a_missing_one_is_declared_with_it() -> None:
    """A message is told in order, so its later chunks come with the missing one; but only with one that was missing."""

    def chunk(sequence: int, index: int) -> Envelope:
        payload = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant", "index": index}
        said = {"delta": "ab"[index], "start": index, "title": f"Chunk {index}"}
        return Envelope("a", sequence, f"x-{sequence}", "conversation.chunk", START + sequence * 100, payload | said)

    before, first, second, behind = sent(1), chunk(2, 0), chunk(3, 1), sent(4)
    truth = [before, first, second, behind]
    late = [told(before), told(behind), told(first), told(second)]
    assert set(judged(late, truth)) == {"reordered"}
    declared = [*late[:1], gap(START + 150, 2, 2), late[1], gap(START + 450, 2, 2, "stream.repaired"), *late[2:]]
    assert set(judged(declared, truth)) == {"declared"}
