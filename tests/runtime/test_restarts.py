"""Who restarts when a child ends, with whom, and how soon."""

import random

import pytest
import trio
import trio.testing

from runtime import (
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Backoff,
    ChildSpec,
    Crashed,
    Inbox,
    Intensity,
    Ref,
    Reply,
    Restart,
    Restarting,
    Started,
    State,
    Strategy,
    Supervisor,
)
from runtime.testing import Events, Probe, find, running
from tests.runtime.trees import crash_once, probes, seeded

AT_ONCE = Backoff(first=0)


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [(Strategy.ONE_FOR_ONE, "b"), (Strategy.REST_FOR_ONE, "bcd"), (Strategy.ONE_FOR_ALL, "abcd")],
)
async def test_a_strategy_restarts_its_group_in_order_and_touches_nobody_else(
    strategy: Strategy, restarted: str, autojump_clock: trio.testing.MockClock
) -> None:
    """rest_for_one never touches earlier siblings."""
    events = Events()
    group = probes("abcd")
    root = Supervisor("root", [probe.spec() for probe in group], strategy=strategy, observer=events)
    async with running(root):
        group[1].ref.tell(-1)
        await trio.sleep(5)
        assert "".join(probe.ref.name for probe in group if probe.incarnations == 2) == restarted
        again = [event.path for event in events.of(Started) if event.incarnation == 2]
        assert again == [f"root/{name}" for name in restarted]
        assert {event.because for event in events.of(Restarting)} == {"root/b"}


@pytest.mark.parametrize("restart", list(Restart))
@pytest.mark.parametrize("crash", [True, False])
async def test_restart_types_decide_after_crash_and_return(
    restart: Restart, crash: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """Who isn't restarted has stopped for good: its address refuses mail."""
    runs = 0

    class Short:
        async def run(self, inbox: Inbox[int]) -> None:
            nonlocal runs
            runs += 1
            if runs > 1:
                await trio.sleep_forever()
            await inbox.get()
            if crash:
                raise ValueError

    ref: Ref[int] = Ref("short")
    root = Supervisor("root", [ActorSpec(ref, Short, restart, grace=0)])
    async with running(root):
        ref.tell(1)
        await trio.sleep(1)
        wanted = restart.wanted(crashed=crash)
        assert runs == (2 if wanted else 1)
        assert find(root.tree(), "root/short").state is (State.RUNNING if wanted else State.STOPPED)
        if not wanted:
            with pytest.raises(ActorStopped):
                ref.tell(2)


async def test_siblings_that_share_a_restart_keep_their_mail(autojump_clock: trio.testing.MockClock) -> None:
    """Mail accepted before, while and after the group is down is handled once, in order."""
    first = Probe[int]("first", crash_once())
    busy: list[int] = []

    async def slowly(message: int) -> None:
        await trio.sleep(1)
        busy.append(message)

    second = Probe[int]("second", slowly)
    root = Supervisor("root", [first.spec(), second.spec()], strategy=Strategy.ONE_FOR_ALL)
    async with running(root):
        for number in range(3):
            second.ref.tell(number)
        await trio.sleep(1.5)
        first.ref.tell(-1)
        await trio.testing.wait_all_tasks_blocked(0.001)
        second.ref.tell(3)
        await trio.sleep(10)
    assert second.incarnations == 2
    assert second.handled == [0, 1, 2, 3]
    assert second.received == [0, 1, 1, 2, 3]
    assert root.dead_letters() == ()


async def test_a_temporary_sibling_ends_with_the_group(autojump_clock: trio.testing.MockClock) -> None:
    """A temporary child is never restarted, also not when a sibling is."""
    crashing, temporary = probes("ab")
    specs = [crashing.spec(), temporary.spec(restart=Restart.TEMPORARY)]
    root = Supervisor("root", specs, strategy=Strategy.ONE_FOR_ALL)
    async with running(root):
        crashing.ref.tell(-1)
        await trio.sleep(5)
        assert (crashing.incarnations, temporary.incarnations) == (2, 1)
        with pytest.raises(ActorStopped):
            temporary.ref.tell(1)


@pytest.mark.parametrize("nested", [False, True])
async def test_a_transient_sibling_comes_back_with_the_group(
    nested: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """It was cancelled, so it has neither crashed nor returned; the same goes for all below a supervisor."""
    crashing, transient = probes("ab")
    specs = [crashing.spec(), transient.spec(restart=Restart.TRANSIENT)]
    group = Supervisor("group", specs, strategy=Strategy.ONE_FOR_ALL)
    async with running(Supervisor("root", [group])) as root:
        if nested:
            root.kill("group")
        else:
            crashing.ref.tell(-1)
        await trio.sleep(5)
        assert (crashing.incarnations, transient.incarnations) == (2, 2)
        assert transient.live == 1


@pytest.mark.parametrize("restart", list(Restart))
async def test_what_a_sibling_had_acknowledged_is_lost_to_its_asker(
    restart: Restart, autojump_clock: trio.testing.MockClock
) -> None:
    """Also when it was cancelled for another's sake: its next incarnation knows nothing of the request."""
    crashing = probes("a")[0]
    ref = Ref[Reply[int]]("b")

    class Forgetful:
        async def run(self, inbox: Inbox[Reply[int]]) -> None:
            await inbox.peek(1)
            inbox.drop(1)
            await trio.sleep_forever()

    specs: list[ChildSpec] = [crashing.spec(), ActorSpec(ref, Forgetful, restart)]
    async with running(Supervisor("root", specs, strategy=Strategy.ONE_FOR_ALL)), trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            with trio.fail_after(1), pytest.raises(ActorCrashed):
                await ref.ask(lambda reply: reply)

        await trio.testing.wait_all_tasks_blocked()
        crashing.ref.tell(-1)


async def test_a_group_waits_for_its_slowest_member_to_end(autojump_clock: trio.testing.MockClock) -> None:
    """One live incarnation per name: the next begins when the one before has cleaned up."""
    crashing = Probe[int]("crashing", crash_once())
    spans: list[tuple[str, float]] = []

    class Slow:
        async def run(self, inbox: Inbox[int]) -> None:
            spans.append(("begin", trio.current_time()))
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(3)
                spans.append(("end", trio.current_time()))

    specs = [crashing.spec(), ActorSpec(Ref[int]("slow"), Slow, grace=5)]
    async with running(Supervisor("root", specs, strategy=Strategy.ONE_FOR_ALL)):
        crashing.ref.tell(-1)
        await trio.sleep(10)
        assert crashing.incarnations == 2
    assert [name for name, _ in spans] == ["begin", "end", "begin", "end"]
    assert spans[1][1] == spans[2][1] == 3


async def test_a_group_waits_for_the_backoff_of_the_one_that_died(autojump_clock: trio.testing.MockClock) -> None:
    """Also when the others have long ended."""
    events = Events()
    dead, sibling = probes("ab")
    specs = [dead.spec(backoff=Backoff(first=50, ceiling=50)), sibling.spec(backoff=AT_ONCE)]
    root = Supervisor("root", specs, strategy=Strategy.ONE_FOR_ALL, rng=seeded(), observer=events)
    async with running(root):
        dead.ref.tell(-1)
        await trio.sleep(100)
        delay = events.of(Restarting)[0].delay
        assert delay > 1
        again = [event.time for event in events.of(Started) if event.incarnation == 2]
        assert again == [delay, delay]


async def test_two_members_that_crash_together_count_once(autojump_clock: trio.testing.MockClock) -> None:
    """One incident, one restart of the group against the budget."""
    group = probes("ab")
    events = Events()
    root = Supervisor(
        "root",
        [probe.spec() for probe in group],
        strategy=Strategy.ONE_FOR_ALL,
        intensity=Intensity(restarts=1),
        observer=events,
    )
    async with running(root):
        for probe in group:
            probe.ref.tell(-1)
        await trio.testing.wait_all_tasks_blocked()
        assert len(events.of(Crashed)) == 2
        assert len(events.of(Restarting)) == 2
        assert len({event.because for event in events.of(Restarting)}) == 1


async def test_a_wider_recovery_takes_up_a_narrower_one(autojump_clock: trio.testing.MockClock) -> None:
    """An earlier child that dies while a later one is in its backoff brings both back, once and in order."""
    early, late = probes("ab")
    events = Events()
    slow = Backoff(first=50, ceiling=50)
    root = Supervisor(
        "root",
        [early.spec(backoff=AT_ONCE), late.spec(backoff=slow)],
        strategy=Strategy.REST_FOR_ONE,
        rng=seeded(),
        observer=events,
    )
    async with running(root):
        late.ref.tell(-1)
        await trio.testing.wait_all_tasks_blocked()
        early.ref.tell(-1)
        await trio.testing.wait_all_tasks_blocked()
        assert events.of(Restarting, "root/b")[0].delay > 1
        await trio.sleep(0.1)
        again = [event.path for event in events.of(Started) if event.incarnation == 2]
        assert again == ["root/a", "root/b"]
        await trio.sleep(100)
        assert (early.incarnations, late.incarnations, late.most_live) == (2, 2, 1)


async def test_restarts_back_off_and_start_over_after_a_quiet_time(autojump_clock: trio.testing.MockClock) -> None:
    """The bound of the delay doubles with each death in a row; 30 s of life make it the first again."""

    class Longest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    probe = Probe[int]("a")
    events = Events()
    root = Supervisor("root", [probe.spec()], rng=Longest(), observer=events, intensity=Intensity(restarts=100))
    async with running(root):
        for lived in (0.0, 5.0, 29.5, 30.5, 0.0):
            await trio.sleep(lived)
            root.kill("a")
            await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(events.of(Restarting)[-1].delay)
            await trio.testing.wait_all_tasks_blocked()
    assert [event.delay for event in events.of(Restarting)] == [0.1, 0.2, 0.4, 0.1, 0.2]
