"""The benchmark's judge: it finds what is wrong, and nothing else."""

from typing import Any

import msgspec
import pytest

from benchmarks.checker import Checker, Frame
from benchmarks.outcome import _continues, percentile, said
from mission_control.truth import Header, Message, Truth

NOW = 1_700_000_000_000


def envelope(offset: int | None, sequence: int, type_: str, payload: dict[str, Any], agent: str = "a") -> Any:
    return {
        "event_id": f"{agent}{sequence}",
        "timestamp": NOW,
        "agent_id": agent,
        "type": type_,
        "payload": payload,
        "sequence": sequence,
        "gateway": "g",
        "offset": offset,
    }


def chunk(offset: int, sequence: int, index: int, start: int, delta: str) -> Any:
    payload = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant"}
    return envelope(offset, sequence, "conversation.chunk", payload | {"index": index, "start": start, "delta": delta})


def final(offset: int, sequence: int, text: str, chunks: int, state: str = "complete") -> Any:
    payload = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant"}
    return envelope(offset, sequence, "conversation.final", payload | {"text": text, "chunks": chunks, "state": state})


def check(*events: Any, streaming: list[Any] | None = None) -> Checker:
    checker = Checker(timing=True)
    checker.snapshot(msgspec.convert({"op": "snapshot", "cursor": {"offset": 0}, "messages": streaming or []}, Frame))
    for event in events:
        raw = msgspec.json.encode({"op": "events", "events": [event], "offset": event["offset"] or 0})
        checker.frame(msgspec.json.decode(raw, type=Frame), len(raw), NOW + 7.5)
    return checker


GOOD = [chunk(1, 5, 0, 0, "né"), chunk(3, 6, 1, 2, " 🙂"), final(4, 7, "né 🙂", 2)]


def test_a_faultless_stream_is_found_faultless() -> None:
    """Offsets may jump, since other events lie between; sequences and texts may not."""
    checker = check(*GOOD)
    assert (checker.lost, checker.duplicated, checker.problems) == (0, 0, [])
    assert (checker.events, checker.offset) == (3, 4)
    assert checker.latency == {7: 3}
    assert len(checker.finals["s"]) == 1


def test_a_message_that_was_open_in_the_snapshot_goes_on() -> None:
    """The snapshot says what it has so far."""
    streaming = [{"message_id": "m", "state": "streaming", "text": "né", "next_index": 1}]
    assert check(*GOOD[1:], streaming=streaming).problems == []


def test_an_ephemeral_event_has_no_place_in_the_sequence() -> None:
    """It repeats the last sequence number and is neither a loss nor a repetition."""
    beat = envelope(None, 6, "heartbeat", {})
    checker = check(GOOD[0], GOOD[1], beat, GOOD[2])
    assert (checker.lost, checker.duplicated, checker.events) == (0, 0, 4)


@pytest.mark.parametrize(
    ("events", "lost", "duplicated", "problems"),
    [
        pytest.param([GOOD[0], GOOD[2]], 1, 0, 2, id="a chunk lost"),
        pytest.param([GOOD[0], GOOD[1], GOOD[1], GOOD[2]], 0, 1, 0, id="an event twice"),
        pytest.param([GOOD[0], chunk(2, 5, 0, 0, "né")], 0, 1, 1, id="an event twice under a new offset"),
        pytest.param([GOOD[0], chunk(3, 6, 1, 3, "x")], 0, 0, 1, id="a chunk in the wrong place"),
        pytest.param([GOOD[0], GOOD[1], final(4, 7, "né", 2)], 0, 0, 1, id="a final with another text"),
        pytest.param([GOOD[0], GOOD[1], final(4, 7, "né 🙂", 3)], 0, 0, 1, id="a final that counts wrongly"),
    ],
)
def test_each_fault_is_found(events: list[Any], lost: int, duplicated: int, problems: int) -> None:
    """A benchmark that finds no fault means something only if it would have found one."""
    checker = check(*events)
    assert (checker.lost, checker.duplicated, len(checker.problems)) == (lost, duplicated, problems)


def test_percentiles() -> None:
    """By nearest rank."""
    latency = [(1, 50), (2, 45), (10, 4), (99, 1)]
    assert [percentile(latency, share) for share in (0.5, 0.95, 0.99, 1.0)] == [1, 2, 10, 99]


def test_what_was_said_is_known_from_the_truth() -> None:
    """What arrived must be a stretch of it without a hole."""
    header = Header(seed=4, agents=1, profile="chat", started_at=NOW, ended_at=NOW)
    texts = [f"message {number}" for number in range(20)]
    complete = [Message("a", "s", "r", "assistant", text, "complete", NOW, NOW) for text in texts]
    others = (
        Message("a", "s", "r", "user", "message 3", "complete", NOW, NOW),
        Message("a", "s", "r", "assistant", "mess", "lost", NOW, NOW),
    )
    found = said(Truth(header, (*complete, *others)))["s"]
    assert len(found) == 20
    assert _continues(found[3:9], found)
    assert not _continues([*found[3:5], *found[6:9]], found)
