"""The schema's versions."""

import sqlite3
from pathlib import Path

import pytest

from mission_control.stores.journal import JournalCorruptError
from mission_control.stores.sqlite_schema import MIGRATIONS, connect_writer, migrate

NEXT = "ALTER TABLE agents ADD COLUMN colour TEXT; UPDATE agents SET colour = 'grey'"


def version(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def test_an_older_file_is_brought_up_to_date(path: Path) -> None:
    """Only the steps that are missing run, what is stored stays, and the epoch does not change."""
    connection = connect_writer(path, "full")
    migrate(connection, path, "first")
    connection.execute("INSERT INTO agents (id, gateway, agent_id) VALUES (1, 'gw', 'alpha')")
    for _ in range(2):
        migrate(connection, path, "second", [*MIGRATIONS, NEXT])
        assert version(connection) == len(MIGRATIONS) + 1
        assert connection.execute("SELECT agent_id, colour FROM agents").fetchall() == [("alpha", "grey")]
        assert connection.execute("SELECT epoch FROM journal").fetchall() == [("first",)]
    connection.close()


def test_a_file_of_the_first_schema_gets_its_positions(path: Path) -> None:
    """A journal from before sources were followed is opened, and has followed none."""
    connection = connect_writer(path, "full")
    migrate(connection, path, "first", MIGRATIONS[:1])
    migrate(connection, path, "second")
    assert connection.execute("SELECT count(*) FROM positions").fetchone() == (0,)
    connection.close()


def test_a_failing_step_leaves_the_version_before_it(path: Path) -> None:
    """Each step happens as a whole or not at all; the next start tries again."""
    connection = connect_writer(path, "full")
    migrate(connection, path, "epoch")
    with pytest.raises(Exception, match="no such table"):
        migrate(connection, path, "epoch", [*MIGRATIONS, f"{NEXT}; INSERT INTO nowhere VALUES (1)"])
    assert version(connection) == len(MIGRATIONS)
    migrate(connection, path, "epoch", [*MIGRATIONS, NEXT])
    assert version(connection) == len(MIGRATIONS) + 1
    connection.close()


def test_a_newer_file_is_refused(path: Path) -> None:
    """An older program does not touch what it does not know, and says what to do."""
    connection = connect_writer(path, "full")
    migrate(connection, path, "epoch", [*MIGRATIONS, NEXT])
    known = len(MIGRATIONS)
    with pytest.raises(
        JournalCorruptError,
        match=rf"newer version .*\(schema {known + 1}; this one knows {known}\).*Start that version",
    ):
        migrate(connection, path, "epoch")
    connection.close()
