"""What a disk that fails does to the journal: nothing that lasts."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mission_control.core.subscription import EVERYTHING
from mission_control.stores import sqlite_schema, sqlite_writer
from mission_control.stores.journal import JournalUnavailableError
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.asking import everything, ids, message_texts
from tests.stores.samples import FakeClock, activity, chunk, final


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond ``limit`` bytes: the disk seems to fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestFailures:
    async def test_a_failing_disk_leaves_nothing_half_done(self, path: Path, journal: SqliteJournal) -> None:
        """The batch fails as a whole, what is read stays exact, and the same batch is taken once writing works."""
        await journal.append([chunk("m", 0)])
        before = await journal.snapshot(EVERYTHING)
        batch = [chunk("m", index, "x" * 500) for index in range(1, 400)]
        wal = path.with_name("journal.db-wal").stat().st_size
        for _ in range(2):
            with file_size_limit(wal + 20_000), pytest.raises(JournalUnavailableError, match="check the disk"):
                await journal.append(batch)
            assert await journal.snapshot(EVERYTHING) == before
            assert ids(await everything(journal)) == ["m#0"]
            assert journal.bounds().head == 1
        commit = await journal.append(batch)
        assert (commit.after, commit.head, commit.duplicates) == (1, 400, 0)
        assert [event.sequence for event in await everything(journal)] == list(range(1, 401))

    async def test_a_full_disk_says_so(self, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """Out of space is told as such, with the remedy, and passes once there is space."""
        connections: list[sqlite3.Connection] = []

        def connect(path: Path, durability: sqlite_schema.Durability) -> sqlite3.Connection:
            connections.append(sqlite_schema.connect_writer(path, durability))
            return connections[-1]

        monkeypatch.setattr(sqlite_writer, "connect_writer", connect)
        async with SqliteJournal.open(path, now=clock) as journal:
            (connection,) = connections
            connection.execute("PRAGMA max_page_count = 60")
            with pytest.raises(JournalUnavailableError, match="disk is full: free some space"):
                await journal.append([final("m", "x" * 500_000)])
            connection.execute("PRAGMA max_page_count = 1000000")
            assert (await journal.append([final("m", "x" * 500_000)])).head == 1

    async def test_a_locked_file_says_so(self, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """A program that holds the database locked is named as the reason; reading goes on."""
        monkeypatch.setattr(sqlite_schema, "BUSY_TIMEOUT_MS", 1)
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([chunk("m", 0)])
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalUnavailableError, match="holds the file locked"):
                await journal.append([chunk("m", 1)])
            assert ids(await everything(journal)) == ["m#0"]
            assert message_texts(await journal.snapshot(EVERYTHING)) == {"m": "word "}
            other.execute("ROLLBACK")
            other.close()
            assert (await journal.append([chunk("m", 1)])).head == 2

    async def test_closing_on_a_failing_disk_loses_nothing(self, path: Path, clock: FakeClock) -> None:
        """The orderly end only saves time at the next start: when it fails, all is still there."""
        async with SqliteJournal.open(path, now=clock) as journal:
            await journal.append([chunk("m", 0), activity("t")])
            before = await journal.snapshot(EVERYTHING)
            with file_size_limit(1):
                await journal.aclose()
        async with SqliteJournal.open(path, now=clock) as journal:
            assert await journal.snapshot(EVERYTHING) == before
