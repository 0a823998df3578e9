"""How long a stop may take: each child, and all of them together."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    Pool,
    Ref,
    ServiceSpec,
    Stopped,
    StoppedLate,
    Supervisor,
)
from runtime.testing import Events, Probe, running
from tests.runtime.stubborn import Stubborn, Stuck


async def test_each_child_has_its_own_grace_from_its_turn(autojump_clock: trio.testing.MockClock) -> None:
    """A child that is slow to stop takes nothing from the ones before it, who get their turn afterwards."""
    events = Events()
    probe = Probe[int]("first")
    specs = [probe.spec(), *(ActorSpec(Ref[int](name), Stubborn, grace=3) for name in "ab")]
    async with running(Supervisor("root", specs, observer=events)):
        pass
    assert [event.path for event in events.of(StoppedLate)] == ["root/b", "root/a"]
    assert [event.time for event in events.of(Stopped)] == pytest.approx([3, 6, 6, 6])


async def test_a_stop_ends_by_the_deadline_of_the_whole(autojump_clock: trio.testing.MockClock) -> None:
    """However long the graces of the children add up to."""
    specs = [ActorSpec(Ref[int](str(number)), Stubborn, grace=4) for number in range(10)]
    nested = Supervisor("nested", specs, grace=100)
    async with running(Supervisor("root", [nested], grace=6)):
        pass
    assert trio.current_time() == pytest.approx(6, abs=0.1)


async def test_the_whole_has_thirty_seconds_unless_told_otherwise(autojump_clock: trio.testing.MockClock) -> None:
    """For a supervisor and for a pool."""
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Stubborn, grace=100))
    pool.ensure("a")
    for branch in (Supervisor("root", [ActorSpec(Ref[int]("b"), Stubborn, grace=100)]), pool):
        begin = trio.current_time()
        async with running(branch):
            pass
        assert trio.current_time() - begin == pytest.approx(30)


async def test_many_that_are_stuck_cost_no_more_than_two(autojump_clock: trio.testing.MockClock) -> None:
    """Two seconds beyond the deadline; the others end then, all of them, and none of them is taken for stuck."""
    events = Events()
    obedient = [ActorSpec(Ref[int](f"obedient {number}"), Stubborn, grace=10) for number in range(3)]
    stuck = [ActorSpec(Ref[int](f"stuck {number}"), Stuck, grace=1) for number in range(5)]
    specs = [spec for pair in zip(obedient, stuck, strict=False) for spec in pair]
    root = Supervisor("root", [*specs, *stuck[3:]], grace=3, observer=events)
    async with running(root):
        root.stop()
        for spec in obedient:
            assert (await spec.ref.wait_stopped()).time <= 5
    assert root.report().stuck == tuple(f"root/stuck {number}" for number in range(5))
    assert root.report().late == tuple(f"root/obedient {number}" for number in range(3))
    told = [event.path for event in events.of(Stopped) if "obedient" in event.path]
    assert set(told) == {f"root/obedient {number}" for number in range(3)}


async def test_a_stop_after_its_deadline_is_still_in_order(autojump_clock: trio.testing.MockClock) -> None:
    """As long as all obey: none is cancelled before the one that came after it has ended."""
    events = Events()
    specs = [ActorSpec(Ref[int](name), Stubborn, grace=5) for name in "abcd"]
    async with running(Supervisor("root", specs, grace=7, observer=events)):
        pass
    assert [(event.path, event.time) for event in events.of(Stopped)] == [
        ("root/d", 5),
        ("root/c", 7),
        ("root/b", 7),
        ("root/a", 7),
        ("root", 7),
    ]


async def test_each_has_its_second_to_clean_up_after_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    """Also when the one before it has used most of the first."""

    async def slow() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.9)

    specs = [ServiceSpec(name, slow, stop=lambda: None, grace=5) for name in "abc"]
    root = Supervisor("root", specs, grace=2)
    async with running(root):
        pass
    assert trio.current_time() == pytest.approx(4.7)
    assert root.report().late == ("root/a", "root/b", "root/c")
