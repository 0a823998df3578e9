"""OpenClaw's protocol 4 as a sans-IO state machine, from ``hello-ok`` on.

OpenClaw is what became of Clawdbot. How it is asked, and how sessions are repaired, is as it was; here is what it says
in other words. It means what it says of a run's end, names messages, knows whose each stored message is, and tells
those who subscribe to its sessions of tools and of what is stored.
"""

from collections import OrderedDict
from typing import Final as Constant

import msgspec
from attrs import evolve

from mission_control.core.ids import event_id
from mission_control.core.signals import (
    Beat,
    EntrySeen,
    HistorySeen,
    LinkAlive,
    RunAnswered,
    RunEnding,
    RunStarted,
    TextSeen,
    ToolSeen,
)
from mission_control.gateways.clawdbot import Before, ClawdbotDialect, Greeting
from mission_control.gateways.clawdbot import frames as base
from mission_control.gateways.clawdbot import translate as as_before
from mission_control.gateways.clawdbot.content import decided
from mission_control.gateways.clawdbot.places import Place
from mission_control.gateways.clawdbot.requests import Request
from mission_control.gateways.dialect import Broadcast, Deliver, Send
from mission_control.gateways.oddities import UnknownError
from mission_control.gateways.openclaw import content, frames, translate
from mission_control.gateways.openclaw.speech import Speech
from mission_control.gateways.record import Record

HEARTBEAT: Constant = "heartbeat:"
"""How the key of the job begins that makes an agent beat by itself. Its runs are not shown."""
REASONS_KEPT: Constant = 1_024
_UNHEEDED_STREAMS: Constant = frozenset(("command_output", "usage", "thinking", "plan", "patch", "approval"))
_UNHEEDED: Constant = frozenset(
    (
        "chat.metadata.changed",
        "heartbeat",  # names no agent; the job that made it does
        "models.snapshot",
        "plugins.changed",
        "session.operation",
        "session.typing",
        "sessions.changed",
        "skills.changed",
        "task",
        "update.available",
    )
)


class OpenclawDialect(ClawdbotDialect):
    """See :class:`mission_control.gateways.claw.dialect.Version`; the arguments are those of its predecessor."""

    def __init__(self, gateway: str, before: Before, record: Record) -> None:
        super().__init__(gateway, before, record)
        self._boot: str | None = None
        self._subscribed = True
        self._speech = Speech()
        self._reasons: OrderedDict[str, str] = OrderedDict()

    # -- repair -----------------------------------------------------------------------------------------------------

    def _hello(self, greeting: Greeting, now: int) -> None:
        self._subscribed = True
        self._orders.append(Send(self._requests.ask("sessions.subscribe", {}, now)))
        super()._hello(greeting, now)
        self._boot = greeting.hello.server.bootId
        self._list_agents(now)

    def _list_agents(self, now: int) -> None:
        self._orders.append(Send(self._requests.ask("agents.list", {}, now)))

    def _is_another(self, greeting: Greeting) -> bool:
        told = greeting.hello.server.bootId
        if self._boot is None or told is None:
            return super()._is_another(greeting)
        return told != self._boot

    def _answered(self, request: Request, payload: msgspec.Raw, now: int) -> None:
        if request.method == "agents.list":
            listed = [base.HealthAgent(agent.id, agent.name) for agent in frames.agent_list(payload).agents]
            self._orders += self._roster.update(base.Health(now, agents=listed), now)
        else:
            super()._answered(request, payload, now)

    def _unanswered(self, request: Request, reason: str, now: int) -> None:
        if request.method == "sessions.subscribe":
            self._subscribed = False
        super()._unanswered(request, reason, now)

    def _history(self, request: Request, payload: msgspec.Raw, now: int) -> None:
        notes = frames.history(payload)
        entries, purpose = content.entries(base.history(payload), notes), self._purpose(request)
        under_way = content.under_way(notes)
        seen = HistorySeen(now, request.session, entries, purpose, not notes.hasMore, under_way, request.asked_at)
        joined: list[TextSeen | ToolSeen] = []
        if purpose == "repair" and notes.inFlightRun is not None:
            joined = self._join(request.session, seen, notes.inFlightRun)
        self._settle(request, seen, *joined)

    def _join(self, session: str, seen: HistorySeen, run: frames.InFlight) -> list[TextSeen | ToolSeen]:
        """What a run that is under way did, beyond what is stored of it."""
        self._places.of_run(run.runId, None, session)
        self._places.open(run.runId)
        before = [one.text for one in seen.entries if one.role == "assistant" and one.run_id == run.runId and one.text]
        text = self._speech.join(run.runId, before, run.text)
        signals: list[TextSeen | ToolSeen] = []
        for event in run.events:
            if event.stream == "tool" and event.seq is not None:
                name = event_id(self._gateway, event.runId, event.seq, event.ts)
                tool = as_before.tool(name, session, event, base.mapping(event.data))
                signals += [] if tool is None or self._tells(seen, tool) else [tool]
        if text is not None:
            at = max((event.ts for event in run.events), default=run.startedAt)
            name = event_id(self._gateway, run.runId, "joined", len(run.text))
            signals.append(TextSeen(name, at, run.runId, session, text, ""))
        return signals

    def _tells(self, seen: HistorySeen, tool: ToolSeen) -> bool:
        """Whether a history's entries tell of this by themselves, as they do of a time that was missed: not of what was
        before the gateway was first heard."""
        calls = [call for entry in seen.entries for call in entry.calls if call.call_id == tool.call_id]
        there = any(tool.phase == "started" or call.ended is not None for call in calls)
        return there and not self._repair.is_first

    # -- events -----------------------------------------------------------------------------------------------------

    def _event(self, name: str, head: base.Head, now: int) -> None:
        if name in ("agent", "session.tool"):
            self._agent_event(base.agent_event(head.payload), now)
        elif name == "session.message":
            self._stored(frames.session_message(head.payload), now)
        elif name == "chat":
            self._chat_event(base.chat_event(head.payload), now)
        elif name == "cron":
            self._cron(frames.cron(head.payload), now)
        elif name == "config.changed":
            self._list_agents(now)
        elif name == "health":
            self._health(base.health(head.payload), now)
        elif name in ("tick", "presence"):
            self._orders.append(Broadcast(LinkAlive(now)))
        elif name == "shutdown":
            self._goodbye = base.shutdown(head.payload).reason
        elif name not in _UNHEEDED:
            raise UnknownError("event", name)

    def _agent_event(self, event: base.AgentEvent, now: int) -> None:
        if event.seq is None or event.stream in _UNHEEDED_STREAMS:
            return
        if not 0 <= event.ts <= base.LATEST:
            event = evolve(event, ts=base.sane(event.ts))
        place = self._places.of_run(event.runId, event.agentId, event.sessionKey)
        if place is None:
            return
        name = event_id(self._gateway, event.runId, event.seq, event.ts)
        if event.stream == "assistant":
            self._text(name, place, event)
        elif event.stream == "lifecycle":
            self._lifecycle(name, place, event)
        elif event.stream == "tool":
            self._tool(name, place, event)
        elif event.stream == "item":
            self._step(name, place, event)
        elif event.stream == "run_status":
            self._status(name, place, event)
        elif event.stream == "compaction":
            self._tell(place, as_before.compaction(name, place.session, event, base.mapping(event.data)))
        else:
            raise UnknownError("stream", event.stream)

    def _text(self, name: str, place: Place, event: base.AgentEvent) -> None:
        said = frames.assistant_data(event.data)
        text = decided(said.text)
        if not text:
            return  # nothing yet; or an attempt failed, and what it said, which ends with it, is taken back
        begins = self._speech.begins(event.runId, said.itemId, text)
        delta = text if begins or said.delta == said.text else ""
        self._tell(place, TextSeen(name, event.ts, event.runId, place.session, text, delta))

    def _lifecycle(self, name: str, place: Place, event: base.AgentEvent) -> None:
        data = base.mapping(event.data)
        phase, error = data.get("phase"), data.get("error")
        if phase == "start":
            self._places.open(event.runId)
            self._speech.end(event.runId)
            self._tell(place, RunStarted(name, event.ts, event.runId, place.session))
            if not self._subscribed:
                self._want(place.session, "start")
        elif phase == "finishing" and error is not None:
            self._note_reason(event.runId, str(error))
        elif phase == "fallback_step" and data.get("fallbackStepFromFailureDetail"):
            self._note_reason(event.runId, str(data["fallbackStepFromFailureDetail"]))
        elif phase in ("end", "error") and data.get("aborted"):
            self._places.close(event.runId)
            self._tell(place, translate.aborted(name, place.session, event))  # "chat" says it, too, and what was said
        elif phase == "end":
            self._over(place, event.runId, translate.ended(name, place.session, event, data))
        elif phase == "error":
            reason = self._reasons.get(event.runId) or str(error or "the run failed")
            self._over(place, event.runId, translate.failed(name, place.session, event, reason))

    def _over(self, place: Place, run_id: str, signal: RunAnswered | RunEnding) -> None:
        self._places.close(run_id)
        self._tell(place, signal)
        self._want(place.session, "end")

    def _step(self, name: str, place: Place, event: base.AgentEvent) -> None:
        if self._subscribed:
            return  # the tool's own events tell more
        signal = translate.step(name, place.session, event, frames.item_data(event.data))
        if signal is not None:
            self._tell(place, signal)

    def _status(self, name: str, place: Place, event: base.AgentEvent) -> None:
        data = base.mapping(event.data)
        if data.get("phase") == "retrying":
            reason = self._reasons.pop(event.runId, None) or str(data.get("message") or "the model failed")
            self._tell(place, translate.failed(name, place.session, event, reason, again=True))

    def _chat_event(self, event: base.ChatEvent, now: int) -> None:
        state = as_before.outcome(event)
        if state is None:
            return
        known = event.runId in self._places
        place = self._places.of_run(event.runId, None, event.sessionKey)
        if place is None:
            return
        if state != "aborted" and known and not self._places.is_open(event.runId):
            return  # its lifecycle has told the end, and the last message by itself
        name = event_id(self._gateway, event.runId, "chat", event.state, event.seq)
        signal = as_before.answer(name, place.session, event, state, now, streamed=False)
        if state == "aborted":
            self._hear_out(name, place, signal)
            signal = evolve(signal, text=None)
        elif state == "error":
            signal = evolve(signal, error=self._reasons.pop(event.runId, None) or signal.error)
        elif known:
            signal = evolve(signal, text=None, provisional=True)
        else:
            self._tell(place, signal)  # the run of a message that waits, or an answer at once: no run's end
            return
        self._speech.end(event.runId)
        self._over(place, event.runId, signal)

    def _hear_out(self, name: str, place: Place, signal: RunAnswered) -> None:
        """The last words of an aborted run may come with its end alone."""
        text = self._speech.present(signal.run_id, signal.text or "")
        if text is not None:
            name = event_id(name, "text")
            self._tell(place, TextSeen(name, signal.at, signal.run_id, place.session, text, ""))

    def _stored(self, event: frames.SessionMessage, now: int) -> None:
        stored = base.History([base.history_message(event.message)])
        session = self._places.canonical(event.sessionKey)
        agent = (event.agentId or self._places.agent_of(session)).lower()
        for entry in content.entries(stored, frames.History([frames.note(event.message)])):
            if entry.text:
                self._tell(Place(agent, session), EntrySeen(now, session, entry))

    def _cron(self, event: frames.Cron, now: int) -> None:
        job = event.job
        beats = job is not None and (job.declarationKey or "").startswith(HEARTBEAT)
        if job is None or not job.agentId or not beats or event.action not in ("started", "finished"):
            return
        self._orders.append(Deliver(job.agentId.lower(), Beat(now)))

    def _health(self, health: base.Health, now: int) -> None:
        """It is up to a minute old, so that the agents are asked for instead. Nor does anything follow from a beat that
        does not come: an agent that has nobody to tell, or nothing, skips it."""
        super()._health(evolve(health, agents=None), now)

    def _note_reason(self, run_id: str, reason: str) -> None:
        """Why a run's present attempt fails. The end itself gives a general reason at best."""
        self._reasons[run_id] = reason
        if len(self._reasons) > REASONS_KEPT:
            self._reasons.popitem(last=False)
