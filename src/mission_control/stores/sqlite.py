"""The journal in an SQLite file: theory of operation and schema are in docs/journal.md.

Two connections, each used by one thread at a time. The writer's has the head in memory, so that a snapshot is exact;
the reader's serves history, and in WAL mode neither waits for the other.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack

import trio

from mission_control.core.events import AgentKey, Draft, Event
from mission_control.core.ledger import Commit
from mission_control.core.percentiles import percentiles
from mission_control.core.positions import Position
from mission_control.core.subscription import Bounds, Filter
from mission_control.core.views import MessageView, Snapshot
from mission_control.stores.journal import AgentMemory, JournalStatistics, Page, Retained, Retention
from mission_control.stores.sqlite_giveway import GiveWay
from mission_control.stores.sqlite_lock import file_lock
from mission_control.stores.sqlite_reader import Reader
from mission_control.stores.sqlite_schema import MIGRATIONS, Durability
from mission_control.stores.sqlite_writer import Writer

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def new_epoch() -> str:
    """A name for a new journal that no other journal has."""
    return secrets.token_hex(8)


class SqliteJournal:
    """A :class:`~mission_control.stores.journal.Journal` in one file. Made by :meth:`open`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._give_way = GiveWay()
        self._closed = False
        self._writing = trio.CapacityLimiter(1)
        self._reading = trio.CapacityLimiter(1)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        durability: Durability = "full",
        now: Callable[[], int],
        epoch: Callable[[], str] = new_epoch,
    ) -> AsyncIterator["SqliteJournal"]:
        """Open the journal, or make it, for as long as the block lasts.

        Args:
            durability: ``full`` survives a power cut; ``normal`` survives the daemon's crash.
            now: the time in ms, for retention by age.
            epoch: names a journal that is made.

        Raises:
            JournalUnavailableError: the file cannot be opened, or another daemon has it.
            JournalCorruptError: it is damaged, not a journal, or written by a newer version.
        """
        journal = cls(Writer(path, durability, now, epoch()), Reader(path))
        with file_lock(path):
            trio.lowlevel.add_instrument(journal._give_way)
            try:
                await journal._write(journal._writer.open)
                yield journal
            finally:
                with trio.CancelScope(shield=True):
                    await journal.aclose()
                trio.lowlevel.remove_instrument(journal._give_way)

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        return await self._write(self._writer.append, drafts, positions)

    def bounds(self) -> Bounds:
        return self._writer.extent.bounds

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        return await self._read(self._reader.page, after, limit, select)

    async def snapshot(self, select: Filter) -> Snapshot:
        return await self._write(self._writer.snapshot, select)

    async def conversation(
        self, key: AgentKey, *, session: str | None, before: int | None, limit: int
    ) -> Sequence[MessageView]:
        return await self._read(self._reader.conversation, key, session, before, limit)

    async def feed(self, *, key: AgentKey | None, kinds: Set[str], before: int | None, limit: int) -> Sequence[Event]:
        return await self._read(self._reader.feed, key, kinds, before, limit)

    async def memory(self, key: AgentKey, recent: int) -> AgentMemory:
        return await self._write(self._writer.memory, key, recent)

    async def positions(self, gateway: str) -> Mapping[str, Position]:
        return await self._write(self._writer.positions, gateway)

    async def known(self, drafts: Sequence[Draft]) -> Set[str]:
        return await self._write(self._writer.known, drafts)

    async def retain(self, policy: Retention, now: int) -> Retained:
        return await self._write(self._writer.retain, policy, now)

    def statistics(self) -> JournalStatistics:
        extent = self._writer.extent
        return JournalStatistics(
            kind="sqlite",
            bounds=extent.bounds,
            trimmed_to=extent.trimmed_to,
            compacted_to=extent.compacted_to,
            events=extent.events,
            bytes=extent.bytes,
            oldest_at=extent.oldest_at,
            commit_ms=percentiles(self._writer.commit_ms),
            schema=len(MIGRATIONS),
        )

    async def aclose(self) -> None:
        self._closed = True
        await trio.to_thread.run_sync(self._reader.close, limiter=self._reading)
        await trio.to_thread.run_sync(self._writer.close, limiter=self._writing)

    async def _write(self, function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        return await self._call(self._writing, function, *args)

    async def _read(self, function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        return await self._call(self._reading, function, *args)

    async def _call(self, limiter: trio.CapacityLimiter, function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        if self._closed:
            raise trio.ClosedResourceError
        with self._give_way:
            return await trio.to_thread.run_sync(function, *args, limiter=limiter)
