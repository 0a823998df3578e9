"""The reading side of the SQLite journal. Synchronous: ``sqlite.py`` calls it from one thread at a time."""

import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

from mission_control.core.events import AgentKey, Event
from mission_control.core.subscription import Filter
from mission_control.core.views import MessageView
from mission_control.stores import sqlite_queries as queries
from mission_control.stores.journal import Page
from mission_control.stores.sqlite_errors import translated
from mission_control.stores.sqlite_schema import connect_reader


class Reader:
    """A connection that only reads, made at first use and again after an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def page(self, after: int, limit: int, select: Filter) -> Page:
        with self._using() as connection:
            return queries.read(connection, after, limit, select)

    def conversation(self, key: AgentKey, session: str | None, before: int | None, limit: int) -> Sequence[MessageView]:
        with self._using() as connection:
            return queries.conversation(connection, key, session, before, limit)

    def feed(self, key: AgentKey | None, kinds: Set[str], before: int | None, limit: int) -> Sequence[Event]:
        with self._using() as connection:
            return queries.feed(connection, key, kinds, before, limit)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            with translated(self._path):
                if self._connection is None:
                    self._connection = connect_reader(self._path)
                yield self._connection
        except BaseException:
            self.close()
            raise
