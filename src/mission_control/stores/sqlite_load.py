"""How the head comes out of the file: what was folded, then the events since."""

import sqlite3
from operator import attrgetter
from typing import Final

import msgspec
from attrs import frozen

from mission_control.core import projection as limits
from mission_control.core.events import NO_AGENT, AgentKey, Chunk, Event, decode_payload
from mission_control.core.ledger import Ledger
from mission_control.core.positions import Position
from mission_control.core.views import AgentView, GatewayView
from mission_control.stores.sqlite_head import Head
from mission_control.stores.sqlite_rows import ACTIVITY_CODE, ENDED, ENVELOPE, array, decode_ended, decode_events

REPLAY_PAGE: Final = 1_000
"""Events that are applied again at a time."""


@frozen
class _Agent:
    """A row of ``agents``."""

    id: int
    gateway: str
    agent_id: str | None
    sequence: int
    view: AgentView | None


_agents = msgspec.json.Decoder(list[_Agent])
_gateway = msgspec.json.Decoder(GatewayView)
_position = msgspec.json.Decoder(Position)
_opened = msgspec.json.Decoder(dict[str, int])


# CROSS JOIN keeps SQLite to the order in which the tables are written (tests/stores/test_plans.py).
_EVENTS: Final = "events AS e CROSS JOIN agents AS a ON a.id = e.agent"

_AGENTS: Final = array("""
    SELECT '{"id":' || id || ',"gateway":' || json_quote(gateway) || ',"agent_id":' || json_quote(agent_id)
        || ',"sequence":' || sequence || ',"view":' || ifnull(view, 'null') || '}' AS item FROM agents
""")
_OPENED: Final = "SELECT json_group_object(message_id, first) FROM messages WHERE final IS NULL"
_OPEN_CHUNKS: Final = array(f"""
    SELECT {ENVELOPE} AS item FROM {_EVENTS} WHERE e.offset <= :folded_to AND e.message IN (
        SELECT first FROM messages WHERE final IS NULL
        UNION ALL SELECT first FROM messages WHERE final > :folded_to
    )
""")  # noqa: S608
_NEWEST_FINALS: Final = array(f"""
    SELECT {ENDED} AS item FROM agents AS a CROSS JOIN messages AS m CROSS JOIN events AS e ON e.offset = m.final
    WHERE m.final IN (
        SELECT final FROM messages WHERE agent = a.id AND final > :finals_after AND final <= :folded_to
        ORDER BY final DESC LIMIT :finals_per_agent
    )
""")  # noqa: S608
_NEWEST_ACTIVITIES: Final = array(f"""
    SELECT {ENVELOPE} AS item FROM {_EVENTS}
    WHERE e.type = {ACTIVITY_CODE} AND e.kind IS NOT NULL AND e.offset <= :folded_to
    ORDER BY e.offset DESC LIMIT :feed_kept
""")  # noqa: S608
_REPLAY: Final = array(f"""
    SELECT {ENVELOPE} AS item FROM {_EVENTS} WHERE e.offset > ? ORDER BY e.offset LIMIT ?
""")  # noqa: S608


def load(connection: sqlite3.Connection) -> Head:
    """The head as the file has it."""
    columns = "epoch, floor, trimmed_to, compacted_to, folded_to, events, finals_after"
    state = connection.execute(f"SELECT {columns} FROM journal").fetchone()  # noqa: S608
    epoch, floor, trimmed_to, compacted_to, folded_to, events, finals_after = state
    head = Head(Ledger(epoch, head=folded_to), floor, trimmed_to, compacted_to, folded_to, events)
    head.ledger.projection.finals_after = finals_after
    _load_agents(connection, head)
    for gateway, agent_id, position in connection.execute("SELECT gateway, agent_id, position FROM positions"):
        head.positions[gateway, agent_id] = _position.decode(position)
    _load_messages(connection, head)
    _replay(connection, head)
    return head


def _load_agents(connection: sqlite3.Connection, head: Head) -> None:
    projection, sequences = head.ledger.projection, head.ledger.sequences
    for (view,) in connection.execute("SELECT view FROM gateways ORDER BY rowid").fetchall():
        projection.put_gateway(_gateway.decode(view))
    (text,) = connection.execute(_AGENTS).fetchone()
    for agent in sorted(_agents.decode(text), key=attrgetter("id")):
        head.agents[agent.gateway, agent.agent_id] = agent.id
        key: AgentKey = NO_AGENT if agent.agent_id is None else (agent.gateway, agent.agent_id)
        sequences[key] = max(agent.sequence, sequences.get(key, 0))
        if agent.view is not None:
            projection.put_agent(agent.view)


def _load_messages(connection: sqlite3.Connection, head: Head) -> None:
    projection = head.ledger.projection
    at = {
        "folded_to": head.folded_to,
        "finals_after": projection.finals_after,
        "finals_per_agent": limits.FINALS_PER_AGENT,
        "feed_kept": limits.FEED_KEPT,
    }
    (text,) = connection.execute(_OPENED).fetchone()
    head.opened.update(_opened.decode(text))
    for event in _fetch_events(connection, _OPEN_CHUNKS, at):
        chunk = decode_payload(event.type, event.payload)
        assert isinstance(chunk, Chunk)
        projection.put_chunk(event, chunk)
    (text,) = connection.execute(_NEWEST_FINALS, at).fetchone()
    for view in decode_ended(text):
        projection.put_final(view)
    for event in _fetch_events(connection, _NEWEST_ACTIVITIES, at):
        projection.put_activity(event)


def _replay(connection: sqlite3.Connection, head: Head) -> None:
    while page := _fetch_events(connection, _REPLAY, (head.ledger.head, REPLAY_PAGE)):
        for event in page:
            head.ledger.restore(event)
            head.unfolded.add((event.gateway, event.agent_id))
            head.unfolded_ids.add(event.event_id)
        head.events += len(page)


def _fetch_events(connection: sqlite3.Connection, sql: str, parameters: object) -> list[Event]:
    (text,) = connection.execute(sql, parameters).fetchone()  # type: ignore[arg-type]
    return decode_events(text)
