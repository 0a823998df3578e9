"""Static supervisors: order, kills, services, failures of all kinds, and trees that cannot be."""

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
    Inbox,
    Intensity,
    Ref,
    Restart,
    Restarting,
    RestartIntensityExceeded,
    SameActorReturned,
    ServiceSpec,
    State,
    Stopped,
    Supervisor,
)
from runtime.testing import Events, Probe, find, running
from tests.runtime.trees import probes, seeded

AT_ONCE = Backoff(first=0)


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
