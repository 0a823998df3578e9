"""Who hears of an end may bring a successor at once: the pool is ready for it by then."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    Backoff,
    GaveUp,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    RuntimeEvent,
    Started,
    State,
    Stopped,
)
from runtime.testing import find, running

ENDINGS = ["returns", "gives up", "is removed", "is removed in its backoff", "is removed late", "is removed by two"]


class Moody:
    """Returns on 0, crashes on 1, takes 3 s to end when it has had a 2."""

    async def run(self, inbox: Inbox[int]) -> None:
        linger = 0
        try:
            async for message in inbox:
                match message:
                    case 0:
                        return
                    case 1:
                        raise ValueError
                    case _:
                        linger = 3
                        await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(linger)


@pytest.mark.parametrize("by", ["watcher", "observer"])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_successor_that_is_ensured_on_the_news_of_the_end_runs(
    ending: str, by: str, autojump_clock: trio.testing.MockClock
) -> None:
    """Exactly one of that name runs in the end, on a fresh address, whichever way the first one ended."""
    events: list[RuntimeEvent] = []
    addresses: list[Ref[int]] = []

    def bring_another(event: RuntimeEvent) -> None:
        events.append(event)
        if isinstance(event, Stopped) and event.path == "pool/a" and len(addresses) == 1:
            addresses.append(pool.ensure("a"))

    resting = ending == "is removed in its backoff"
    pool = Pool[str, int](
        "pool",
        lambda key: ActorSpec(
            Ref(key), Moody, Restart.TRANSIENT, grace=1, backoff=Backoff(first=60 if resting else 0, ceiling=60)
        ),
        intensity=Intensity(restarts=5 if resting else 0),
        observer=bring_another if by == "observer" else None,
    )
    async with running(pool):
        first = pool.ensure("a")
        addresses.append(first)
        with first.watch(bring_another if by == "watcher" else events.append):
            await trio.testing.wait_all_tasks_blocked()
            await end(ending, pool, first)
            await trio.sleep(10)
        assert len(addresses) == 2
        assert pool.get("a") is addresses[1] is not first
        assert len(pool.tree().children) == 1
        node = find(pool.tree(), "pool/a")
        assert (node.state, node.incarnation) == (State.RUNNING, 1)
        assert (await first.wait_stopped()).state is (State.GAVE_UP if ending == "gives up" else State.STOPPED)


async def end(ending: str, pool: Pool[str, int], ref: Ref[int]) -> None:
    match ending:
        case "returns":
            ref.tell(0)
        case "gives up":
            ref.tell(1)
        case "is removed":
            await pool.remove("a")
        case "is removed in its backoff":
            ref.tell(1)
            await trio.testing.wait_all_tasks_blocked()
            await pool.remove("a")
        case "is removed late":
            ref.tell(2)
            with trio.move_on_after(0.5):
                await pool.remove("a")
        case "is removed by two":
            ref.tell(2)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pool.remove, "a")
                nursery.start_soon(pool.remove, "a")


async def test_giving_up_is_told_when_it_is_so(autojump_clock: trio.testing.MockClock) -> None:
    """Already on that news the key is free for a successor."""
    addresses: list[Ref[int]] = []

    def bring_another(event: RuntimeEvent) -> None:
        if isinstance(event, GaveUp):
            addresses.append(pool.ensure("a"))

    pool = Pool[str, int](
        "pool",
        lambda key: ActorSpec(Ref(key), Moody),
        intensity=Intensity(restarts=0),
    )
    async with running(pool):
        first = pool.ensure("a")
        events: list[RuntimeEvent] = []
        with first.watch(bring_another), first.watch(events.append):
            first.tell(1)
            await trio.sleep(1)
        assert addresses == [pool.get("a")]
        assert addresses[0] is not first
        assert [type(event) for event in events if not isinstance(event, Started)][-2:] == [GaveUp, Stopped]
