"""The registry: every admitted event once and in order, whatever joins, overflows or dies in between."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from actors import subscribers
from actors.outbox import Outbox, OutboxOverflowError
from actors.roster import Roster
from actors.subscribers import (
    Announce,
    Committed,
    Joined,
    SubscriberMessage,
    SubscriberRegistry,
    Subscribers,
    Tally,
    TooFarBehind,
)
from mission_control.core.ledger import Commit
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores.memory import MemoryJournal
from runtime import Inbox, Ref
from tests.actors.drafts import note

FLUSH, PING = 0.05, 15.0


class Bench:
    """A registry over a journal in memory, fed by hand."""

    def __init__(self) -> None:
        self.journal = MemoryJournal(lambda: 1_000)
        self.roster, self.tally = Roster(), Tally()
        self.ref: Ref[SubscriberMessage] = Ref("subscribers", capacity=10_000)
        self.hub = Subscribers(self.ref, self.roster, self.tally)
        self.serial = 0

    @asynccontextmanager
    async def incarnation(self) -> AsyncIterator[None]:
        """A registry that dies at the block's end, wherever it is then."""
        registry = SubscriberRegistry(self.journal, self.roster, self.tally, flush_interval=FLUSH, ping_interval=PING)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(registry.run, Inbox(self.ref))
            await trio.testing.wait_all_tasks_blocked()
            yield
            nursery.cancel_scope.cancel()

    async def commit(self, count: int, agent: str = "alpha", *, tell: bool = True) -> Commit:
        drafts = [note(self.serial + index, agent) for index in range(count)]
        self.serial += count
        commit = await self.journal.append(drafts)
        if tell:
            self.ref.tell(Committed(commit))
        return commit


class Reader:
    """What a subscriber's outbox was given."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.frames: list[dict[str, Any]] = []

    async def read(self) -> None:
        """Take everything that comes within the longest time between two flushes."""
        with trio.move_on_after(4 * FLUSH):
            while True:
                self.frames += [json.loads(frame) for frame in await self.outbox.get()]

    def offsets(self) -> list[int]:
        return [event["offset"] for frame in self.frames for event in frame.get("events", ())]

    @property
    def cursor(self) -> int:
        return [frame["offset"] for frame in self.frames if "offset" in frame][-1]  # type: ignore[no-any-return]


def outbox(max_bytes: int = 1 << 20) -> Outbox:
    return Outbox(max_bytes)


async def test_an_event_reaches_all_with_one_encoding(autojump_clock: trio.testing.MockClock) -> None:
    """Subscribers with an equal filter get the very same frame."""
    bench = Bench()
    boxes = [outbox(), outbox()]
    async with bench.incarnation():
        for box in boxes:
            await bench.hub.join(box, EVERYTHING, 0)
        await bench.commit(3)
        first, second = [await box.get() for box in boxes]
    assert first[0] is second[0]
    assert [event["offset"] for event in json.loads(first[0])["events"]] == [1, 2, 3]


async def test_events_are_coalesced(autojump_clock: trio.testing.MockClock) -> None:
    """Many commits within a flush interval make one frame, not many."""
    bench, box = Bench(), outbox()
    reader = Reader(box)
    async with bench.incarnation():
        await bench.hub.join(box, EVERYTHING, 0)
        for _ in range(20):
            await bench.commit(5)
        await reader.read()
    assert reader.offsets() == list(range(1, 101))
    assert len(reader.frames) <= 3


async def test_a_filter_hides_events_and_still_moves_the_cursor(autojump_clock: trio.testing.MockClock) -> None:
    bench, box = Bench(), outbox()
    reader = Reader(box)
    async with bench.incarnation():
        await bench.hub.join(box, Filter(agents=frozenset({"bravo"})), 0)
        await bench.commit(2, "alpha")
        await bench.commit(1, "bravo")
        await bench.commit(2, "alpha")
        await reader.read()
        assert reader.offsets() == [3]
        await trio.sleep(PING)
        await reader.read()
    assert reader.cursor == 5


async def test_silence_is_broken_at_every_ping(autojump_clock: trio.testing.MockClock) -> None:
    bench, box = Bench(), outbox()
    async with bench.incarnation():
        await bench.hub.join(box, EVERYTHING, 0)
        with trio.fail_after(PING + 1):
            [frame] = await box.get()
    assert json.loads(frame) == {"op": "events", "events": [], "offset": 0}


async def test_joining_behind_gets_what_was_missed(autojump_clock: trio.testing.MockClock) -> None:
    bench, box = Bench(), outbox()
    reader = Reader(box)
    async with bench.incarnation():
        await bench.commit(10)
        await trio.sleep(1)
        assert await bench.hub.join(box, EVERYTHING, 4) == Joined(4)
        await bench.commit(2)
        await reader.read()
    assert reader.offsets() == list(range(5, 13))


async def test_joining_ahead_of_what_is_flushed_repeats_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A snapshot may be newer than what the registry has handled."""
    bench, box = Bench(), outbox()
    reader = Reader(box)
    await bench.commit(0)
    async with bench.incarnation():
        commit = await bench.commit(3, tell=False)
        await bench.hub.join(box, EVERYTHING, 2)
        bench.ref.tell(Committed(commit))
        await bench.commit(1)
        await reader.read()
    assert reader.offsets() == [3, 4]


async def test_joining_from_before_its_memory_is_refused(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the registry has forgotten must be read from the journal first."""
    monkeypatch.setattr(subscribers, "RECENT_EVENTS", 10)
    bench = Bench()
    async with bench.incarnation():
        await bench.commit(25)
        assert await bench.hub.join(outbox(), EVERYTHING, 14) == TooFarBehind(15)
        assert await bench.hub.join(outbox(), EVERYTHING, 15) == Joined(15)


async def test_a_slow_subscriber_costs_only_itself(autojump_clock: trio.testing.MockClock) -> None:
    """One that does not read loses its whole backlog and is told; the others miss nothing."""
    bench, slow, fast = Bench(), outbox(2_000), outbox()
    reader = Reader(fast)
    async with bench.incarnation():
        await bench.hub.join(slow, EVERYTHING, 0)
        await bench.hub.join(fast, EVERYTHING, 0)
        for _ in range(10):
            await bench.commit(5)
            await trio.sleep(FLUSH)
        await reader.read()
        assert reader.offsets() == list(range(1, 51))
        with pytest.raises(OutboxOverflowError):
            await slow.get()
        assert bench.hub.statistics().overflows == 1
        again = Reader(outbox())
        await bench.hub.join(again.outbox, EVERYTHING, 50)
        await bench.commit(1)
        await again.read()
    assert again.offsets() == [51]


async def test_after_leaving_nothing_more_comes(autojump_clock: trio.testing.MockClock) -> None:
    bench, box = Bench(), outbox()
    async with bench.incarnation():
        await bench.hub.join(box, EVERYTHING, 0)
        await bench.commit(1)
        bench.hub.leave(box)
        await trio.sleep(2 * PING)
    assert box.statistics().frames == 0


async def test_an_announcement_wakes_everyone(autojump_clock: trio.testing.MockClock) -> None:
    """Whatever the filter, and with nothing to take."""
    bench, box = Bench(), outbox()
    async with bench.incarnation():
        await bench.hub.join(box, Filter(types=frozenset({"heartbeat"})), 0)
        bench.ref.tell(Announce())
        with trio.fail_after(FLUSH):
            assert not await box.get()


async def test_ephemeral_events_are_live_only(autojump_clock: trio.testing.MockClock) -> None:
    bench, box, late = Bench(), outbox(), outbox()
    reader, later = Reader(box), Reader(late)
    async with bench.incarnation():
        await bench.hub.join(box, EVERYTHING, 0)
        bench.ref.tell(Committed(await bench.journal.append([note(0), note(1, ephemeral=True), note(2)])))
        await reader.read()
        await bench.hub.join(late, EVERYTHING, 0)
        await later.read()
    assert reader.offsets() == [1, None, 2]
    assert later.offsets() == [1, 2]


@pytest.mark.parametrize("told", [True, False])
async def test_no_ephemeral_event_comes_after_what_followed_it(
    autojump_clock: trio.testing.MockClock, told: bool
) -> None:
    """Who joins at a snapshot has seen its end: an older beat must not bring a status back that is over by then."""
    bench, witness, box = Bench(), outbox(), outbox()
    first, reader = Reader(witness), Reader(box)
    async with bench.incarnation():
        await bench.hub.join(witness, EVERYTHING, 0)
        await bench.commit(1)
        await trio.testing.wait_all_tasks_blocked()  # flushed: what comes now waits for the next flush
        beat, change, later = note(10, ephemeral=True), note(11), note(12, ephemeral=True)
        bench.ref.tell(Committed(await bench.journal.append([beat])))
        commit = await bench.journal.append([change, later])
        if told:
            bench.ref.tell(Committed(commit))
        await bench.hub.join(box, EVERYTHING, 2)
        if not told:
            await reader.read()
            bench.ref.tell(Committed(commit))
        await reader.read()
        await first.read()
    assert first.offsets() == [1, None, 2, None]
    assert [event["event_id"] for frame in reader.frames for event in frame["events"]] == ["note:12"]


Step = Callable[[Bench], Any]


@given(st.lists(st.sampled_from(["commit", "commit untold", "join", "rest", "crash"]), max_size=25))
def test_any_history_serves_each_member_exactly_the_journal(steps: list[str]) -> None:
    """Commits that the registry is not told of, crashes at any point, late joins: nobody misses or repeats an event."""
    trio.run(_play, steps, clock=trio.testing.MockClock(autojump_threshold=0))


async def _play(steps: list[str]) -> None:
    bench = Bench()
    readers: list[tuple[int, Reader]] = []
    pending = [*steps, "commit", "rest"]
    while pending:
        async with bench.incarnation():
            while pending:
                step = pending.pop(0)
                if step == "crash":
                    break
                if step == "join":
                    reader = Reader(outbox())
                    after = bench.journal.bounds().head
                    joined = await bench.hub.join(reader.outbox, EVERYTHING, after)
                    assert isinstance(joined, Joined)
                    readers.append((after, reader))
                elif step == "rest":
                    await trio.sleep(FLUSH * 2)
                else:
                    await bench.commit(2, tell=step == "commit")
    for after, reader in readers:
        await reader.read()
        assert reader.offsets() == list(range(after + 1, bench.journal.bounds().head + 1))
