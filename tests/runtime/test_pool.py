"""Dynamic children: they come and go one by one, and one that keeps crashing goes alone."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    AlreadySupervised,
    Backoff,
    DuplicateName,
    GaveUp,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    Started,
    State,
    Stopped,
    StoppedLate,
    Supervisor,
)
from runtime.testing import Events, Probe, find, running
from tests.runtime.fleet import Fleet, Lingers

AT_ONCE = Backoff(first=0)


async def test_ensure_starts_what_is_absent_and_returns_what_is_there(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One actor per key, before and while the pool runs."""
    fleet = Fleet()
    early = fleet.pool.ensure("early")
    early.tell(1)
    async with running(fleet.pool):
        late = fleet.pool.ensure("late")
        late.tell(2)
        assert fleet.pool.ensure("late") is late is fleet.pool.get("late")
        assert fleet.pool.ensure("early") is early
        assert fleet.pool.get("nobody") is None
        assert fleet.pool.refs() == {"early": early, "late": late}
        await trio.sleep(1)
        assert fleet.made["early"][0].handled == [1]
        assert fleet.made["late"][0].handled == [2]
        assert fleet.pool.tree().children[0].path == "pool/early"


async def test_a_child_that_exceeds_its_budget_goes_alone(autojump_clock: trio.testing.MockClock) -> None:
    """Its address closes and it is reported; its siblings, also those that restart now and then, are untouched."""
    fleet = Fleet(intensity=Intensity(restarts=3, within=60), backoff=AT_ONCE)
    async with running(Supervisor("root", [fleet.pool])):
        bad, good = fleet.pool.ensure("bad"), fleet.pool.ensure("good")
        good.tell(-1)
        for number in range(10):
            bad.tell(-1)
            good.tell(number)
        await trio.sleep(1)
        [gave_up] = fleet.events.of(GaveUp)
        assert (gave_up.path, gave_up.restarts) == ("root/pool/bad", 3)
        assert gave_up.failure is not None
        assert gave_up.failure.type == "ValueError"
        assert fleet.events.of(Stopped, "root/pool/bad")[0].undelivered == 8
        with pytest.raises(ActorStopped):
            bad.tell(1)
        assert fleet.pool.get("bad") is None
        assert fleet.pool.refs() == {"good": good}
        assert find(fleet.pool.tree(), "root/pool/bad").state is State.GAVE_UP
        assert fleet.made["good"][0].handled == list(range(10))
        assert fleet.made["good"][0].incarnations == 3


async def test_ensure_after_giving_up_makes_a_fresh_one(autojump_clock: trio.testing.MockClock) -> None:
    """With a fresh mailbox and a fresh budget."""
    fleet = Fleet(intensity=Intensity(restarts=1), backoff=AT_ONCE)
    async with running(fleet.pool):
        old = fleet.pool.ensure("a")
        old.tell(-1)
        await trio.sleep(1)
        assert fleet.pool.get("a") is None
        new = fleet.pool.ensure("a")
        assert new is not old
        new.tell(5)
        fleet.pool.kill("a")
        await trio.sleep(1)
        assert fleet.made["a"][1].handled == [5]
        assert fleet.pool.get("a") is new
        assert len(fleet.pool.tree().children) == 1


async def test_restarts_far_apart_never_exceed_the_budget(autojump_clock: trio.testing.MockClock) -> None:
    """The budget is for a window of time, not for life."""
    fleet = Fleet(intensity=Intensity(restarts=1, within=10), backoff=AT_ONCE)
    async with running(fleet.pool):
        fleet.pool.ensure("a")
        for _ in range(20):
            fleet.pool.kill("a")
            await trio.sleep(11)
        assert fleet.events.of(GaveUp) == []
        assert fleet.made["a"][0].incarnations == 21


async def test_remove_stops_one_in_order(autojump_clock: trio.testing.MockClock) -> None:
    """Its mail is handled first; the others run on; a key that is not there is already removed."""
    fleet = Fleet()
    async with running(fleet.pool):
        leaving, staying = fleet.pool.ensure("leaving"), fleet.pool.ensure("staying")
        for number in range(3):
            leaving.tell(number)
        await fleet.pool.remove("leaving")
        await fleet.pool.remove("leaving")
        assert fleet.made["leaving"][0].handled == [0, 1, 2]
        assert fleet.made["leaving"][0].live == 0
        assert fleet.pool.refs() == {"staying": staying}
        assert len(fleet.pool.tree().children) == 1
        with pytest.raises(ActorStopped):
            leaving.tell(1)


async def test_remove_before_the_pool_runs_and_between_incarnations(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """There is nothing to wait for, and it does not come back."""
    fleet = Fleet(backoff=Backoff(first=5, ceiling=5))
    early = fleet.pool.ensure("early")
    await fleet.pool.remove("early")
    with pytest.raises(ActorStopped):
        early.tell(1)
    async with running(fleet.pool):
        fleet.pool.ensure("resting")
        await trio.testing.wait_all_tasks_blocked()
        fleet.pool.kill("resting")
        await trio.testing.wait_all_tasks_blocked()
        before = trio.current_time()
        await fleet.pool.remove("resting")
        assert trio.current_time() == before
        await trio.sleep(20)
    assert "early" in fleet.made
    assert [event.path for event in fleet.events.of(Started)] == ["pool", "pool/resting"]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_successor_waits_until_the_one_before_has_ended(
    cancelled: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """One live incarnation per name, also across a removal that is cancelled; mail to the successor waits for it."""
    events = Events()

    def spec_for(key: str) -> ActorSpec[int]:
        return ActorSpec(Ref(key), Lingers, grace=0.5)

    pool = Pool[str, int]("pool", spec_for, observer=events)
    async with running(pool), trio.open_nursery() as nursery:
        old = pool.ensure("a")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(pool.remove, "a")
        await trio.testing.wait_all_tasks_blocked()
        new = pool.ensure("a")
        assert new is not old
        new.tell(1)
        if cancelled:
            nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.sleep(3)
            assert len(events.of(Started, "pool/a")) == 1
            await trio.sleep(1)
            assert [event.incarnation for event in events.of(Started, "pool/a")] == [1, 1]
            assert len(events.of(Stopped, "pool/a")) == 1
            assert pool.get("a") is new
            assert new.statistics().depth == 1
            assert len(pool.tree().children) == 1


async def test_a_second_remove_waits_for_the_first(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever removes a key finds it gone afterwards, within the grace."""
    events = Events()
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Lingers, grace=4), observer=events)
    async with running(pool):
        pool.ensure("a")
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pool.remove, "a")
            await trio.testing.wait_all_tasks_blocked()
            await pool.remove("a")
            assert trio.current_time() == pytest.approx(5)
    assert [event.stuck for event in events.of(StoppedLate)] == [True]


async def test_a_child_that_returns_for_good_leaves_no_trace(autojump_clock: trio.testing.MockClock) -> None:
    """The pool cleans itself; the key can come again."""
    events = Events()

    class Short:
        async def run(self, inbox: Inbox[int]) -> None:
            await inbox.get()

    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Short, Restart.TRANSIENT), observer=events)
    async with running(pool):
        for _ in range(2):
            pool.ensure("a").tell(1)
            await trio.sleep(1)
            assert pool.get("a") is None
            assert pool.tree().children == ()
    assert len(events.of(Stopped, "pool/a")) == 2


async def test_all_children_stop_at_the_same_time(autojump_clock: trio.testing.MockClock) -> None:
    """Thousands of graces must not add up."""

    class Stubborn:
        async def run(self, inbox: Inbox[int]) -> None:
            await trio.sleep_forever()

    pool = Pool[int, int]("pool", lambda key: ActorSpec(Ref(str(key)), Stubborn, grace=3))
    async with running(Supervisor("root", [pool])):
        for key in range(50):
            pool.ensure(key)
    assert trio.current_time() == pytest.approx(3)


async def test_a_stopped_pool_takes_no_new_children(autojump_clock: trio.testing.MockClock) -> None:
    """From the moment it is asked to stop."""
    fleet = Fleet()
    async with running(fleet.pool):
        here = fleet.pool.ensure("here")
        fleet.pool.stop()
        assert fleet.pool.ensure("here") is here
        with pytest.raises(ActorStopped, match="'pool'"):
            fleet.pool.ensure("new")
    with pytest.raises(ActorStopped):
        fleet.pool.ensure("here")


async def test_impossible_children_are_refused(autojump_clock: trio.testing.MockClock) -> None:
    """Two keys of one name; a spec with an address that has been used before."""
    used = Ref[int]("used")
    pool = Pool[str, int]("pool", lambda key: Probe[int]("same").spec())
    reused = Pool[str, int]("pool", lambda key: ActorSpec(used, Lingers, Restart.TEMPORARY))
    pool.ensure("a")
    with pytest.raises(DuplicateName, match="'pool' has two children named 'same'"):
        pool.ensure("b")
    assert pool.refs().keys() == {"a"}
    reused.ensure("a")
    await reused.remove("a")
    with pytest.raises(AlreadySupervised, match="'used'"):
        reused.ensure("a")
    assert reused.refs() == {}
