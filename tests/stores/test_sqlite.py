"""What only a journal in a file can get wrong: starting again, foreign files, space."""

import sqlite3
from pathlib import Path

import pytest
import trio

from mission_control.core import projection
from mission_control.core.positions import Position
from mission_control.core.subscription import EVERYTHING, Bounds, Filter
from mission_control.stores import sqlite_queries, sqlite_retention, sqlite_schema
from mission_control.stores.journal import JournalCorruptError, JournalUnavailableError, Retention
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.asking import everything, ids, message_texts, retain
from tests.stores.samples import ALPHA, BETA, FakeClock, activity, beat, chunk, final, status


class TestOpeningAgain:
    async def test_everything_is_as_it_was(self, path: Path, clock: FakeClock) -> None:
        """Epoch, head, snapshot and memory survive; sequences and open messages go on where they were."""
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([status("s"), chunk("m", 0, "Hel"), activity("r", "run.started"), final("n", of=BETA)])
            await journal.append([chunk("m", 1, "lo "), beat("b", ephemeral=False)])
            await journal.append([], {ALPHA: Position(9, "boot", missing=((3, 4),))})
            before = await journal.snapshot(EVERYTHING)
            remembered = await journal.memory(ALPHA, 10)
        async with SqliteJournal.open(path, now=clock) as journal:
            assert await journal.snapshot(EVERYTHING) == before
            assert await journal.memory(ALPHA, 10) == remembered
            commit = await journal.append([chunk("m", 1), chunk("m", 2, "you"), status("s2")])
            assert [(event.offset, event.sequence) for event in commit.events] == [(7, 5), (8, 2)]
            assert message_texts(await journal.snapshot(EVERYTHING))["m"] == "Hello you"

    async def test_what_came_after_the_last_fold_counts(self, path: Path, clock: FakeClock, tmp_path: Path) -> None:
        """Without an orderly end the newest events are applied again: their ids, sequences and views are known."""
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([activity("a"), chunk("m", 0, "Hel", of=BETA)])
            await retain(journal, Retention(), clock.at)
            await journal.append([activity("b", "run.started"), chunk("m", 1, "lo", of=BETA), status("s"), final("n")])
            before = await journal.snapshot(EVERYTHING)
            copy = tmp_path / "copy.db"
            for suffix in ("", "-wal"):
                await trio.Path(f"{copy}{suffix}").write_bytes(await trio.Path(f"{path}{suffix}").read_bytes())
        async with SqliteJournal.open(copy, now=clock) as journal:
            assert await journal.snapshot(EVERYTHING) == before
            again = await journal.append([activity("a"), activity("b"), status("s"), final("n"), activity("c")])
            assert ([(event.event_id, event.offset, event.sequence) for event in again.events], again.duplicates) == (
                [("c", 7, 4)],
                4,
            )
            assert journal.statistics().events == 7
            after = await journal.snapshot(EVERYTHING)
        async with SqliteJournal.open(copy, now=clock) as journal:
            assert await journal.snapshot(EVERYTHING) == after
            commit = await journal.append([activity("d"), activity("e", of=BETA), status("s2")])
            assert [(event.offset, event.sequence) for event in commit.events] == [(8, 5), (9, 3), (10, 2)]

    async def test_finals_that_had_to_go_stay_gone(
        self, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A snapshot after a restart has no old finals that the one before it had no room for."""
        monkeypatch.setattr(projection, "FINALS_BYTES", 10)
        monkeypatch.setattr(projection, "FINALS_PER_AGENT", 1)
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([final("a", "12345"), final("b", "1234567", of=BETA), final("c", "1", of=BETA)])
            before = await journal.snapshot(EVERYTHING)
            assert message_texts(before) == {"c": "1"}
        async with SqliteJournal.open(path, now=clock) as journal:
            assert await journal.snapshot(EVERYTHING) == before

    async def test_numbers_survive_an_emptied_journal(self, path: Path, clock: FakeClock) -> None:
        """With every event removed, offsets, sequences, floor and epoch still go on after a restart."""
        async with SqliteJournal.open(path, now=clock) as journal:
            epoch = (await journal.append([final("m"), activity("t", of=BETA)])).epoch
            await retain(journal, Retention(max_events=0), clock.at)
        async with SqliteJournal.open(path, now=clock) as journal:
            assert journal.bounds() == Bounds(epoch, 2, 2)
            page = await journal.read(0, 10, EVERYTHING)
            assert (page.scanned_to, page.bounds.head, page.trimmed_to) == (2, 2, 2)
            commit = await journal.append([activity("u")])
            assert [(event.offset, event.sequence) for event in commit.events] == [(3, 2)]

    async def test_each_new_journal_has_its_own_epoch(self, tmp_path: Path, clock: FakeClock) -> None:
        """A journal that starts over cannot be mistaken for the one before it."""
        epochs = set()
        for name in ("a.db", "b.db"):
            async with SqliteJournal.open(tmp_path / name, now=clock) as journal:
                epochs.add(journal.bounds().epoch)
        assert len(epochs) == 2

    async def test_its_files_are_for_the_owner_only(self, path: Path, journal: SqliteJournal) -> None:
        """Conversations are private: no file of the journal is readable by others."""
        await journal.append([chunk("m", 0)])
        modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
        assert set(modes) == {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"}
        assert set(modes.values()) == {0}

    async def test_closed_means_closed(self, journal: SqliteJournal) -> None:
        """After ``aclose`` every call says so; it does not open the file again."""
        await journal.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await journal.append([chunk("m", 0)])
        with pytest.raises(trio.ClosedResourceError):
            await journal.read(0, 1, EVERYTHING)

    async def test_closing_leaves_one_file(self, path: Path, clock: FakeClock) -> None:
        """After an orderly end nothing waits in the write-ahead log: the file alone can be copied."""
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([chunk("m", 0)])
        assert sorted(file.name for file in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]

    async def test_an_append_that_has_begun_is_not_cancelled(self, journal: SqliteJournal) -> None:
        """A cancelled append either did nothing, or returns its commit: nobody is left in doubt."""
        with trio.CancelScope() as scope:
            scope.cancel()
            await journal.append([chunk("m", 0)])
        assert scope.cancelled_caught
        assert (await journal.append([chunk("m", 0)])).duplicates == 0


class TestRefusals:
    async def test_one_daemon_at_a_time(self, path: Path, clock: FakeClock) -> None:
        """A second daemon on the same journal is refused, told who has it, and may start when that one has ended."""
        async with SqliteJournal.open(path, now=clock):
            with pytest.raises(JournalUnavailableError, match=r"in use by another .*\(process \d+\).*another data dir"):
                async with SqliteJournal.open(path, now=clock):
                    pass
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([chunk("m", 0)])

    async def test_a_directory_that_is_not_there(self, tmp_path: Path, clock: FakeClock) -> None:
        """The message names the file and what to check."""
        with pytest.raises(
            JournalUnavailableError, match=r"nowhere/journal\.db cannot be opened \(No such .*directory"
        ):
            async with SqliteJournal.open(tmp_path / "nowhere" / "journal.db", now=clock):
                pass

    async def test_a_directory_in_its_place(self, tmp_path: Path, clock: FakeClock) -> None:
        """A directory where the file should be is an error with its reason, not a traceback of SQLite's."""
        (tmp_path / "journal.db").mkdir()
        with pytest.raises(JournalUnavailableError, match="Is a directory"):
            async with SqliteJournal.open(tmp_path / "journal.db", now=clock):
                pass

    async def test_a_file_that_is_no_database(self, path: Path, clock: FakeClock) -> None:
        """It is refused with the remedy, and left exactly as it was."""
        file = trio.Path(path)
        await file.write_bytes(b"Dear diary, " * 100)
        with pytest.raises(JournalCorruptError, match=r"not a database.*move that file away"):
            async with SqliteJournal.open(path, now=clock):
                pass
        assert await file.read_bytes() == b"Dear diary, " * 100

    async def test_a_database_of_another_program(self, path: Path, clock: FakeClock) -> None:
        """No table is ever added to someone else's database."""
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE recipes (name TEXT)")
        other.close()
        with pytest.raises(JournalCorruptError, match="database of some other program"):
            async with SqliteJournal.open(path, now=clock):
                pass
        with sqlite3.connect(path) as other:
            assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]
            assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        other.close()

    async def test_a_file_system_without_shared_memory(
        self, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a write-ahead log cannot work the journal does not fall back to something slower: it says so."""
        real = sqlite3.connect
        monkeypatch.setattr(
            sqlite3, "connect", lambda path, **options: real(f"file:{path}?vfs=unix-none", uri=True, **options)
        )
        with pytest.raises(JournalUnavailableError, match="put the data directory on a local disk"):
            async with SqliteJournal.open(path, now=clock):
                pass

    async def test_a_damaged_file(self, path: Path, clock: FakeClock) -> None:
        """Damage is told apart from what passes by itself."""
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([final(f"m{number}", "x" * 3_000) for number in range(50)])
        file = trio.Path(path)
        content = await file.read_bytes()
        await file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
        with pytest.raises(JournalCorruptError, match="restore it from a backup"):
            async with SqliteJournal.open(path, now=clock):
                pass


class TestReading:
    async def test_a_rare_match_is_looked_for_in_bounded_steps(
        self, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A filtered page ends at the scan window, says how far it looked, and the pages together miss nothing."""
        monkeypatch.setattr(sqlite_queries, "SCAN_WINDOW", 10)
        rare = Filter(agents=frozenset({"beta"}))
        await journal.append([*(chunk("m", index) for index in range(35)), activity("t", of=BETA)])
        first = await journal.read(0, 5, rare)
        assert (list(first.events), first.scanned_to, first.bounds.head) == ([], 10, 36)
        assert ids(await everything(journal, rare, limit=5)) == ["t"]

    async def test_a_page_is_bounded_in_bytes(self, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
        """Long messages make a page shorter, but never empty, and nothing is skipped between pages."""
        monkeypatch.setattr(sqlite_queries, "PAGE_BYTES", 1_000)
        await journal.append([final(f"m{number}", "x" * (5_000 if number == 3 else 300)) for number in range(8)])
        page = await journal.read(0, 100, EVERYTHING)
        assert 0 < len(page.events) < 8
        assert page.scanned_to == page.events[-1].offset
        assert [event.offset for event in await everything(journal)] == list(range(1, 9))

    async def test_history_is_read_while_the_writer_is_busy(self, path: Path, journal: SqliteJournal) -> None:
        """Reading does not wait for the writer's turn."""
        await journal.append([chunk("m", 0)])
        async with journal._writing:
            assert ids(await everything(journal)) == ["m#0"]
            assert list(await journal.feed(key=None, kinds=frozenset(), before=None, limit=1)) == []


class TestSpace:
    async def test_space_is_given_back(self, path: Path, journal: SqliteJournal, clock: FakeClock) -> None:
        """After old events were removed the file is small again."""
        for batch in range(20):
            await journal.append([final(f"m{batch}/{number}", "x" * 2_000) for number in range(50)])
        await retain(journal, Retention(), clock.at)
        grown = journal.statistics().bytes
        slices = 1
        while (await journal.retain(Retention(max_events=10), clock.at)).more:
            slices += 1
        assert slices < 20
        await journal.aclose()
        assert grown is not None
        assert grown > 2_000_000
        assert (await trio.Path(path).stat()).st_size < 200_000

    async def test_retention_goes_in_slices(self, journal: SqliteJournal, clock: FakeClock) -> None:
        """One call does a bounded part and asks to be called again, and what it leaves is always consistent."""
        await journal.append([activity(f"t{number}") for number in range(5_000)])
        first = await journal.retain(Retention(max_events=100), clock.at)
        assert first.more
        assert 0 < first.removed < 4_900
        assert [event.offset for event in await everything(journal)] == list(range(first.floor + 1, 5_001))
        assert (await retain(journal, Retention(max_events=100), clock.at)).removed == 4_900 - first.removed

    async def test_a_message_longer_than_a_slice_is_compacted_whole(
        self, journal: SqliteJournal, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Compaction does not pass a message by before its last chunk has gone."""
        monkeypatch.setattr(sqlite_retention, "SLICE_ROWS", 3)
        await journal.append([*(chunk("m", index) for index in range(10)), final("m"), chunk("n", 0), final("n")])
        done = await retain(journal, Retention(compact_after_s=0), clock.at)
        assert (done.compacted, done.floor, ids(await everything(journal))) == (11, 12, ["m#final", "n#final"])

    async def test_statistics_tell_size_and_pace(self, journal: SqliteJournal, clock: FakeClock) -> None:
        """Bytes on disk as of the last slice of retention, commit times as of now, and the schema's version."""
        empty = journal.statistics()
        assert (empty.kind, empty.commit_ms) == ("sqlite", None)
        assert empty.schema == len(sqlite_schema.MIGRATIONS)
        await journal.append([activity("t"), activity("u")])
        await journal.append([activity("t")])
        times = journal.statistics().commit_ms
        assert times is not None
        assert times.count == 2
        assert 0 < times.p50 <= times.p95 <= times.p99 <= times.max
        await retain(journal, Retention(), clock.at)
        full = journal.statistics()
        assert empty.bytes is not None
        assert full.bytes is not None
        assert 0 < empty.bytes < full.bytes

    async def test_statistics_need_no_answer(self, journal: SqliteJournal) -> None:
        """They are asked for when the disk hangs."""
        await journal.append([activity("t")])
        async with journal._writing, journal._reading:
            assert journal.statistics().events == 1
