"""What every journal promises. An adapter passes by subclassing :class:`JournalContract` with a ``journal`` fixture."""

from mission_control.stores.journal import Journal
from tests.stores.contract_append import AppendContract
from tests.stores.contract_history import HistoryContract
from tests.stores.contract_positions import PositionsContract
from tests.stores.contract_retention import RetentionContract
from tests.stores.contract_snapshot import SnapshotContract
from tests.stores.samples import chunk


class JournalContract(AppendContract, PositionsContract, SnapshotContract, HistoryContract, RetentionContract):
    """All of it."""

    async def test_closing_twice_is_closing_once(self, journal: Journal) -> None:
        """``aclose`` may be called again."""
        await journal.append([chunk("m", 0)])
        await journal.aclose()
        await journal.aclose()
