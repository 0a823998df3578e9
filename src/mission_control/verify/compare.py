"""Readings of a daemon against the truth, and against each other."""

from collections.abc import Iterator, Sequence

from mission_control.core.events import Event, decode_payload
from mission_control.core.events import Final as FinalPayload
from mission_control.truth import Envelope, Message, Restart, Run, Tool, Truth
from mission_control.verify.deeds import compare_deeds
from mission_control.verify.envelopes import compare_envelopes, source_id
from mission_control.verify.messages import compare_messages
from mission_control.verify.order import check_order
from mission_control.verify.readings import SLACK_MS, Conversations, Reading, account
from mission_control.verify.unheard import ends_unheard, knowable, knowable_envelopes
from mission_control.verify.verdict import Finding, Verdict


def compare(truth: Truth, readings: Sequence[Reading], conversations: Conversations | None = None) -> Verdict:
    """The verdict on what was read, at least one reading: the first is compared with the truth, the others with it."""
    first, *others = readings
    findings = [finding for reading in readings for finding in check_order(reading)]
    findings += _with_truth(truth, first)
    for other in others:
        findings += _with_each_other(first, other)
    if conversations is not None:
        findings += _with_conversations(first, conversations)
    return Verdict(tuple(findings))


def _with_truth(truth: Truth, reading: Reading) -> Iterator[Finding]:
    """Events from before the simulation are of another one. Of two events with one id the first counts."""
    since = truth.header.started_at - SLACK_MS
    events = {event.event_id: event for event in reversed(reading.events) if event.timestamp >= since}
    in_order = sorted(events.values(), key=lambda event: event.offset or 0)
    told = account(in_order)
    if truth.header.dialect == "envelope":
        restarts, heard = truth.of(Restart), {(event.agent_id, source_id(event)) for event in in_order}
        sent = knowable_envelopes(truth.of(Envelope), restarts, heard, told)
        yield from compare_envelopes(sent, restarts, in_order, told.watched_from, reading.name)
        return
    truth = knowable(truth, told)
    open_ends = ends_unheard(truth, told)
    yield from compare_messages(truth.of(Message), told, reading.name, open_ends)
    yield from compare_deeds(truth.of(Run), truth.of(Tool), told, reading.name, open_ends)


def _with_each_other(one: Reading, other: Reading) -> Iterator[Finding]:
    """Both must have the same events where both have any; chunks that one may have compacted aside."""
    mine, theirs = _by_offset(one), _by_offset(other)
    begin = max(one.begins_after, other.begins_after)
    end = min(max(mine, default=0), max(theirs, default=0))
    compacted_to = max(one.compacted_to, other.compacted_to)
    where = f"{other.name} beside {one.name}"
    for offset in sorted(mine.keys() | theirs.keys()):
        if not begin < offset <= end:
            continue
        here, there = mine.get(offset), theirs.get(offset)
        if here is None or there is None:
            event = here or there
            assert event is not None
            if event.type != "conversation.chunk" or offset > compacted_to:
                lacking = other.name if there is None else one.name
                yield Finding("lost", where, f"offset {offset} is not in {lacking}", event.timestamp)
        elif not _same(here, there):
            yield Finding("altered", where, f"offset {offset} is not the same", here.timestamp)


def _with_conversations(reading: Reading, conversations: Conversations) -> Iterator[Finding]:
    """Each final is in its agent's conversation once, as it is, the newest first."""
    finals: dict[str, FinalPayload] = {}
    for event in reading.events:
        payload = decode_payload(event.type, event.payload)
        if isinstance(payload, FinalPayload):
            finals[payload.message_id] = payload
    seen: set[str] = set()
    for messages in conversations.messages:
        last: int | None = None
        for message in messages:
            what = f"message {message.message_id}"
            if message.message_id in seen:
                yield Finding("repeated", conversations.name, what, message.timestamp)
            elif last is not None and message.offset >= last:
                yield Finding("reordered", conversations.name, what, message.timestamp)
            seen.add(message.message_id)
            last = message.offset
            final = finals.get(message.message_id)
            if final is not None and (final.text, final.state) != (message.text, message.state):
                yield Finding("altered", conversations.name, f"{what} is not its final", message.timestamp)
    for message_id in finals.keys() - seen:
        yield Finding("lost", conversations.name, f"message {message_id}")


def _by_offset(reading: Reading) -> dict[int, Event]:
    return {event.offset: event for event in reading.events if event.offset is not None}


def _same(one: Event, other: Event) -> bool:
    """Whether the envelopes are equal; payloads are JSON, whose text is passed on as it was committed."""
    names = ("event_id", "timestamp", "agent_id", "type", "sequence", "gateway")
    return all(getattr(one, name) == getattr(other, name) for name in names) and bytes(one.payload) == bytes(
        other.payload
    )
