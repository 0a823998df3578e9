"""The promise of the stream, against everything that can happen at once.

Commits, connections, filters, slow readers, compaction and cursors from anywhere are drawn at random. Whatever the
interleaving, each client's frames must be exactly the journal through its filter: after a snapshot or a continuation,
every journaled event that the filter admits, once each, in order of offset.
"""

import json
from collections import defaultdict
from typing import Any

import pytest
import trio
import trio.testing
from attrs import Factory, define
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.core.events import Draft, Event, encode
from mission_control.core.subscription import Cursor, Filter
from mission_control.edge import following, replay
from mission_control.edge.subscriber import Subscriber
from mission_control.stores.journal import Retention
from mission_control.stores.memory import MemoryJournal
from tests.edge.world import FakePeer, World, world
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, beat, chunk, final, status

FILTERS: list[dict[str, list[str]]] = [
    {},
    {"agents": ["alpha"]},
    {"types": ["conversation.*"]},
    {"types": ["activity.event", "system.status"], "gateways": ["gw"]},
    {"gateways": ["gw2"], "agents": ["beta"]},
]
CLIENTS = 2
COMPACT_ALL = Retention(max_age_s=1e9, compact_after_s=0)


def select_of(wanted: dict[str, list[str]]) -> Filter:
    return Filter(*(frozenset(wanted.get(key, ())) for key in ("agents", "types", "gateways")))


@define
class Client:
    """Checks each frame against what the journal held."""

    cursor: Cursor
    wanted: dict[str, list[str]] = Factory(dict)
    peer: FakePeer | None = None
    seen: int = 0
    filters: dict[int, dict[str, list[str]]] = Factory(dict)
    resumed_at: Cursor | None = None
    snapshots_due: int = 0
    beats: set[str] = Factory(set)

    def check(self, truth: "Truth") -> None:
        """Judge the frames that came since the last time."""
        assert self.peer is not None
        for raw in self.peer.frames[self.seen :]:
            frame = json.loads(raw)
            getattr(self, f"on_{frame.pop('op')}")(frame, truth)
        self.seen = len(self.peer.frames)

    def on_welcome(self, frame: dict[str, Any], truth: "Truth") -> None:
        cursor = Cursor(**frame["cursor"])
        assert (frame["resume"] == "continued") == (frame["reason"] is None)
        if frame["resume"] == "continued":
            assert cursor == self.resumed_at
            seen("a continuation")
        else:
            self.snapshots_due = 1
        if frame["reason"] == "expired":
            assert self.resumed_at is not None
            assert cursor.offset >= self.resumed_at.offset, "nobody is sent back in time"
        self.cursor = cursor

    def on_snapshot(self, frame: dict[str, Any], truth: "Truth") -> None:
        reason = frame.pop("reason")
        seen(f"a snapshot because of {reason}")
        if reason == "filter":
            self.wanted = self.filters.pop(frame.pop("id"))
        cursor = Cursor(**frame["cursor"])
        if self.snapshots_due:
            assert cursor == self.cursor, "the snapshot after a welcome is the welcome's"
            self.snapshots_due = 0
        assert frame in truth.snapshots[cursor.offset, select_of(self.wanted)]
        assert reason != "slow_consumer" or cursor.offset >= self.cursor.offset
        self.cursor = cursor

    def on_events(self, frame: dict[str, Any], truth: "Truth") -> None:
        assert not self.snapshots_due
        before, after = self.cursor.offset, frame["offset"]
        journaled = [event for event in frame["events"] if event["offset"] is not None]
        assert journaled == truth.admitted(before, after, self.wanted)
        beats = [event["event_id"] for event in frame["events"] if event["offset"] is None]
        assert len(self.beats | set(beats)) == len(self.beats) + len(beats), "ephemeral events come at most once"
        self.beats.update(beats)
        select = select_of(self.wanted)
        for event in frame["events"]:
            assert select.admits(event["type"], event["gateway"], event["agent_id"])
        assert after >= before
        self.cursor = Cursor(self.cursor.epoch, after)

    def on_pong(self, frame: dict[str, Any], truth: "Truth") -> None:
        assert frame["t"] == 1


@define
class Truth:
    """Everything that was ever committed, and every snapshot that was ever true."""

    events: list[Event] = Factory(list)
    snapshots: dict[tuple[int, Filter], list[dict[str, Any]]] = Factory(lambda: defaultdict(list))

    async def learn(self, there: World, *drafts: Draft) -> None:
        if drafts:
            commit = await there.commit(*drafts)
            self.events += [event for event in commit.events if event.offset is not None]
        for wanted in FILTERS:
            snapshot = await there.journal.snapshot(select_of(wanted))
            self.snapshots[snapshot.cursor.offset, select_of(wanted)].append(json.loads(encode(snapshot)))

    def admitted(self, after: int, up_to: int, wanted: dict[str, list[str]]) -> list[dict[str, Any]]:
        admits = select_of(wanted).admits
        return [
            json.loads(encode(event))
            for event in self.events
            if after < (event.offset or 0) <= up_to and admits(event.type, event.gateway, event.agent_id)
        ]


clients = st.integers(0, CLIENTS - 1)
filters = st.sampled_from(FILTERS)
COMES_BACK = st.sampled_from(["resume", "resume", "resume", "fresh", "ahead", "foreign"])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 40), st.sampled_from([ALPHA, BETA, OTHER])),
        st.tuples(st.just("beat"), st.sampled_from([ALPHA, BETA, OTHER])),
        st.tuples(st.just("flood")),
        st.tuples(st.just("connect"), clients, filters, COMES_BACK),
        st.tuples(st.just("drop"), clients),
        st.tuples(st.just("refilter"), clients, filters),
        st.tuples(st.just("ping"), clients),
        st.tuples(st.just("stall"), clients),
        st.tuples(st.just("recover"), clients),
        st.tuples(st.just("compact")),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.05, 12.0])),
    ),
    min_size=15,
    max_size=60,
)


class Story:
    """Carries out the operations."""

    def __init__(self, there: World, nursery: trio.Nursery, truth: Truth) -> None:
        self.there = there
        self.nursery = nursery
        self.truth = truth
        self.clients = [Client(cursor=Cursor("memory", 0)) for _ in range(CLIENTS)]
        self.serial = 0

    async def tell(self, operation: tuple[Any, ...]) -> None:
        name, *arguments = operation
        await getattr(self, name)(*arguments)
        self.check()

    def check(self) -> None:
        for client in self.clients:
            if client.peer is not None:
                client.check(self.truth)

    async def commit(self, count: int, agent: tuple[str, str | None]) -> None:
        self.serial += 1
        message = f"m{self.serial}"
        drafts = [chunk(message, index, of=agent) for index in range(count)]
        extra = [final(message, "word " * count, of=agent), activity(f"a{self.serial}", of=agent)]
        await self.truth.learn(self.there, *drafts, *extra[: count % 3], status(f"s{self.serial}", gateway=agent[0]))

    async def beat(self, agent: tuple[str, str | None]) -> None:
        self.serial += 1
        await self.truth.learn(self.there, beat(f"b{self.serial}", of=agent, at=self.serial))

    async def flood(self) -> None:
        """More than a stalled client's outbox holds."""
        self.serial += 1
        await self.truth.learn(self.there, *(chunk(f"f{self.serial}", index, "x" * 2_000) for index in range(40)))

    async def connect(self, which: int, wanted: dict[str, list[str]], how: str) -> None:
        await self.drop(which)
        client = self.clients[which]
        client.wanted, client.peer, client.seen, client.snapshots_due = wanted, FakePeer(), 0, 0
        client.filters.clear()
        hello: dict[str, Any] = {"op": "hello", "filter": wanted}
        if how != "fresh":
            offset = client.cursor.offset + (1_000_000 if how == "ahead" else 0)
            client.resumed_at = Cursor("elsewhere" if how == "foreign" else client.cursor.epoch, offset)
            hello["cursor"] = {"epoch": client.resumed_at.epoch, "offset": client.resumed_at.offset}
        self.nursery.start_soon(Subscriber(client.peer, self.there.services, self.there.snapshots).run)
        client.peer.say(json.dumps(hello))

    async def drop(self, which: int) -> None:
        peer = self.clients[which].peer
        if peer is not None:
            peer.gate.set()
            peer.hang_up()
            await trio.testing.wait_all_tasks_blocked()
            self.check()
            self.clients[which].peer = None

    async def refilter(self, which: int, wanted: dict[str, list[str]]) -> None:
        client = self.clients[which]
        if client.peer is not None and client.peer.closed is None and len(client.filters) < 8:
            self.serial += 1
            client.filters[self.serial] = wanted
            client.peer.say(json.dumps({"op": "filter", "id": self.serial, "filter": wanted}))

    async def ping(self, which: int) -> None:
        peer = self.clients[which].peer
        if peer is not None and not peer.aborted and peer.closed is None:
            peer.say('{"op":"ping","t":1}')

    async def stall(self, which: int) -> None:
        peer = self.clients[which].peer
        if peer is not None:
            peer.stall()

    async def recover(self, which: int) -> None:
        peer = self.clients[which].peer
        if peer is not None:
            peer.gate.set()

    async def compact(self) -> None:
        await self.there.journal.retain(COMPACT_ALL, 2_000_000_000)

    async def wait(self, seconds: float) -> None:
        for which in range(CLIENTS):
            await self.ping(which)
        await trio.sleep(seconds)

    async def end(self) -> None:
        """Everyone recovers; then everyone is current."""
        for which in range(CLIENTS):
            await self.recover(which)
            await self.ping(which)
        await trio.sleep(1)
        await trio.testing.wait_all_tasks_blocked()
        self.check()
        for client in self.clients:
            if client.peer is not None and client.peer.closed is None and not client.peer.aborted:
                assert not client.filters, "every filter is answered"
                assert not self.truth.admitted(client.cursor.offset, 1_000_000_000, client.wanted)
                assert client.wanted in FILTERS


@given(
    story=operations,
    replay_limit=st.sampled_from([0, 30, 100_000]),
    page=st.sampled_from([3, 40]),
    before=st.integers(0, 20),
)
@settings(max_examples=200)
def test_each_client_sees_the_journal_through_its_filter(
    story: list[tuple[Any, ...]], replay_limit: int, page: int, before: int
) -> None:
    """No interleaving of what clients, registry and journal do loses, repeats or reorders an event for anyone."""

    async def main() -> None:
        journal = MemoryJournal(FakeClock())
        past = await journal.append([activity(f"past-{serial}") for serial in range(before)])
        async with world(journal, replay_limit=replay_limit) as there, trio.open_nursery() as nursery:
            teller = Story(there, nursery, Truth(list(past.events)))
            await teller.truth.learn(there)
            for operation in story:
                await teller.tell(operation)
            await teller.end()
            nursery.cancel_scope.cancel()

    with pytest.MonkeyPatch.context() as patch:
        # As small as the stories are, so that they are read in pages too.
        patch.setattr(following, "PAGE", page)
        patch.setattr(following, "REACH", 2 * page)
        patch.setattr(replay, "FRAME_BYTES", 1_000)
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
