"""Whatever a daemon, or what is taken for one, sends: it is decoded or counted, and the session stands."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.client.decode import Decoded, Unknown, decode_frame
from mission_control.core.subscription import Cursor
from tests.client.scripted import Harness, scripts

FRAMES = [
    given["frame"]
    for name, script in scripts()
    if name in ("as-the-daemon-says-it", "first-snapshot-then-stream", "ends-of-messages", "a-run-stands-still")
    for given in script["inputs"]
    if "frame" in given
]
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def nearly_a_frame(draw: st.DrawFn) -> Any:
    """A daemon's frame with something in it replaced, or left out."""
    frame = deepcopy(draw(st.sampled_from(FRAMES)))
    place = frame
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return frame
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()):
            place[key] = draw(anything)
        else:
            del place[key]
        return frame


@given(frames=st.lists(st.one_of(nearly_a_frame(), anything, st.sampled_from(FRAMES)), max_size=20))
@settings(max_examples=300)
def test_nothing_that_is_sent_breaks_the_session(frames: list[Any]) -> None:
    """However it is distorted: no exception, journaled events once and in order of offset, and a view to look at."""
    harness = Harness().open()
    for frame in frames:
        harness.frame(frame)
        if not harness.session.has_socket:
            harness.advance(0).open()
    last = 0
    for batch in harness.batches():
        if batch.jump is not None:
            last = batch.cursor.offset
        for event in batch.events:
            if event.offset is not None:
                assert event.offset > last
                last = event.offset
        assert batch.cursor.offset >= last
    view = harness.session.view
    there = view.snapshot(Cursor("epoch", last))
    assert (len(there.agents), there.feed) == (len(view.agents), view.feed)
    assert {message.message_id for message in view.messages} <= {message.message_id for message in there.messages}


@given(text=st.one_of(st.binary(max_size=40), st.text(max_size=40)))
@settings(max_examples=300)
def test_no_text_breaks_the_decoder(text: bytes | str) -> None:
    """A frame, or one malformed thing."""
    decoded = decode_frame(text)
    assert decoded == Decoded(None, 1) or decoded.frame is not None


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b'{"op":"notice","level":"info","code":"\xff","message":""}',
        "[" * 100_000,
        '{"op":"x","y":' + "[" * 100_000,
    ],
    ids=["bytes", "bytes within", "depth", "depth within"],
)
def test_what_is_no_json_is_malformed(text: bytes | str) -> None:
    """No UTF-8, and nested without end."""
    assert decode_frame(text) == Decoded(None, 1)


def test_a_later_op_is_none_of_ours() -> None:
    assert decode_frame(json.dumps({"op": "fanfare", "events": 5})) == Decoded(Unknown())
