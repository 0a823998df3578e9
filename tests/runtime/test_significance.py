"""A supervisor that ends when its work ends."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    AutoShutdown,
    Backoff,
    Escalated,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    Restarting,
    ServiceSpec,
    ShuttingDown,
    Started,
    State,
    Stopped,
    Strategy,
    Supervisor,
)
from runtime.testing import Events, Probe, find, running

AT_ONCE = Backoff(first=0)
LATER = Backoff(first=60, ceiling=60)


class Worker:
    """Returns on 0, crashes on 1."""

    async def run(self, inbox: Inbox[int]) -> None:
        async for message in inbox:
            if message == 0:
                return
            raise ValueError(message)


def worker(ref: Ref[int], restart: Restart = Restart.TRANSIENT, backoff: Backoff = AT_ONCE) -> ActorSpec[int]:
    return ActorSpec(ref, Worker, restart, backoff=backoff, significant=True)


async def end_of(watched: Ref[int] | Supervisor) -> Stopped:
    """How it ended; it is a failure of the test when it does not."""
    with trio.fail_after(1000):
        return await watched.wait_stopped()


def refs(names: str) -> list[Ref[int]]:
    return [Ref(name) for name in names]


@pytest.mark.parametrize(
    ("restart", "message", "ends"),
    [
        (Restart.TRANSIENT, 0, True),
        (Restart.TRANSIENT, 1, False),
        (Restart.TEMPORARY, 0, True),
        (Restart.TEMPORARY, 1, True),
    ],
)
async def test_the_end_for_good_of_a_significant_child_ends_its_supervisor(
    restart: Restart, message: int, ends: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """In order: the siblings drain in reverse, run returns, and it is said why. A restart is no end."""
    events = Events()

    async def slowly(number: int) -> None:
        await trio.sleep(1)

    work, helper, last = Ref[int]("work"), Probe[int]("helper", slowly), Probe[int]("last")
    root = Supervisor(
        "root",
        [helper.spec(), worker(work, restart), last.spec()],
        auto_shutdown=AutoShutdown.ANY,
        observer=events,
    )
    helper.ref.tell(7)
    work.tell(message)
    with trio.move_on_after(10):
        await root.run()
    if ends:
        assert trio.current_time() == 1
        assert events.of(ShuttingDown) == [ShuttingDown("root", 0.0, "root/work")]
        assert [event.path for event in events.of(Stopped)] == ["root/work", "root/last", "root/helper", "root"]
        assert root.report().undelivered == ({"root/work": 1} if message else {})
    else:
        assert trio.current_time() == 10
        assert events.of(ShuttingDown) == []
    assert helper.handled == [7]


async def test_all_waits_for_the_last_of_them(autojump_clock: trio.testing.MockClock) -> None:
    """The order in which they end does not matter, nor do children that are not significant."""
    a, b, c = refs("abc")
    bystander = ActorSpec(Ref[int]("bystander"), Worker, Restart.TEMPORARY)
    nested = Supervisor("nested", [worker(a), worker(b), worker(c), bystander], auto_shutdown=AutoShutdown.ALL)
    async with running(Supervisor("root", [nested])) as root:
        for ref in (bystander.ref, b, c):
            ref.tell(0)
            await trio.sleep(1)
            assert find(root.tree(), "root/nested").state is State.RUNNING
        a.tell(0)
        ended = await end_of(nested)
        assert (ended.time, ended.failure) == (3, None)
        await trio.sleep(5)
        assert find(root.tree(), "root").state is State.RUNNING


async def test_any_does_not_wait_for_the_others(autojump_clock: trio.testing.MockClock) -> None:
    """The first end stops those whose work goes on."""
    a, b = refs("ab")
    root = Supervisor("root", [worker(a), worker(b)], auto_shutdown=AutoShutdown.ANY)
    async with running(root):
        b.tell(0)
        await end_of(root)
        with pytest.raises(ActorStopped):
            a.tell(1)


async def test_one_may_end_while_another_restarts(autojump_clock: trio.testing.MockClock) -> None:
    """ANY: the backoff does not hold up the end. ALL: whoever restarts has not ended."""
    for mode in (AutoShutdown.ANY, AutoShutdown.ALL):
        begin = trio.current_time()
        a, b = refs("ab")
        events = Events()
        root = Supervisor("root", [worker(a, backoff=LATER), worker(b)], auto_shutdown=mode, observer=events)
        async with running(root):
            a.tell(1)
            a.tell(0)
            await trio.testing.wait_all_tasks_blocked()
            assert len(events.of(Restarting)) == 1
            b.tell(0)
            ended = await end_of(b)
            await trio.testing.wait_all_tasks_blocked()
            over = [event.path for event in events.of(Stopped)]
            assert over == (["root/b", "root/a", "root"] if mode is AutoShutdown.ANY else ["root/b"])
            assert ended.time == begin


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_one_that_ends_as_its_siblings_are_restarted_has_ended(
    strategy: Strategy, autojump_clock: trio.testing.MockClock
) -> None:
    """It returned in the instant in which a sibling crashed: its work is done, it is not run again."""
    crashing, done = Ref[int]("crashing"), Ref[int]("done")
    events = Events()
    root = Supervisor(
        "root",
        [ActorSpec(crashing, Worker, backoff=LATER), worker(done)],
        strategy=strategy,
        auto_shutdown=AutoShutdown.ANY,
        observer=events,
    )
    async with running(root):
        crashing.tell(1)
        done.tell(0)
        ended = await end_of(root)
        assert (ended.time, ended.failure) == (0, None)
    assert [event.incarnation for event in events.of(Started, "root/done")] == [1]


async def test_a_temporary_one_that_goes_with_its_siblings_has_ended(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing that could end the supervisor would be left, did this not count."""
    crashing, fleeting = Ref[int]("crashing"), Ref[int]("fleeting")
    events = Events()
    root = Supervisor(
        "root",
        [ActorSpec(crashing, Worker, backoff=LATER), worker(fleeting, Restart.TEMPORARY)],
        strategy=Strategy.ONE_FOR_ALL,
        auto_shutdown=AutoShutdown.ALL,
        observer=events,
    )
    async with running(root):
        crashing.tell(1)
        assert (await end_of(root)).time == 0
    assert [event.because for event in events.of(ShuttingDown)] == ["root/fleeting"]


async def test_an_end_while_a_stop_is_under_way_changes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """It drains like all others, in its turn, and is no reason of its own."""
    a, b = refs("ab")
    events = Events()
    root = Supervisor("root", [worker(a), worker(b)], auto_shutdown=AutoShutdown.ANY, observer=events)
    async with running(root):
        a.tell(0)
        b.tell(0)
        root.stop()
    assert events.of(ShuttingDown) == []
    assert [event.path for event in events.of(Stopped)] == ["root/b", "root/a", "root"]


async def test_two_ends_in_one_instant_are_one_reason(autojump_clock: trio.testing.MockClock) -> None:
    """The second comes when the stop has begun."""
    a, b = refs("ab")
    events = Events()
    root = Supervisor("root", [worker(a), worker(b)], auto_shutdown=AutoShutdown.ANY, observer=events)
    a.tell(0)
    b.tell(0)
    await root.run()
    assert len(events.of(ShuttingDown)) == 1


async def test_a_supervisor_that_ends_may_be_significant_itself(autojump_clock: trio.testing.MockClock) -> None:
    """So the end of the work climbs as far as the tree says; services and pools count, too."""
    work = Ref[int]("work")
    pool = Pool[str, int]("pool", lambda key: Probe[int](key).spec(), significant=True)

    async def serve() -> None:
        await trio.sleep(3)

    inner = Supervisor("inner", [worker(work)], auto_shutdown=AutoShutdown.ALL, significant=True)
    service = ServiceSpec("service", serve, Restart.TRANSIENT, significant=True)
    outer = Supervisor("outer", [inner, service, pool], auto_shutdown=AutoShutdown.ALL)
    async with running(outer):
        work.tell(0)
        assert (await end_of(inner)).time == 0
        await trio.sleep(5)
        assert outer.tree().state is State.RUNNING
        pool.stop()
        assert (await end_of(outer)).time == 5


async def test_an_escalation_is_no_end_of_the_work(autojump_clock: trio.testing.MockClock) -> None:
    """A supervisor that fails is restarted by its parent, with those whose work is not done."""
    done, going = refs("dg")
    events = Events()
    nested = Supervisor(
        "nested",
        [worker(done), worker(going)],
        auto_shutdown=AutoShutdown.ALL,
        intensity=Intensity(restarts=0),
        backoff=AT_ONCE,
    )
    async with running(Supervisor("root", [nested], observer=events)) as root:
        done.tell(0)
        await trio.sleep(1)
        root.kill("g")
        await trio.sleep(1)
        assert len(events.of(Escalated)) == 1
        assert [event.incarnation for event in events.of(Started, "root/nested/g")] == [1, 2]
        assert [event.incarnation for event in events.of(Started, "root/nested/d")] == [1]
        going.tell(0)
        assert (await end_of(nested)).failure is None


async def test_an_end_that_its_supervisor_was_too_late_to_see_counts(autojump_clock: trio.testing.MockClock) -> None:
    """The child returned in the instant in which its supervisor was killed: the next incarnation knows."""
    work = Ref[int]("work")
    events = Events()
    nested = Supervisor("nested", [worker(work)], auto_shutdown=AutoShutdown.ANY, backoff=AT_ONCE)
    root = Supervisor("root", [nested], observer=events)
    async with running(root):
        await trio.testing.wait_all_tasks_blocked()
        work.tell(0)
        root.kill("nested")
        ended = await end_of(nested)
        assert ended.time == 0
    assert [event.incarnation for event in events.of(Started, "root/nested/work")] == [1]
