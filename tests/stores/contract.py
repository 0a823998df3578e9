"""What every journal promises. An adapter passes by subclassing :class:`JournalContract` with a ``journal`` fixture."""

import msgspec
import pytest
import trio

from mission_control.core.events import Chunk, Event, decode_payload
from mission_control.core.ledger import Commit
from mission_control.core.projection import FEED_KEPT, FEED_LENGTH
from mission_control.core.subscription import EVERYTHING, Bounds, Filter
from mission_control.core.views import Snapshot
from mission_control.stores.journal import Journal, Retained, Retention
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, beat, chunk, final, status

KEEP_ALL = Retention(max_age_s=1e9, max_events=10**9, max_bytes=10**15, compact_after_s=1e9)


async def everything(
    journal: Journal, select: Filter = EVERYTHING, *, after: int = 0, limit: int = 1000
) -> list[Event]:
    """All events that are still there, read page by page."""
    events: list[Event] = []
    while True:
        page = await journal.read(after, limit, select)
        events += page.events
        assert page.scanned_to > after or page.scanned_to == page.bounds.head
        if page.scanned_to >= page.bounds.head:
            return events
        after = page.scanned_to


async def retain(journal: Journal, policy: Retention, now: int) -> Retained:
    """Retention to its end; the sums of its slices."""
    removed = compacted = 0
    while (slice_ := await journal.retain(policy, now)).more:
        removed += slice_.removed
        compacted += slice_.compacted
    return Retained(removed + slice_.removed, compacted + slice_.compacted, slice_.floor, more=False)


def ids(events: list[Event] | Commit) -> list[str]:
    found = events.events if isinstance(events, Commit) else events
    return [event.event_id for event in found]


def message_texts(snapshot: Snapshot) -> dict[str, str]:
    return {view.message_id: view.text for view in snapshot.messages}


class AppendContract:
    """Offsets, sequences, and each event once."""

    async def test_offsets_and_sequences_have_no_holes(self, journal: Journal) -> None:
        """Offsets count the journal, sequences each agent, and all statuses share one sequence."""
        first = await journal.append([chunk("m", 0), chunk("n", 0, of=BETA), status("s1"), chunk("m", 1)])
        second = await journal.append([status("s2", gateway="gw2"), activity("t", of=OTHER), chunk("n", 1, of=BETA)])
        events = [*first.events, *second.events]
        assert [event.offset for event in events] == [1, 2, 3, 4, 5, 6, 7]
        assert [event.sequence for event in events] == [1, 1, 1, 2, 2, 1, 2]
        assert (first.after, first.head, second.after, second.head) == (0, 4, 4, 7)
        assert await everything(journal) == events

    async def test_an_event_id_is_taken_once(self, journal: Journal) -> None:
        """A repeated event is left out and counted, within a batch and across batches, and numbers skip nothing."""
        first = await journal.append([chunk("m", 0), chunk("m", 0), chunk("m", 1)])
        second = await journal.append([chunk("m", 1), chunk("m", 2), chunk("m", 0), chunk("m", 2)])
        assert (ids(first), first.duplicates) == (["m#0", "m#1"], 1)
        assert (ids(second), second.duplicates) == (["m#2"], 3)
        assert [event.offset for event in second.events] == [3]

    async def test_a_message_ends_once(self, journal: Journal) -> None:
        """After a message's final, more chunks or finals of it are duplicates whatever their event ids."""
        late = [chunk("m", 7, event_id="late"), final("m", event_id="again")]
        same_batch = await journal.append([chunk("m", 0), final("m"), *late])
        later = await journal.append([*late, chunk("n", 0)])
        assert (ids(same_batch), same_batch.duplicates) == (["m#0", "m#final"], 2)
        assert (ids(later), later.duplicates) == (["n#0"], 2)

    async def test_a_batch_without_news_changes_nothing(self, journal: Journal) -> None:
        """Appending nothing, or only duplicates, leaves the head where it is."""
        await journal.append([chunk("m", 0)])
        for drafts in ([], [chunk("m", 0)]):
            commit = await journal.append(drafts)
            assert (commit.after, commit.head, list(commit.events)) == (1, 1, [])
        assert journal.bounds().head == 1

    async def test_ephemeral_events_pass_through(self, journal: Journal) -> None:
        """An ephemeral event keeps its place in the commit, carries the last sequence, and is not stored."""
        commit = await journal.append([chunk("m", 0), beat("b1", at=77), chunk("m", 1)])
        assert [(event.offset, event.sequence) for event in commit.events] == [(1, 1), (None, 1), (2, 2)]
        assert ids(await everything(journal)) == ["m#0", "m#1"]
        again = await journal.append([beat("b1", at=99)])
        assert (again.after, again.head, again.duplicates, ids(again)) == (2, 2, 0, ["b1"])
        (agent,) = (await journal.snapshot(EVERYTHING)).agents
        assert (agent.status, agent.clocks.transport_at) == ("online", 99)

    async def test_a_payload_without_json_costs_its_batch_only(self, journal: Journal) -> None:
        """A batch that cannot be encoded raises, leaves nothing behind, and the next one is taken."""
        await journal.append([chunk("m", 0)])
        before = await journal.snapshot(EVERYTHING)
        with pytest.raises(UnicodeEncodeError):
            await journal.append([chunk("m", 1), chunk("m", 2, "\ud800")])
        assert await journal.snapshot(EVERYTHING) == before
        assert (await journal.append([chunk("m", 1)])).head == 2

    async def test_text_comes_back_as_it_was(self, journal: Journal) -> None:
        """Quotes, control characters, astral characters and NUL survive, in payloads and in ids."""
        strange = 'a"b\\c\x00d\n\u2028é😀</script>'
        commit = await journal.append([chunk(strange, 0, strange, of=(strange, strange), session=strange)])
        (stored,) = await everything(journal)
        assert stored == commit.events[0]
        payload = decode_payload(stored.type, stored.payload)
        assert isinstance(payload, Chunk)
        assert (stored.event_id, payload.delta, stored.key) == (f"{strange}#0", strange, (strange, strange))
        assert (await journal.append([chunk(strange, 0, of=(strange, strange))])).duplicates == 1
        assert (await journal.append([chunk('a"b\\c', 0)])).duplicates == 0

    async def test_a_large_batch_is_one_commit(self, journal: Journal) -> None:
        """A batch of any size is taken whole."""
        drafts = [chunk("m", index) for index in range(1_500)]
        commit = await journal.append([*drafts, *drafts])
        assert (commit.head, commit.duplicates) == (1_500, 1_500)
        assert [event.offset for event in await everything(journal, limit=400)] == list(range(1, 1_501))


class SnapshotContract:
    """The state at the head."""

    async def test_a_snapshot_is_the_fold_of_everything(self, journal: Journal) -> None:
        """Gateways, agents, open messages, finals and feed, at the cursor of the head."""
        await journal.append([status("s"), activity("t"), chunk("m", 0, "Hel"), chunk("m", 1, "lo"), final("n", "Bye")])
        snapshot = await journal.snapshot(EVERYTHING)
        assert snapshot.cursor == journal.bounds().cursor
        assert [(view.id, view.state, view.kind) for view in snapshot.gateways] == [("gw", "connected", "clawdbot")]
        assert [(view.id, view.counters.messages, view.counters.tools) for view in snapshot.agents] == [("alpha", 1, 1)]
        assert message_texts(snapshot) == {"n": "Bye", "m": "Hello"}
        assert {view.message_id: view.next_index for view in snapshot.messages}["m"] == 2
        assert ids(snapshot.feed) == ["t"]

    async def test_a_snapshot_does_not_change_afterwards(self, journal: Journal) -> None:
        """What was handed out stays as it was at its cursor."""
        await journal.append([chunk("m", 0), activity("r", "run.started"), beat("b", ephemeral=False)])
        snapshot = await journal.snapshot(EVERYTHING)
        frozen = msgspec.json.encode(snapshot)
        memory = await journal.memory(ALPHA, 5)
        remembered = msgspec.json.encode(memory)
        await journal.append([chunk("m", 1), activity("t"), final("m"), beat("c", at=9), status("s", "disconnected")])
        assert msgspec.json.encode(snapshot) == frozen
        assert msgspec.json.encode(memory) == remembered

    async def test_a_snapshot_is_exact_at_its_cursor_while_appends_go_on(self, journal: Journal) -> None:
        """Text and cursor of a snapshot belong together, whatever is being committed meanwhile."""
        seen: list[Snapshot] = []

        async def append() -> None:
            for batch in range(30):
                await journal.append([chunk("m", batch * 3 + index, "x") for index in range(3)])

        async def watch() -> None:
            while journal.bounds().head < 90:
                seen.append(await journal.snapshot(EVERYTHING))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(append)
            nursery.start_soon(watch)
        assert seen
        for snapshot in seen:
            assert sum(map(len, message_texts(snapshot).values())) == snapshot.cursor.offset

    async def test_a_snapshot_obeys_its_filter(self, journal: Journal) -> None:
        """Agents, their messages and activities, and gateways that the filter hides are not in it."""
        await journal.append([status("s"), status("s2", gateway="gw2")])
        await journal.append([chunk("m", 0), activity("t"), chunk("o", 0, of=OTHER), activity("u", of=OTHER)])
        mine = await journal.snapshot(Filter(gateways=frozenset({"gw"})))
        assert [view.id for view in mine.gateways] == ["gw"]
        assert [view.gateway for view in mine.agents] == ["gw"]
        assert (list(message_texts(mine)), ids(mine.feed)) == (["m"], ["t"])
        talk = await journal.snapshot(Filter(types=frozenset({"conversation.*"})))
        assert (sorted(message_texts(talk)), talk.feed) == (["m", "o"], [])

    async def test_a_quiet_agents_feed_is_not_drowned(self, journal: Journal) -> None:
        """However much others do, a filtered snapshot has the newest activities that its filter admits."""
        await journal.append([activity("q1", of=BETA), activity("q2", of=OTHER), activity("q3", of=BETA)])
        await journal.append([activity(f"t{number}") for number in range(FEED_KEPT + 10)])
        quiet = await journal.snapshot(Filter(agents=frozenset({"beta"})))
        assert ids(quiet.feed) == ["q1", "q3"]
        busy = await journal.snapshot(EVERYTHING)
        assert ids(busy.feed) == [f"t{number}" for number in range(FEED_KEPT + 10 - FEED_LENGTH, FEED_KEPT + 10)]

    async def test_memory_is_one_agents_state(self, journal: Journal) -> None:
        """The agent's view, its open messages, and as many of its newest finals as asked for, oldest first."""
        await journal.append([final(f"f{number}", timestamp=number) for number in range(70)])
        await journal.append([chunk("m", 0, "so "), chunk("m", 1, "far"), chunk("o", 0, of=OTHER), final("p", of=BETA)])
        memory = await journal.memory(ALPHA, 60)
        assert memory.view is not None
        assert memory.view.counters.messages == 70
        assert [(view.message_id, view.text, view.next_index) for view in memory.open] == [("m", "so far", 2)]
        assert [view.message_id for view in memory.recent] == [f"f{number}" for number in range(10, 70)]

    async def test_memory_of_an_unknown_agent_is_empty(self, journal: Journal) -> None:
        """An agent that the journal has never heard of has no view and no messages."""
        memory = await journal.memory(BETA, 10)
        assert (memory.view, list(memory.open), list(memory.recent)) == (None, [], [])


class HistoryContract:
    """Reading what was journaled."""

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    @pytest.mark.parametrize(
        "select",
        [
            EVERYTHING,
            Filter(agents=frozenset({"alpha"})),
            Filter(gateways=frozenset({"gw2"})),
            Filter(types=frozenset({"conversation.*"})),
            Filter(types=frozenset({"heartbeat", "system.status"})),
            Filter(agents=frozenset({"beta"}), types=frozenset({"conversation.chunk"}), gateways=frozenset({"gw"})),
            Filter(agents=frozenset({"nobody"})),
        ],
    )
    async def test_reading_gives_what_the_filter_admits(self, journal: Journal, select: Filter, limit: int) -> None:
        """Page after page, exactly the admitted events come, once, in order."""
        commit = await journal.append(
            [
                status("s"),
                chunk("m", 0),
                chunk("n", 0, of=BETA),
                activity("t", of=BETA),
                chunk("o", 0, of=OTHER),
                final("m"),
                beat("b", ephemeral=False),
                status("s2", gateway="gw2"),
                final("n", of=BETA),
            ]
        )
        admitted = [event for event in commit.events if select.admits(event.type, event.gateway, event.agent_id)]
        assert await everything(journal, select, limit=limit) == admitted

    async def test_reading_at_the_head_is_empty(self, journal: Journal) -> None:
        """At or beyond the head there is nothing, and the position never goes back."""
        await journal.append([chunk("m", 0)])
        assert (await journal.read(1, 10, EVERYTHING)).scanned_to == 1
        beyond = await journal.read(5, 10, EVERYTHING)
        assert (list(beyond.events), beyond.scanned_to) == ([], 5)
        assert beyond.bounds == Bounds(journal.bounds().epoch, 0, 1)

    async def test_a_conversation_comes_newest_first_in_pages(self, journal: Journal) -> None:
        """Finals of one agent, with the time when each began; an open message is not among them."""
        await journal.append([chunk("a", 0, timestamp=111), chunk("b", 0), final("a", "A"), final("x", of=BETA)])
        await journal.append([final("c", "C", session="side", timestamp=222), final("d", "D", state="error")])
        page = await journal.conversation(ALPHA, session=None, before=None, limit=2)
        assert [(view.message_id, view.state) for view in page] == [("d", "error"), ("c", "complete")]
        rest = await journal.conversation(ALPHA, session=None, before=page[-1].offset, limit=10)
        assert [(view.message_id, view.timestamp, view.text) for view in rest] == [("a", 111, "A")]
        side = await journal.conversation(ALPHA, session="side", before=None, limit=10)
        assert [(view.message_id, view.timestamp) for view in side] == [("c", 222)]
        assert list(await journal.conversation(OTHER, session=None, before=None, limit=10)) == []
        assert list(await journal.conversation(ALPHA, session=None, before=0, limit=10)) == []

    async def test_the_feed_comes_newest_first_in_pages(self, journal: Journal) -> None:
        """Activities by agent, by kind, by both, and before an offset; nothing else is among them."""
        await journal.append([activity("a1"), chunk("m", 0), activity("a2", "run.started"), activity("b1", of=BETA)])
        await journal.append([activity("a3"), activity("o1", of=OTHER), status("s"), beat("b", ephemeral=False)])
        assert ids([*await journal.feed(key=None, kind=None, before=None, limit=3)]) == ["o1", "a3", "b1"]
        assert ids([*await journal.feed(key=None, kind=None, before=4, limit=3)]) == ["a2", "a1"]
        assert ids([*await journal.feed(key=ALPHA, kind=None, before=None, limit=9)]) == ["a3", "a2", "a1"]
        tools = await journal.feed(key=None, kind="tool.started", before=None, limit=9)
        assert ids([*tools]) == ["o1", "a3", "b1", "a1"]
        assert ids([*await journal.feed(key=ALPHA, kind="tool.started", before=5, limit=9)]) == ["a1"]
        assert list(await journal.feed(key=("gw", "nobody"), kind=None, before=None, limit=9)) == []


class RetentionContract:
    """What goes, what stays, and what a cursor may still resume from."""

    async def test_nothing_due_nothing_done(self, journal: Journal, clock: FakeClock) -> None:
        """Within all limits retention leaves everything as it is."""
        await journal.append([chunk("m", 0), final("m"), activity("t")])
        assert await retain(journal, KEEP_ALL, clock.at) == Retained(0, 0, 0, more=False)
        assert len(await everything(journal)) == 3

    async def test_old_events_go_by_age(self, journal: Journal, clock: FakeClock) -> None:
        """Age counts from the commit, not from the source's clock, which may be wrong or tell of the past."""
        await journal.append([activity("old", timestamp=9_999_999_999_999), final("past", timestamp=1)])
        clock.advance(100)
        await journal.append([activity("new", timestamp=1)])
        done = await retain(journal, Retention(max_age_s=50, compact_after_s=1e9), clock.at)
        assert (done.removed, done.floor) == (2, 2)
        page = await journal.read(0, 10, EVERYTHING)
        assert (ids([*page.events]), page.bounds.floor, page.trimmed_to) == (["new"], 2, 2)
        assert list(await journal.conversation(ALPHA, session=None, before=None, limit=9)) == []
        snapshot = await journal.snapshot(EVERYTHING)
        assert (snapshot.messages, ids(snapshot.feed)) == ([], ["new"])

    async def test_old_events_go_by_number(self, journal: Journal, clock: FakeClock) -> None:
        """The newest ``max_events`` stay."""
        await journal.append([activity(f"t{number}") for number in range(10)])
        done = await retain(journal, Retention(max_events=3), clock.at)
        assert (done.removed, done.floor) == (7, 7)
        assert ids(await everything(journal)) == ["t7", "t8", "t9"]
        assert (await journal.statistics()).events == 3

    async def test_old_events_go_by_size(self, journal: Journal, clock: FakeClock) -> None:
        """Over ``max_bytes`` the oldest go, and retention ends even when nothing more can go."""
        for number in range(40):
            await journal.append([final(f"m{number}", "x" * 20_000)])
        await retain(journal, Retention(max_bytes=500_000), clock.at)
        kept = [event.offset for event in await everything(journal)]
        assert 0 < len(kept) < 40
        assert kept == list(range(41 - len(kept), 41))
        await retain(journal, Retention(max_bytes=0), clock.at)
        assert await everything(journal) == []

    async def test_numbers_are_never_used_again(self, journal: Journal, clock: FakeClock) -> None:
        """After everything was removed, offsets and sequences go on where they were."""
        await journal.append([final("m"), final("n", of=BETA), activity("t")])
        await retain(journal, Retention(max_events=0), clock.at)
        commit = await journal.append([activity("u"), activity("v", of=BETA)])
        assert [(event.offset, event.sequence) for event in commit.events] == [(4, 3), (5, 2)]
        assert journal.bounds() == Bounds(commit.epoch, 3, 5)

    async def test_what_was_trimmed_is_forgotten(self, journal: Journal, clock: FakeClock) -> None:
        """Each event once holds for as long as the event is kept: no trace of a trimmed one remains."""
        await journal.append([activity("t"), final("m")])
        await retain(journal, Retention(max_events=0), clock.at)
        assert (await journal.append([activity("t"), final("m")])).duplicates == 0

    async def test_chunks_of_finished_messages_are_compacted(self, journal: Journal, clock: FakeClock) -> None:
        """Their final stays; the floor rises to the newest chunk that went, since a stream never shows holes."""
        await journal.append([chunk("m", 0), chunk("n", 0), chunk("m", 1), final("m"), activity("t")])
        early = await retain(journal, Retention(compact_after_s=600), clock.at)
        clock.advance(600)
        done = await retain(journal, Retention(compact_after_s=600), clock.at)
        assert (early.compacted, early.floor, done.compacted, done.removed, done.floor) == (0, 0, 2, 0, 3)
        page = await journal.read(0, 10, EVERYTHING)
        assert (ids([*page.events]), page.trimmed_to) == (["n#0", "m#final", "t"], 0)
        assert message_texts(await journal.snapshot(EVERYTHING)) == {"n": "word ", "m": "word word "}

    async def test_a_compacted_chunk_does_not_come_back(self, journal: Journal, clock: FakeClock) -> None:
        """A chunk that arrives again after its row is gone is still a duplicate."""
        await journal.append([chunk("m", 0), final("m")])
        await retain(journal, Retention(compact_after_s=0), clock.at)
        assert (await journal.append([chunk("m", 0), final("m")])).duplicates == 2
        assert [view.state for view in (await journal.snapshot(EVERYTHING)).messages] == ["complete"]

    async def test_a_message_that_was_open_for_long_is_compacted_after_its_end(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        """Its chunks are safe while it is open, however old, and go in time once it has ended."""
        policy = Retention(max_age_s=300, max_events=1, max_bytes=0, compact_after_s=60)
        await journal.append([chunk("m", 0), activity("t1"), chunk("m", 1), activity("t2")])
        clock.advance(1_000)
        await retain(journal, policy, clock.at)
        assert ids(await everything(journal)) == ["m#0", "m#1"]
        assert message_texts(await journal.snapshot(EVERYTHING)) == {"m": "word word "}
        await journal.append([final("m"), activity("t3")])
        clock.advance(60)
        done = await retain(journal, Retention(compact_after_s=60), clock.at)
        assert (done.compacted, ids(await everything(journal))) == (2, ["m#final", "t3"])

    async def test_trimming_takes_what_a_late_final_leaves_behind(self, journal: Journal, clock: FakeClock) -> None:
        """Chunks below the horizon that were spared while their message was open go with the next trimming."""
        await journal.append([chunk("m", 0), activity("t"), final("x")])
        await retain(journal, Retention(max_events=0), clock.at)
        await journal.append([final("m")])
        done = await retain(journal, Retention(max_events=1, compact_after_s=1e9), clock.at)
        assert (done.removed, done.floor) == (1, 3)
        assert (await journal.read(0, 10, EVERYTHING)).trimmed_to == 3
        assert ids(await everything(journal)) == ["m#final"]


class JournalContract(AppendContract, SnapshotContract, HistoryContract, RetentionContract):
    """All of it."""

    async def test_closing_twice_is_closing_once(self, journal: Journal) -> None:
        """``aclose`` may be called again."""
        await journal.append([chunk("m", 0)])
        await journal.aclose()
        await journal.aclose()
