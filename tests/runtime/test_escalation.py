"""When it is too much: a supervisor gives up, and its parent takes over."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    Backoff,
    Crashed,
    Escalated,
    GaveUp,
    Inbox,
    Intensity,
    Pool,
    Ref,
    RestartIntensityExceeded,
    Started,
    State,
    Stopped,
    Supervisor,
)
from runtime.testing import Events, Probe, running
from tests.runtime.trees import crash_once

AT_ONCE = Backoff(first=0)


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


async def test_too_many_returns_escalate_without_a_failure(autojump_clock: trio.testing.MockClock) -> None:
    """A permanent child that returns is restarted, too; an older crash is not given as the reason."""
    events = Events()
    lives = 0

    class Restless:
        async def run(self, inbox: Inbox[int]) -> None:
            nonlocal lives
            lives += 1
            if lives == 1:
                raise ValueError

    spec = ActorSpec(Ref[int]("restless"), Restless, backoff=AT_ONCE)
    with pytest.raises(RestartIntensityExceeded) as caught:
        await Supervisor("root", [spec], intensity=Intensity(restarts=2), observer=events).run()
    assert caught.value.__cause__ is None
    assert [event.failure for event in events.of(Escalated)] == [None]
    assert [event.failure for event in events.of(Stopped, "root/restless")] == [None]
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Restless, backoff=AT_ONCE), observer=events)
    lives = 0
    async with running(pool):
        ended = await pool.ensure("p").wait_stopped()
    assert (ended.state, ended.failure) == (State.GAVE_UP, None)
    assert [event.failure for event in events.of(GaveUp)] == [None]
