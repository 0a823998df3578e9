"""The simulated source in our own envelope: what it sends is valid, numbered, and can be had again."""

import json
from collections import defaultdict
from typing import Any

import pytest

from mission_control.core.events import decode_payload
from mission_control.simulate.envelope import REPLAY_KEPT, EnvelopeDesk, EnvelopeSource
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.script import Say
from mission_control.simulate.source import Reply
from mission_control.truth import Envelope, Record
from tests.simulate.stage import START

TOKEN = "open sesame"
FLEET = Fleet(agents=3, seed=1)


def play(fleet: Fleet, seconds: float) -> tuple[EnvelopeSource, list[bytes], list[Record]]:
    """A source after some time, brought to its end, all its frames, and the truth."""
    records: list[Record] = []
    source = EnvelopeSource(fleet, TOKEN, START, records.append)
    schedule, frames = Schedule(fleet, source.agents_by_id), list[bytes]()
    while schedule.next_at <= seconds:
        at = schedule.next_at
        for agent_id, action in schedule.take(until=at):
            frames += source.act(agent_id, action, START + round(at * 1000))
    return source, frames + source.conclude(START + round(seconds * 1000)), records


def decoded(frames: tuple[bytes, ...] | list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames]


def hello(desk: EnvelopeDesk, **fields: Any) -> Reply:
    return desk.receive(json.dumps({"op": "hello", "token": TOKEN, **fields}), START)


def test_every_event_is_valid_and_numbered_by_one() -> None:
    """Payloads have their types' shapes, chunks make their finals, and the truth has it all, over twenty minutes."""
    _, frames, records = play(FLEET, 1200)
    counts: defaultdict[str, int] = defaultdict(int)
    texts: defaultdict[str, list[str]] = defaultdict(list)
    kinds = set()
    for event in decoded(frames):
        counts[event["agent_id"]] += 1
        assert event["sequence"] == counts[event["agent_id"]]
        payload = event["payload"]
        decode_payload(event["type"], json.dumps(payload).encode())
        if event["type"] == "conversation.chunk":
            said = texts[payload["message_id"]]
            assert (payload["index"], payload["start"]) == (len(said), len("".join(said)))
            said.append(payload["delta"])
        if event["type"] == "conversation.final" and payload["chunks"]:
            assert (payload["text"], payload["chunks"]) == (
                "".join(texts[payload["message_id"]]),
                len(texts.pop(payload["message_id"])),
            )
        kinds.add(payload.get("kind") or payload.get("state", "chunk"))
    assert texts == {}
    assert kinds >= {"complete", "error", "aborted", "run.started", "run.failed", "tool.failed", "tool.progress"}
    assert len({(event["agent_id"], event["event_id"]) for event in decoded(frames)}) == len(frames)
    assert [(each.agent, each.sequence, each.payload) for each in records if isinstance(each, Envelope)] == [
        (event["agent_id"], event["sequence"], event["payload"]) for event in decoded(frames)
    ]


def test_a_client_gets_what_it_has_not_seen() -> None:
    """After its position of each agent; all of an agent that it names not."""
    source, frames, _ = play(FLEET, 120)
    welcome, *missed = decoded(hello(source.desk(), resume={"builder": 10}).frames)
    assert (welcome["op"], welcome["resume"]) == ("welcome", True)
    expected = [event for event in decoded(frames) if event["agent_id"] != "builder" or event["sequence"] > 10]
    assert sorted(missed, key=place) == sorted(expected, key=place)
    everything = {event["agent_id"]: event["sequence"] for event in decoded(frames)}
    assert len(hello(source.desk(), resume=everything).frames) == 1


def place(event: dict[str, Any]) -> tuple[str, int]:
    return event["agent_id"], event["sequence"]


def test_only_the_newest_events_can_be_had_again() -> None:
    """The buffer is bounded."""
    source = EnvelopeSource(Fleet(agents=1, seed=1), TOKEN, START, lambda record: None)
    for _ in range(REPLAY_KEPT + 10):
        source.act("builder", Say("x"), START)
    _, *missed = decoded(hello(source.desk()).frames)
    assert [event["sequence"] for event in missed] == list(range(11, REPLAY_KEPT + 11))


def test_a_new_process_counts_anew_and_has_another_name() -> None:
    """A position in the old count is no position in the new one."""
    source, frames, _ = play(FLEET, 60)
    old = decoded(hello(source.desk()).frames)[0]["boot"]
    source.die(START)
    source.boot(START)
    [new] = source.act("builder", Say("x"), START)
    assert json.loads(new)["sequence"] == 1
    assert json.loads(new)["event_id"] not in {event["event_id"] for event in decoded(frames)}
    for position in ({"resume": {"builder": 1}, "boots": {"builder": old}}, {"resume": {"builder": 50}}):
        welcome, *missed = decoded(hello(source.desk(), **position).frames)
        assert welcome["boot"] != old
        assert missed == [json.loads(new)]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ({"op": "hello", "token": "another"}, "token"),
        ({"op": "hello"}, "token"),
        ({"op": "ping"}, "hello"),
        ("rubbish", "cannot be read"),
    ],
)
def test_who_does_not_say_hello_with_the_token_is_refused(frame: Any, told: str) -> None:
    """With the reason, before the connection is closed."""
    desk = EnvelopeSource(FLEET, TOKEN, START, lambda record: None).desk()
    reply = desk.receive(json.dumps(frame), START)
    [error] = decoded(reply.frames)
    assert (error["op"], told in error["message"]) == ("error", True)
    assert reply.close is not None
    assert not reply.joined


def test_a_ping_is_answered() -> None:
    """With what it carried."""
    desk = EnvelopeSource(FLEET, TOKEN, START, lambda record: None).desk()
    assert hello(desk).joined
    assert decoded(desk.receive('{"op":"ping","t":5}', START).frames) == [{"op": "pong", "t": 5}]
    assert desk.receive('{"op":"report"}', START) == Reply()
