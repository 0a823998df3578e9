"""What the writer holds in memory at the journal's head, and how it gets into the file.

Chunks outnumber everything, so an append writes their rows and nothing that grows: no text so far, no view of an
agent. Views, sequences and the index of event ids are *folded* into the file now and then (:data:`FOLD_EVERY`);
``sqlite_load.py`` takes them from there and applies the events that came after. What an append must not leave to that,
the first and last offset of each message, is written with the events.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import Factory, define

from mission_control.core.events import NO_AGENT, AgentKey, Chunk, Draft, encode
from mission_control.core.events import Final as FinalPayload
from mission_control.core.ledger import Entry, Ledger
from mission_control.core.positions import Position
from mission_control.core.projection import began_at
from mission_control.core.subscription import Bounds
from mission_control.stores.sqlite_rows import Row, event_row, insert, present

FOLD_EVERY: Final = 4_096
"""Events between two folds: at most this many are applied again when the journal is opened."""

Source: TypeAlias = tuple[str, str | None]
"""(gateway, agent_id) as they stand in an event; agent_id is None for ``system.status``."""


@define
class Head:
    """The ledger, and where everything stands in the file.

    ``agents`` maps a source to its key in the file, ``opened`` an open message to the offset of its first chunk.
    ``floor``, ``trimmed_to`` and ``compacted_to`` are retention's; ``events`` counts rows. ``unfolded`` and
    ``unfolded_ids`` are the sources and ids of the events after ``folded_to``. ``positions`` are those of all agents.
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
    positions: dict[AgentKey, Position] = Factory(dict)

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

    def move(self, connection: sqlite3.Connection, positions: Mapping[AgentKey, Position]) -> None:
        """Write positions inside the caller's transaction."""
        self.positions.update(positions)
        rows: list[Row] = [(*key, encode(position).decode()) for key, position in positions.items()]
        insert(connection, "positions", rows, _MOVES)

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
_MOVES: Final = "ON CONFLICT (gateway, agent_id) DO UPDATE SET position = excluded.position"
_AGENT_FOLDS: Final = "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, view = excluded.view"
