"""What has crashed is let go: neither its actor nor its frames stay in memory, whatever they held."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorSpec, Backoff, Inbox, Intensity, Pool, Ref, Reply, Restart, State, Supervisor
from runtime.testing import running

AT_ONCE = Backoff(first=0)


class Crasher:
    """Crashes of each message. ``seen``: all that were made."""

    def __init__(self, seen: list["weakref.ref[Crasher]"]) -> None:
        seen.append(weakref.ref(self))

    async def run(self, inbox: Inbox[str]) -> None:
        async for message in inbox:
            raise RuntimeError(message)


Seen = list["weakref.ref[Crasher]"]


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is freed but what nobody refers to."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_crashed_incarnation_is_freed_when_the_next_one_runs(autojump_clock: MockClock) -> None:
    """Without the collector: a tree that restarts often makes no work for it."""
    seen: Seen = []
    ref = Ref[str]("a")
    async with running(Supervisor("root", [ActorSpec(ref, lambda: Crasher(seen), backoff=AT_ONCE)])):
        ref.tell("on purpose")  # twice: then it is a dead letter
        await wait_all_tasks_blocked()
        assert [made() is None for made in seen] == [True, True, False]


async def test_a_child_that_is_down_for_good_keeps_nothing_of_its_crash(autojump_clock: MockClock) -> None:
    """A pool remembers a child that gave up, and a supervisor a temporary one, while the tree lives: by text only."""
    seen: Seen = []

    def spec(name: str) -> ActorSpec[str]:
        return ActorSpec(Ref(name), lambda: Crasher(seen), backoff=AT_ONCE)

    pool = Pool("pool", spec, intensity=Intensity(restarts=0))
    temporary = Ref[str]("temporary")
    root = Supervisor("root", [ActorSpec(temporary, lambda: Crasher(seen), restart=Restart.TEMPORARY), pool])
    async with running(root):
        pool.ensure("gives up").tell("on purpose")
        temporary.tell("on purpose")
        await wait_all_tasks_blocked()
        children = [root.tree().children[0], *pool.tree().children]
        assert [child.state for child in children] == [State.STOPPED, State.GAVE_UP]
        assert all(child.last_failure is not None for child in children)
        gc.collect()
        assert [made() for made in seen] == [None, None]


class Request:
    """Can be looked for."""

    def __init__(self, reply: Reply[int]) -> None:
        self.reply = reply


async def test_an_answered_ask_is_forgotten(autojump_clock: MockClock) -> None:
    """By the address, which lives as long as the tree: else each ask would make the next crash slower."""
    seen: list[weakref.ref[Request]] = []

    class Answers:
        async def run(self, inbox: Inbox[Request]) -> None:
            async for request in inbox:
                request.reply.set(1)
                del request

    def make(reply: Reply[int]) -> Request:
        request = Request(reply)
        seen.append(weakref.ref(request))
        return request

    ref = Ref[Request]("a")
    async with running(Supervisor("root", [ActorSpec(ref, Answers)])):
        for _ in range(3):
            assert await ref.ask(make) == 1
        await wait_all_tasks_blocked()
        gc.collect()
        assert [made() for made in seen] == [None, None, None]
