"""The writing side of the SQLite journal. Synchronous: ``sqlite.py`` calls it from one thread at a time."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from operator import attrgetter
from pathlib import Path
from time import perf_counter
from typing import Final

from attrs import evolve, frozen

from mission_control.core import projection as limits
from mission_control.core.events import AgentKey, Draft, Event, EventType
from mission_control.core.ledger import Commit, left_out
from mission_control.core.positions import Position, of_gateway
from mission_control.core.projection import newest_activities
from mission_control.core.subscription import Bounds, Filter
from mission_control.core.views import Snapshot
from mission_control.stores.journal import AgentMemory, JournalError, Retained, Retention
from mission_control.stores.sqlite_errors import translated
from mission_control.stores.sqlite_head import Head
from mission_control.stores.sqlite_load import load
from mission_control.stores.sqlite_queries import feed, newest_finals, oldest_at
from mission_control.stores.sqlite_retention import retain
from mission_control.stores.sqlite_schema import Durability, connect_writer, migrate

COMMITS_TIMED: Final = 512


@frozen
class Extent:
    """What the file holds, as of the last call. ``oldest_at`` is when the oldest event was emitted (ms). ``bytes``, of
    the file and its log, are as of the last slice of retention."""

    bounds: Bounds
    trimmed_to: int = 0
    compacted_to: int = 0
    events: int = 0
    bytes: int = 0
    oldest_at: int | None = None


class Writer:
    """The connection that writes, and the head that goes with it.

    Whatever fails, the transaction is undone and the head thrown away, since it may be ahead of the file; the next
    call loads it anew.
    """

    def __init__(self, path: Path, durability: Durability, now: Callable[[], int], epoch: str) -> None:
        self._path = path
        self._durability = durability
        self._now = now
        self._epoch = epoch
        self._connection: sqlite3.Connection | None = None
        self._head: Head | None = None
        self._bytes = 0
        self._oldest_at: int | None = None
        self.extent = Extent(Bounds(epoch, 0, 0))
        self.commit_ms: deque[float] = deque(maxlen=COMMITS_TIMED)

    def open(self) -> None:
        """Connect, migrate and load."""
        with self._using() as (connection, _):
            self._measure(connection)

    def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        began = perf_counter()
        with self._using() as (connection, head):
            after = head.ledger.head
            known, finished = head.known(connection, drafts), head.finished(connection, drafts)
            entries, duplicates = head.ledger.admit(drafts, known, finished)
            journaled = [entry for entry in entries if entry.event.offset is not None]
            moved = {key: at for key, at in (positions or {}).items() if head.positions.get(key) != at}
            if journaled or moved:
                connection.execute("BEGIN IMMEDIATE")
                head.store(connection, journaled, self._now())
                head.move(connection, moved)
                connection.execute("COMMIT")
            if journaled and self._oldest_at is None:
                self._oldest_at = journaled[0].event.timestamp
        self.commit_ms.append((perf_counter() - began) * 1000)
        bounds = self.extent.bounds
        return Commit(bounds.epoch, after, bounds.head, [entry.event for entry in entries], duplicates)

    def snapshot(self, select: Filter) -> Snapshot:
        with self._using() as (connection, head):
            projection = head.ledger.projection
            snapshot = projection.snapshot(head.bounds.cursor, select)
            if len(snapshot.feed) == limits.FEED_LENGTH or projection.feed_is_whole:
                return snapshot
            agents = [(view.gateway, view.id) for view in snapshot.agents]
            return evolve(snapshot, feed=_feed_of(connection, agents, select))

    def memory(self, key: AgentKey, recent: int) -> AgentMemory:
        with self._using() as (connection, head):
            view, opened = head.ledger.projection.recall(key)
            return AgentMemory(view, opened, newest_finals(connection, key, recent), head.positions.get(key))

    def positions(self, gateway: str) -> dict[str, Position]:
        with self._using() as (_, head):
            return of_gateway(head.positions, gateway)

    def known(self, drafts: Sequence[Draft]) -> set[str]:
        with self._using() as (connection, head):
            return left_out(drafts, head.known(connection, drafts), head.finished(connection, drafts))

    def retain(self, policy: Retention, now: int) -> Retained:
        with self._using() as (connection, head):
            retained = retain(connection, head, policy, now)
            self._measure(connection)
            return retained

    def close(self) -> None:
        """Fold, checkpoint, close. Does nothing when closed."""
        if self._head is not None:
            # Both only save time at the next start: nothing is lost when the disk refuses them.
            with suppress(JournalError), self._using() as (connection, head):
                connection.execute("BEGIN IMMEDIATE")
                head.fold(connection)
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._disconnect()

    @contextmanager
    def _using(self) -> Iterator[tuple[sqlite3.Connection, Head]]:
        try:
            with translated(self._path):
                if self._connection is None:
                    self._connection = connect_writer(self._path, self._durability)
                    migrate(self._connection, self._path, self._epoch)
                if self._head is None:
                    self._head = load(self._connection)
                yield self._connection, self._head
        except BaseException:
            self._recover()
            raise
        head = self._head
        kept = (head.bounds, head.trimmed_to, head.compacted_to, head.events)
        self.extent = Extent(*kept, self._bytes, self._oldest_at)

    def _measure(self, connection: sqlite3.Connection) -> None:
        """Look at the file. Not with every commit, as that may cost the thread its turn (docs/journal.md, "Speed")."""
        self._oldest_at = oldest_at(connection)
        names = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        self._bytes = sum(name.stat().st_size for name in names if name.exists())

    def _recover(self) -> None:
        self._head = None
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection, self._head = self._connection, None, None
        if connection is not None:
            connection.close()


def _feed_of(connection: sqlite3.Connection, agents: Iterable[AgentKey], select: Filter) -> list[Event]:
    """The newest activities of quiet agents, which the busier ones have pushed out of memory."""
    if not select.admits_type(EventType.ACTIVITY):
        return []
    pages = (feed(connection, key, frozenset(), None, limits.FEED_LENGTH) for key in agents)
    newest_first = sorted(chain.from_iterable(pages), key=attrgetter("offset"), reverse=True)
    return newest_activities(newest_first, select)
