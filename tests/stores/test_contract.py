"""Every adapter under the one contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mission_control.stores.journal import Journal
from mission_control.stores.memory import MemoryJournal
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.contract import JournalContract
from tests.stores.samples import FakeClock


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def journal(self, clock: FakeClock) -> Journal:
        return MemoryJournal(clock)


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    async def journal(self, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Journal]:
        async with SqliteJournal.open(tmp_path / "journal.db", now=clock) as journal:
            yield journal
