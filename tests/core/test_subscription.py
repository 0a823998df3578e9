"""Filters, and the decision how a subscriber resumes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import EventType
from mission_control.core.subscription import EVERYTHING, Bounds, Cursor, Filter, resume, unknown_types

BOUNDS = Bounds("now", floor=10, head=100)


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (None, "first"),
        (Cursor("before", 50), "epoch_changed"),
        (Cursor("before", 1_000), "epoch_changed"),
        (Cursor("now", 101), "ahead"),
        (Cursor("now", 100), None),
        (Cursor("now", 50), None),
        (Cursor("now", 49), "expired"),
        (Cursor("now", -1), "expired"),
    ],
)
def test_how_a_subscriber_resumes(cursor: Cursor | None, reason: str | None) -> None:
    """It continues only where every event after its cursor is there and few enough to replay."""
    assert resume(cursor, BOUNDS, replay_limit=50) == reason


@pytest.mark.parametrize(("offset", "reason"), [(10, None), (9, "expired")])
def test_the_floor_is_the_oldest_position_to_continue_from(offset: int, reason: str | None) -> None:
    """Everything after the floor can be replayed; what is at it or below may have gone."""
    assert resume(Cursor("now", offset), BOUNDS, replay_limit=1_000) == reason


@given(
    st.builds(Bounds, st.sampled_from(["a", "b"]), st.integers(0, 50), st.integers(50, 100)),
    st.builds(Cursor, st.sampled_from(["a", "b"]), st.integers(-5, 120)),
    st.integers(0, 200),
)
def test_a_continuation_is_never_partial(bounds: Bounds, cursor: Cursor, replay_limit: int) -> None:
    """Whoever may continue has the epoch, a position within the journal, and nothing missing behind it."""
    if resume(cursor, bounds, replay_limit=replay_limit) is None:
        assert cursor.epoch == bounds.epoch
        assert bounds.floor <= cursor.offset <= bounds.head
        assert bounds.head - cursor.offset <= replay_limit


def test_an_empty_filter_admits_everything() -> None:
    """A missing key means all."""
    assert all(EVERYTHING.admits(kind, "any", "one") for kind in EventType)


def test_a_filter_admits_what_passes_all_of_its_keys() -> None:
    """The keys narrow each other down; events of no agent pass a filter by agent."""
    select = Filter(frozenset({"a"}), frozenset({"conversation.*", "system.status"}), frozenset({"g"}))
    assert select.admits("conversation.chunk", "g", "a")
    assert select.admits("conversation.final", "g", "a")
    assert select.admits("system.status", "g", None)
    assert not select.admits("conversation.chunk", "g", "b")
    assert not select.admits("conversation.chunk", "h", "a")
    assert not select.admits("activity.event", "g", "a")
    assert not select.admits("system.status", "h", None)


@pytest.mark.parametrize("wrong", ["conversation", "conversation.", "conversation.*.x", "*", ".*", "heartbeats", ""])
def test_types_that_can_match_nothing_are_found(wrong: str) -> None:
    """A typing error in a filter must not look like silence."""
    assert unknown_types(frozenset({wrong, "heartbeat", "activity.*", "heartbeat.*"})) == [wrong]


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_and_its_family_are_known(kind: EventType) -> None:
    """What can be sent can be asked for, by its name or by its family."""
    family = f"{kind.partition('.')[0]}.*"
    assert unknown_types(frozenset({kind, family})) == []
    assert Filter(types=frozenset({family})).admits_type(kind)
