"""Static supervisors: who restarts when, how soon, and when it is too much."""

import random
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from runtime import (
    ActorKilled,
    ActorSpec,
    ActorStopped,
    AlreadySupervised,
    Backoff,
    Crashed,
    DuplicateName,
    Escalated,
    Inbox,
    Intensity,
    Ref,
    Restart,
    Restarting,
    RestartIntensityExceeded,
    SameActorReturned,
    ServiceSpec,
    Started,
    State,
    Stopped,
    Strategy,
    Supervisor,
)
from runtime.testing import Events, Probe
from tests.runtime.trees import find, running, seeded

AT_ONCE = Backoff(first=0)


def crash_once() -> Callable[[int], Awaitable[None]]:
    """A negative message crashes its actor when it is seen for the first time."""
    seen = set()

    async def handle(message: int) -> None:
        if message < 0 and message not in seen:
            seen.add(message)
            raise ValueError(message)

    return handle


def probes(names: str) -> list[Probe[int]]:
    return [Probe(name, crash_once()) for name in names]


async def test_children_start_in_order_and_stop_in_reverse(autojump_clock: trio.testing.MockClock) -> None:
    """Each runs before the next begins, and has ended before the one before it is asked to."""
    events = Events()
    root = Supervisor("root", [probe.spec() for probe in probes("abc")], observer=events)
    async with running(root):
        assert [event.path for event in events.all] == ["root/a", "root/b", "root/c", "root"]
    assert [event.path for event in events.of(Stopped)] == ["root/c", "root/b", "root/a", "root"]


async def test_started_is_told_when_all_children_run(autojump_clock: trio.testing.MockClock) -> None:
    """Also those of nested supervisors."""
    inner = probes("ab")
    outer = probes("c")
    root = Supervisor("root", [Supervisor("in", [probe.spec() for probe in inner]), outer[0].spec()])
    async with trio.open_nursery() as nursery:
        await nursery.start(root.run)
        assert [find(root.tree(), path).state for path in ("root/in/a", "root/in/b", "root/c")] == [State.RUNNING] * 3
        root.stop()


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


async def test_too_many_restarts_escalate_after_an_orderly_reverse_stop(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """run raises the reason, with the child's last exception as its cause; siblings drained their mail first."""
    events = Events()
    order: list[str] = []

    async def note(message: int) -> None:
        await trio.sleep(1)
        order.append(f"handled {message}")

    class Sibling:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, inbox: Inbox[int]) -> None:
            async for message in inbox:
                await note(message)
            order.append(f"{self.name} ends")

    class Broken:
        async def run(self, inbox: Inbox[int]) -> None:
            raise ValueError("broken")

    x, y = Ref[int]("x"), Ref[int]("y")
    root = Supervisor(
        "root",
        [
            ActorSpec(x, lambda: Sibling("x")),
            ActorSpec(y, lambda: Sibling("y")),
            ActorSpec(Ref[int]("broken"), Broken, backoff=AT_ONCE),
        ],
        intensity=Intensity(restarts=3, within=60),
        observer=events,
    )
    y.tell(1)
    y.tell(2)
    with pytest.raises(RestartIntensityExceeded) as caught:
        await root.run()
    assert order == ["handled 1", "handled 2", "y ends", "x ends"]
    assert (caught.value.path, caught.value.child, caught.value.restarts) == ("root", "root/broken", 3)
    assert isinstance(caught.value.__cause__, ValueError)
    assert str(caught.value) == "root/broken needed more than 3 restarts of root within 60 s"
    assert [event.incarnation for event in events.of(Started, "root/broken")] == [1, 2, 3, 4]
    [escalated] = events.of(Escalated)
    assert (escalated.path, escalated.child) == ("root", "root/broken")
    assert escalated.failure is not None
    assert escalated.failure.message == "broken"
    with pytest.raises(ActorStopped):
        x.tell(1)


async def test_a_nested_supervisor_escalates_to_its_parent_and_comes_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The parent restarts it as any child: its children come back with their addresses and their mail, and a fresh
    budget."""
    events = Events()
    steady = Probe[int]("steady", crash_once())
    shaky = Probe[int]("shaky", crash_once())
    other = Probe[int]("other")
    nested = Supervisor(
        "nested",
        [steady.spec(), shaky.spec(backoff=AT_ONCE)],
        intensity=Intensity(restarts=1),
    )
    root = Supervisor("root", [other.spec(), nested], observer=events)
    async with running(root):
        for _ in range(2):
            root.kill("shaky")
            await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(0.001)
        steady.ref.tell(1)
        await trio.sleep(1)
        assert [event.path for event in events.of(Escalated)] == ["root/nested"]
        assert events.of(Crashed, "root/nested")[0].failure.type == "RestartIntensityExceeded"
        assert steady.handled == [1]
        assert (steady.incarnations, shaky.incarnations, other.incarnations) == (2, 3, 1)
        assert events.of(Stopped) == []
        shaky.ref.tell(2)
        root.kill("shaky")
        await trio.sleep(1)
        assert shaky.handled == [2]
        assert len(events.of(Escalated)) == 1
    assert [event.path for event in events.of(Stopped)] == [
        "root/nested/shaky",
        "root/nested/steady",
        "root/nested",
        "root/other",
        "root",
    ]


async def test_a_nested_supervisor_comes_down_in_reverse_order_before_it_escalates(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Each child has ended before the one it may depend on is cancelled."""
    order: list[str] = []

    class Tidy:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, inbox: Inbox[int]) -> None:
            try:
                await trio.sleep_forever()
            finally:
                order.append(f"{self.name} is cancelled")
                with trio.CancelScope(shield=True):
                    await trio.sleep(0.1)
                order.append(f"{self.name} has ended")

    def tidy(name: str) -> ActorSpec[int]:
        return ActorSpec(Ref(name), lambda: Tidy(name), grace=1)

    nested = Supervisor("nested", [tidy("a"), tidy("b"), tidy("c")], intensity=Intensity(restarts=0))
    async with running(Supervisor("root", [nested])):
        nested.kill("c")
        await trio.sleep(0.5)
        assert order[2:6] == ["b is cancelled", "b has ended", "a is cancelled", "a has ended"]


async def test_escalation_climbs_until_the_root_fails(autojump_clock: trio.testing.MockClock) -> None:
    """With no budget anywhere, one crash ends the tree, and the causes chain down to it."""
    probe = Probe[int]("a", crash_once())
    none = Intensity(restarts=0)
    root = Supervisor("root", [Supervisor("nested", [probe.spec()], intensity=none)], intensity=none)
    probe.ref.tell(-5)
    probe.ref.tell(6)
    with pytest.raises(RestartIntensityExceeded) as caught:
        await root.run()
    inner = caught.value.__cause__
    assert isinstance(inner, RestartIntensityExceeded)
    assert (caught.value.path, inner.path) == ("root", "root/nested")
    assert isinstance(inner.__cause__, ValueError)
    with pytest.raises(ActorStopped):
        probe.ref.tell(1)


async def test_kill_crashes_one_incarnation_and_blames_no_message(autojump_clock: trio.testing.MockClock) -> None:
    """The message in hand is delivered again, and again, however often the actor is killed with it."""
    events = Events()

    async def slow(message: int) -> None:
        await trio.sleep(1)

    probe = Probe[int]("a", slow)
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)], intensity=Intensity(restarts=10), observer=events)
    async with running(root):
        probe.ref.tell(7)
        for _ in range(4):
            await trio.sleep(0.5)
            root.kill("root/a")
        await trio.sleep(5)
    assert probe.received == [7] * 5
    assert probe.handled == [7]
    assert root.dead_letters() == ()
    crashes = events.of(Crashed)
    assert len(crashes) == 4
    assert all(isinstance(event.error, ActorKilled) for event in crashes)
    assert str(crashes[0].error) == "'a' was killed on request"


async def test_kill_reaches_nested_children_and_whole_branches(autojump_clock: trio.testing.MockClock) -> None:
    """By path or by a name that is unique; a name that is not, or is unknown, is an error."""
    first, second = Probe[int]("a"), Probe[int]("a")
    root = Supervisor("root", [Supervisor("x", [first.spec()]), Supervisor("y", [second.spec()])])
    async with running(root):
        root.kill("root/y/a")
        root.kill("x")
        await trio.sleep(5)
        assert (first.incarnations, second.incarnations) == (2, 2)
        assert find(root.tree(), "root/x").restarts == 1
        for name, found in (("a", 2), ("nobody", 0)):
            with pytest.raises(LookupError, match=f"{found} children of 'root' are named '{name}'"):
                root.kill(name)


async def test_a_kill_between_two_incarnations_has_no_effect(autojump_clock: trio.testing.MockClock) -> None:
    """There is nothing to end, and the next incarnation is spared."""
    events = Events()
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec(backoff=Backoff(first=10))], rng=seeded(), observer=events)
    async with running(root):
        root.kill("a")
        await trio.testing.wait_all_tasks_blocked()
        root.kill("a")
        await trio.sleep(20)
        assert len(events.of(Crashed)) == 1
        assert probe.incarnations == 2


async def test_a_factory_that_returns_the_same_object_twice_is_told_so(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """State that a crash has put in doubt must not live on unnoticed."""

    class Once:
        async def run(self, inbox: Inbox[int]) -> None:
            raise ValueError

    once = Once()
    spec = ActorSpec(Ref[int]("a"), lambda: once, backoff=AT_ONCE)
    with pytest.raises(RestartIntensityExceeded) as caught:
        await Supervisor("root", [spec], intensity=Intensity(restarts=1)).run()
    assert isinstance(caught.value.__cause__, SameActorReturned)
    assert "'a' returned the same object twice" in str(caught.value.__cause__)


async def test_a_factory_that_raises_is_a_crash(autojump_clock: trio.testing.MockClock) -> None:
    """It is retried under the same policy; mail waits."""
    attempts = 0
    probe = Probe[int]("a")
    make = probe.spec().factory

    def factory() -> object:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise OSError("not yet")
        return make()

    ref = Ref[int]("b")
    root = Supervisor("root", [ActorSpec(ref, factory)])  # type: ignore[arg-type]
    async with running(root):
        ref.tell(1)
        await trio.sleep(1)
        assert attempts == 2
        assert probe.handled == [1]


def test_impossible_trees_are_refused_when_they_are_built() -> None:
    """Two children of one name; one address, or one branch, in two places."""
    with pytest.raises(DuplicateName, match="'root' has two children named 'a'"):
        Supervisor("root", [probe.spec() for probe in probes("aa")])
    probe = Probe[int]("a")
    branch = Supervisor("x", [probe.spec()])
    with pytest.raises(AlreadySupervised, match="'a'"):
        Supervisor("y", [probe.spec()])
    Supervisor("root", [branch])
    with pytest.raises(AlreadySupervised, match="'x'"):
        Supervisor("other", [branch])


async def test_a_tree_runs_once(autojump_clock: trio.testing.MockClock) -> None:
    """Its addresses are closed afterwards; a nested branch is run by its parent alone."""
    nested = Supervisor("nested", [])
    root = Supervisor("root", [nested])
    async with running(root):
        for branch in (root, nested):
            with pytest.raises(AlreadySupervised):
                await branch.run()
    with pytest.raises(AlreadySupervised):
        await root.run()


async def test_a_service_is_restarted_as_an_actor_is(autojump_clock: trio.testing.MockClock) -> None:
    """A plain function without a mailbox under the same policy."""
    runs = 0

    async def serve() -> None:
        nonlocal runs
        runs += 1
        await trio.sleep(1)
        if runs < 3:
            raise OSError("port taken")
        await trio.sleep_forever()

    events = Events()
    async with running(Supervisor("root", [ServiceSpec("http", serve)], observer=events)):
        await trio.sleep(20)
        assert runs == 3
        assert [event.failure.message for event in events.of(Crashed)] == ["port taken"] * 2


async def test_an_exception_group_from_an_actors_nursery_is_a_crash_like_any_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """It is contained, and reported by the one error that matters."""
    events = Events()
    probe = Probe[int]("sibling")

    class Grouped:
        async def run(self, inbox: Inbox[int]) -> None:
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def fail() -> None:
                    raise ValueError("inside")

                await inbox.get()

    specs = [probe.spec(), ActorSpec(Ref[int]("grouped"), Grouped, Restart.TEMPORARY)]
    async with running(Supervisor("root", specs, observer=events)):
        await trio.sleep(1)
        assert probe.live == 1
    [crash] = events.of(Crashed)
    assert (crash.failure.type, crash.failure.message) == ("ValueError", "inside")
    assert crash.failure.where.endswith("Grouped.run.<locals>.fail")


async def test_cancelling_run_ends_everything_at_once_and_answers_everyone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """No grace, no restart; the addresses are closed, a crash on the way out is recorded and goes nowhere."""
    events = Events()
    probe = Probe[int]("a")

    class Untidy:
        async def run(self, inbox: Inbox[int]) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                try:
                    await trio.sleep_forever()
                finally:
                    raise ValueError("untidy")

    root = Supervisor("root", [probe.spec(), ActorSpec(Ref[int]("b"), Untidy)], observer=events)
    with trio.move_on_after(1) as scope:
        await root.run()
    assert scope.cancelled_caught
    assert trio.current_time() == 1
    assert [event.failure.message for event in events.of(Crashed)] == ["untidy"]
    assert events.of(Restarting) == []
    with pytest.raises(ActorStopped):
        probe.ref.tell(1)
