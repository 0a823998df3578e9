"""That every query finds what it needs by an index, however large the journal is."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores import sqlite_load, sqlite_queries
from mission_control.stores.sqlite_schema import connect_reader
from mission_control.stores.sqlite_writer import Writer
from tests.stores.samples import ALPHA, activity, chunk, final

SCAN = re.compile(r"SCAN (e|events|event_ids|m|messages)\b(?! USING (COVERING )?INDEX)")
"""A walk through a table that grows with the journal. ``USING INDEX`` is a walk in order up to a limit."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    writer = Writer(tmp_path / "journal.db", "normal", lambda: 0, "epoch")
    writer.append([chunk("m", 0), final("m"), activity("t")])
    writer.close()
    connection = connect_reader(tmp_path / "journal.db")
    yield connection
    connection.close()


def plans(connection: sqlite3.Connection, call: Callable[[], object]) -> list[str]:
    """The plan of every query that a call makes, line by line."""
    queries: list[str] = []
    connection.set_trace_callback(queries.append)
    call()
    connection.set_trace_callback(None)
    assert queries
    rows = [connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in queries]
    return [line for plan in rows for *_, line in plan]


CALLS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "conversation": lambda c: sqlite_queries.conversation(c, ALPHA, None, None, 50),
    "conversation before": lambda c: sqlite_queries.conversation(c, ALPHA, None, 99, 50),
    "conversation of a session": lambda c: sqlite_queries.conversation(c, ALPHA, "main", 99, 50),
    "feed": lambda c: sqlite_queries.feed(c, None, None, 99, 50),
    "feed of an agent": lambda c: sqlite_queries.feed(c, ALPHA, None, 99, 50),
    "feed of a kind": lambda c: sqlite_queries.feed(c, None, "tool.started", 99, 50),
    "feed of an agent and a kind": lambda c: sqlite_queries.feed(c, ALPHA, "tool.started", 99, 50),
    "read": lambda c: sqlite_queries.read(c, 0, 100, EVERYTHING),
    "read of an agent": lambda c: sqlite_queries.read(c, 0, 100, Filter(agents=frozenset({"alpha"}))),
    "read of types": lambda c: sqlite_queries.read(c, 0, 100, Filter(types=frozenset({"activity.event"}))),
    "oldest": sqlite_queries.oldest_at,
    "load": sqlite_load.load,
    "known": lambda c: sqlite_load.load(c).known(c, [activity("t"), activity("u")]),
    "finished": lambda c: sqlite_load.load(c).finished(c, [final("m"), final("n")]),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_query_walks_through_the_journal(connection: sqlite3.Connection, name: str) -> None:
    """No plan scans a table that grows, and none builds an index of its own."""
    lines = plans(connection, lambda: CALLS[name](connection))
    assert [line for line in lines if SCAN.search(line) or "AUTOMATIC" in line] == []


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith(("conversation", "feed"))])
def test_pages_of_history_need_no_sorting(connection: sqlite3.Connection, name: str) -> None:
    """A page comes out of its index in order: its cost is that of the page, not of what lies before it."""
    lines = plans(connection, lambda: CALLS[name](connection))
    assert [line for line in lines if "TEMP B-TREE" in line] == []
