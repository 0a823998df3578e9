"""That every query finds what it needs by an index, however large the journal is."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mission_control.core.events import AgentKey
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores import sqlite_load, sqlite_queries
from mission_control.stores.sqlite_schema import connect_reader
from mission_control.stores.sqlite_writer import Writer
from tests.stores.samples import ALPHA, activity, chunk, final

SCAN = re.compile(r"SCAN (e|events|event_ids|m|messages)\b(?! USING (COVERING )?INDEX)")
"""A walk through a table that grows with the journal. ``USING INDEX`` is a walk in order up to a limit."""

ALL: frozenset[str] = frozenset()
TOOLS = frozenset({"tool.started"})
KINDS = frozenset({"tool.*", "run.*", "stream.gap"})


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
    "feed": lambda c: sqlite_queries.feed(c, None, ALL, 99, 50),
    "feed of an agent": lambda c: sqlite_queries.feed(c, ALPHA, ALL, 99, 50),
    "feed of a kind": lambda c: sqlite_queries.feed(c, None, TOOLS, 99, 50),
    "feed of an agent and a kind": lambda c: sqlite_queries.feed(c, ALPHA, TOOLS, 99, 50),
    "feed of several kinds": lambda c: sqlite_queries.feed(c, None, KINDS, 99, 50),
    "feed of an agent and several kinds": lambda c: sqlite_queries.feed(c, ALPHA, KINDS, 99, 50),
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


def steps(path: Path, rare: int, common: int, key: AgentKey | None) -> int:
    """How many steps SQLite takes for a page of rare kinds, as far down as ``common`` others lie above and below."""
    writer = Writer(path, "normal", lambda: 0, "epoch")
    drafts = [activity(f"rare{n}", f"run.{n % 3}") for n in range(rare)]
    others = [activity(f"other{n}", f"tool.{n % 5}") for n in range(common)]
    writer.append([*others[: common // 2], *drafts, *others[common // 2 :]])
    writer.close()
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection = connect_reader(path)
    connection.set_progress_handler(step, 1)
    assert len(sqlite_queries.feed(connection, key, frozenset({"run.*", "stream.gap"}), None, 10)) == 10
    connection.close()
    return taken


@pytest.mark.parametrize("key", [None, ALPHA])
def test_a_page_of_rare_kinds_costs_what_it_holds(tmp_path: Path, key: AgentKey | None) -> None:
    """However many activities of other kinds there are, and however many of these lie before the page."""
    small, large = steps(tmp_path / "a.db", 60, 20, key), steps(tmp_path / "b.db", 600, 4_000, key)
    assert large <= small * 1.1
