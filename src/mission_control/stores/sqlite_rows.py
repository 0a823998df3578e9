"""Between rows and values.

The interpreter's lock changes hands at every step of a statement, and under a busy event loop each change can take
5 ms. So rows go in many to a statement, and come out as one JSON text a query: SQLite builds exactly the envelope's
JSON, msgspec decodes it, and a page of a thousand events costs the loop no more than a page of one.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec
from attrs import frozen

from mission_control.core.events import Activity, Event, EventType, decode_payload
from mission_control.core.events import Final as FinalPayload
from mission_control.core.ledger import Entry
from mission_control.core.projection import finished
from mission_control.core.views import MessageView

Row = tuple[Any, ...]

MAX_ROWS: Final = 512
"""Most rows a statement takes; with ten columns that is well under SQLite's 32,766 parameters."""

TYPE_CODES: Final[dict[str, int]] = {
    EventType.CHUNK: 1,
    EventType.FINAL: 2,
    EventType.ACTIVITY: 3,
    EventType.HEARTBEAT: 4,
    EventType.STATUS: 5,
}
ACTIVITY_CODE: Final = TYPE_CODES[EventType.ACTIVITY]

_TYPE_NAME: Final = " ".join(f"WHEN {code} THEN '{name}'" for name, code in TYPE_CODES.items())

ENVELOPE: Final = (
    """'{"event_id":' || json_quote(e.event_id) || ',"timestamp":' || e.timestamp"""
    """ || ',"agent_id":' || json_quote(a.agent_id)"""
    f""" || ',"type":"' || CASE e.type {_TYPE_NAME} END || '","payload":' || e.payload"""
    """ || ',"sequence":' || e.sequence || ',"gateway":' || json_quote(a.gateway)"""
    """ || ',"offset":' || e.offset || '}'"""
)
"""SQL for the envelope of event ``e`` of agent ``a`` as JSON text."""

ENDED: Final = f"""'{{"began":' || m.began || ',"event":' || {ENVELOPE} || '}}'"""
"""SQL for the final ``e`` of message ``m``, for :func:`decode_ended`."""


@frozen
class _Ended:
    began: int
    event: Event


_events = msgspec.json.Decoder(list[Event])
_ended = msgspec.json.Decoder(list[_Ended])


def array(select: str) -> str:
    """SQL that gives the one column of ``select`` as the text of a JSON array, in one row."""
    return f"SELECT '[' || ifnull(group_concat(item, ','), '') || ']' FROM ({select})"  # noqa: S608


def decode_events(text: str) -> list[Event]:
    """Events from an array of :data:`ENVELOPE`, in offset order."""
    # The order in which group_concat meets its rows is promised by no one, so it is made here.
    return sorted(_events.decode(text), key=attrgetter("offset"))


def decode_ended(text: str) -> list[MessageView]:
    """Finished messages from an array of :data:`ENDED`, in the order of their finals' offsets."""
    views = [_view(item) for item in _ended.decode(text)]
    return sorted(views, key=attrgetter("offset"))


def event_row(entry: Entry, agent: int, message: int | None, committed: int) -> Row:
    """A journaled event as a row of ``events``."""
    event = entry.event
    kind = entry.payload.kind if isinstance(entry.payload, Activity) else None
    return (
        event.offset,
        event.event_id,
        agent,
        event.sequence,
        event.timestamp,
        committed,
        TYPE_CODES[event.type],
        message,
        kind,
        str(event.payload, "utf-8"),
    )


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Row], conflict: str = "") -> None:
    """Insert rows of equal width, :data:`MAX_ROWS` to a statement. The first column of a row is never None."""
    for begin in range(0, len(rows), MAX_ROWS):
        part = rows[begin : begin + MAX_ROWS]
        width = len(part[0])
        size = _statement_size(len(part))
        values = [value for row in part for value in row]
        values += [None] * (size * width - len(values))
        connection.execute(_insert_sql(into, width, size, conflict), values)


def present(connection: sqlite3.Connection, select: str, candidates: Sequence[str]) -> list[str]:
    """Those candidates that ``select``, a query for one column that ends in ``IN``, finds."""
    found: list[str] = []
    for begin in range(0, len(candidates), MAX_ROWS):
        part = candidates[begin : begin + MAX_ROWS]
        size = _statement_size(len(part))
        values = [*part, *[None] * (size - len(part))]
        (text,) = connection.execute(_present_sql(select, size), values).fetchone()
        found += msgspec.json.decode(text)
    return found


def _statement_size(count: int) -> int:
    """The next power of two: few different statements, so that all stay prepared; what is left over is NULL."""
    return 1 << (count - 1).bit_length()


@cache
def _insert_sql(into: str, width: int, size: int, conflict: str) -> str:
    row = f"({','.join('?' * width)})"
    values = ",".join([row] * size)
    return f"INSERT INTO {into} SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL {conflict}"  # noqa: S608


@cache
def _present_sql(select: str, size: int) -> str:
    return f"SELECT json_group_array(item) FROM ({select} ({','.join('?' * size)}))"  # noqa: S608


def _view(item: _Ended) -> MessageView:
    payload = decode_payload(item.event.type, item.event.payload)
    assert isinstance(payload, FinalPayload)
    return finished(item.event, payload, item.began)
