"""The queue between the registry and one subscriber."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from actors.outbox import Outbox, OutboxOverflowError, OutboxStatistics


@given(st.lists(st.one_of(st.text("x", min_size=1, max_size=30), st.none()), max_size=40))
def test_what_is_taken_is_what_was_put_until_it_is_too_much(story: list[str | None]) -> None:
    """Frames come out whole and in order; the bound is never exceeded; after an overflow there is nothing at all."""

    async def main() -> None:
        outbox = Outbox(max_bytes=60)
        expected: list[str] = []
        overflowed = False
        for frame in story:
            if frame is not None:
                fits = not overflowed and sum(map(len, expected)) + len(frame) <= 60
                assert outbox.put_nowait(frame) == fits
                overflowed = overflowed or not fits
                expected = [] if overflowed else [*expected, frame]
            elif overflowed:
                with pytest.raises(OutboxOverflowError):
                    await outbox.get()
            elif expected:
                assert await outbox.get() == expected
                expected = []
            assert outbox.statistics() == OutboxStatistics(sum(map(len, expected)), len(expected))
            assert outbox.closed == overflowed

    trio.run(main)


async def test_a_closed_outbox_takes_nothing_and_keeps_nothing() -> None:
    """Whoever still holds it can do no harm."""
    outbox = Outbox(max_bytes=100)
    assert outbox.put_nowait("a")
    outbox.close()
    outbox.close()
    assert not outbox.put_nowait("b")
    assert outbox.statistics() == OutboxStatistics(0, 0)


async def test_a_nudge_wakes_the_reader_with_empty_hands() -> None:
    """The reader has other work besides frames; each nudge counts once."""
    outbox = Outbox(max_bytes=100)
    taken: list[list[str]] = []

    async def read() -> None:
        while True:
            taken.append(list(await outbox.get()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for do in (outbox.nudge, lambda: outbox.put_nowait("a"), outbox.nudge):
            await trio.testing.wait_all_tasks_blocked()
            do()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert taken == [[], ["a"], []]


async def test_a_cancelled_get_loses_nothing() -> None:
    """A reader that gives up waiting finds later frames all the same."""
    outbox = Outbox(max_bytes=100)
    with trio.CancelScope() as scope:
        scope.cancel()
        await outbox.get()
    outbox.put_nowait("a")
    with trio.CancelScope() as scope:
        scope.cancel()
        await outbox.get()
    assert await outbox.get() == ["a"]
