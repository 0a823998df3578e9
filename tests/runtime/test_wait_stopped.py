"""Death watch: whoever waits for the end of an actor, a supervisor or a pool hears how it ended."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    Backoff,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    RuntimeEvent,
    State,
    Stopped,
    Supervisor,
    WaitsForItself,
)
from runtime.testing import Probe, running

AT_ONCE = Backoff(first=0)
LATER = Backoff(first=60, ceiling=60)


def failing(name: str) -> Probe[int]:
    """Crashes on each negative message."""

    async def fail(message: int) -> None:
        if message < 0:
            raise ValueError(message)

    return Probe(name, fail)


async def test_whoever_waits_hears_how_it_ended(autojump_clock: trio.testing.MockClock) -> None:
    """All who wait, at the moment of the end; whoever asks later is told the same at once."""
    probe = Probe[int]("a")
    heard: list[tuple[float, Stopped]] = []

    async def wait() -> None:
        heard.append((trio.current_time(), await probe.ref.wait_stopped()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
        async with running(Supervisor("root", [probe.spec()])):
            await trio.sleep(3)
            assert heard == []
    ended = Stopped("root/a", 3.0, 0, State.STOPPED, None)
    assert [event for _, event in heard] == [ended, ended]
    assert await probe.ref.wait_stopped() is heard[0][1]


async def test_a_wait_goes_through_restarts_and_ends_with_the_last_failure(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A crash is no end while another incarnation follows; a temporary child's crash is."""
    lasting, fleeting = failing("lasting"), failing("fleeting")
    specs = [lasting.spec(backoff=AT_ONCE), fleeting.spec(restart=Restart.TEMPORARY)]
    async with running(Supervisor("root", specs)):
        lasting.ref.tell(-1)
        fleeting.ref.tell(-1)
        fleeting.ref.tell(5)
        ended = await fleeting.ref.wait_stopped()
        assert (ended.state, ended.undelivered) == (State.STOPPED, 2)
        assert ended.failure is not None
        assert (ended.failure.type, ended.failure.message, ended.failure.time) == ("ValueError", "-1", ended.time)
        with trio.move_on_after(60) as patience:
            await lasting.ref.wait_stopped()
        assert patience.cancelled_caught
        assert lasting.live == 1
    assert (await lasting.ref.wait_stopped()).failure is None


async def test_one_that_stops_between_two_incarnations_has_stopped(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing lives and nothing will: the wait ends with the stop, not with the backoff."""
    probe = failing("a")
    async with running(Supervisor("root", [probe.spec(backoff=LATER)])) as root:
        probe.ref.tell(-1)
        await trio.testing.wait_all_tasks_blocked()
        root.stop()
        ended = await probe.ref.wait_stopped()
        assert (ended.time, ended.undelivered) == (0, 1)
        assert ended.failure is not None
        assert ended.failure.message == "-1"


async def test_one_that_gave_up_says_so(autojump_clock: trio.testing.MockClock) -> None:
    """Also to those who ask when the key has a fresh actor already."""
    pool = Pool[str, int]("pool", lambda key: failing(key).spec(backoff=AT_ONCE), intensity=Intensity(restarts=0))
    async with running(pool):
        old = pool.ensure("a")
        old.tell(-1)
        ended = await old.wait_stopped()
        assert ended.state is State.GAVE_UP
        assert ended.failure is not None
        new = pool.ensure("a")
        assert await old.wait_stopped() is ended
        with trio.move_on_after(1) as patience:
            await new.wait_stopped()
        assert patience.cancelled_caught


@pytest.mark.parametrize("when", ["before it starts", "while it runs", "between two incarnations"])
async def test_one_that_is_removed_from_its_pool_has_stopped(when: str, autojump_clock: trio.testing.MockClock) -> None:
    """Whatever it was doing; the pool goes on."""
    pool = Pool[str, int]("pool", lambda key: failing(key).spec(backoff=LATER))
    ref = pool.ensure("a")
    if when == "before it starts":
        await pool.remove("a")
    async with running(pool):
        if when == "between two incarnations":
            ref.tell(-1)
            await trio.testing.wait_all_tasks_blocked()
        await pool.remove("a")
        ended = await ref.wait_stopped()
        assert (ended.path, ended.state, ended.time) == ("pool/a", State.STOPPED, 0)


async def test_an_address_without_a_place_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    """It may be given one yet; one in a tree that stopped before it ran has stopped like any other."""
    probe = Probe[int]("a")
    with trio.move_on_after(5) as patience:
        await probe.ref.wait_stopped()
    assert patience.cancelled_caught
    events: list[RuntimeEvent] = []
    with probe.ref.watch(events.append):
        root = Supervisor("root", [probe.spec()])
        probe.ref.tell(1)
        root.stop()
        await root.run()
    ended = await probe.ref.wait_stopped()
    assert events == [ended]
    assert (ended.undelivered, probe.incarnations) == (1, 0)


async def test_cancelling_the_whole_tree_is_an_end_for_everyone(autojump_clock: trio.testing.MockClock) -> None:
    """For actors, supervisors and pools; also for what somebody tries to bring into the pool on that occasion."""
    probe = Probe[int]("a")
    pool = Pool[str, int]("pool", lambda key: Probe[int](key).spec())
    root = Supervisor("root", [probe.spec(), Supervisor("nested", []), pool])
    pooled = pool.ensure("p")
    refused: list[str] = []

    def bring_another(event: RuntimeEvent) -> None:
        if isinstance(event, Stopped):
            with pytest.raises(ActorStopped):
                pool.ensure("q")
            refused.append(event.path)

    with trio.move_on_after(1), pooled.watch(bring_another):
        await root.run()
    for watched in (probe.ref, pooled, pool, root):
        assert (await watched.wait_stopped()).time == 1
    assert refused == ["root/pool/p"]


async def test_a_wait_that_is_cancelled_leaves_the_others_waiting(autojump_clock: trio.testing.MockClock) -> None:
    """And the one who was waited for knows nothing of it."""
    probe = Probe[int]("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe.ref.wait_stopped)
        async with running(Supervisor("root", [probe.spec()])):
            with trio.move_on_after(1) as patience:
                await probe.ref.wait_stopped()
            assert patience.cancelled_caught


async def test_one_that_cannot_be_stopped_has_not_stopped(autojump_clock: trio.testing.MockClock) -> None:
    """Given up by the stop, but alive: the wait ends when it does."""

    class Stuck:
        async def run(self, inbox: Inbox[int]) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(50)

    ref = Ref[int]("stuck")
    async with running(Supervisor("root", [ActorSpec(ref, Stuck, grace=1)])) as root:
        root.stop()
        assert (await ref.wait_stopped()).time == 50


async def test_escalation_ends_only_what_does_not_come_back(autojump_clock: trio.testing.MockClock) -> None:
    """The children of a supervisor that its parent restarts have not stopped; when the root fails, all have."""
    probe, sibling = failing("a"), failing("b")
    none = Intensity(restarts=0)
    nested = Supervisor("nested", [sibling.spec(), probe.spec()], intensity=none, backoff=AT_ONCE)
    root = Supervisor("root", [nested], intensity=Intensity(restarts=1))
    ended: list[Stopped] = []

    async def wait(watched: Ref[int] | Supervisor) -> None:
        ended.append(await watched.wait_stopped())

    async def fail_twice() -> None:
        async with running(root):
            probe.ref.tell(-1)
            await trio.sleep(10)
            assert ended == []
            probe.ref.tell(-2)
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for watched in (probe.ref, sibling.ref, nested, root):
            nursery.start_soon(wait, watched)
        with pytest.raises(ExceptionGroup):
            await fail_twice()
    failures = {event.path: event.failure and event.failure.type for event in ended}
    assert failures == {
        "root": "RestartIntensityExceeded",
        "root/nested": "RestartIntensityExceeded",
        "root/nested/a": "ValueError",
        "root/nested/b": None,
    }


async def test_a_temporary_supervisor_goes_alone(autojump_clock: trio.testing.MockClock) -> None:
    """It ends in order instead of escalating: its children drain, its parent and its siblings go on."""

    async def slowly(message: int) -> None:
        await trio.sleep(1)

    probe, sibling, other = failing("a"), Probe[int]("b", slowly), Probe[int]("c")
    nested = Supervisor(
        "nested",
        [sibling.spec(), probe.spec()],
        intensity=Intensity(restarts=0),
        restart=Restart.TEMPORARY,
    )
    async with running(Supervisor("root", [other.spec(), nested], intensity=Intensity(restarts=0))):
        probe.ref.tell(-1)
        for number in range(3):
            sibling.ref.tell(number)
        ended = await nested.wait_stopped()
        assert ended.failure is not None
        assert (ended.failure.type, ended.time) == ("RestartIntensityExceeded", 3)
        assert sibling.handled == [0, 1, 2]
        assert (await sibling.ref.wait_stopped()).failure is None
        assert other.live == 1


async def test_nobody_waits_for_its_own_end(autojump_clock: trio.testing.MockClock) -> None:
    """Not in the actor's own task, nor in one below it, nor for a supervisor above, nor by its own removal."""
    refused: list[str] = []

    class Selfish:
        async def run(self, inbox: Inbox[int]) -> None:
            for attempt in (me.wait_stopped, root.wait_stopped, lambda: pool.remove("me")):
                with pytest.raises(WaitsForItself) as caught:
                    await attempt()
                refused.append(caught.value.name)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.help)

        async def help(self) -> None:
            with pytest.raises(WaitsForItself, match="'me' would wait for itself"):
                await me.wait_stopped()
            refused.append("below")

    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Selfish, Restart.TEMPORARY))
    root = Supervisor("root", [pool])
    me = pool.ensure("me")
    async with running(root):
        assert (await me.wait_stopped()).failure is None
    assert refused == ["me", "root", "me", "below"]


async def test_the_neighbours_of_a_tree_may_wait_for_it(autojump_clock: trio.testing.MockClock) -> None:
    """Also those that the task which runs the tree has started: they are not below it."""
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec()])
    ended: list[str] = []

    async def wait() -> None:
        ended.append((await root.wait_stopped()).path)

    async def stop() -> None:
        await trio.sleep(1)
        root.stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(stop)
        await root.run()
    assert ended == ["root"]


async def test_waiting_for_one_that_has_stopped_lets_others_run(autojump_clock: trio.testing.MockClock) -> None:
    """A loop over many must not freeze the program, and can be cancelled."""
    probe = Probe[int]("a")
    async with running(Supervisor("root", [probe.spec()])):
        pass
    with trio.CancelScope() as scope:
        scope.cancel()
        await probe.ref.wait_stopped()
    assert scope.cancelled_caught
