"""What the writer holds in memory at the journal's head, how it is loaded, and how it is written.

Chunks outnumber everything, so an append writes their rows and nothing that grows: no text so far, no view of an
agent. Views and sequences are *folded* into the file now and then (:data:`FOLD_EVERY`); loading takes them from there
and applies the events that came after. What an append must not leave to that, the first and last offset of each
message, is written with the events.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

import msgspec
from attrs import Factory, define, frozen

from mission_control.core import projection as limits
from mission_control.core.events import NO_AGENT, AgentKey, Chunk, Draft, Event, decode_payload, encode
from mission_control.core.events import Final as FinalPayload
from mission_control.core.ledger import Entry, Ledger
from mission_control.core.projection import began_at
from mission_control.core.subscription import Bounds
from mission_control.core.views import AgentView, GatewayView
from mission_control.stores.sqlite_rows import (
    ACTIVITY_CODE,
    ENDED,
    ENVELOPE,
    Row,
    array,
    decode_ended,
    decode_events,
    event_row,
    insert,
    present,
)

FOLD_EVERY: Final = 4_096
"""Events between two folds: at most this many are applied again when the journal is opened."""

REPLAY_PAGE: Final = 1_000

Source: TypeAlias = tuple[str, str | None]
"""(gateway, agent_id) as they stand in an event; agent_id is None for ``system.status``."""


@frozen
class _Agent:
    """A row of ``agents``."""

    id: int
    gateway: str
    agent_id: str | None
    sequence: int
    view: AgentView | None


_agents = msgspec.json.Decoder(list[_Agent])
_gateways = msgspec.json.Decoder(list[GatewayView])
_opened = msgspec.json.Decoder(dict[str, int])


@define
class Head:
    """The ledger, and where everything stands in the file.

    ``agents`` maps a source to its key in the file, ``opened`` an open message to the offset of its first chunk.
    ``floor``, ``trimmed_to`` and ``compacted_to`` are retention's; ``events`` counts rows. ``unfolded`` holds the
    sources with events after ``folded_to``.
    """

    ledger: Ledger
    floor: int
    trimmed_to: int
    compacted_to: int
    folded_to: int
    events: int
    agents: dict[Source, int] = Factory(dict)
    opened: dict[str, int] = Factory(dict)
    unfolded: set[Source] = Factory(set)
    unfolded_ids: set[str] = Factory(set)

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.ledger.epoch, self.floor, self.ledger.head)

    def known(self, connection: sqlite3.Connection, drafts: Iterable[Draft]) -> set[str]:
        """The event ids among the drafts that are stored."""
        candidates = {draft.event_id for draft in drafts}
        recent = candidates & self.unfolded_ids
        folded = present(connection, "SELECT event_id AS item FROM event_ids WHERE event_id IN", [*candidates - recent])
        return recent.union(folded)

    def finished(self, connection: sqlite3.Connection, drafts: Iterable[Draft]) -> list[str]:
        """The message ids among the drafts whose final is stored."""
        candidates = {
            draft.payload.message_id
            for draft in drafts
            if isinstance(draft.payload, Chunk | FinalPayload) and draft.payload.message_id not in self.opened
        }
        return present(connection, "SELECT message_id AS item FROM messages WHERE message_id IN", list(candidates))

    def store(self, connection: sqlite3.Connection, entries: Sequence[Entry], committed: int) -> None:
        """Write journaled entries inside the caller's transaction."""
        agents: list[Row] = []
        events: list[Row] = []
        messages: dict[int, Row] = {}
        for entry in entries:
            source = (entry.event.gateway, entry.event.agent_id)
            agent = self.agents.get(source)
            if agent is None:
                agent = self.agents[source] = len(self.agents) + 1
                agents.append((agent, *source))
            self.unfolded.add(source)
            self.unfolded_ids.add(entry.event.event_id)
            message = self._message(entry, agent, messages)
            events.append(event_row(entry, agent, message, committed))
        insert(connection, "agents (id, gateway, agent_id)", agents)
        insert(connection, "events", events)
        insert(connection, "messages", list(messages.values()), _MESSAGE_ENDS)
        self.events += len(events)
        if self.ledger.head - self.folded_to >= FOLD_EVERY:
            self.fold(connection)

    def fold(self, connection: sqlite3.Connection) -> None:
        """Write what changed since the last fold inside the caller's transaction."""
        if not self.unfolded:
            return
        ledger, projection = self.ledger, self.ledger.projection
        agents: list[Row] = []
        for source in self.unfolded:
            key = NO_AGENT if source[1] is None else source
            view = projection.agents.get(key)
            text = None if view is None else encode(view).decode()
            agents.append((self.agents[source], *source, ledger.sequences[key], text))
        gateways = [(view.id, encode(view).decode()) for view in projection.gateways.values()]
        connection.execute(_IDS_FOLD, (self.folded_to,))
        insert(connection, "agents", agents, _AGENT_FOLDS)
        insert(connection, "gateways", gateways, "ON CONFLICT (id) DO UPDATE SET view = excluded.view")
        connection.execute(
            "UPDATE journal SET folded_to = ?, events = ?, finals_after = ?",
            (ledger.head, self.events, projection.finals_after),
        )
        self.folded_to = ledger.head
        self.unfolded.clear()
        self.unfolded_ids.clear()

    def _message(self, entry: Entry, agent: int, rows: dict[int, Row]) -> int | None:
        """Note what an event does to its message's row; gives the ``message`` column of the event's own row."""
        payload, offset = entry.payload, entry.event.offset or 0
        if isinstance(payload, Chunk):
            first = self.opened.setdefault(payload.message_id, offset)
            if first == offset:
                rows[first] = (first, payload.message_id, agent, payload.session, entry.event.timestamp, None)
            return first
        if isinstance(payload, FinalPayload):
            first = self.opened.pop(payload.message_id, offset)
            began = rows[first][4] if first in rows else began_at(entry.event, payload)
            rows[first] = (first, payload.message_id, agent, payload.session, began, offset)
        return None


# The row of a message that an earlier append opened keeps the time when it began.
_MESSAGE_ENDS: Final = "ON CONFLICT (first) DO UPDATE SET session = excluded.session, final = excluded.final"
_IDS_FOLD: Final = "INSERT INTO event_ids SELECT event_id FROM events WHERE offset > ? ORDER BY event_id"
_AGENT_FOLDS: Final = "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, view = excluded.view"

# CROSS JOIN keeps SQLite to the order in which the tables are written (tests/stores/test_plans.py).
_EVENTS: Final = "events AS e CROSS JOIN agents AS a ON a.id = e.agent"

_GATEWAYS: Final = array("SELECT view AS item FROM gateways ORDER BY rowid")
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
    """The head as the file has it: what was folded, then the events since."""
    columns = "epoch, floor, trimmed_to, compacted_to, folded_to, events, finals_after"
    state = connection.execute(f"SELECT {columns} FROM journal").fetchone()  # noqa: S608
    epoch, floor, trimmed_to, compacted_to, folded_to, events, finals_after = state
    head = Head(Ledger(epoch, head=folded_to), floor, trimmed_to, compacted_to, folded_to, events)
    head.ledger.projection.finals_after = finals_after
    _load_agents(connection, head)
    _load_messages(connection, head)
    _replay(connection, head)
    return head


def _load_agents(connection: sqlite3.Connection, head: Head) -> None:
    projection, sequences = head.ledger.projection, head.ledger.sequences
    (text,) = connection.execute(_GATEWAYS).fetchone()
    for view in _gateways.decode(text):
        projection.put_gateway(view)
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
