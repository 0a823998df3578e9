"""Odd frames: all of them counted, one of each kind kept, and a flood of some never hides the others."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import UNREADABLE
from mission_control.gateways.oddities import MOST_KEPT, Oddities, Oddity, unreadable

FRAME = b'{"type":"event","event":"foo","payload":{"text":"hello"}}'


def test_frames_of_one_kind_are_one_entry() -> None:
    """When it was first and last seen, how often, why; the sample is that of the first."""
    odd = Oddities()
    odd.note_unknown("event", "foo", FRAME, 1_000)
    odd.note_unknown("event", "bar", b"{}", 1_500)
    odd.note_unknown("event", "foo", b"[]", 2_000)
    sample = '{"type":"event","event":"foo","payload":{"text":"<5 characters>"}}'
    assert odd.kept() == (
        Oddity("unknown", "unknown event: foo", 2, 1_000, 2_000, len(FRAME), sample),
        Oddity("unknown", "unknown event: bar", 1, 1_500, 1_500, 2, "{}"),
    )
    assert (odd.unknown, odd.malformed, odd.oversized, odd.left_out) == (3, 0, 0, 0)


def test_faults_at_other_places_are_one_kind() -> None:
    """Frames that are cut off are so at any byte; that makes them no kinds of their own."""
    odd = Oddities()
    for place in range(100):
        odd.note_malformed(f"not JSON: invalid character (byte {place})", b"", 0)
    for size in range(1, 100):
        odd.note_oversized(size << 20, b"", 0)
    assert [(one.why, one.count) for one in odd.kept()] == [
        ("not JSON: invalid character (byte 0)", 100),
        ("too large: 1 MiB", 99),
    ]


def test_what_an_error_quotes_is_not_kept() -> None:
    """A reason may be told in the gateway's state, where its values help; a support dump has none of them."""
    odd = Oddities()
    odd.note_malformed("Invalid enum value 'it's my \"password\"' - at `$.state`", b"", 0)
    odd.note_malformed("agent 'said' is not taken", b"", 0)
    assert [one.why for one in odd.kept()] == ["Invalid enum value … - at `$.state`", "agent … is not taken"]


def test_a_flood_of_one_kind_pushes_nothing_out() -> None:
    odd = Oddities()
    for number in range(MOST_KEPT["unknown"]):
        odd.note_unknown("event", f"kind{number}", b"", number)
    for now in range(10_000):
        odd.note_unknown("event", "kind0", b"", now)
    assert (len(odd.kept()), odd.left_out) == (MOST_KEPT["unknown"], 0)


def test_made_up_names_do_not_push_out_what_happens_again_and_again() -> None:
    """A gateway that invents a new event each time is seen to do so, and so is what was odd beside it."""
    odd = Oddities()
    for now in range(10_000):
        odd.note_unknown("event", "x" * (31 + now), b"", now)
        if now % 1_000 == 0:
            odd.note_malformed("not JSON: was truncated", b"", now)
        if now % 10 == 0:
            odd.note_unknown("event", "foo", b"", now)
    kept = {one.why: one.count for one in odd.kept()}
    assert kept["not JSON: was truncated"] == 10
    assert kept["unknown event: foo"] == 1_000
    assert odd.left_out == 10_001 - MOST_KEPT["unknown"]


@given(st.lists(st.tuples(st.sampled_from("umo"), st.integers(0, 60), st.integers(0, 100)), max_size=200))
def test_what_is_kept_is_bounded_and_true(noted: list[tuple[str, int, int]]) -> None:
    """Counters count all; an entry never counts more than there were, nor tells a time at which there was none."""
    odd = Oddities()
    seen: dict[str, list[int]] = {}
    for what, number, now in noted:
        if what == "u":
            odd.note_unknown("event", "e" * number, b"", now)
            why = f"unknown event: {'e' * number if 1 <= number <= 30 else f'<{number} characters>'}"
        elif what == "m":
            odd.note_malformed(why := "m" * number, b"", now)
        else:
            odd.note_oversized(number << 20, b"", now)
            why = "too large"
        seen.setdefault(why, []).append(now)
    kinds = Counter(what for what, _, _ in noted)
    assert (odd.unknown, odd.malformed, odd.oversized) == (kinds["u"], kinds["m"], kinds["o"])
    assert len(odd.kept()) <= sum(MOST_KEPT.values()) == 20
    assert len(odd.kept()) + odd.left_out >= len(seen)
    for one in odd.kept():
        times = seen["too large" if one.oddness == "oversized" else one.why]
        assert 1 <= one.count <= len(times)
        assert {one.first_seen, one.last_seen} <= set(times)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"{", "not JSON: Input data was truncated"),
        (b'{"a": nope}', "not JSON: invalid character"),
        (b'"text"', "not as expected: Expected `object`, got `str`"),
        (b'{"a":"x"}', "not as expected: Expected `int`, got `str` - at `$[...]`"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_why_a_frame_cannot_be_read_is_said_without_what_it_says(raw: bytes, why: str) -> None:
    with pytest.raises(UNREADABLE) as failed:
        msgspec.json.decode(raw, type=dict[str, int] if b":" not in raw[:6] or b'"x"' in raw else dict)
    assert unreadable(failed.value) == why
    assert unreadable(UnicodeDecodeError("utf-8", b"secret\xff", 6, 7, "invalid")) == "not UTF-8"
