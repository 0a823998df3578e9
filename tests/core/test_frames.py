"""Frames as text: joined from parts that were encoded once, and still one JSON object each."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import Event, encode
from mission_control.core.frames import (
    ErrorFrame,
    Head,
    Notice,
    Policy,
    Pong,
    Welcome,
    decode_client_frame,
    events_frame,
    head_of,
    snapshot_frame,
    text,
)
from mission_control.core.subscription import Cursor
from mission_control.core.views import GatewayView, Snapshot

POLICY = Policy(15_000, 1_000, 50, {"max_age_s": 60.0})
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def event(name: str, offset: int | None, payload: Any) -> Event:
    return Event(name, 1, "a", "activity.event", msgspec.Raw(json.dumps(payload).encode()), 1, "g", offset)


@given(st.lists(st.tuples(st.text(max_size=5), anything), max_size=5), st.integers(0, 2**53))
def test_an_events_frame_is_its_envelopes_and_the_cursor(parts: list[tuple[str, Any]], offset: int) -> None:
    """Joining what was encoded apart gives what encoding it together would have given."""
    events = [event(name, index, payload) for index, (name, payload) in enumerate(parts)]
    frame = json.loads(events_frame([encode(one) for one in events], offset))
    assert frame["op"] == "events"
    assert frame["offset"] == offset
    assert [(one["event_id"], one["payload"]) for one in frame["events"]] == parts


@given(anything)
def test_a_snapshot_echoes_the_id_that_was_sent(request_id: Any) -> None:
    """Any JSON value may be an id, and comes back as it was."""
    snapshot = Snapshot(Cursor("e", 3), [GatewayView("g", "clawdbot", "connected", 1)], [], [], [event("a", 1, {})])
    frame = json.loads(snapshot_frame(encode(snapshot), "filter", msgspec.Raw(encode(request_id))))
    assert frame.pop("id") == request_id
    assert (frame.pop("op"), frame.pop("reason")) == ("snapshot", "filter")
    assert frame == json.loads(encode(snapshot))
    assert "id" not in json.loads(snapshot_frame(encode(snapshot), "first"))


def test_a_frame_tells_what_it_is_and_where_it_leads() -> None:
    """Nothing within the events, however it looks, is taken for the frame's own."""
    inner = encode(event("a", 9, {"op": "x", "offset": 1, "cursor": {"epoch": "y", "offset": 2}}))
    assert head_of(events_frame([inner, inner], 9)) == Head("events", offset=9)
    snapshot = Snapshot(Cursor("e", 3), [], [], [], [event("a", 1, {})])
    assert head_of(snapshot_frame(encode(snapshot), "first")) == Head("snapshot", cursor=Cursor("e", 3))
    assert head_of(text(Notice("info", "c", "m"))) == Head("notice")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Pong(msgspec.Raw(b"1.5"), 7), {"op": "pong", "t": 1.5, "server_time": 7}),
        (Notice("info", "c", "m"), {"op": "notice", "level": "info", "code": "c", "message": "m"}),
        (ErrorFrame("c", "m"), {"op": "error", "code": "c", "message": "m"}),
        (
            Welcome("s", "continued", None, Cursor("e", 3), 3, 9, POLICY, "live"),
            {
                "op": "welcome",
                "protocol": 1,
                "session": "s",
                "resume": "continued",
                "reason": None,
                "cursor": {"epoch": "e", "offset": 3},
                "head": 3,
                "server_time": 9,
                "policy": {
                    "ping_interval_ms": 15_000,
                    "max_buffer_bytes": 1_000,
                    "flush_interval_ms": 50,
                    "retention": {"max_age_s": 60.0},
                },
                "source": "live",
            },
        ),
    ],
)
def test_the_other_frames(frame: Any, expected: dict[str, Any]) -> None:
    """Exactly the fields of docs/protocol.md; a reason that does not exist is null and not missing."""
    assert json.loads(text(frame)) == expected


@given(st.text() | anything.map(json.dumps))
def test_nothing_that_a_client_sends_raises_anything_else(raw: str) -> None:
    """A frame is understood, or it is a DecodeError; no input finds a third way."""
    try:
        decode_client_frame(raw)
    except msgspec.DecodeError:
        return
