"""What every journal promises of what goes, what stays, and where a cursor may resume."""

from attrs import evolve

from mission_control.core.subscription import EVERYTHING, Bounds
from mission_control.stores.journal import Journal, Retained, Retention
from tests.stores.asking import everything, ids, message_texts, retain
from tests.stores.samples import ALPHA, BETA, FakeClock, activity, chunk, final

KEEP_ALL = Retention(max_age_s=1e9, max_events=10**9, max_bytes=10**15, compact_after_s=1e9)


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
        assert journal.statistics().events == 3

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

    async def test_counters_outlive_what_they_count(self, journal: Journal, clock: FakeClock) -> None:
        """An agent's gaps are counted since its first event, also those that history no longer has."""
        await journal.append([activity("lost", "stream.gap"), final("m")])
        await retain(journal, Retention(max_events=0), clock.at)
        assert await everything(journal) == []
        (agent,) = (await journal.snapshot(EVERYTHING)).agents
        assert (agent.counters.gaps, agent.counters.messages) == (1, 1)

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

    async def test_the_statistics_say_what_is_kept(self, journal: Journal, clock: FakeClock) -> None:
        """How many events and since when, and up to where chunks and whole events are gone; without asking storage."""
        empty = journal.statistics()
        assert (empty.events, empty.oldest_at) == (0, None)
        await journal.append([chunk("m", 0, timestamp=30), activity("t", timestamp=20), final("m"), chunk("n", 0)])
        await journal.append([activity("u", timestamp=10)])
        before = journal.statistics()
        assert before.oldest_at == 30
        assert (before.events, before.bounds, before.trimmed_to, before.compacted_to) == (5, journal.bounds(), 0, 0)
        await retain(journal, evolve(KEEP_ALL, compact_after_s=0), clock.at)
        compacted = journal.statistics()
        assert (compacted.events, compacted.trimmed_to, compacted.compacted_to) == (4, 0, 3)
        assert compacted.oldest_at == 20
        await retain(journal, evolve(KEEP_ALL, max_events=1), clock.at)
        trimmed = journal.statistics()
        assert (trimmed.events, trimmed.trimmed_to, trimmed.bounds) == (1, 5, journal.bounds())
