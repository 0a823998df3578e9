"""Outlines of frames: what is worth knowing of one is there, and nothing of what it says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.gateways.outline import LONGEST, LOOKED_AT, outline, shown_name

HIDDEN = "ЖЩЯ"
"""Letters of which everything that must not show is made here. No name has one of them."""
secrets = st.text(HIDDEN, min_size=1, max_size=60)
fields = st.sampled_from(["type", "event", "op", "stream", "payload", "text", "data"]) | secrets
values = st.recursive(
    secrets | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(fields, inner, max_size=4),
    max_leaves=20,
)


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (
            {"type": "event", "event": "foo", "payload": {"text": "hello there", "ok": True}},
            '{"type":"event","event":"foo","payload":{"text":"<11 characters>","ok":true}}',
        ),
        (
            {"type": "event", "event": "agent", "payload": {"stream": "bar", "data": {"type": "sms"}}, "seq": -12},
            '{"type":"event","event":"agent","payload":{"stream":"bar","data":{"type":"<3 characters>"}},'
            '"seq":<2 digits>}',
        ),
        ([{"op": "welcome"}, [], {}, 1.5, None], '[{"op":"welcome"},[],{},<fraction>,null]'),
        ({"agent:alpha:main": 1}, '{"<16 characters>":<1 digit>}'),
        ({"type": "Dear all, it is over", "event": "x" * 31}, '{"type":"<20 characters>","event":"<31 characters>"}'),
        ({"type": ["secret"], "event": "sk4f9a2b7c"}, '{"type":["<6 characters>"],"event":"<10 characters>"}'),
        ({"text": 'say "hi": then'}, '{"text":"<16 characters>"}'),
    ],
)
def test_structure_stays_and_content_goes(frame: Any, shown: str) -> None:
    """Names of fields and kinds of frames are seen; of all else only what it is, and how long."""
    assert outline(written(frame)) == shown


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (b'{"type":"event","event":"chat","payload":{"text":"half a sen', '"payload":{"text":"<10 characters>'),
        (b'{"type":"event"} and more 42', '{"type":"event"}x x 0'),
        (b'{"text": "he said "hello": then left"}', '{"text":"<8 characters>"x": x x"}'),
        (b"<html>Bad gateway 502</html>", "<x>x x 0</x>"),
        (b'\xff\xfe"a"', '?"x"'),
        (b"", ""),
        (b'{"a":"line\nbreak"}', '{"a":"x x"}'),
        (b'{"a":1]', '{"a":<1 digit>]'),
    ],
)
def test_what_is_no_json_is_seen_to_be_none(frame: bytes, shown: str) -> None:
    """Where it stops being JSON only punctuation is left: whoever looks for a fault sees where, and reads nothing."""
    assert shown in outline(frame)


@given(values, st.integers(0, 400), st.binary(max_size=3), st.booleans())
def test_nothing_of_the_content_is_ever_shown(value: Any, cut: int, junk: bytes, broken: bool) -> None:
    """Wherever it stands, also as the name of a field or as a kind of frame, and however the frame is broken."""
    frame = written(value)
    if broken:
        frame = frame[:cut] + junk + frame[cut + 1 :]
    shown = outline(frame)
    assert not set(shown) & set(HIDDEN)
    assert len(shown) <= LONGEST


@given(st.dictionaries(st.sampled_from(["type", "event", "op", "payload"]), st.text(min_size=31)))
def test_a_long_text_is_never_shown(frame: dict[str, str]) -> None:
    """Not even as the kind of a frame."""
    shown = outline(json.dumps(frame, ensure_ascii=False).encode(errors="replace"))
    assert not [value for value in frame.values() if value in shown]


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b'"', b"1", b" ", b'"\\', b"x1 ", b'{"a":1},'])
def test_a_frame_of_any_size_and_depth_costs_little(piece: bytes) -> None:
    """A frame of megabytes is not walked to its end, and no depth is too deep."""
    assert len(outline(piece * 1_000_000)) <= LONGEST


def test_of_a_large_frame_the_beginning_is_shown() -> None:
    """What it was is what one wants to know of a frame that was too large."""
    frame = written({"type": "event", "event": "agent", "payload": {"text": "x" * LOOKED_AT * 2}})
    assert outline(frame).startswith('{"type":"event","event":"agent","payload":{"text":"<')
    assert outline(frame).endswith("…")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("voicewake.changed", "voicewake.changed"), ("a b", "<3 characters>"), (None, "<no text>"), ("x", "x")],
)
def test_a_name_is_shown_only_if_it_is_one(value: object, shown: str) -> None:
    assert shown_name(value) == shown
