"""Retention in slices: each is one transaction of bounded size, so that appends wait for one slice at most.

First the chunks of finished messages are compacted away, then the oldest events are trimmed, then free space goes back
to the file system. The arithmetic is in docs/journal.md.
"""

import sqlite3
from math import ceil
from typing import Final

import msgspec
from attrs import frozen

from mission_control.stores.journal import Retained, Retention
from mission_control.stores.sqlite_head import Head

SLICE_ROWS: Final = 2_000
SLICE_FINALS: Final = 500
SLICE_PAGES: Final = 256
FREE_PART: Final = 0.125
"""Free pages are kept for new events up to this part of the file; only what is beyond it is given back."""


@frozen
class _Space:
    """Pages of the file, and those of them that hold nothing."""

    page_bytes: int
    pages: int
    free: int

    @property
    def used_bytes(self) -> int:
        return (self.pages - self.free) * self.page_bytes


_NEXT_FINALS: Final = """
    SELECT max(e.offset) FROM (SELECT final FROM messages WHERE final > ? ORDER BY final LIMIT ?) AS m
    JOIN events AS e ON e.offset = m.final WHERE e.committed <= ?
"""
_THEIR_CHUNKS: Final = """
    SELECT json_group_array(offset) FROM (
        SELECT e.offset FROM messages AS m JOIN events AS e ON e.message = m.first
        WHERE m.final > ? AND m.final <= ? ORDER BY e.offset LIMIT ?
    )
"""
_REMOVABLE: Final = "(message IS NULL OR message NOT IN (SELECT first FROM messages WHERE final IS NULL))"
_TRIM_TO: Final = f"""
    SELECT max(offset) FROM (
        SELECT offset, committed, row_number() OVER (ORDER BY offset) AS place FROM (
            SELECT offset, committed FROM events WHERE {_REMOVABLE} ORDER BY offset LIMIT ?
        )
    ) WHERE committed <= ? OR place <= ?
"""  # noqa: S608
_SPACE: Final = """
    SELECT page_size, page_count, freelist_count FROM pragma_page_size, pragma_page_count, pragma_freelist_count
"""


def retain(connection: sqlite3.Connection, head: Head, policy: Retention, now: int) -> Retained:
    """One slice of whatever is due first. ``more`` is true as long as a slice did something."""
    connection.execute("BEGIN IMMEDIATE")
    head.fold(connection)
    compacted = _compact(connection, head, int(now - policy.compact_after_s * 1000))
    removed = 0 if compacted else _trim(connection, head, policy, now)
    if compacted or removed:
        connection.execute(
            "UPDATE journal SET floor = ?, trimmed_to = ?, compacted_to = ?, events = ?",
            (head.floor, head.trimmed_to, head.compacted_to, head.events),
        )
    connection.execute("COMMIT")
    more = bool(compacted or removed) or _give_back(connection)
    return Retained(removed, compacted, head.floor, more)


def _compact(connection: sqlite3.Connection, head: Head, horizon: int) -> int:
    """Delete chunks of the messages whose finals come next after ``compacted_to`` and were committed by ``horizon``.

    Going by the finals, not by the chunks, a message that stayed open for long needs no special care.
    """
    chunks: list[int] = []
    while not chunks:
        (up_to,) = connection.execute(_NEXT_FINALS, (head.compacted_to, SLICE_FINALS, horizon)).fetchone()
        if up_to is None:
            return 0
        (text,) = connection.execute(_THEIR_CHUNKS, (head.compacted_to, up_to, SLICE_ROWS)).fetchone()
        chunks = msgspec.json.decode(text)
        if len(chunks) < SLICE_ROWS:
            head.compacted_to = up_to
    _delete(connection, "offset IN (SELECT value FROM json_each(?))", text)
    head.events -= len(chunks)
    head.floor = max(head.floor, *chunks)
    return len(chunks)


def _trim(connection: sqlite3.Connection, head: Head, policy: Retention, now: int) -> int:
    """Delete the oldest events that are beyond age, number or size, and the messages that end there."""
    excess = max(head.events - policy.max_events, _excess_by_size(connection, head.events, policy.max_bytes))
    horizon = int(now - policy.max_age_s * 1000)
    (up_to,) = connection.execute(_TRIM_TO, (SLICE_ROWS, horizon, excess)).fetchone()
    if up_to is None:
        return 0
    removed = _delete(connection, f"offset <= ? AND {_REMOVABLE}", up_to)
    connection.execute("DELETE FROM messages WHERE final <= ?", (up_to,))
    head.ledger.projection.forget(up_to)
    head.events -= removed
    head.trimmed_to = max(head.trimmed_to, up_to)
    head.floor = max(head.floor, up_to)
    return removed


def _delete(connection: sqlite3.Connection, condition: str, parameter: object) -> int:
    """Delete events and their ids, which folding has brought together; gives how many."""
    ids = f"DELETE FROM event_ids WHERE event_id IN (SELECT event_id FROM events WHERE {condition})"  # noqa: S608
    connection.execute(ids, (parameter,))
    return connection.execute(f"DELETE FROM events WHERE {condition}", (parameter,)).rowcount  # noqa: S608


def _excess_by_size(connection: sqlite3.Connection, events: int, max_bytes: int) -> int:
    """About how many events must go for the used pages to fit."""
    used = _space(connection).used_bytes
    if used <= max_bytes:
        return 0
    return ceil(events * (used - max_bytes) / used)


def _give_back(connection: sqlite3.Connection) -> bool:
    """Shorten the file by some of its free pages; false when few enough are left."""
    space = _space(connection)
    beyond = ceil(space.free - FREE_PART * space.pages)
    if beyond <= 0:
        return False
    # A step of this statement frees one page. Only executescript() steps to the end: execute() stops after the first.
    connection.executescript(f"PRAGMA incremental_vacuum({min(beyond, SLICE_PAGES)})")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return _space(connection).pages < space.pages


def _space(connection: sqlite3.Connection) -> _Space:
    return _Space(*connection.execute(_SPACE).fetchone())
