"""The journal in memory, on a disk that can be full and under a daemon that can be killed."""

from collections.abc import Mapping, Sequence

import trio

from mission_control.core.events import AgentKey, Draft, Event
from mission_control.core.ledger import Commit
from mission_control.core.positions import Position
from mission_control.core.subscription import EVERYTHING
from mission_control.stores.journal import JournalUnavailableError
from mission_control.stores.memory import MemoryJournal


class Disk:
    """What outlives the daemon. ``holder`` is the daemon that may write."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.is_full = False
        self.holder: object = None

    async def events(self) -> Sequence[Event]:
        return (await self.journal.read(0, 10_000_000, EVERYTHING)).events


class Mounted:
    """A :class:`~mission_control.stores.journal.Journal` of one daemon: the disk's, as long as that daemon lives."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        disk.holder = self
        journal = disk.journal
        self.bounds = journal.bounds
        self.read = journal.read
        self.snapshot = journal.snapshot
        self.conversation = journal.conversation
        self.feed = journal.feed
        self.memory = journal.memory
        self.positions = journal.positions
        self.known = journal.known
        self.retain = journal.retain
        self.statistics = journal.statistics
        self.aclose = journal.aclose

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        if self._disk.holder is not self:
            await trio.sleep_forever()  # who was killed writes nothing more
        if self._disk.is_full:
            raise JournalUnavailableError("no space left")
        return await self._disk.journal.append(drafts, positions)
