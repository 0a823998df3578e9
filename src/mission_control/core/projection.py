"""The fold of events into what an operator sees: one rule per event type, applied in offset order.

The journal keeps one of these in step with every commit, so that a snapshot is exact at its cursor. A subscriber in
Python folds what it hears into one too (``client/view.py``). The dashboard's ``web/lib/fold.ts`` is the same fold in
TypeScript; golden scripts bind them.

Only the newest finals are held here (:data:`FINALS_PER_AGENT` an agent, :data:`FINALS_BYTES` in all); older ones are
the history's business.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from itertools import islice
from typing import Final as Constant

from attrs import evolve
from msgspec import UNSET

from mission_control.core.events import Activity, AgentKey, Chunk, Event, EventType, Final, Heartbeat, Payload, Status
from mission_control.core.open_runs import follow, move_on
from mission_control.core.subscription import Cursor, Filter
from mission_control.core.views import AgentView, GatewayView, MessageView, Snapshot

FINALS_PER_AGENT: Constant = 50
FINALS_BYTES: Constant = 2 * 1024 * 1024
FEED_LENGTH: Constant = 200
FEED_KEPT: Constant = 2_000
"""How many activities are kept, so that a filtered snapshot still finds :data:`FEED_LENGTH` that it admits."""
SESSIONS_PER_AGENT: Constant = 100


class Projection:
    """Gateways, agents, open messages, newest finals and newest activities after the last applied event.

    The ``put_*`` methods load it from storage; :meth:`apply` keeps it current. Loading chunks, finals and activities
    must happen in offset order. ``finals_after`` is the offset of the newest final that had to go for
    :data:`FINALS_BYTES`; storage keeps it, so that loading ends with the same finals as applying did.
    """

    def __init__(self) -> None:
        self.gateways: dict[str, GatewayView] = {}
        self.agents: dict[AgentKey, AgentView] = {}
        self.open: dict[str, MessageView] = {}
        self._finals: OrderedDict[str, MessageView] = OrderedDict()
        self._finals_of: dict[AgentKey, deque[str]] = {}
        self._finals_bytes = 0
        self.finals_after = 0
        self._feed: deque[Event] = deque(maxlen=FEED_KEPT)

    def apply(self, event: Event, payload: Payload) -> None:
        """Fold one event in. ``payload`` is ``event.payload`` decoded.

        Of ephemeral events only heartbeats count: the others leave nothing behind that could be shown again.
        """
        if event.offset is None and not isinstance(payload, Heartbeat):
            return
        match payload:
            case Chunk():
                self._chunk(event, payload)
            case Final():
                self._final(event, payload)
            case Activity():
                self._activity(event, payload)
            case Heartbeat():
                self._heartbeat(event, payload)
            case Status():
                self._status(event, payload)

    def agent(self, key: AgentKey) -> AgentView:
        """The view of an agent, made when it is new."""
        view = self.agents.get(key)
        if view is None:
            gateway, agent_id = key
            view = self.agents[key] = AgentView(id=agent_id or "", gateway=gateway, name=agent_id or "")
        return view

    def put_gateway(self, view: GatewayView) -> None:
        self.gateways[view.id] = view

    def put_agent(self, view: AgentView) -> None:
        view.run = view.runs[-1] if view.runs else None  # the same object again, as its changes are shared
        self.agents[(view.gateway, view.id)] = view

    def put_chunk(self, event: Event, chunk: Chunk) -> None:
        """Add to the text of an open message, or open it."""
        message = self.open.get(chunk.message_id)
        if message is None:
            self.open[chunk.message_id] = _opened(event, chunk)
            return
        message.text += chunk.delta
        message.next_index = chunk.index + 1
        message.offset = event.offset or message.offset

    def put_final(self, view: MessageView) -> None:
        """Add the final of a message that has none yet; it is newer than all finals so far."""
        self.open.pop(view.message_id, None)
        self._finals[view.message_id] = view
        self._finals_bytes += _size(view)
        mine = self._finals_of.setdefault((view.gateway, view.agent_id), deque())
        mine.append(view.message_id)
        if len(mine) > FINALS_PER_AGENT:
            self._drop_final(mine.popleft())
        while self._finals_bytes > FINALS_BYTES and len(self._finals) > 1:
            self.finals_after = self._drop_oldest_final()

    def put_activity(self, event: Event) -> None:
        self._feed.append(event)

    def forget(self, up_to: int) -> None:
        """Drop the finals and activities at or below an offset: storage no longer has them."""
        while self._finals and next(iter(self._finals.values())).offset <= up_to:
            self._drop_oldest_final()
        while self._feed and (self._feed[0].offset or 0) <= up_to:
            self._feed.popleft()

    def snapshot(self, cursor: Cursor, select: Filter) -> Snapshot:
        """What ``select`` admits, copied, so that it stays as it was at ``cursor``."""
        admits = select.admits_agent
        return Snapshot(
            cursor=cursor,
            gateways=[evolve(view) for view in self.gateways.values() if admits(view.id, None)],
            agents=[_copy(view) for view in self.agents.values() if admits(view.gateway, view.id)],
            messages=[*self._admitted_finals(select), *self._admitted_open(select)],
            feed=self.activities(select),
        )

    def activities(self, select: Filter) -> list[Event]:
        """The newest :data:`FEED_LENGTH` activities that ``select`` admits, newest last."""
        return newest_activities(reversed(self._feed), select)

    def messages_of(self, key: AgentKey) -> list[MessageView]:
        """An agent's messages in the order in which they began: by (timestamp, offset)."""
        finals = [self._finals[message_id] for message_id in self._finals_of.get(key, ())]
        opened = [view for view in self.open.values() if (view.gateway, view.agent_id) == key]
        return sorted([*finals, *opened], key=lambda view: (view.timestamp, view.offset))

    def has_final(self, message_id: str) -> bool:
        """Whether this message has ended, as far back as finals are held."""
        return message_id in self._finals

    @property
    def feed_is_whole(self) -> bool:
        """Whether no activity had to go yet for :data:`FEED_KEPT`."""
        return len(self._feed) < FEED_KEPT

    def recall(self, key: AgentKey) -> tuple[AgentView | None, list[MessageView]]:
        """Copies of an agent's view and open messages, oldest first."""
        view = self.agents.get(key)
        opened = [evolve(message) for message in self.open.values() if (message.gateway, message.agent_id) == key]
        return None if view is None else _copy(view), opened

    def _admitted_finals(self, select: Filter) -> list[MessageView]:
        """Finals never change again, so a snapshot may share them."""
        if not select.admits_type(EventType.FINAL):
            return []
        return [view for view in self._finals.values() if select.admits_agent(view.gateway, view.agent_id)]

    def _admitted_open(self, select: Filter) -> list[MessageView]:
        if not (select.admits_type(EventType.CHUNK) or select.admits_type(EventType.FINAL)):
            return []
        return [evolve(view) for view in self.open.values() if select.admits_agent(view.gateway, view.agent_id)]

    def _chunk(self, event: Event, chunk: Chunk) -> None:
        move_on(self._touch(event, chunk.session), chunk.run_id, event.timestamp)
        self.put_chunk(event, chunk)

    def _final(self, event: Event, final: Final) -> None:
        view = self._touch(event, final.session)
        move_on(view, final.run_id, event.timestamp)
        view.counters.messages += 1
        opened = self.open.get(final.message_id)
        began = began_at(event, final) if opened is None else opened.timestamp
        self.put_final(finished(event, final, began))

    def _activity(self, event: Event, activity: Activity) -> None:
        session = activity.session if activity.session is not UNSET else None
        view = self._touch(event, session)
        follow(view, activity, event.timestamp)
        kind = activity.kind
        if kind == "stream.gap":
            view.counters.gaps += 1
        elif kind == "agent.added":
            view.listed = True
            if activity.detail is not UNSET:
                view.name = str(activity.detail.get("name") or view.id)
        elif kind == "agent.removed":
            view.listed = False
        self.put_activity(event)

    def _heartbeat(self, event: Event, beat: Heartbeat) -> None:
        view = self.agent(event.key)
        view.status, view.reason, view.clocks = beat.status, beat.reason, beat.clocks

    def _status(self, event: Event, status: Status) -> None:
        if status.component != "gateway":
            return
        view = self.gateways.get(status.id)
        if view is None:
            view = self.gateways[status.id] = GatewayView(status.id, "", "connecting", event.timestamp)
        if view.state != status.state:
            view.since = event.timestamp
        view.state = status.state  # type: ignore[assignment]  # a gateway's states are LinkState (docs/protocol.md)
        view.detail = status.detail
        view.kind = view.kind if status.kind is UNSET else status.kind
        view.attempt = 0 if status.attempt is UNSET else status.attempt
        view.retry_at = None if status.retry_at is UNSET else status.retry_at
        if status.last_event_at is not UNSET:
            view.last_event_at = status.last_event_at
        if status.missing_since is not UNSET:
            view.missing_since = status.missing_since

    def _touch(self, event: Event, session: str | None) -> AgentView:
        """The event's agent, with its newest sign of life and its sessions brought up to date."""
        view = self.agent(event.key)
        view.last_event_at = max(event.timestamp, view.last_event_at or 0)
        if session and (not view.sessions or view.sessions[-1] != session):
            if session in view.sessions:
                view.sessions.remove(session)
            view.sessions.append(session)
            del view.sessions[:-SESSIONS_PER_AGENT]
        return view

    def _drop_oldest_final(self) -> int:
        """Drop it and give its offset."""
        oldest = next(iter(self._finals.values()))
        self._finals_of[(oldest.gateway, oldest.agent_id)].popleft()
        self._drop_final(oldest.message_id)
        return oldest.offset

    def _drop_final(self, message_id: str) -> None:
        self._finals_bytes -= _size(self._finals.pop(message_id))


def newest_activities(newest_first: Iterable[Event], select: Filter) -> list[Event]:
    """The newest :data:`FEED_LENGTH` of these activities that ``select`` admits, newest last."""
    admitted = (event for event in newest_first if select.admits(event.type, event.gateway, event.agent_id))
    return list(islice(admitted, FEED_LENGTH))[::-1]


def began_at(event: Event, final: Final) -> int:
    """When a message without chunks began, in ms."""
    return event.timestamp if final.started_at is UNSET else final.started_at


def finished(event: Event, final: Final, began: int) -> MessageView:
    """The message that a final ends; ``began`` in ms."""
    return MessageView(
        message_id=final.message_id,
        agent_id=event.agent_id or "",
        gateway=event.gateway,
        run_id=final.run_id,
        session=final.session,
        role=final.role,
        state=final.state,
        text=final.text,
        timestamp=began,
        offset=event.offset or 0,
        error=final.error,
    )


def _opened(event: Event, chunk: Chunk) -> MessageView:
    return MessageView(
        message_id=chunk.message_id,
        agent_id=event.agent_id or "",
        gateway=event.gateway,
        run_id=chunk.run_id,
        session=chunk.session,
        role=chunk.role,
        state="streaming",
        text=chunk.delta,
        timestamp=event.timestamp,
        offset=event.offset or 0,
        next_index=chunk.index + 1,
    )


def _size(view: MessageView) -> int:
    return len(view.text.encode())


def _copy(view: AgentView) -> AgentView:
    runs = [evolve(run) for run in view.runs]
    newest = runs[-1] if runs else None
    return evolve(view, sessions=list(view.sessions), run=newest, runs=runs, counters=evolve(view.counters))
