"""What the SQLite journal is asked: pages of events, of finished messages and of activities, each by an index."""

import sqlite3
from collections.abc import Sequence, Set
from typing import Any, Final

import msgspec

from mission_control.core.events import AgentKey, Event
from mission_control.core.kinds import beginning
from mission_control.core.subscription import Bounds, Filter
from mission_control.core.views import MessageView
from mission_control.stores.journal import Page
from mission_control.stores.sqlite_rows import (
    ACTIVITY_CODE,
    ENDED,
    ENVELOPE,
    TYPE_CODES,
    array,
    decode_ended,
    decode_events,
)

SCAN_WINDOW: Final = 20_000
"""Most offsets that one page of a filtered read looks at, so that a rare match cannot hold up the other readers."""

PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page of events ends early when its payloads reach this size."""

_NEVER: Final = 2**63 - 1
_AFTER_DOT: Final = chr(ord(".") + 1)

_MESSAGES: Final = """
    FROM messages AS m CROSS JOIN events AS e ON e.offset = m.final JOIN agents AS a ON a.id = m.agent
    WHERE m.agent = (SELECT id FROM agents WHERE gateway = :gateway AND agent_id = :agent_id) AND m.final < :before
"""
_ACTIVITIES: Final = "FROM events AS e CROSS JOIN agents AS a ON a.id = e.agent"
_OF_ALL_KINDS: Final = f"e.type = {ACTIVITY_CODE} AND e.kind IS NOT NULL {{of_agent}} AND e.offset < :before"
# The index has the activities of each kind in order of offset, but those of a family only kind by kind. So a family is
# taken apart into the kinds that there are, by a step to the next one for each; of every kind comes one page at most,
# and of these together one page. What lies before it is not looked at, however rare the kinds are.
_OF_KINDS: Final = """
    e.offset IN (
        WITH RECURSIVE kinds (kind, below) AS (
            SELECT value, NULL FROM json_each(:kinds)
            UNION ALL
            SELECT (SELECT min(e.kind) FROM events AS e WHERE e.kind >= key AND e.kind < value {of_agent}), value
            FROM json_each(:families)
            UNION ALL
            SELECT (SELECT min(e.kind) FROM events AS e WHERE e.kind > kinds.kind AND e.kind < below {of_agent}), below
            FROM kinds WHERE kinds.kind IS NOT NULL AND below IS NOT NULL
        )
        SELECT page.offset FROM kinds CROSS JOIN events AS page ON page.offset IN (
            SELECT e.offset FROM events AS e WHERE e.kind = kinds.kind {of_agent} AND e.offset < :before
            ORDER BY e.offset DESC LIMIT :limit
        )
    )
"""
_OF_AGENT: Final = "AND e.agent = (SELECT id FROM agents WHERE gateway = :gateway AND agent_id = :agent_id)"


def conversation(
    connection: sqlite3.Connection, key: AgentKey, session: str | None, before: int | None, limit: int
) -> Sequence[MessageView]:
    """Finals of an agent, newest first."""
    in_session = "" if session is None else "AND m.session = :session"
    sql = array(f"SELECT {ENDED} AS item {_MESSAGES} {in_session} ORDER BY m.final DESC LIMIT :limit")
    gateway, agent_id = key
    names = {
        "gateway": gateway,
        "agent_id": agent_id,
        "session": session,
        "before": _or_never(before),
        "limit": limit,
    }
    (text,) = connection.execute(sql, names).fetchone()
    return decode_ended(text)[::-1]


def newest_finals(connection: sqlite3.Connection, key: AgentKey, limit: int) -> Sequence[MessageView]:
    """The newest finals of an agent, oldest first."""
    return conversation(connection, key, None, None, limit)[::-1]


def feed(
    connection: sqlite3.Connection, key: AgentKey | None, kinds: Set[str], before: int | None, limit: int
) -> Sequence[Event]:
    """Activities, newest first. ``kinds`` as in :mod:`mission_control.core.kinds`."""
    names: dict[str, Any] = {"before": _or_never(before), "limit": limit}
    if key is not None:
        names["gateway"], names["agent_id"] = key
    if kinds:
        names |= _kinds(kinds)
    conditions = (_OF_KINDS if kinds else _OF_ALL_KINDS).format(of_agent="" if key is None else _OF_AGENT)
    sql = array(f"SELECT {ENVELOPE} AS item {_ACTIVITIES} WHERE {conditions} ORDER BY e.offset DESC LIMIT :limit")
    (text,) = connection.execute(sql, names).fetchone()
    return decode_events(text)[::-1]


def read(connection: sqlite3.Connection, after: int, limit: int, select: Filter) -> Page:
    """A page of events in offset order, with the bounds that the journal had at that moment."""
    conditions, names = _conditions(select)
    window = SCAN_WINDOW if conditions else _NEVER // 2
    names |= {"after": after, "limit": limit, "window": window, "bytes": PAGE_BYTES}
    row = connection.execute(_PAGE.format(envelope=ENVELOPE, conditions=conditions), names).fetchone()
    epoch, floor, trimmed_to, head, first, found, text = row
    events = decode_events(text)
    if events and (found == limit or len(events) < found):
        scanned_to = events[-1].offset or after
    else:
        scanned_to = head if first is None else min(head, first + window - 1)
    return Page(events, max(after, scanned_to), Bounds(epoch, floor, head), trimmed_to)


_PAGE: Final = """
    WITH state AS (
        SELECT epoch, floor, trimmed_to, max(folded_to, ifnull((SELECT max(offset) FROM events), 0)) AS head,
            (SELECT min(offset) FROM events WHERE offset > :after) AS first
        FROM journal
    ), page AS (
        SELECT e.offset AS offset, length(e.payload) AS size
        FROM events AS e CROSS JOIN agents AS a ON a.id = e.agent
        WHERE e.offset > :after AND e.offset < (SELECT min(offset) FROM events WHERE offset > :after) + :window
        {conditions}
        ORDER BY e.offset LIMIT :limit
    ), sized AS (
        SELECT offset, sum(size) OVER (ORDER BY offset ROWS UNBOUNDED PRECEDING) - size AS preceding FROM page
    )
    SELECT epoch, floor, trimmed_to, head, first, count(sized.offset), '[' || ifnull(group_concat(
        CASE WHEN preceding < :bytes THEN (
            SELECT {envelope} FROM events AS e JOIN agents AS a ON a.id = e.agent WHERE e.offset = sized.offset
        ) END, ','), '') || ']'
    FROM state LEFT JOIN sized
"""


def oldest_at(connection: sqlite3.Connection) -> int | None:
    """When the oldest event was emitted, in ms."""
    row = connection.execute("SELECT timestamp FROM events WHERE offset = (SELECT min(offset) FROM events)").fetchone()
    return None if row is None else row[0]


def _or_never(offset: int | None) -> int:
    return _NEVER if offset is None else offset


def _kinds(patterns: Set[str]) -> dict[str, str]:
    """The parameters of :data:`_OF_KINDS`: single kinds, and for each family the bounds that its kinds lie between."""
    families = {begin: f"{begin[:-1]}{_AFTER_DOT}" for one in patterns if (begin := beginning(one)) is not None}
    kinds = [one for one in patterns if beginning(one) is None]
    return {"kinds": msgspec.json.encode(kinds).decode(), "families": msgspec.json.encode(families).decode()}


def _conditions(select: Filter) -> tuple[str, dict[str, Any]]:
    """The filter as SQL over an event ``e`` of agent ``a``, with its parameters."""
    sql = ""
    names: dict[str, Any] = {}
    if select.types:
        codes = [code for name, code in TYPE_CODES.items() if select.admits_type(name)]
        sql += f" AND e.type IN ({','.join(map(str, codes))})"
    if select.gateways:
        sql += " AND a.gateway IN (SELECT value FROM json_each(:gateways))"
        names["gateways"] = msgspec.json.encode(sorted(select.gateways)).decode()
    if select.agents:
        sql += " AND (a.agent_id IS NULL OR a.agent_id IN (SELECT value FROM json_each(:agents)))"
        names["agents"] = msgspec.json.encode(sorted(select.agents)).decode()
    return sql, names
