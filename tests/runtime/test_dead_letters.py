"""Where dead letters are seen, and how they go."""

import pytest
import trio
import trio.testing

from runtime import (
    DeadLetterDiscarded,
    DeadLettered,
    DeadLetterRetried,
    RuntimeEvent,
    Supervisor,
)
from runtime.testing import running
from tests.runtime.clinic import AT_ONCE, PLENTY, Clinic, bury


async def test_a_letter_that_is_discarded_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    """Also one of an actor that no longer runs."""
    clinic = Clinic()
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)], observer=clinic.events)
    async with running(root):
        clinic.sick.update("xy")
        await bury(probe.ref, "x")
        await bury(probe.ref, "y")
        first, second = root.dead_letters()
        root.discard(first.id)
        assert root.dead_letters() == (second,)
    root.discard(second.id)
    assert root.dead_letters() == ()
    told = clinic.events.of(DeadLetterDiscarded, "root/a")
    assert [(event.letter, event.evicted) for event in told] == [(first, False), (second, False)]
    for act in (root.discard, root.retry):
        with pytest.raises(LookupError):
            act(second.id)


async def test_letters_are_found_from_above_only(autojump_clock: trio.testing.MockClock) -> None:
    """Ids are unique in the whole tree; a part of it sees its own, and cannot touch those of another."""
    clinic = Clinic()
    left, right = clinic.probe("a"), clinic.probe("a")
    x = Supervisor("x", [left.spec(backoff=AT_ONCE)])
    y = Supervisor("y", [right.spec(backoff=AT_ONCE)])
    root = Supervisor("root", [x, y])
    async with running(root):
        clinic.sick.add(1)
        await bury(left.ref, 1)
        await bury(right.ref, 1)
        [of_x], [of_y] = x.dead_letters(), y.dead_letters()
        assert root.dead_letters() == (of_x, of_y)
        assert of_x.id != of_y.id
        for act in (y.retry, y.discard):
            with pytest.raises(LookupError, match="below 'root/y'"):
                act(of_x.id)
        clinic.sick.clear()
        y.retry(of_y.id)
        root.retry(of_x.id)
        await trio.sleep(1)
        assert (left.handled, right.handled) == ([1], [1])


async def test_a_letter_that_has_to_go_for_a_newer_one_is_reported(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing vanishes in silence."""
    clinic = Clinic()
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)], intensity=PLENTY, observer=clinic.events)
    async with running(root):
        for number in range(102):
            clinic.sick.add(number)
            await bury(probe.ref, number)
    evicted = clinic.events.of(DeadLetterDiscarded)
    assert [(event.letter.message, event.evicted) for event in evicted] == [("0", True), ("1", True)]
    assert len(root.dead_letters()) == 100


async def test_watchers_hear_of_dead_letters(autojump_clock: trio.testing.MockClock) -> None:
    """Of the burial and of another try: both are the actor's own affairs."""
    clinic = Clinic()
    events: list[RuntimeEvent] = []
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)])
    async with running(root):
        clinic.sick.add("x")
        with probe.ref.watch(events.append):
            await bury(probe.ref, "x")
            clinic.sick.clear()
            root.retry(root.dead_letters()[0].id)
    letters = [event for event in events if isinstance(event, DeadLettered | DeadLetterRetried)]
    assert [type(event) for event in letters] == [DeadLettered, DeadLetterRetried]
