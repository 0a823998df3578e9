"""The Clawdbot gateway's protocol 3: what its events and histories say, as signals for their agents."""

import msgspec
from attrs import evolve

from mission_control.core.ids import event_id
from mission_control.core.signals import Beat, HistorySeen, LinkAlive, RunStarted
from mission_control.gateways.clawdbot import content, frames, translate
from mission_control.gateways.clawdbot.places import Place
from mission_control.gateways.clawdbot.repairing import Before, RepairingDialect
from mission_control.gateways.clawdbot.requests import Request
from mission_control.gateways.clawdbot.roster import Roster
from mission_control.gateways.dialect import Broadcast, Deliver
from mission_control.gateways.oddities import UnknownError
from mission_control.gateways.record import Record


class ClawdbotDialect(RepairingDialect):
    """See :class:`RepairingDialect`."""

    def __init__(self, gateway: str, before: Before, record: Record) -> None:
        super().__init__(gateway, before, record)
        self._roster = Roster(gateway)

    def _history(self, request: Request, payload: msgspec.Raw, now: int) -> None:
        stored = frames.history(payload)
        whole = len(stored.messages) < request.limit
        entries = content.entries(stored)
        purpose, asked_at = self._purpose(request), request.asked_at
        self._settle(request, HistorySeen(now, request.session, entries, purpose, whole, asked_at=asked_at))

    def _event(self, name: str, head: frames.Head, now: int) -> None:
        if name == "agent":
            self._agent_event(frames.agent_event(head.payload), now)
        elif name == "chat":
            self._chat_event(frames.chat_event(head.payload), now)
        elif name == "health":
            self._health(frames.health(head.payload), now)
        elif name in ("tick", "presence"):
            self._orders.append(Broadcast(LinkAlive(now)))
        elif name == "heartbeat":
            self._heartbeat(now)
        elif name == "shutdown":
            self._goodbye = frames.shutdown(head.payload).reason
        elif name != "cron":
            raise UnknownError("event", name)

    def _agent_event(self, event: frames.AgentEvent, now: int) -> None:
        if event.seq is None:
            return  # the gateway's note that its own stream has a hole: what is missing is repaired from history
        if not 0 <= event.ts <= frames.LATEST:
            event = evolve(event, ts=frames.sane(event.ts))
        place = self._places.of_run(event.runId, event.agentId, event.sessionKey)
        if place is None:
            self._unplaced(event, now)
            return
        name = event_id(self._gateway, event.runId, event.seq, event.ts)
        if event.stream == "assistant":
            self._tell(place, translate.text(name, place.session, event))
        elif event.stream == "lifecycle":
            self._lifecycle(name, place, event)
        elif event.stream == "tool":
            self._tool(name, place, event)
        elif event.stream == "compaction":
            self._tell(place, translate.compaction(name, place.session, event, frames.mapping(event.data)))
        else:
            raise UnknownError("stream", event.stream)

    def _unplaced(self, event: frames.AgentEvent, now: int) -> None:
        """A retry names neither session nor agent, and its first attempt was before our time: only the gateway's list
        tells whose it was, when it is over."""
        over = event.stream == "lifecycle" and frames.mapping(event.data).get("phase") in ("end", "error")
        if over and not self._requests.is_asked("sessions.list"):
            self._list_sessions(1, now)

    def _lifecycle(self, name: str, place: Place, event: frames.AgentEvent) -> None:
        data = frames.mapping(event.data)
        phase = data.get("phase")
        if phase == "start":
            self._places.open(event.runId)
            self._tell(place, RunStarted(name, event.ts, event.runId, place.session))
            self._want(place.session, "start")
        elif phase in ("end", "error"):
            self._places.close(event.runId)
            self._tell(place, translate.ending(name, place.session, event, data))
            self._want(place.session, "end")

    def _tool(self, name: str, place: Place, event: frames.AgentEvent) -> None:
        data = frames.mapping(event.data)
        signal = translate.tool(name, place.session, event, data)
        if signal is None:
            raise UnknownError("phase of a tool", data.get("phase"))
        if signal.phase == "started" and place.session in self._resumed:
            # What was said before it may have ended while the connection was down, after the repair's history was read.
            self._resumed.discard(place.session)
            self._want(place.session, "start")
        self._tell(place, signal)

    def _chat_event(self, event: frames.ChatEvent, now: int) -> None:
        state = translate.outcome(event)
        if state is None:
            return
        streamed = event.runId in self._places
        place = self._places.of_run(event.runId, None, event.sessionKey)
        if place is None:
            return
        self._places.close(event.runId)
        name = event_id(self._gateway, event.runId, "chat", event.state, event.seq)
        self._tell(place, translate.answer(name, place.session, event, state, now, streamed=streamed))
        self._want(place.session, "end")

    def _health(self, health: frames.Health, now: int) -> None:
        if health.defaultAgentId:
            self._places.default_agent = health.defaultAgentId.lower()
        self._orders += self._roster.update(health, now)

    def _heartbeat(self, now: int) -> None:
        agent = self._roster.only_beating()
        if agent is not None:
            self._orders.append(Deliver(agent, Beat(now)))
