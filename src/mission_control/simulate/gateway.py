"""The simulated gateway without its sockets: the agents' stage, the clients that are present, and numbered frames."""

import random
from typing import Any, ClassVar, Final

import msgspec
from attrs import define, field, frozen

from mission_control.simulate.chronicle import Witness, unwitnessed
from mission_control.simulate.clawdbot_voice import ClawdbotVoice
from mission_control.simulate.fleet import Fleet, new_id
from mission_control.simulate.runs import Actor
from mission_control.simulate.script import Action
from mission_control.simulate.sessions import CONTEXT_TOKENS, MODEL, PROVIDER, Session
from mission_control.simulate.voice import Voice

TICK_SECONDS: Final = 30
HEALTH_SECONDS: Final = 60
MAX_BUFFERED_BYTES: Final = 1_572_864
MAX_PAYLOAD_BYTES: Final = 524_288

_METHODS: Final = ("health", "agents.list", "sessions.list", "last-heartbeat", "system-presence", "chat.history")
_EVENTS: Final = ("connect.challenge", "agent", "chat", "presence", "tick", "shutdown", "health", "heartbeat", "cron")
_STATE_DIR: Final = "/srv/simulation"
_OPERATOR_SESSIONS: Final = ("main", "main", "main", "ticket-4127", "release")

encode = msgspec.json.Encoder().encode
"""A frame as JSON bytes."""


@frozen
class Client:
    """Who connected, as it said itself."""

    host: str
    version: str
    platform: str
    mode: str
    role: str
    scopes: tuple[str, ...]
    instance_id: str | None

    @property
    def is_admin(self) -> bool:
        return "operator.admin" in self.scopes

    def may(self, scope: str) -> bool:
        return self.is_admin or scope in self.scopes


@define
class Gateway:
    """The state of the gateway process. ``started_at`` and every ``now`` are ms since the epoch."""

    protocol: ClassVar[int] = 3
    unclaimed: ClassVar[tuple[str, ...]] = ("operator.admin",)
    """The scopes of who claims none."""

    fleet: Fleet
    started_at: int
    witness: Witness = unwitnessed
    actors: dict[str, Actor] = field(init=False)
    _rng: random.Random = field(init=False)
    _presence: dict[str, dict[str, Any]] = field(init=False, factory=dict)
    _seq: int = field(init=False, default=0)
    _presence_version: int = field(init=False, default=1)
    _health_version: int = field(init=False, default=1)

    def __attrs_post_init__(self) -> None:
        self._rng = self.fleet.random("gateway")
        self.actors = {
            agent_id: Actor(
                agent_id,
                session_keys(agent_id, index),
                self.fleet.random(f"{agent_id}/ids"),
                self._voice(agent_id),
                self.witness,
            )
            for index, agent_id in enumerate(self.fleet.agent_ids)
        }

    def _voice(self, agent_id: str) -> Voice:
        return ClawdbotVoice()

    @property
    def default_agent(self) -> str:
        return self.fleet.agent_ids[0]

    # What everyone is told: event frames under one sequence number that belongs to the process.

    def act(self, agent_id: str, action: Action, now: int) -> list[bytes]:
        """The frames about what an agent does."""
        return [self._event(name, payload) for name, payload in self.actors[agent_id].act(action, now)]

    def conclude(self, now: int) -> list[bytes]:
        """Every agent brings its run to an end; the frames about that."""
        said = [each for actor in self.actors.values() for each in actor.conclude(now)]
        return [self._event(name, payload) for name, payload in said]

    def shutdown_event(self, back_in_ms: int) -> bytes:
        return self._event("shutdown", {"reason": "gateway restarting", "restartExpectedMs": back_in_ms})

    def tick(self, now: int) -> bytes:
        return self._event("tick", {"ts": now})

    def health_event(self, now: int) -> bytes:
        self._health_version += 1
        return self._event("health", self.health(now), with_versions=True)

    def presence_event(self, now: int) -> bytes:
        return self._event("presence", {"presence": self.presence(now)}, with_versions=True)

    def _event(self, name: str, payload: dict[str, Any], *, with_versions: bool = False) -> bytes:
        self._seq += 1
        frame: dict[str, Any] = {"type": "event", "event": name, "payload": payload, "seq": self._seq}
        if with_versions:
            frame["stateVersion"] = self._versions
        return encode(frame)

    # The process comes and goes.

    def die(self, now: int) -> None:
        """The process ends: its runs are gone, and with them what was not stored."""
        for actor in self.actors.values():
            actor.die(now)

    def boot(self, now: int) -> None:
        """A new process begins with what was stored; frames are counted anew."""
        self.started_at = now
        self._presence.clear()
        self._seq, self._presence_version, self._health_version = 0, 1, 1

    # Who is there.

    def join(self, client: Client, now: int) -> str:
        """A client was admitted; gives the key under which it :meth:`leave` s."""
        key = client.instance_id or self.new_id()
        entry: dict[str, Any] = {
            "host": client.host,
            "version": client.version,
            "platform": client.platform,
            "mode": client.mode,
            "roles": [client.role],
            "scopes": list(client.scopes),
        }
        if client.instance_id is not None:
            entry["instanceId"] = client.instance_id
        self._presence[key] = entry | {
            "reason": "connect",
            "ts": now,
            "text": f"Node: {client.host} · mode {client.mode}",
        }
        self._presence_version += 1
        return key

    def leave(self, key: str, now: int) -> None:
        if key in self._presence:
            self._presence[key] |= {"reason": "disconnect", "ts": now}
            self._presence_version += 1

    def presence(self, now: int) -> list[dict[str, Any]]:
        own = {
            "host": "simulation",
            "ip": "127.0.0.1",
            "version": "simulated",
            "platform": "simulated",
            "deviceFamily": "Simulation",
            "modelIdentifier": "simulated",
            "mode": "gateway",
            "reason": "self",
            "text": "Gateway: simulation (127.0.0.1) · app simulated · mode gateway · reason self",
            "ts": now,
        }
        return [own, *sorted(self._presence.values(), key=lambda entry: -entry["ts"])]

    # What a client may ask for.

    def hello(self, client: Client, now: int) -> dict[str, Any]:
        """The payload that admits a client."""
        return {
            "type": "hello-ok",
            "protocol": self.protocol,
            "server": {"version": "simulated", "host": "simulation", "connId": self.new_id()},
            "features": {"methods": _METHODS, "events": _EVENTS},
            "snapshot": {
                "presence": self.presence(now),
                "health": self.health(now),
                "stateVersion": self._versions,
                "uptimeMs": now - self.started_at,
                "configPath": f"{_STATE_DIR}/clawdbot.json",
                "stateDir": _STATE_DIR,
                "sessionDefaults": {
                    "defaultAgentId": self.default_agent,
                    "mainKey": "main",
                    "mainSessionKey": f"agent:{self.default_agent}:main",
                    "scope": "per-sender",
                },
            },
            "policy": {
                "maxPayload": MAX_PAYLOAD_BYTES,
                "maxBufferedBytes": MAX_BUFFERED_BYTES,
                "tickIntervalMs": TICK_SECONDS * 1000,
            },
        }

    def health(self, now: int) -> dict[str, Any]:
        agents = [self._agent_health(actor, now) for actor in self.actors.values()]
        return {
            "ok": True,
            "ts": now,
            "durationMs": 0,
            "channels": {},
            "channelOrder": [],
            "channelLabels": {},
            "heartbeatSeconds": 0,
            "defaultAgentId": self.default_agent,
            "agents": agents,
            "sessions": agents[0]["sessions"],
        }

    def sessions(self) -> list[Session]:
        """Every session that was used, the latest first."""
        used = [session for actor in self.actors.values() for session in actor.sessions.values()]
        return sorted(used, key=lambda session: -session.updated_at)

    def session(self, key: str) -> Session | None:
        parts = key.lower().split(":")
        actor = self.actors.get(parts[1]) if len(parts) > 2 and parts[0] == "agent" else None
        return actor.sessions.get(key) if actor else None

    def history(self, key: str, limit: int) -> dict[str, Any]:
        """The newest ``limit`` entries of a session."""
        session = self.session(key)
        if session is None:
            return {"sessionKey": key, "messages": [], "thinkingLevel": "off"}
        return {
            "sessionKey": key,
            "sessionId": session.id,
            "messages": session.history(limit),
            "thinkingLevel": "off",
        }

    def agents(self) -> dict[str, Any]:
        return {
            "defaultId": self.default_agent,
            "mainKey": "main",
            "scope": "per-sender",
            "agents": [{"id": agent_id, "name": _display_name(agent_id)} for agent_id in self.actors],
        }

    def sessions_list(self, now: int, newest_of: list[Session]) -> dict[str, Any]:
        return {
            "ts": now,
            "path": "(multiple)",
            "count": len(newest_of),
            "defaults": {"modelProvider": PROVIDER, "model": MODEL, "contextTokens": CONTEXT_TOKENS},
            "sessions": [session.listing() for session in newest_of],
        }

    def new_id(self) -> str:
        return new_id(self._rng)

    @property
    def _versions(self) -> dict[str, int]:
        return {"presence": self._presence_version, "health": self._health_version}

    def _agent_health(self, actor: Actor, now: int) -> dict[str, Any]:
        newest = sorted(actor.sessions.values(), key=lambda session: -session.updated_at)
        return {
            "agentId": actor.agent_id,
            "name": _display_name(actor.agent_id),
            "isDefault": actor.agent_id == self.default_agent,
            "heartbeat": {
                "enabled": False,
                "every": "disabled",
                "everyMs": None,
                "prompt": "Look around; answer HEARTBEAT_OK when all is well.",
                "target": "last",
                "ackMaxChars": 300,
            },
            "sessions": {
                "path": f"{_STATE_DIR}/agents/{actor.agent_id}/sessions/sessions.json",
                "count": len(newest),
                "recent": [
                    {"key": session.key, "updatedAt": session.updated_at, "age": now - session.updated_at}
                    for session in newest[:5]
                ],
            },
        }


def _display_name(agent_id: str) -> str:
    return agent_id.replace("-", " ").capitalize()


def session_keys(agent_id: str, index: int) -> tuple[str, ...]:
    """An agent's main session, and for some of them a second one."""
    second = _OPERATOR_SESSIONS[index % len(_OPERATOR_SESSIONS)]
    return tuple(dict.fromkeys((f"agent:{agent_id}:main", f"agent:{agent_id}:{second}")))
