"""What the kernel tells about itself."""

import random
from typing import Any

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    Backoff,
    Crashed,
    Failure,
    Inbox,
    Kind,
    MailboxHighWater,
    Pool,
    Ref,
    Restart,
    Restarting,
    RuntimeEvent,
    ServiceSpec,
    Started,
    State,
    StopReport,
    Supervisor,
    TreeNode,
)
from runtime.testing import Events, Probe, find, running


async def test_the_tree_shows_every_child_as_it_is(autojump_clock: trio.testing.MockClock) -> None:
    """Name, path, kind, state, incarnations, uptime, last failure and mailbox, at all depths."""

    async def fail(message: int) -> None:
        await trio.sleep(1)
        if message < 0:
            raise ValueError("negative")

    probe = Probe[int]("a", fail)
    pool = Pool[str, int]("pool", lambda key: Probe[int](key).spec())
    pool.ensure("p")
    root = Supervisor("root", [Supervisor("in", [probe.spec()]), pool, ServiceSpec("clock", trio.sleep_forever)])
    idle = root.tree()
    assert (idle.state, idle.uptime_s, idle.incarnation) == (State.IDLE, 0, 0)
    async with running(root):
        await trio.sleep(10)
        for message in (-1, 1, 2):
            probe.ref.tell(message)
        await trio.sleep(3.5)
        tree = root.tree()
        assert (tree.name, tree.path, tree.kind, tree.state) == ("root", "root", Kind.SUPERVISOR, State.RUNNING)
        assert (tree.uptime_s, tree.incarnation, tree.restarts, tree.mailbox) == (13.5, 1, 0, None)
        assert [(node.path, node.kind) for node in tree.children] == [
            ("root/in", Kind.SUPERVISOR),
            ("root/pool", Kind.POOL),
            ("root/clock", Kind.SERVICE),
        ]
        node = find(tree, "root/in/a")
        assert node.kind is Kind.ACTOR
        assert (node.state, node.incarnation, node.restarts, node.children) == (State.RUNNING, 3, 2, ())
        assert 0 < node.uptime_s < 2
        assert node.last_failure is not None
        assert (node.last_failure.type, node.last_failure.message) == ("ValueError", "negative")
        assert node.last_failure.where.startswith("tests.runtime.test_observe:")
        assert node.mailbox is not None
        assert (node.mailbox.capacity, node.mailbox.dead_lettered) == (1024, 1)
        assert find(tree, "root/pool/p").mailbox is not None
    assert {root.tree().state, *(node.state for node in root.tree().children)} == {State.STOPPED}


async def test_the_tree_tells_how_busy_each_actor_is(autojump_clock: trio.testing.MockClock) -> None:
    """Of the time that this incarnation runs, what it did not spend waiting for mail; and when it failed last."""

    async def work(seconds: int) -> None:
        if seconds < 0:
            raise ValueError
        await trio.sleep(seconds)

    probe = Probe[int]("a", work)
    root = Supervisor("root", [probe.spec(backoff=Backoff(first=0)), ServiceSpec("s", trio.sleep_forever)])
    assert root.tree().children[0].busy_fraction == 0
    async with running(root):
        probe.ref.tell(3)
        await trio.sleep(10)
        node = find(root.tree(), "root/a")
        assert (node.busy_s, node.uptime_s, node.busy_fraction) == (3, 10, 0.3)
        probe.ref.tell(6)
        await trio.sleep(2)
        node = find(root.tree(), "root/a")
        assert (node.busy_s, node.uptime_s) == (5, 12)
        probe.ref.tell(-1)
        await trio.sleep(5)
        node = find(root.tree(), "root/a")
        assert (node.incarnation, node.busy_s, node.busy_fraction) == (3, 0, 0)
        assert node.last_failure is not None
        assert node.last_failure.time == 16
        probe.ref.tell(2)
        await trio.sleep(1)
        assert find(root.tree(), "root/a").busy_s == 1
        service = find(root.tree(), "root/s")
        assert (service.busy_s, service.busy_fraction) == (0, 0)
    assert find(root.tree(), "root/a").busy_s == 0


async def test_an_observer_that_raises_hurts_nobody(autojump_clock: trio.testing.MockClock) -> None:
    """Not the tree, and not the one who happened to send a message; how often is counted."""

    def broken(event: RuntimeEvent) -> None:
        raise RuntimeError("observer")

    probe = Probe[int]("a", capacity=2)
    root = Supervisor("root", [probe.spec()], observer=broken)
    async with running(root):
        probe.ref.tell(1)
        probe.ref.tell(2)
        await trio.sleep(1)
        root.kill("a")
        await trio.sleep(1)
        assert probe.handled == [1, 2]
        assert probe.incarnations == 2
    assert root.observer_failures == 8


async def test_a_branch_reports_to_its_own_observer_or_to_its_parents(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """So one observer at the root sees everything; without any, nothing is told."""
    of_root, of_x = Events(), Events()
    x = Supervisor("x", [Probe[int]("a").spec()], observer=of_x)
    y = Supervisor("y", [Probe[int]("b").spec()])
    async with running(Supervisor("root", [x, y], observer=of_root)):
        pass
    assert {event.path for event in of_x.all} == {"root/x", "root/x/a"}
    assert {event.path for event in of_root.all} == {"root", "root/y", "root/y/b"}
    async with running(Supervisor("silent", [Probe[int]("c").spec()])):
        pass


async def test_high_water_is_an_event_with_its_path(autojump_clock: trio.testing.MockClock) -> None:
    """Also when it is reached by a sender that waits."""
    events = Events()

    class Slow:
        async def run(self, inbox: Inbox[int]) -> None:
            await trio.sleep(1)
            async for _ in inbox:
                pass

    ref = Ref[int]("a", capacity=5)
    async with running(Supervisor("root", [ActorSpec(ref, Slow)], observer=events)):
        for number in range(7):
            await ref.send(number)
    [event] = events.of(MailboxHighWater)
    assert (event.path, event.depth, event.capacity, event.time) == ("root/a", 4, 5, 0)


async def test_randomness_comes_from_the_nearest_branch_that_has_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One seed at the root makes all delays replay."""

    async def delays(seed: int) -> list[float]:
        seen: list[float] = []
        probe = Probe[int]("a")

        def observer(event: RuntimeEvent) -> None:
            if isinstance(event, Started | Crashed):
                seen.append(event.time - begin)

        nested = Supervisor("nested", [probe.spec()])
        root = Supervisor("root", [nested], rng=random.Random(seed), observer=observer)
        begin = trio.current_time()
        async with running(root):
            for _ in range(3):
                root.kill("a")
                await trio.sleep(1)
        return [round(time, 6) for time in seen]

    assert await delays(1) == await delays(1)
    assert await delays(1) != await delays(2)


def test_a_failure_names_the_error_that_matters() -> None:
    """The only one in a group of one; its text is cut to 300 characters; it keeps no frames."""
    try:
        raise ValueError("y" * 1000)
    except ValueError as error:
        caught = error
    failure = Failure.of(ExceptionGroup("wrapped", [ExceptionGroup("again", [caught])]), 2.0)
    assert (failure.type, failure.message) == ("ValueError", "y" * 300)
    assert failure.where.endswith("in test_a_failure_names_the_error_that_matters")
    two = Failure.of(ExceptionGroup("several", [caught, OSError()]), 2.0)
    assert (two.type, two.where) == ("ExceptionGroup", "")


def test_a_failure_in_code_without_a_module_is_recorded_all_the_same() -> None:
    """Generated code has no name of a module."""
    names: dict[str, Any] = {}
    exec("def generated(): raise ZeroDivisionError", names)
    with pytest.raises(ZeroDivisionError) as caught:
        names["generated"]()
    assert Failure.of(caught.value, 1.0).where == "?:1 in generated"


@pytest.mark.parametrize("name", ["a", "b/c"])
async def test_paths_are_names_joined_from_the_root(name: str, autojump_clock: trio.testing.MockClock) -> None:
    """A name is free text: agents bring theirs from outside."""
    events = Events()
    async with running(Supervisor("root", [Supervisor("in", [Probe[int](name).spec()])], observer=events)):
        pass
    assert events.all[0].path == f"root/in/{name}"


def test_kinds_and_states_have_the_words_that_clients_read() -> None:
    """The program sends them as they are: another word here is another protocol."""
    assert [kind.value for kind in Kind] == ["actor", "service", "supervisor", "pool"]
    assert [state.value for state in State] == [
        "idle",
        "starting",
        "running",
        "restarting",
        "stopping",
        "stopped",
        "gave_up",
    ]


def test_nobody_is_busier_than_all_the_time() -> None:
    """The two sums of seconds are taken at different moments."""
    node = TreeNode("a", "root/a", Kind.ACTOR, State.RUNNING, 1, 0, 2.0, 3.0, None, None, ())
    assert node.busy_fraction == 1


def test_a_report_is_clean_only_when_all_of_it_is() -> None:
    """Each of the three alone is something that the stop could not do in order."""
    assert StopReport((), (), {}).clean
    for report in (StopReport(("a",), (), {}), StopReport((), ("a",), {}), StopReport((), (), {"a": 1})):
        assert not report.clean


async def test_a_task_has_the_path_of_its_child(autojump_clock: trio.testing.MockClock) -> None:
    """In trio's own views of what runs, and in its error messages, one among a thousand actors must be found."""
    names: list[str] = []

    async def serve() -> None:
        names.append(trio.lowlevel.current_task().name)

    async with running(Supervisor("root", [Supervisor("in", [ServiceSpec("s", serve, Restart.TEMPORARY)])])):
        pass
    assert names == ["root/in/s"]


@pytest.mark.parametrize("kind", [Supervisor, Pool])
async def test_a_branch_with_randomness_of_its_own_uses_it(
    kind: type[Supervisor] | type[Pool[str, int]], autojump_clock: trio.testing.MockClock
) -> None:
    """The same delays in each run, whatever its parent draws."""

    async def delay() -> float:
        probe, events = Probe[int]("a"), Events()
        branch: Supervisor | Pool[str, int] = (
            Supervisor("b", [probe.spec()], rng=random.Random(1))
            if kind is Supervisor
            else Pool("b", lambda _: probe.spec(), rng=random.Random(1))
        )
        async with running(Supervisor("root", [branch], observer=events)) as root:
            if isinstance(branch, Pool):
                branch.ensure("a")
            await trio.testing.wait_all_tasks_blocked()
            root.kill("a")
            [event] = await events.wait_for(Restarting)
        return event.delay

    assert await delay() == await delay()
