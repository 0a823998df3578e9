"""Feeds: an actor's mailbox gets every admitted event once and in order, whoever is slow or dies in between."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import feed as feeds
from actors import subscribers
from actors.feed import Feed
from actors.outbox import Outbox
from actors.roster import Roster
from actors.subscribers import Committed, SubscriberMessage, SubscriberRegistry, Subscribers, Tally
from mission_control.core.events import Event
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.stores.journal import Retention
from mission_control.stores.memory import MemoryJournal
from runtime import ActorSpec, Crashed, Inbox, Intensity, Overflow, Ref, Restart, ServiceSpec, Supervisor
from runtime.testing import Events, find, run
from tests.actors.drafts import note

FLUSH, PING = 0.05, 15.0


class Reader:
    """An actor that acknowledges an event in the same step in which it records it, and then rests for ``pace``."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    async def run(self, inbox: Inbox[Event]) -> None:
        while True:
            await self._bench.open.wait()
            try:
                [event] = await inbox.peek(1)
            except trio.EndOfChannel:
                return
            self._bench.events.append(event)
            inbox.drop(1)
            await trio.sleep(self._bench.pace)


class Bench:
    """A registry, and an actor with its feed, over a journal in memory. The actor reads only while ``open``."""

    def __init__(
        self,
        select: Filter = EVERYTHING,
        *,
        capacity: int = 4,
        max_bytes: int = 1 << 20,
        overflow: Overflow = Overflow.WAIT,
        journal: MemoryJournal | None = None,
        after: Cursor | None = None,
        restart: Restart = Restart.PERMANENT,
        settle: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
    ) -> None:
        self.journal = journal or MemoryJournal(lambda: 1_000)
        roster, tally = self.roster, _ = Roster(), Tally()
        self.registry: Ref[SubscriberMessage] = Ref("subscribers", capacity=10_000)
        self.hub = Subscribers(self.registry, roster, tally)
        self.ref: Ref[Event] = Ref("reader", capacity=capacity, overflow=overflow)
        self.feed = Feed(
            self.ref,
            select,
            None,
            after,
            journal=self.journal,
            subscribers=self.hub,
            settle=settle,
            max_bytes=max_bytes,
        )
        self.events: list[Event] = []
        self.runtime_events = Events()
        self.open = trio.Event()
        self.open.set()
        self.pace = 0.0
        self.serial = 0
        registry = partial(SubscriberRegistry, self.journal, roster, tally, flush_interval=FLUSH, ping_interval=PING)
        self.root = Supervisor(
            "root",
            [
                ActorSpec(self.registry, registry),
                ActorSpec(self.ref, lambda: Reader(self), restart=restart),
                ServiceSpec("feed", self.feed.run, restart=Restart.TRANSIENT, stop=self.feed.stop, grace=3),
            ],
            intensity=Intensity.unlimited(),
            rng=random.Random(0),
            observer=self.runtime_events,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.root.run)
            yield
            self.root.stop()

    async def commit(self, count: int = 1, *agents: str, tell: bool = True, ephemeral: bool = False) -> None:
        """For each of the agents (alpha) so many events, in turns."""
        drafts = [
            note(self.serial + index, agent, ephemeral=ephemeral)
            for index, agent in enumerate((agents or ("alpha",)) * count)
        ]
        self.serial += len(drafts)
        commit = await self.journal.append(drafts)
        if tell:
            await self.registry.send(Committed(commit))

    def shut(self) -> None:
        """Let the actor read nothing more."""
        if self.open.is_set():
            self.open = trio.Event()

    async def caught_up(self) -> None:
        self.open.set()
        with trio.fail_after(600):
            while True:
                await trio.sleep(FLUSH)
                if not self.feed.statistics().lag and not self.ref.statistics().depth:
                    return

    @property
    def offsets(self) -> list[int]:
        return [event.offset or 0 for event in self.events]

    async def stored(self, after: int = 0, select: Filter = EVERYTHING) -> list[int]:
        page = await self.journal.read(after, 1 << 30, select)
        return [event.offset or 0 for event in page.events]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events fill every page, memory and reach."""
    _make_small(monkeypatch.setattr)


def _make_small(patch: Any) -> None:
    patch(feeds, "PAGE", 7)
    patch(feeds, "REACH", 12)
    patch(feeds, "BURST", 3)
    patch(subscribers, "RECENT_EVENTS", 20)


async def test_it_begins_with_the_first_event_after_it_was_made(autojump_clock: trio.testing.MockClock) -> None:
    """What is committed between that and its start, such as while the actor takes its snapshot, is not missed."""
    journal = MemoryJournal(lambda: 1_000)
    await journal.append([note(0), note(1)])
    bench = Bench(journal=journal)
    bench.serial = 2
    await bench.commit(3)
    async with bench.running():
        await bench.commit(2)
        await bench.caught_up()
    assert bench.offsets == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("after", "first"),
    [(Cursor("memory", 2), 3), (Cursor("memory", 0), 1), (Cursor("memory", 99), 6), (Cursor("another", 4), 1)],
    ids=["a place", "the beginning", "ahead", "another journal"],
)
async def test_it_begins_where_it_is_told(autojump_clock: trio.testing.MockClock, after: Cursor, first: int) -> None:
    """An exporter that keeps its own cursor goes on from it; one of another journal gets all of this one."""
    journal = MemoryJournal(lambda: 1_000)
    await journal.append([note(index) for index in range(5)])
    bench = Bench(journal=journal, after=after)
    bench.serial = 5
    async with bench.running():
        await bench.commit()
        await bench.caught_up()
    assert bench.offsets == list(range(first, 7))
    assert bench.feed.statistics().expired == 0


async def test_an_event_is_as_it_was_committed(autojump_clock: trio.testing.MockClock) -> None:
    """By whichever way it comes, the envelope is the journal's."""
    bench = Bench()
    async with bench.running():
        await bench.commit(2)
        await bench.caught_up()
        bench.root.kill("feed")
        await bench.commit(20, tell=False)
        await bench.commit()
        await bench.caught_up()
    page = await bench.journal.read(0, 100, EVERYTHING)
    assert bench.events == page.events


async def test_only_journaled_events_that_the_filter_admits_are_delivered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """And what it hides is not counted as lag."""
    bench = Bench(Filter(agents=frozenset({"bravo"})))
    async with bench.running():
        await bench.commit(2, "alpha", "bravo")
        await bench.commit(2, "bravo", ephemeral=True)
        await bench.commit(3, "alpha")
        await bench.caught_up()
        assert bench.feed.statistics().lag == 0
    assert bench.offsets == [2, 4]


async def test_a_slow_actor_costs_neither_the_stream_nor_memory(autojump_clock: trio.testing.MockClock) -> None:
    """The registry never waits for it; what its mailbox and outbox have no room for waits in the journal."""
    bench, other = Bench(max_bytes=2_000), Outbox(1 << 20)
    async with bench.running():
        await bench.hub.join(other, EVERYTHING, 0)
        bench.shut()
        for _ in range(40):
            await bench.commit(5)
            await trio.sleep(FLUSH)
        assert "".join(await other.get()).count('"event_id"') == 200
        assert bench.ref.statistics().depth == 4
        assert bench.feed.statistics().lag >= 190
        assert bench.hub.statistics().overflows == 0
        await bench.caught_up()
    assert bench.offsets == list(range(1, 201))
    assert bench.feed.statistics().overflows > 0


async def test_a_mailbox_that_refuses_misses_what_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    """Order and number of the rest are kept."""
    bench = Bench(overflow=Overflow.REFUSE)
    async with bench.running():
        bench.shut()
        await trio.testing.wait_all_tasks_blocked()
        await bench.commit(10)
        await trio.sleep(1)
        await bench.caught_up()
        await bench.commit(2)
        await bench.caught_up()
    figures = bench.feed.statistics()
    assert figures.delivered + figures.refused == 12
    assert len(bench.offsets) == figures.delivered < 12
    assert bench.offsets == sorted(set(bench.offsets))
    assert bench.offsets[-2:] == [11, 12]


async def test_a_mailbox_that_drops_the_oldest_never_holds_the_feed_up(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench(overflow=Overflow.DROP_OLDEST)
    async with bench.running():
        bench.shut()
        await trio.testing.wait_all_tasks_blocked()
        await bench.commit(100)
        await trio.sleep(2 * FLUSH)
        assert bench.feed.statistics().lag == 0
        await bench.caught_up()
    assert bench.offsets[-4:] == [97, 98, 99, 100]


async def test_what_retention_took_before_its_turn_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    """It cannot be delivered any more; it is not passed over in silence."""
    bench = Bench(max_bytes=2_000)
    async with bench.running():
        await bench.commit(3)
        await bench.caught_up()
        bench.shut()
        await bench.commit(100)
        await trio.sleep(1)
        await bench.journal.retain(Retention(max_events=20), 1_000)
        await bench.caught_up()
    assert bench.offsets[-20:] == list(range(84, 104))
    missed = 103 - len(bench.offsets)
    assert bench.feed.statistics().expired == missed > 0


async def test_when_its_actor_stops_for_good_it_ends(autojump_clock: trio.testing.MockClock) -> None:
    """And is no failure."""
    bench = Bench(restart=Restart.TEMPORARY)
    async with bench.running():
        bench.root.kill("reader")
        await trio.testing.wait_all_tasks_blocked()
        await bench.commit(2)
        await trio.sleep(1)
        await bench.commit(2)
        await trio.sleep(1)
        assert len(bench.roster) == 0
        assert find(bench.root.tree(), "root/feed").restarts == 0
    assert not bench.offsets


async def test_at_the_end_everything_that_exists_is_delivered(autojump_clock: trio.testing.MockClock) -> None:
    """The daemon stops those who make events first; the last of them still reach the actor, in time or not at all."""
    bench = Bench(capacity=100)
    async with bench.running():
        await bench.commit(30)
        await bench.commit(5, tell=False)
    assert bench.offsets == list(range(1, 36))


async def test_what_is_on_its_way_at_the_end_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    """What others handed over for commit before they stopped may not be committed yet when the feed is asked to end."""
    bench = Bench(settle=lambda: bench.commit(3, tell=False))
    async with bench.running():
        await bench.commit()
    assert bench.offsets == [1, 2, 3, 4]


async def test_an_idle_feed_ends_at_once(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with bench.running():
        await bench.commit()
        await bench.caught_up()
        began = trio.current_time()
    assert trio.current_time() == began


async def test_who_begins_in_another_journal_has_lost_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """It gets what there is; what was gone before it came is no loss of its."""
    journal = MemoryJournal(lambda: 1_000)
    await journal.append([note(index) for index in range(50)])
    await journal.retain(Retention(max_events=20), 1_000)
    bench = Bench(journal=journal, after=Cursor("another", 9))
    async with bench.running():
        await bench.caught_up()
    assert bench.offsets == list(range(31, 51))
    assert bench.feed.statistics().expired == 0


async def test_at_the_end_a_stuck_actor_holds_up_nothing(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with bench.running():
        bench.shut()
        await bench.commit(30)
        began = trio.current_time()
    assert trio.current_time() - began < 10


STEPS = [
    "commit",
    "commit two agents",
    "commit untold",
    "commit many",
    "ephemeral",
    "rest",
    "step",
    "shut",
    "open",
    "slow",
]
VICTIMS = ["subscribers", "reader", "feed"]


@settings(max_examples=250)
@given(
    steps=st.lists(st.sampled_from([*STEPS, *VICTIMS]), max_size=30),
    select=st.sampled_from([EVERYTHING, Filter(agents=frozenset({"bravo"}))]),
    capacity=st.sampled_from([1, 4, 100]),
    max_bytes=st.sampled_from([300, 2_000, 1 << 20]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_history_reaches_the_actor_exactly_once_and_in_order(
    steps: Sequence[str], select: Filter, capacity: int, max_bytes: int, seed: int
) -> None:
    """Slowness, overflows, and deaths of the actor, its feed and the registry, in any order and interleaving."""
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch.setattr)
        run(_play, steps, Bench(select, capacity=capacity, max_bytes=max_bytes), select, seed=seed)


async def _play(steps: Sequence[str], bench: Bench, select: Filter) -> None:
    async with bench.running():
        for step in steps:
            match step:
                case "commit" | "commit untold":
                    await bench.commit(2, tell=step == "commit")
                case "commit two agents":
                    await bench.commit(2, "alpha", "bravo")
                case "commit many":
                    await bench.commit(15, "bravo", "alpha")
                case "ephemeral":
                    await bench.commit(1, "bravo", ephemeral=True)
                case "rest":
                    await trio.sleep(FLUSH * 2)
                case "step":
                    await trio.lowlevel.checkpoint()
                case "shut":
                    bench.shut()
                case "open":
                    bench.open.set()
                case "slow":
                    bench.pace = 0.02
                case victim:
                    bench.root.kill(victim)
        await bench.commit(1, "bravo")
        await bench.caught_up()
        assert len(bench.roster) <= 1
    assert bench.offsets == await bench.stored(0, select)
    assert all(event.offset is not None for event in bench.events)
    assert {crash.failure.type for crash in bench.runtime_events.of(Crashed)} <= {"ActorKilled"}
