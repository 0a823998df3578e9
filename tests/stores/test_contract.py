"""Every adapter under the one contract."""

import pytest

from mission_control.stores.journal import Journal
from mission_control.stores.memory import MemoryJournal
from tests.stores.contract import JournalContract
from tests.stores.samples import FakeClock


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def journal(self, clock: FakeClock) -> Journal:
        return MemoryJournal(clock)


class TestSqliteJournal(JournalContract):
    """With the ``journal`` of conftest.py."""
