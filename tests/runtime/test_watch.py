"""Following another part of the tree: what becomes of it, as it happens."""

from collections.abc import Callable

import attrs
import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    Backoff,
    ChildSpec,
    Crashed,
    DeadLettered,
    Inbox,
    MailboxFull,
    MailboxHighWater,
    Pool,
    Ref,
    Restarting,
    RuntimeEvent,
    ServiceSpec,
    Started,
    State,
    Stopped,
    Supervisor,
    WatcherFailed,
)
from runtime.testing import Events, Probe, running
from tests.runtime.trees import seeded

AT_ONCE = Backoff(first=0)
LATER = Backoff(first=60, ceiling=60)


@attrs.frozen
class Changed:
    """What the watching actor is told."""

    event: RuntimeEvent


def failing(name: str) -> Probe[int]:
    """Crashes on each negative message."""

    async def fail(message: int) -> None:
        if message < 0:
            raise ValueError(message)

    return Probe(name, fail)


def kinds(events: list[RuntimeEvent]) -> list[type[RuntimeEvent]]:
    return [type(event) for event in events]


async def test_a_watch_tells_everything_in_order(autojump_clock: trio.testing.MockClock) -> None:
    """From the state at its beginning to the end: starts, crashes, restarts, what the mailbox does, late stops."""
    events: list[RuntimeEvent] = []
    probe = failing("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE), Probe[int]("other").spec()])
    async with running(root):
        await trio.sleep(1)
        with probe.ref.watch(events.append):
            assert events == [Started("root/a", 0.0, 1)]
            root.kill("other")
            root.kill("a")
            await trio.sleep(1)
            probe.ref.tell(-1)
            await trio.sleep(1)
            root.stop()
            await probe.ref.wait_stopped()
    again = [Crashed, Restarting, Started]
    twice = [Crashed, Restarting, Started, Crashed, DeadLettered, Restarting, Started]
    assert kinds(events) == [Started, *again, *twice, Stopped]
    assert {event.path for event in events} == {"root/a"}


async def test_a_watch_ends_with_its_block(autojump_clock: trio.testing.MockClock) -> None:
    """Also when the block fails, and for one of several watches only."""
    inside: list[RuntimeEvent] = []
    outside: list[RuntimeEvent] = []
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)])
    async with running(root):
        with probe.ref.watch(outside.append):
            with pytest.raises(KeyError), probe.ref.watch(inside.append):
                raise KeyError
            root.kill("a")
            await trio.sleep(1)
    assert kinds(inside) == [Started]
    assert kinds(outside) == [Started, Crashed, Restarting, Started]


async def test_what_is_over_is_told_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """A watch that begins too late waits for nothing."""
    events: list[RuntimeEvent] = []
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec()])
    async with running(root):
        pass
    with probe.ref.watch(events.append), root.watch(events.append):
        assert [(type(event), event.path) for event in events] == [(Stopped, "root/a"), (Stopped, "root")]


async def test_what_does_not_run_is_told_when_it_changes(autojump_clock: trio.testing.MockClock) -> None:
    """Not started yet, between two incarnations, or draining: the next event is the first."""
    idle: list[RuntimeEvent] = []
    restarting: list[RuntimeEvent] = []
    stopping: list[RuntimeEvent] = []

    async def slowly(message: int) -> None:
        await trio.sleep(2)

    probe = Probe[int]("a", slowly)
    root = Supervisor("root", [probe.spec(backoff=LATER)], rng=seeded())
    with probe.ref.watch(idle.append):
        assert idle == []
        async with running(root):
            root.kill("a")
            await trio.sleep(3)
            assert root.tree().children[0].state is State.RESTARTING
            with probe.ref.watch(restarting.append):
                assert restarting == []
                await trio.sleep(61)
                probe.ref.tell(1)
                root.stop()
                await trio.testing.wait_all_tasks_blocked()
                assert root.tree().children[0].state is State.STOPPING
                with probe.ref.watch(stopping.append):
                    assert stopping == []
                    await probe.ref.wait_stopped()
    assert kinds(idle) == [Started, Crashed, Restarting, Started, Stopped]
    assert kinds(restarting) == [Started, Stopped]
    assert kinds(stopping) == [Stopped]


async def test_an_actor_watches_another_by_telling_itself(autojump_clock: trio.testing.MockClock) -> None:
    """The typical use: events become mail, in order, and none comes when the watching incarnation is over."""
    seen: list[type[RuntimeEvent]] = []
    watched = failing("watched")
    me = Ref[Changed]("watcher")

    def handle(message: Changed) -> None:
        seen.append(type(message.event))

    class Watcher:
        async def run(self, inbox: Inbox[Changed]) -> None:
            with watched.ref.watch(lambda event: me.tell(Changed(event))):
                async for message in inbox:
                    handle(message)

    events = Events()
    specs: list[ChildSpec] = [watched.spec(backoff=AT_ONCE), ActorSpec(me, Watcher)]
    async with running(Supervisor("root", specs, observer=events)) as root:
        watched.ref.tell(-1)
        await trio.sleep(1)
        assert seen == [Started, Crashed, Restarting, Started, Crashed, DeadLettered, Restarting, Started]
        root.kill("watcher")
        await trio.sleep(1)
        assert seen[8:] == [Started]
    assert events.of(WatcherFailed) == []


async def test_a_callback_that_raises_hurts_nobody(autojump_clock: trio.testing.MockClock) -> None:
    """The tree goes on, the other watches are told, and the failure is an event; that the one to be told has
    stopped is no failure."""
    events = Events()
    told: list[RuntimeEvent] = []

    def raise_later(error: Exception) -> Callable[[RuntimeEvent], None]:
        def callback(event: RuntimeEvent) -> None:
            if not isinstance(event, Started):
                raise error

        return callback

    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec()], observer=events)
    full = MailboxFull("me", 1)
    async with running(root):
        with (
            probe.ref.watch(raise_later(full)),
            probe.ref.watch(raise_later(ActorStopped("me"))),
            probe.ref.watch(told.append),
        ):
            root.stop()
            await probe.ref.wait_stopped()
    assert kinds(told) == [Started, Stopped]
    [failed] = events.of(WatcherFailed)
    assert (failed.path, failed.error, failed.failure.type) == ("root/a", full, "MailboxFull")


async def test_what_the_first_call_raises_is_the_callers(autojump_clock: trio.testing.MockClock) -> None:
    """The block is not entered, and the watch never began."""
    events = Events()
    calls: list[RuntimeEvent] = []

    def broken(event: RuntimeEvent) -> None:
        calls.append(event)
        raise KeyError(event.path)

    probe = Probe[int]("a")
    async with running(Supervisor("root", [probe.spec()], observer=events)):
        with pytest.raises(KeyError), probe.ref.watch(broken):
            raise AssertionError("not reached")
    assert len(calls) == 1
    assert events.of(WatcherFailed) == []


async def test_a_callback_may_end_another_watch(autojump_clock: trio.testing.MockClock) -> None:
    """Whose turn has not come is not called any more, also not for the event at hand."""
    probe = Probe[int]("a")
    calls: list[str] = []
    async with running(Supervisor("root", [probe.spec()])) as root:
        second = probe.ref.watch(lambda event: calls.append("second"))

        def first(event: RuntimeEvent) -> None:
            calls.append("first")
            if isinstance(event, Stopped):
                second.__exit__(None, None, None)

        with probe.ref.watch(first):
            second.__enter__()
            root.stop()
            await probe.ref.wait_stopped()
    assert calls == ["first", "second", "first"]


async def test_supervisors_and_pools_are_watched_as_actors_are(autojump_clock: trio.testing.MockClock) -> None:
    """Their own events, not those of their children."""
    of_nested: list[RuntimeEvent] = []
    of_pool: list[RuntimeEvent] = []
    pool = Pool[str, int]("pool", lambda key: failing(key).spec(backoff=AT_ONCE))
    nested = Supervisor("nested", [failing("a").spec(), ServiceSpec("s", trio.sleep_forever)])
    root = Supervisor("root", [nested, pool])
    with nested.watch(of_nested.append), pool.watch(of_pool.append):
        async with running(root):
            pool.ensure("p").tell(-1)
            root.kill("nested")
            await trio.sleep(1)
            pool.stop()
            assert (await pool.wait_stopped()).path == "root/pool"
        assert await root.wait_stopped() == Stopped("root", 1.0, 0, State.STOPPED, None)
    assert kinds(of_nested) == [Started, Crashed, Restarting, Started, Stopped]
    assert kinds(of_pool) == [Started, Stopped]


async def test_the_mailbox_of_a_watched_actor_is_part_of_it(autojump_clock: trio.testing.MockClock) -> None:
    """A watcher may react to a mailbox that fills up."""
    events: list[RuntimeEvent] = []
    ref = Ref[int]("a", capacity=5)

    class Deaf:
        async def run(self, inbox: Inbox[int]) -> None:
            await trio.sleep_forever()

    async with running(Supervisor("root", [ActorSpec(ref, Deaf, grace=0)])):
        with ref.watch(events.append):
            for number in range(5):
                ref.tell(number)
    assert kinds(events) == [Started, MailboxHighWater]
