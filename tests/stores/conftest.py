"""Fixtures of the journal's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mission_control.stores.sqlite import SqliteJournal
from tests.stores.samples import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path, clock: FakeClock) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal.open(path, now=clock) as journal:
        yield journal
