"""What becomes of a pool's children when the pool itself is restarted."""

import trio
import trio.testing

from runtime import (
    ActorSpec,
    Backoff,
    Inbox,
    Pool,
    Ref,
    Restart,
    Started,
    State,
    Supervisor,
)
from runtime.testing import Events, running
from tests.runtime.fleet import Fleet, Lingers

AT_ONCE = Backoff(first=0)


async def test_a_pool_whose_parent_restarts_it_keeps_its_children(autojump_clock: trio.testing.MockClock) -> None:
    """Their addresses and their mail outlive the pool's incarnation, and so do those ensured in between."""
    fleet = Fleet()
    root = Supervisor("root", [fleet.pool])
    async with running(root):
        ref = fleet.pool.ensure("a")
        await trio.testing.wait_all_tasks_blocked()
        root.kill("pool")
        ref.tell(1)
        await trio.testing.wait_all_tasks_blocked()
        between = fleet.pool.ensure("b")
        between.tell(2)
        await trio.sleep(5)
        assert fleet.made["a"][0].handled == [1]
        assert fleet.made["b"][0].handled == [2]
        assert [probe.incarnations for probe in (fleet.made["a"][0], fleet.made["b"][0])] == [2, 1]


async def test_a_child_that_ended_as_its_pool_did_has_ended(autojump_clock: trio.testing.MockClock) -> None:
    """It returned in the instant in which the pool was killed: the pool's next incarnation does not run it again."""
    events = Events()

    class Short:
        async def run(self, inbox: Inbox[int]) -> None:
            await inbox.get()

    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Short, Restart.TRANSIENT))
    root = Supervisor("root", [pool], observer=events)
    async with running(root):
        done, going = pool.ensure("done"), pool.ensure("going")
        await trio.testing.wait_all_tasks_blocked()
        done.tell(1)
        root.kill("pool")
        await trio.sleep(5)
        assert pool.refs() == {"going": going}
        assert [event.incarnation for event in events.of(Started, "root/pool/done")] == [1]
        assert [event.incarnation for event in events.of(Started, "root/pool/going")] == [1, 2]
        with trio.fail_after(1):
            assert (await done.wait_stopped()).undelivered == 0


async def test_a_child_on_its_way_out_does_not_return_with_its_pool(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Removed is removed, whatever happens to the pool meanwhile; its successor starts with the pool."""
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Lingers, grace=10))
    root = Supervisor("root", [pool])
    async with running(root), trio.open_nursery() as nursery:
        pool.ensure("a")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(pool.remove, "a")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            new = pool.ensure("a")
            root.kill("pool")
            await trio.sleep(10)
            assert pool.get("a") is new
            [child] = pool.tree().children
            assert (child.state, child.incarnation) == (State.RUNNING, 1)
