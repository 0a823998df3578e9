"""The agents of a gateway and a journal, without tasks and without a file: what stands behind a dialect.

It does what the agent and persistence actors do with the real cores of both, at once and in order, and holds
everything that comes out of them to what subscribers are promised.
"""

from collections.abc import Sequence

from attrs import define, field

from actors.agent import RECENT_ACTIVITIES, RECENT_FINALS
from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Event, Final
from mission_control.core.ledger import Entry, Ledger, left_out
from mission_control.core.past import FINALS_KEPT
from mission_control.core.positions import Position
from mission_control.core.projection import began_at, finished
from mission_control.core.signals import LinkUp, Missed, Signal, Told
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.core.telling import told_drafts
from mission_control.core.views import MessageView, Snapshot
from tests.fuzz.exact import Reader, check_draft

EPOCH = "fuzzed"


@define
class Journal:
    """As :class:`mission_control.stores.memory.MemoryJournal` is, but nothing waits."""

    events: list[Event] = field(factory=list)
    """All of them, ephemeral ones too."""
    positions: dict[AgentKey, Position] = field(factory=dict)
    _ledger: Ledger = field(factory=lambda: Ledger(EPOCH))
    _reader: Reader = field(factory=Reader)
    _ids: set[str] = field(factory=set)
    _finals: dict[str, MessageView] = field(factory=dict)
    _activities: dict[AgentKey, list[tuple[int, Activity]]] = field(factory=dict)

    def append(self, drafts: Sequence[Draft]) -> None:
        if not drafts:
            return
        for draft in drafts:
            check_draft(draft)
        said = {draft.payload.message_id for draft in drafts if isinstance(draft.payload, Chunk | Final)}
        began = {name: view.timestamp for name in said if (view := self._ledger.projection.open.get(name)) is not None}
        known = {draft.event_id for draft in drafts} & self._ids
        entries, _ = self._ledger.admit(drafts, known, said & self._finals.keys())
        for entry in entries:
            self._reader.read(entry.event, entry.payload)
            self.events.append(entry.event)
            if entry.event.offset is not None:
                self._keep(entry, began)

    def _keep(self, entry: Entry, began: dict[str, int]) -> None:
        event, payload = entry.event, entry.payload
        self._ids.add(event.event_id)
        if isinstance(payload, Activity):
            self._activities.setdefault(event.key, []).append((event.timestamp, payload))
        elif isinstance(payload, Final):
            at = began.get(payload.message_id, began_at(event, payload))
            self._finals[payload.message_id] = finished(event, payload, at)

    @property
    def cursor(self) -> Cursor:
        return Cursor(EPOCH, self._ledger.head)

    def snapshot(self) -> Snapshot:
        return self._ledger.projection.snapshot(self.cursor, EVERYTHING)

    def known(self, drafts: Sequence[Draft]) -> set[str]:
        return left_out(drafts, self._ids, self._finals.keys())

    def finals(self, key: AgentKey, most: int, session: str | None = None) -> list[MessageView]:
        """An agent's newest, oldest first."""
        mine = [
            view
            for view in self._finals.values()
            if (view.gateway, view.agent_id) == key and session in (None, view.session)
        ]
        return mine[-most:]

    def restored(self, key: AgentKey, now: int) -> AgentCore:
        """An agent as its actor begins."""
        view, opened = self._ledger.projection.recall(key)
        recent = self.finals(key, RECENT_FINALS)
        core = AgentCore(key)
        core.restore(
            view,
            opened,
            recent,
            now,
            activities=self._activities.get(key, [])[-RECENT_ACTIVITIES:],
            everything=len(recent) < RECENT_FINALS,
            position=self.positions.get(key),
        )
        return core


@define
class Daemon:
    """What a dialect's orders come to. ``up``: the gateway is being heard."""

    gateway: str
    journal: Journal = field(factory=Journal)
    agents: dict[str, AgentCore] = field(factory=dict)
    up: bool = False
    missed: LinkUp | Missed | None = None
    _named: dict[str, tuple[int, object]] = field(factory=dict)

    def restart(self, now: int) -> None:
        """It dies, and has its journal."""
        self.up = False
        known = [view.id for view in self.journal.snapshot().agents]
        self.agents = {agent_id: self.journal.restored((self.gateway, agent_id), now) for agent_id in known}

    def deliver(self, agent_id: str, signal: Signal, now: int) -> None:
        core = self.agents.get(agent_id)
        if core is None:
            core = self.agents[agent_id] = self.journal.restored((self.gateway, agent_id), now)
            if self.up and self.missed is not None:
                core.begin(self.missed, now)
        if (session := core.unknown_past(signal)) is not None:
            core.conversation.recall(session, self.journal.finals(core.key, FINALS_KEPT, session))
        if isinstance(signal, Told) and self._is_misnamed(signal):
            return
        if isinstance(signal, Told) and core.telling.is_unsure(signal):
            core.telling.look_up([signal], self.journal.known(told_drafts(core.key, [signal])))
        self._commit(core, core.handle(signal, now))

    def broadcast(self, signal: Signal, now: int) -> None:
        if isinstance(signal, LinkUp | Missed):
            self.missed = signal
        for agent_id in list(self.agents):
            self.deliver(agent_id, signal, now)

    def due(self, now: int) -> int | None:
        """When an agent is to be woken."""
        times = [due for core in self.agents.values() if (due := core.due(now)) is not None]
        return min(times, default=None)

    def tick(self, now: int) -> None:
        for core in list(self.agents.values()):
            self._commit(core, core.tick(now))
            again = core.due(now)
            assert again is None or again > now, "an agent wants to be woken again and again"

    def _is_misnamed(self, told: Told) -> bool:
        """Whether a source gives an event the id of another one, which docs/envelope.md says that it must not."""
        named = told.sequence, told.payload
        return self._named.setdefault(told.event_id, named) != named

    def _commit(self, core: AgentCore, drafts: Sequence[Draft]) -> None:
        self.journal.append(drafts)
        if core.telling.position is not None:
            self.journal.positions[core.key] = core.telling.position
