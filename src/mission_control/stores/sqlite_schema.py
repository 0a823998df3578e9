"""The database file: how it is opened, what it holds, and how an older one is brought up to date.

``PRAGMA user_version`` is the number of migrations that a file has seen. A migration is never edited once released:
a change of schema is one more entry in :data:`MIGRATIONS`. The reasons for the schema are in docs/journal.md.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mission_control.stores.journal import JournalCorruptError, JournalUnavailableError
from mission_control.stores.sqlite_errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

Durability: TypeAlias = Literal["full", "normal"]
"""``full`` survives a power cut; ``normal`` survives any crash of the daemon, and may lose the last commits to one."""

APPLICATION_ID: Final = 0x4D434A31
"""Marks the file as ours ("MCJ1"), so that no other program's database is ever written to."""

BUSY_TIMEOUT_MS: Final = 2_000
CACHE_KIB: Final = 32 * 1024
WAL_KEPT_BYTES: Final = 64 * 1024 * 1024

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch TEXT NOT NULL,
        floor INTEGER NOT NULL DEFAULT 0,
        trimmed_to INTEGER NOT NULL DEFAULT 0,
        compacted_to INTEGER NOT NULL DEFAULT 0,
        folded_to INTEGER NOT NULL DEFAULT 0,
        events INTEGER NOT NULL DEFAULT 0,
        finals_after INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE gateways (
        id TEXT PRIMARY KEY,
        view TEXT NOT NULL
    );
    CREATE TABLE agents (
        id INTEGER PRIMARY KEY,
        gateway TEXT NOT NULL,
        agent_id TEXT,
        sequence INTEGER NOT NULL DEFAULT 0,
        view TEXT
    );
    CREATE UNIQUE INDEX agents_by_key ON agents (gateway, agent_id);
    CREATE TABLE events (
        offset INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL,
        agent INTEGER NOT NULL REFERENCES agents,
        sequence INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        committed INTEGER NOT NULL,
        type INTEGER NOT NULL,
        message INTEGER,
        kind TEXT,
        payload TEXT NOT NULL
    );
    CREATE INDEX events_by_message ON events (message) WHERE message IS NOT NULL;
    CREATE INDEX activities ON events (type) WHERE kind IS NOT NULL;
    CREATE INDEX activities_by_kind ON events (kind) WHERE kind IS NOT NULL;
    CREATE INDEX activities_by_agent ON events (agent) WHERE kind IS NOT NULL;
    CREATE INDEX activities_by_agent_kind ON events (agent, kind) WHERE kind IS NOT NULL;
    CREATE TABLE event_ids (
        event_id TEXT PRIMARY KEY
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        first INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL UNIQUE,
        agent INTEGER NOT NULL REFERENCES agents,
        session TEXT NOT NULL,
        began INTEGER NOT NULL,
        final INTEGER
    );
    CREATE INDEX messages_by_final ON messages (final);
    CREATE INDEX messages_by_agent ON messages (agent, final);
    CREATE INDEX messages_by_session ON messages (agent, session, final);
    """,
    """
    CREATE TABLE positions (
        gateway TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        position TEXT NOT NULL,
        PRIMARY KEY (gateway, agent_id)
    ) WITHOUT ROWID;
    """,
)


def connect_writer(path: Path, durability: Durability) -> sqlite3.Connection:
    """The connection that writes. Makes the file, readable by its owner only, when it does not exist."""
    with translated(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with _closed_on_error(connection):
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            _refuse_foreign(connection, path)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise JournalUnavailableError(
                    f"The file system of {path} cannot share memory between processes, which the journal's write-ahead "
                    "log needs: put the data directory on a local disk."
                )
            connection.execute(f"PRAGMA synchronous = {durability.upper()}")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. The file must exist and have its schema."""
    with translated(path):
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        with _closed_on_error(connection):
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def migrate(connection: sqlite3.Connection, path: Path, epoch: str, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the schema up to date, each step in a transaction of its own; ``epoch`` is for a new journal.

    Raises:
        JournalCorruptError: a newer version of the program wrote the file.
    """
    with translated(path):
        seen: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if seen > len(migrations):
            raise JournalCorruptError(
                f"{path} was written by a newer version of Mission Control (schema {seen}; this one knows "
                f"{len(migrations)}). Start that version again, or move the file away to begin a new journal."
            )
        for number, script in enumerate(migrations[seen:], start=seen + 1):
            stamp = f"PRAGMA user_version = {number}; PRAGMA application_id = {APPLICATION_ID};"
            with rolled_back_on_error(connection):
                connection.executescript(f"BEGIN IMMEDIATE; {script}; {stamp}")
                connection.execute("INSERT OR IGNORE INTO journal (id, epoch) VALUES (1, ?)", (epoch,))
                connection.execute("COMMIT")


@contextmanager
def rolled_back_on_error(connection: sqlite3.Connection) -> "Iterator[None]":
    """Leave no transaction open when the body fails."""
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> "Iterator[None]":
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise JournalCorruptError(
            f"{path} is a database of some other program. Choose another data directory or move that file away."
        )
