"""Stopping: orderly, bounded, idempotent, never held up by a backoff, and honest about what did not stop."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    Backoff,
    ChildSpec,
    Crashed,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restarting,
    ServiceSpec,
    State,
    Stopped,
    StoppedLate,
    Supervisor,
)
from runtime.testing import Events, Probe, find, running
from tests.runtime.stubborn import Stubborn, Stuck
from tests.runtime.trees import seeded


async def test_a_stop_drains_the_mail_that_was_accepted(autojump_clock: trio.testing.MockClock) -> None:
    """From the moment of the stop no new mail; what was accepted is handled before the actor ends."""

    async def slowly(message: int) -> None:
        await trio.sleep(1)

    events = Events()
    probe = Probe[int]("a", slowly)
    root = Supervisor("root", [probe.spec(grace=10)], observer=events)
    async with running(root):
        for number in range(5):
            probe.ref.tell(number)
        root.stop()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ActorStopped):
            probe.ref.tell(9)
        assert find(root.tree(), "root/a").state is State.STOPPING
    assert probe.handled == [0, 1, 2, 3, 4]
    assert trio.current_time() == 5
    assert events.of(Stopped, "root/a")[0].undelivered == 0


async def test_after_its_grace_a_child_is_cancelled_and_reported(autojump_clock: trio.testing.MockClock) -> None:
    """What it had not handled is counted, not hidden."""
    events = Events()
    ref = Ref[int]("a")
    root = Supervisor("root", [ActorSpec(ref, Stubborn, grace=2)], observer=events)
    async with running(root):
        ref.tell(1)
        ref.tell(2)
    assert trio.current_time() == pytest.approx(2)
    [late] = events.of(StoppedLate)
    assert (late.path, late.stuck) == ("root/a", False)
    assert events.of(Stopped, "root/a")[0].undelivered == 2


async def test_a_child_that_ignores_its_cancellation_is_reported_and_left_behind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The others stop without waiting for it, its askers are answered, and run returns when it ends at last."""
    events = Events()
    ref = Ref[int]("stuck")
    probe = Probe[int]("first")
    root = Supervisor("root", [probe.spec(), ActorSpec(ref, Stuck, grace=2)], observer=events)
    async with running(root):
        ref.tell(1)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def asker() -> None:
                with trio.fail_after(10), pytest.raises(ActorStopped):
                    await ref.ask(lambda reply: 1)

            await trio.testing.wait_all_tasks_blocked()
            root.stop()
        await trio.sleep(4)
        assert [(event.path, event.stuck) for event in events.of(StoppedLate)] == [("root/stuck", True)]
        assert [event.path for event in events.of(Stopped)] == ["root/first"]
        assert find(root.tree(), "root/stuck").state is State.STOPPING
    assert trio.current_time() == pytest.approx(100)
    [stopped] = events.of(Stopped, "root/stuck")
    assert stopped.undelivered == 2


async def test_what_a_stuck_reader_holds_is_still_its_own(autojump_clock: trio.testing.MockClock) -> None:
    """It may acknowledge it when it comes to itself; only the rest is given up."""
    events = Events()

    class Holds:
        async def run(self, inbox: Inbox[int]) -> None:
            await inbox.peek(2)
            with trio.CancelScope(shield=True):
                await trio.sleep(50)
            inbox.drop(2)

    ref = Ref[int]("a")
    async with running(Supervisor("root", [ActorSpec(ref, Holds, grace=1)], observer=events)):
        for number in range(3):
            ref.tell(number)
        await trio.testing.wait_all_tasks_blocked()
    assert events.of(Crashed) == []
    assert events.of(Stopped, "root/a")[0].undelivered == 1
    assert ref.statistics().handled == 2


async def test_stop_is_idempotent_and_may_come_first(autojump_clock: trio.testing.MockClock) -> None:
    """Twice is once; before run, nothing is started; after it, nothing happens."""
    probe = Probe[int]("a")
    events = Events()
    root = Supervisor("root", [probe.spec()], observer=events)
    root.stop()
    root.stop()
    async with trio.open_nursery() as nursery:
        await nursery.start(root.run)
    root.stop()
    assert probe.incarnations == 0
    assert [event.path for event in events.of(Stopped)] == ["root/a", "root"]
    with pytest.raises(ActorStopped):
        probe.ref.tell(1)


async def test_backoff_never_delays_a_stop(autojump_clock: trio.testing.MockClock) -> None:
    """Children between two incarnations are over at once, in supervisors, nested ones and pools."""
    long = Backoff(first=1000, ceiling=1000)
    static, nested, pooled = (Probe[int](name) for name in ("s", "n", "p"))
    pool = Pool[str, int]("pool", lambda key: pooled.spec(backoff=long))
    pool.ensure("p")
    events = Events()
    children: list[ChildSpec] = [static.spec(backoff=long), Supervisor("nested", [nested.spec(backoff=long)]), pool]
    root = Supervisor("root", children, rng=seeded(), observer=events)
    async with running(root):
        for name in "snp":
            root.kill(name)
        await trio.sleep(1)
        assert len(events.of(Restarting)) == 3
        assert min(event.delay for event in events.of(Restarting)) > 10
        assert find(root.tree(), "root/pool/p").state is State.RESTARTING
    assert trio.current_time() == pytest.approx(1)
    assert len(events.of(Stopped)) == 6


async def test_a_stop_does_not_wait_for_a_group_to_come_down(autojump_clock: trio.testing.MockClock) -> None:
    """It takes over the children that a restart was waiting for."""
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec(), Supervisor("nested", [ActorSpec(Ref[int]("b"), Stuck)])], grace=3)
    async with running(root):
        root.kill("nested")
        await trio.sleep(1)
        root.stop()
        await trio.sleep(5)
        assert probe.live == 0
    assert trio.current_time() == pytest.approx(100)


async def test_a_crash_while_stopping_is_recorded_and_not_restarted(autojump_clock: trio.testing.MockClock) -> None:
    """What it leaves undelivered is counted."""
    events = Events()

    async def fail(message: int) -> None:
        raise ValueError(message)

    probe = Probe[int]("a", fail)
    root = Supervisor("root", [probe.spec()], observer=events, intensity=Intensity(restarts=0))
    probe.ref.tell(1)
    probe.ref.tell(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(root.run)
        root.stop()
    assert probe.incarnations == 0

    quiet = Probe[int]("b", fail)
    root = Supervisor("root", [quiet.spec()], observer=events, intensity=Intensity(restarts=0))
    async with running(root):
        root.stop()
        quiet.ref.tell(1)
        quiet.ref.tell(2)
    assert quiet.incarnations == 1
    assert len(events.of(Crashed)) == 1
    assert events.of(Stopped, "root/b")[0].undelivered == 2


async def test_a_service_with_a_stop_is_asked_before_it_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    """A server that must not be cancelled gets its own way to end, within its grace."""
    asked = trio.Event()
    ended = []

    async def serve() -> None:
        await asked.wait()
        await trio.sleep(1)
        ended.append(trio.current_time())

    events = Events()
    root = Supervisor("root", [ServiceSpec("http", serve, grace=3, stop=asked.set)], observer=events)
    async with running(root):
        await trio.sleep(1)
    assert ended == [2]
    assert events.of(StoppedLate) == []
    assert events.of(Stopped, "root/http")[0].undelivered == 0


async def test_a_service_without_a_stop_is_cancelled_and_may_clean_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Its grace is the time it has for that."""
    cleaned = []

    async def serve(seconds: float) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(seconds)
            cleaned.append(seconds)

    events = Events()
    specs = [
        ServiceSpec("quick", lambda: serve(1), grace=2),
        ServiceSpec("slow", lambda: serve(2.5), grace=2),
    ]
    root = Supervisor("root", specs, observer=events)
    async with running(root):
        pass
    assert cleaned == [2.5, 1]
    assert [child.last_failure for child in root.tree().children] == [None, None]
    assert [(event.path, event.stuck) for event in events.of(StoppedLate)] == [("root/slow", False)]


async def test_a_service_whose_stop_raises_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    """The stop of the tree goes on, and the failure is there to be seen."""

    def broken() -> None:
        raise ValueError("no such switch")

    async def serve() -> None:
        await trio.sleep_forever()

    root = Supervisor("root", [ServiceSpec("http", serve, stop=broken)])
    async with running(root):
        pass
    assert trio.current_time() == 0
    failure = find(root.tree(), "root/http").last_failure
    assert failure is not None
    assert (failure.message, failure.time) == ("no such switch", 0)


async def test_a_stop_that_is_asked_for_twice_is_bounded_by_the_first(autojump_clock: trio.testing.MockClock) -> None:
    """The removal of a pool's child is under way when the pool stops: that gives it no more time."""
    ref = Ref[int]("a")
    pool = Pool[str, int]("pool", lambda _: ActorSpec(ref, Stubborn, grace=5))
    async with running(pool), trio.open_nursery() as nursery:
        pool.ensure("a")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(pool.remove, "a")
        await trio.sleep(3)
        pool.stop()
    assert trio.current_time() == 5


async def test_a_nested_branch_that_is_stopped_stays_stopped(autojump_clock: trio.testing.MockClock) -> None:
    """Its parent takes that for an orderly end, and goes on with the others."""
    inner, outer = Probe[int]("inner"), Probe[int]("outer")
    nested = Supervisor("nested", [inner.spec()])
    root = Supervisor("root", [nested, outer.spec()])
    async with running(root):
        nested.stop()
        await trio.sleep(1)
        assert (inner.live, outer.live) == (0, 1)
        assert find(root.tree(), "root/nested").state is State.STOPPED
        with pytest.raises(ActorStopped):
            inner.ref.tell(1)
