"""The judge: a perfect journal is clean, and each single thing that is wrong with one is found, in the right class."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace as evolve_struct

from mission_control.core.events import Event
from mission_control.core.views import MessageView
from mission_control.truth import Message, Run, Truth
from mission_control.verify import compare
from mission_control.verify.readings import Conversations, Reading
from mission_control.verify.verdict import FAULTS, Verdict
from tests.verify.world import HEADER, START, Draft, World, changed, numbered, world_of, worlds


def faults(verdict: Verdict) -> dict[str, int]:
    """The classes that must be empty and are not."""
    return {each: verdict.counts[each] for each in FAULTS if verdict.counts[each]}


def judged(world: World, drafts: list[Draft]) -> dict[str, int]:
    return faults(compare(world.truth, [world.reading(drafts)]))


def one_of(draw: Callable[..., Any], drafts: list[Draft]) -> Draft:
    assume(drafts)
    chosen: Draft = draw(st.sampled_from(drafts))
    return chosen


@given(worlds())
def test_a_perfect_journal_is_clean(world: World) -> None:
    """Whatever happened; what could not be had is counted as declared."""
    verdict = compare(world.truth, [world.reading()])
    assert verdict.is_clean, verdict.findings
    unkept = [each for each in world.truth.of(Message) if each.state in ("aborted", "lost")]
    assert verdict.counts["declared"] == len(unkept)


@given(worlds(), st.data())
def test_a_message_that_is_missing_is_lost(world: World, data: st.DataObject) -> None:
    """Its final and its chunks were never there."""
    gone = one_of(data.draw, [draft for draft in world.finals("complete", "error") if not gapped(world, draft)])
    drafts = [draft for draft in world.drafts if draft.message is not gone.message]
    assert judged(world, drafts) == {"lost": 1}


@given(worlds(), st.data())
def test_an_activity_that_is_missing_is_lost(world: World, data: st.DataObject) -> None:
    """The start or end of a run or of a tool call."""
    gone = one_of(
        data.draw,
        [
            draft
            for draft in world.drafts
            if (draft.kind or "").startswith(("run.", "tool.")) and not gapped(world, draft)
        ],
    )
    assert judged(world, world.without(gone)) == {"lost": 1}


@given(worlds(), st.data())
def test_a_message_that_is_told_twice_is_repeated(world: World, data: st.DataObject) -> None:
    """Under another id, as one does who did not recognise it."""
    final = one_of(data.draw, world.finals("complete", "error"))
    again = changed(final, message_id="again", chunks=0, started_at=final.payload.get("started_at", final.at))
    at = data.draw(st.integers(world.drafts.index(final) + 1, len(world.drafts)))
    assert judged(world, [*world.drafts[:at], again, *world.drafts[at:]]) == {"repeated": 1}


@given(worlds(), st.data())
def test_an_activity_that_is_told_twice_is_repeated(world: World, data: st.DataObject) -> None:
    """A run has one start and one end, a call of a tool too."""
    draft = one_of(data.draw, [each for each in world.drafts if (each.kind or "").startswith(("run.", "tool."))])
    at = world.drafts.index(draft) + 1
    assert judged(world, [*world.drafts[:at], draft, *world.drafts[at:]]) == {"repeated": 1}


@given(worlds(), st.data())
def test_two_messages_in_each_others_place_are_reordered(world: World, data: st.DataObject) -> None:
    """A conversation is shown by the times of its messages."""
    finals = [final for final in world.finals("complete", "error") if final.payload["chunks"] == 0]
    one = one_of(data.draw, finals)
    other = one_of(data.draw, [final for final in finals if differs(final, one)])
    swapped = {id(one): evolve(one, at=other.at), id(other): evolve(other, at=one.at)}
    found = judged(world, [swapped.get(id(draft), draft) for draft in world.drafts])
    assert set(found) == {"reordered"}


def test_equal_answers_are_told_apart_by_their_states() -> None:
    """The one that is told at the other's time, which is near its own, is not taken for the other."""
    world = world_of(("It rains.", "complete"), ("It rains.", "error"))
    whole, broken = world.finals("complete", "error")[1::2]
    drafts = [evolve(draft, at=broken.at) if draft is whole else draft for draft in world.drafts]
    assert judged(world, drafts) == {}


def differs(one: Draft, other: Draft) -> bool:
    """Two messages of one session that stand apart in time and are not equal."""
    same = one.payload["session"] == other.payload["session"] and one.at != other.at
    return same and (one.payload["role"], one.payload["text"]) != (other.payload["role"], other.payload["text"])


def test_an_attempt_that_the_end_of_a_later_one_counts_is_declared() -> None:
    """It failed, and was tried again, and nobody heard of that."""
    world = world_of(("It rains.", "complete"))
    [run] = world.truth.of(Run)
    failed = evolve_struct(run, ended=run.ended - 300, outcome="error")
    world.records[:] = [each for each in world.records if each is not run]
    world.records += [failed, evolve_struct(run, began=run.ended - 200)]
    counting = [
        changed(draft, detail={"failed_before": 1}) if draft.kind == "run.finished" else draft for draft in world.drafts
    ]
    assert judged(world, counting) == {}
    assert judged(world, world.drafts) == {"lost": 2}


@given(worlds(), st.data())
def test_a_message_with_another_text_is_altered(world: World, data: st.DataObject) -> None:
    """By one character, in chunks and final alike."""
    final = one_of(data.draw, world.finals("complete", "error"))
    text = final.payload["text"]
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = text[:at] + "#" + text[at + 1 :]
    lone = changed(final, text=wrong, chunks=0, started_at=final.payload.get("started_at", final.at))
    drafts = [lone if draft is final else draft for draft in world.drafts]
    drafts = [each for each in drafts if each.type != "conversation.chunk" or each.message is not final.message]
    assert judged(world, drafts) == {"altered": 1}


@given(worlds(), st.data())
def test_chunks_that_make_another_text_are_altered(world: World, data: st.DataObject) -> None:
    """What was streamed is what the final says."""
    finals = [final for final in world.finals("complete") if final.payload["chunks"]]
    final = one_of(data.draw, finals)
    [first, *_] = [each for each in world.drafts if each.message is final.message and each is not final]
    wrong = changed(first, delta="#" * len(first.payload["delta"]))
    assert judged(world, [wrong if draft is first else draft for draft in world.drafts]) == {"altered": 1}


@given(worlds(), st.data())
def test_what_is_cut_off_must_be_a_beginning_of_what_was_said(world: World, data: st.DataObject) -> None:
    """An interrupted message with words of its own is not declared, but altered."""
    final = one_of(data.draw, world.finals("interrupted", "aborted"))
    drafts = [
        draft for draft in world.drafts if draft.type != "conversation.chunk" or draft.message is not final.message
    ]
    wrong = changed(final, text="#", chunks=0)
    assert judged(world, [wrong if draft is final else draft for draft in drafts]) == {"altered": 1}


@given(worlds(), st.data())
def test_a_gap_that_is_not_declared_is_a_loss(world: World, data: st.DataObject) -> None:
    """What is missing must be said to be missing."""
    unseen = [
        draft
        for draft in world.drafts
        if draft.kind == "stream.gap"
        and not any(final.payload["run_id"] == draft.payload["run_id"] for final in cut(world))
    ]
    gap = one_of(data.draw, unseen)
    drafts = [each for each in world.drafts if each.kind != "stream.gap" or each.agent != gap.agent]
    assert set(judged(world, drafts)) == {"lost"}


def cut(world: World) -> list[Draft]:
    return world.finals("interrupted", "aborted")


def gapped(world: World, draft: Draft) -> bool:
    """Whether a gap anywhere near would excuse that something is missing."""
    gaps = [each for each in world.drafts if each.kind == "stream.gap" and each.agent == draft.agent]
    return any(abs(gap.at - draft.at) < 5000 or gap.payload["run_id"] == draft.payload["run_id"] for gap in gaps)


@given(worlds())
def test_what_was_over_before_anybody_watched_is_not_missed(world: World) -> None:
    """Runs and tools of that time are in no history; messages are."""
    late = max(draft.at for draft in world.drafts) + 10_000
    connected = evolve(world.drafts[0], at=late)
    kept = [draft for draft in world.finals("complete", "error") if draft.message]
    whole = [changed(draft, chunks=0, started_at=draft.payload.get("started_at", draft.at)) for draft in kept]
    assert judged(world, [connected, *whole]) == {}
    assert judged(world, [connected]) == ({"lost": len(kept)} if kept else {})


# --- readings beside each other, and by themselves ---


@given(worlds(), st.data())
def test_each_reading_keeps_its_own_order(world: World, data: st.DataObject) -> None:
    """A reading with an event fewer, twice, or late is found, whichever it is."""
    events = world.reading().events
    assume(len(events) > 2)
    at = data.draw(st.integers(0, len(events) - 2))
    whole = world.reading()
    assert beside(world, whole, events[:at] + events[at + 1 :])["lost"] >= 1
    assert beside(world, whole, (*events[: at + 1], events[at], *events[at + 1 :])) == {"repeated": 1}
    late = (*events[:at], events[at + 1], events[at], *events[at + 2 :])
    assert "reordered" in beside(world, whole, late)


def beside(world: World, whole: Reading, events: tuple[Event, ...]) -> dict[str, int]:
    return faults(compare(world.truth, [whole, Reading("stream", events)]))


@given(worlds(), st.data())
def test_an_event_that_reads_differently_is_altered(world: World, data: st.DataObject) -> None:
    """Journal, history and stream have the same envelopes."""
    events = list(world.reading().events)
    at = data.draw(st.integers(0, len(events) - 1))
    events[at] = evolve(events[at], timestamp=events[at].timestamp + 1)
    assert beside(world, world.reading(), tuple(events)) == {"altered": 1}


@given(worlds(), st.data())
def test_a_stream_that_begins_later_is_judged_from_there(world: World, data: st.DataObject) -> None:
    """As after a snapshot."""
    events = world.reading().events
    after = data.draw(st.integers(0, len(events)))
    late = Reading("stream", events[after:], begins_after=after)
    assert compare(world.truth, [world.reading(), late]).is_clean


@given(worlds())
def test_compacted_chunks_are_not_missed(world: World) -> None:
    """Of finished messages, up to where the journal was compacted."""
    events = tuple(event for event in world.reading().events if event.type != "conversation.chunk")
    compacted = Reading("journal", events, compacted_to=len(world.drafts))
    assert compare(world.truth, [compacted]).is_clean


@given(worlds(), st.data())
def test_conversations_have_every_final_once(world: World, data: st.DataObject) -> None:
    """As it is, the newest first."""
    reading = world.reading()
    views = [view(event, draft) for event, draft in zip(reading.events, world.drafts, strict=True) if final(draft)]
    views.sort(key=lambda each: (each.agent_id, -each.offset))
    assume(len(views) > 1 and views[0].agent_id == views[1].agent_id)

    def told(*messages: MessageView) -> dict[str, int]:
        by_agent = [tuple(each for each in messages if each.agent_id == agent) for agent in "ab"]
        return faults(compare(world.truth, [reading], Conversations("conversations", tuple(by_agent))))

    assert told(*views) == {}
    assert told(*views[1:]) == {"lost": 1}
    assert told(views[0], *views) == {"repeated": 1}
    assert told(views[1], views[0], *views[2:]) == {"reordered": 1}
    assert told(evolve(views[0], text="#"), *views[1:]) == {"altered": 1}


def final(draft: Draft) -> bool:
    return draft.type == "conversation.final"


def view(event: Event, draft: Draft) -> MessageView:
    payload = draft.payload
    return MessageView(
        payload["message_id"], draft.agent or "", "g", payload["run_id"], payload["session"], payload["role"],
        payload["state"], payload["text"], event.timestamp, event.offset or 0,
    )  # fmt: skip


# --- examples ---

PROMPT = Message("a", "s", "r", "user", "Go on.", "lost", 1, 1)


def test_a_prompt_that_the_gateway_never_stored_is_not_missed() -> None:
    """Nobody was ever told of it."""
    world = World(records=[PROMPT])
    assert compare(world.truth, [world.reading()]).counts["declared"] == 0
    assert judged(world, []) == {}


@pytest.mark.parametrize("state", ["aborted", "lost"])
def test_a_message_that_was_cut_off_must_not_be_called_complete(state: Any) -> None:
    """The text is right and its state is not."""
    start = 1_700_000_001_000
    message = Message("a", "s", "r", "assistant", "Half an", state, start, start + 500)
    payload = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant", "text": "Half an", "chunks": 0}
    drafts = [Draft("conversation.final", start, {**payload, "state": "complete"})]
    world = World(records=[message], drafts=drafts)
    assert judged(world, drafts)["altered"] == 1


def test_events_of_an_earlier_simulation_are_not_judged() -> None:
    """A data directory may be used again."""
    old = 1_600_000_000_000
    payload = {"message_id": "m", "run_id": "r", "session": "s", "role": "user", "text": "Old.", "chunks": 0}
    world = World(drafts=[Draft("conversation.final", old, {**payload, "state": "complete"})])
    assert compare(world.truth, [Reading("journal", numbered(world.drafts))]).is_clean


def test_a_failure_without_a_name_declares_an_attempt_that_nobody_heard() -> None:
    """History has the error and not whose it was."""
    start = 1_700_000_001_000
    run = Run("a", "s", "r", start, start + 500, "error")
    nameless = Draft("activity.event", start, {"kind": "run.failed", "title": "Run failed", "session": "s"})
    world = World(records=[run], drafts=[nameless])
    assert compare(world.truth, [world.reading()]).counts["declared"] == 2
    assert judged(world, [nameless]) == {}
    assert judged(world, []) == {"lost": 2}
    assert judged(World(), [nameless]) == {"altered": 1}


def test_a_text_that_was_said_at_another_time_too_is_altered_all_the_same() -> None:
    """What was cut short may happen to be what was said elsewhere."""
    start = 1_700_000_001_000
    cut = Message("a", "s", "r", "assistant", "Let me look at it.", "complete", start, start + 500)
    elsewhere = Message("a", "s", "r", "assistant", "Let me", "complete", start + 60_000, start + 60_500)
    payload = {"run_id": "r", "session": "s", "role": "assistant", "text": "Let me", "chunks": 0, "state": "complete"}
    drafts = [
        Draft("conversation.final", message.began, {**payload, "message_id": name})
        for name, message in (("one", cut), ("other", elsewhere))
    ]
    assert judged(World(records=[cut, elsewhere]), drafts) == {"altered": 1}


def disconnected(at: int) -> Draft:
    link = {"component": "gateway", "id": "g", "state": "reconnecting", "previous": "connected", "detail": ""}
    return Draft("system.status", at, link, None)


@pytest.mark.parametrize(("state", "is_missed"), [("aborted", False), ("lost", True)])
def test_what_left_no_trace_while_nobody_listened_is_not_missed(state: str, is_missed: bool) -> None:
    """A run that died with its gateway may be declared by its prompt, one that was aborted may not."""
    world = world_of(("It rains.", state))
    connected = Draft("system.status", START - 1_900, {**disconnected(0).payload, "state": "connected"}, None)
    prompt = [draft for draft in world.drafts if draft.payload.get("role") == "user"]
    unheard = [connected, disconnected(START - 100), *prompt]
    assert ("lost" in judged(world, unheard)) == is_missed
    assert judged(world, [connected, disconnected(START + 60_000), *prompt])["lost"] > 0
    world.records[:] = [
        evolve_struct(each, state="lost") if isinstance(each, Message) and each.role == "user" else each
        for each in world.records
    ]
    assert judged(world, unheard[:2]) == {}


def test_an_attempt_that_openclaw_tried_again_unheard_is_not_missed() -> None:
    """It stores the last one alone; Clawdbot stores each."""
    world = world_of(("It rains.", "complete"))
    [run] = world.truth.of(Run)
    world.records.append(evolve_struct(run, began=run.began - 1_500, ended=run.began - 1_000, outcome="error"))
    connected = Draft("system.status", START - 1_900, {**disconnected(0).payload, "state": "connected"}, None)
    drafts = [connected, disconnected(START - 100), *world.drafts]
    for dialect, missed in (("openclaw", {}), ("clawdbot", {"lost": 2})):
        truth = Truth(evolve_struct(HEADER, dialect=dialect), tuple(world.records))
        assert faults(compare(truth, [world.reading(drafts)])) == missed
        heard = {"run_id": run.run, "session": run.session, "title": ""}
        told = [
            Draft("activity.event", run.began - 1_500, {"kind": "run.started", **heard}),
            Draft("activity.event", run.began - 1_000, {"kind": "run.failed", **heard}),
        ]
        assert faults(compare(truth, [world.reading([connected, *told, *drafts[1:]])])) == {}


def test_a_run_that_was_declared_when_it_ended_is_declared_from_its_start_on() -> None:
    """It began in an outage before, long ago."""
    world = world_of(("It rains.", "complete"))
    [run] = world.truth.of(Run)
    world.records[:] = [evolve_struct(each, began=START - 60_000) if each is run else each for each in world.records]
    drafts = [draft for draft in world.drafts if draft.type != "activity.event"]
    span = {"from": run.ended, "to": run.ended}
    gap = {"kind": "stream.gap", "title": "", "session": run.session, "detail": span}
    assert judged(world, [*drafts, Draft("activity.event", run.ended, gap)]) == {"lost": 1}
    gap["detail"] = {**span, "runs": 1}
    assert judged(world, [*drafts, Draft("activity.event", run.ended, gap)]) == {}


def test_a_run_that_seemed_to_go_on_may_have_ended_otherwise_if_a_gap_says_that_its_rest_is_not_known() -> None:
    """It was aborted while nobody listened; long after that its gateway died."""
    world = world_of(("It rains.", "aborted"))
    [run] = world.truth.of(Run)
    about = {"run_id": run.run, "session": run.session, "title": ""}
    over = run.ended + 10_000
    drafts = [draft for draft in world.drafts if draft.kind != "run.aborted"]
    failed = Draft("activity.event", over, {"kind": "run.failed", **about})
    assert judged(world, [*drafts, failed]) == {"altered": 1}
    gap = {"kind": "stream.gap", **about, "detail": {"from": over - 500, "to": over}}
    assert judged(world, [*drafts, Draft("activity.event", over, gap), failed]) == {}


def test_that_a_run_was_aborted_while_nobody_listened_is_not_missed_until_another_follows() -> None:
    """It counts as open until then."""
    connected = Draft("system.status", START - 1_900, {**disconnected(0).payload, "state": "connected"}, None)
    for answers, missed in (
        ((("It rains.", "aborted"),), {}),
        ((("It rains.", "aborted"), ("No.", "complete")), {"lost": 2}),
    ):
        world = world_of(*answers)
        cut = world.truth.of(Run)[0]
        unheard = [
            draft for draft in world.drafts if draft.kind != "run.aborted" and draft.payload.get("run_id") == cut.run
        ]
        unheard = [draft for draft in unheard if draft.payload.get("role") != "assistant"]
        rest = [draft for draft in world.drafts if draft.payload.get("run_id") != cut.run]
        assert judged(world, [connected, *unheard, disconnected(START + 100), *rest]) == missed
