"""The dialect and one agent before a scripted gateway, with a connection that is lost and a daemon that is killed."""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Draft, Event, Final
from mission_control.core.projection import Projection
from mission_control.core.signals import Signal
from mission_control.core.views import MessageView
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Broadcast, CatchingUp, CaughtUp, Deliver, Order, Refused, Send
from tests.gateways.scripted import Agenda, Frame, ScriptedGateway

START = 1_000_000
KEY = ("gw", "alpha")
CREDENTIALS = Credentials("me", "1", "token")


Fault: TypeAlias = Literal["lost", "twice", "late"]
LATE_MS = 50
TICK_MS = 30_000


class Stage:
    """``latency``: how long the gateway takes to answer, in ms; it reads what it answers half-way.

    ``faults``: what becomes of an event frame on its way, by how many were sent before it.
    """

    def __init__(self, latency: int, faults: Mapping[int, Fault] | None = None) -> None:
        self.now = START
        self.agenda = Agenda()
        self.gateway = ScriptedGateway(self.agenda, self._send, lambda run: run in self._named, START - 3_600_000)
        self.journal: dict[str, Draft] = {}
        self.finals: list[MessageView] = []
        self.crowded: list[int] = []
        """When two runs of one session counted as going on."""
        self._latency = latency
        self._faults = faults or {}
        self._sent = self._number = 0
        self._named: set[str] = set()
        self._projection = Projection()
        self._up = False
        self._connection = 0
        self._heard_at: int | None = None
        self._missing_since: int | None = None
        self._dialect = ClawDialect("gw", CREDENTIALS)
        self._core = self._successor()

    def play(self, until: int) -> None:
        """Let time pass, waking whatever is due; the gateway ticks."""
        for tick in range(self.now + TICK_MS, until, TICK_MS):
            self.agenda.at(tick, lambda: self._send({"type": "event", "event": "tick", "payload": {}}))
        while (at := self._next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            if self.agenda.next_at is not None and self.agenda.next_at <= self.now:
                self.agenda.take()()
            else:
                self._keep(self._core.tick(self.now))
                if self._up:
                    self._obey(self._dialect.tick(self.now))
        self.now = until

    def _next_at(self) -> int | None:
        times = (self.agenda.next_at, self._core.due(self.now), self._dialect.due(self.now) if self._up else None)
        return min((time for time in times if time is not None), default=None)

    # -- what happens to the connection, the gateway and the daemon ----------------------------------------------------

    def connect(self) -> None:
        if not self._up and self.now >= self.gateway.booted_at:
            self._up = True
            self._obey(self._dialect.opened(self.now))
            self._send({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}})

    def lose(self) -> None:
        if self._up:
            self._up, self._heard_at = False, self.now
            self._connection += 1
            self._obey(self._dialect.closed(self.now, "cut"))

    def kill_gateway(self) -> None:
        self.lose()
        self.gateway.die(self.now, self.now + 100)
        self._number = 0

    def kill_daemon(self) -> None:
        """And start it again; it has its journal."""
        self.lose()
        view, _ = self._projection.recall(KEY)
        runs = {} if view is None else {run.run_id: ("alpha", run.session) for run in view.runs}
        self._named = set(runs)
        self._dialect = ClawDialect(
            "gw", CREDENTIALS, runs=runs, last_heard=self._heard_at, missing_since=self._missing_since
        )
        self._core = self._successor()

    def _successor(self) -> AgentCore:
        core = AgentCore(KEY)
        view, opened = self._projection.recall(KEY)
        activities = [(draft.timestamp, activity) for draft, activity in self.activities("")]
        core.restore(view, opened, self.finals[-200:], self.now, activities=activities[-400:])
        return core

    # -- frames, signals, drafts ------------------------------------------------------------------------------------

    def _send(self, frame: Frame) -> None:
        if frame["type"] != "event" or frame["event"] == "connect.challenge":
            self._arrive(frame)
            return
        self._number += 1
        frame["seq"] = self._number
        if self._up:
            fault = self._faults.get(self._sent)
            self._sent += 1
            if fault == "late":
                connection = self._connection
                self.agenda.at(self.now + LATE_MS, lambda: self._arrive(frame, connection))
            elif fault != "lost":
                self._arrive(frame)
            if fault == "twice":
                self._arrive(frame)

    def _arrive(self, frame: Frame, connection: int | None = None) -> None:
        if self._up and connection in (None, self._connection):
            payload: Frame = frame.get("payload") or {}
            if "sessionKey" in payload:
                self._named.add(payload["runId"])
            self._obey(self._dialect.receive(json.dumps(frame).encode(), self.now))

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Send(text):
                    self._ask(json.loads(text))
                case Deliver("alpha", signal) | Broadcast(signal):
                    self._tell(signal)
                case Refused():
                    self.lose()
                case CatchingUp(since):
                    self._missing_since = since
                case CaughtUp():
                    self._missing_since = None

    def _ask(self, request: Frame) -> None:
        method, connection = request["method"], self._connection

        def respond(payload: Any) -> None:
            if connection == self._connection:
                self._send({"type": "res", "id": request["id"], "ok": True, "payload": payload})

        def read() -> None:
            payload = self.gateway.answer(method, request["params"], self.now)
            self.agenda.at(self.now + self._latency // 2, lambda: respond(payload))

        if method == "connect":  # events come to those who are connected
            respond(self.gateway.answer(method, request["params"], self.now))
        else:
            self.agenda.at(self.now + self._latency // 2, read)

    def _tell(self, signal: Signal) -> None:
        self._keep(self._core.handle(signal, self.now))
        going_on = [run.session for run in self._core.runs if not run.over]
        if len(going_on) > len(set(going_on)):
            self.crowded.append(self.now)

    def _keep(self, drafts: list[Draft]) -> None:
        """As the journal does: each event once."""
        for draft in drafts:
            if draft.ephemeral or draft.event_id in self.journal:
                continue
            self.journal[draft.event_id] = draft
            offset = len(self.journal)
            event = Event(
                event_id=draft.event_id,
                timestamp=draft.timestamp,
                agent_id=draft.agent_id,
                type=draft.type,
                payload=b"{}",  # type: ignore[arg-type]
                sequence=offset,
                gateway=draft.gateway,
                offset=offset,
            )
            self._projection.apply(event, draft.payload)
            if isinstance(draft.payload, Final):
                self.finals.append(_view(draft, draft.payload, offset))

    def activities(self, kind: str) -> list[tuple[Draft, Activity]]:
        """Those whose kind begins so, in order."""
        drafts = self.journal.values()
        told = [(draft, draft.payload) for draft in drafts if isinstance(draft.payload, Activity)]
        return [(draft, activity) for draft, activity in told if activity.kind.startswith(kind)]


def _view(draft: Draft, final: Final, offset: int) -> MessageView:
    began = final.started_at if isinstance(final.started_at, int) else draft.timestamp
    return MessageView(
        final.message_id, "alpha", "gw", final.run_id, final.session, final.role, final.state, final.text, began, offset
    )
