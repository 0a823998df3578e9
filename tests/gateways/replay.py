"""Recorded connections to a real gateway, played to the dialect and to the agents behind it.

A recording is a file of JSON lines: ``opened`` and ``closed`` mark connections, ``frame`` is one that the gateway sent,
``t`` the time in ms when it came. The last line holds the sessions' histories as the gateway had them at the end; asked
for one, the replay answers with what was in it at that time. ``under_way`` is what the gateway said of a session's runs
when it was asked for its history at the beginning of a connection.
"""

import json
from pathlib import Path
from typing import Any

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Draft, Final, Heartbeat
from mission_control.core.signals import Signal
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Broadcast, Deliver, Established, Order, Refused, Send

RECORDINGS = Path(__file__).parent.parent / "golden"
"""A directory for each program, named like it."""
AGENTS = ("alpha", "bravo", "charlie")
"""Whom the recorded gateways had."""


class Replay:
    """What a recording becomes."""

    def __init__(self, name: str) -> None:
        lines = [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]
        self.lines: list[dict[str, Any]] = lines[:-1]
        self.histories: dict[str, list[dict[str, Any]]] = lines[-1]["histories"]
        self._sessions = {
            line["frame"]["payload"]["runId"]: line["frame"]["payload"]["sessionKey"]
            for line in self.lines
            if {"runId", "sessionKey"} <= (line.get("frame", {}).get("payload") or {}).keys()
        }
        self.dialect = ClawDialect("gw", Credentials("instance", "1", "token"))
        self.agents: dict[str, AgentCore] = {}
        self.drafts: list[Draft] = []
        self.asked: list[dict[str, Any]] = []
        self.verdicts: list[Established | Refused] = []
        self.link: Signal | None = None
        self.now = 0
        self._connection: list[dict[str, Any]] = []

    def play(self) -> "Replay":
        for line in self.lines:
            self.play_line(line)
        return self.wait(20_000)

    def play_line(self, line: dict[str, Any]) -> None:
        self.now = line["t"]
        if "opened" in line:
            self._connection = self.lines[self.lines.index(line) :]
            self._do(self.dialect.opened(self.now))
        elif "closed" in line:
            self._do(self.dialect.closed(self.now, line["closed"]))
        elif "frame" in line:
            frame = line["frame"]
            if frame["type"] == "res":
                frame = {**frame, "id": "mc-connect"}
            self.receive(frame)

    def receive(self, frame: dict[str, Any]) -> None:
        self._do(self.dialect.receive(json.dumps(frame).encode(), self.now))

    def wait(self, ms: int) -> "Replay":
        until = self.now + ms
        for core in self.agents.values():
            now = self.now
            while (due := core.due(now)) is not None and due <= until:
                now = due
                self.drafts += core.tick(now)
        self.now = until
        return self

    def messages(self, session: str) -> list[tuple[str, str, str]]:
        """(role, text, state) of each message, in the order in which they began."""
        finals = [draft.payload for draft in self.drafts if isinstance(draft.payload, Final)]
        mine = [(draft, draft.payload) for draft in self.drafts if isinstance(draft.payload, Final)]
        assert len({final.message_id for final in finals}) == len(finals)
        began = sorted(
            ((final.started_at if isinstance(final.started_at, int) else draft.timestamp), index, final)
            for index, (draft, final) in enumerate(mine)
            if final.session == session
        )
        return [(final.role, final.text, final.state) for _, _, final in began]

    def kinds(self) -> list[str]:
        return [draft.payload.kind for draft in self.drafts if isinstance(draft.payload, Activity)]

    def titles(self, kind: str) -> list[str]:
        payloads = (draft.payload for draft in self.drafts)
        return [one.title for one in payloads if isinstance(one, Activity) and one.kind == kind]

    def statuses(self, agent: str) -> list[str]:
        mine = (draft for draft in self.drafts if draft.agent_id == agent and not draft.ephemeral)
        return [draft.payload.status for draft in mine if isinstance(draft.payload, Heartbeat)]

    def joined_chunks(self) -> dict[str, str]:
        """Each streamed message's chunks, joined, after a check that they follow one another."""
        joined: dict[str, str] = {}
        for draft in self.drafts:
            if isinstance(chunk := draft.payload, Chunk):
                assert chunk.start == len(joined.get(chunk.message_id, ""))
                joined[chunk.message_id] = joined.get(chunk.message_id, "") + chunk.delta
        return joined

    def _do(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Send(text):
                    self._ask(json.loads(text))
                case Deliver(agent_id, signal):
                    self._deliver(agent_id, signal)
                case Broadcast(signal):
                    self.link = signal
                    for agent_id in list(self.agents):
                        self._deliver(agent_id, signal)
                case Established() | Refused():
                    self.verdicts.append(order)

    def _deliver(self, agent_id: str, signal: Signal) -> None:
        core = self.agents.get(agent_id)
        if core is None:
            core = self.agents[agent_id] = AgentCore(("gw", agent_id))
            core.restore(None, [], [], self.now)
            core.liveness.connected(self.now)
        self.drafts += core.handle(signal, self.now)

    def _ask(self, request: dict[str, Any]) -> None:
        self.asked.append(request)
        method, params = request["method"], request["params"]
        if method == "chat.history":
            stored = self.histories.get(params["sessionKey"], [])
            there = [entry for entry in stored if self._stored_at(params["sessionKey"], entry) <= self.now]
            self._answer(request, {"messages": there[-params["limit"] :], **self._under_way(params["sessionKey"])})
        elif method == "agents.list":
            self._answer(request, {"agents": [{"id": name, "name": name.title()} for name in AGENTS]})
        elif method == "sessions.subscribe":
            self._answer(request, {"subscribed": True})
        elif method == "sessions.list":
            rows = [{"key": key, "updatedAt": self.now} for key in self.histories]
            self._answer(request, {"sessions": rows})

    def _stored_at(self, session: str, entry: dict[str, Any]) -> int:
        """When the gateway stored an entry: an answer's time is that of its request, but it is stored when complete."""
        began: int = entry["timestamp"]
        if "__openclaw" in entry:
            return int(entry["__openclaw"]["recordTimestampMs"])
        if entry["role"] != "assistant":
            return began
        for line in self.lines:
            payload = line.get("frame", {}).get("payload") or {}
            phase = (payload.get("data") or {}).get("phase")
            mine = self._sessions.get(payload.get("runId"), payload.get("sessionKey")) == session
            if mine and phase in ("start", "end") and payload["ts"] > began and payload["stream"] != "assistant":
                return int(line["t"])
        return began

    def _under_way(self, session: str) -> dict[str, Any]:
        """What was said of a session's runs when this connection began, until something else is heard of them."""
        for line in self._connection:
            payload = line.get("frame", {}).get("payload") or {}
            if line["t"] > self.now and payload.get("sessionKey") == session:
                break
            if line.get("under_way") == session:
                return {key: line[key] for key in ("inFlightRun", "sessionInfo") if line[key] is not None}
        return {}

    def _answer(self, request: dict[str, Any], payload: dict[str, Any]) -> None:
        self.receive({"type": "res", "id": request["id"], "ok": True, "payload": payload})
