"""A gateway that says what a test tells it to, over a real WebSocket and in the real protocol's frames.

It is the least that the daemon's side needs: the handshake, ``sessions.list`` and ``chat.history``; whatever is said is
said to every connection. The full simulation is ``mission_control.simulate``.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket


class FakeGateway:
    def __init__(self, agents: tuple[str, ...] = ("alpha",)) -> None:
        self.agents = agents
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.connections: set[WebSocketConnection] = set()
        self.connected = trio.Event()
        self.started_at = self.now()
        self.url = ""
        self._seq = 0

    @staticmethod
    def now() -> int:
        return time.time_ns() // 1_000_000

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["FakeGateway"]:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, self._serve, "127.0.0.1", port, None)
            self.url = f"ws://127.0.0.1:{server.port}"
            self.port = server.port
            yield self
            nursery.cancel_scope.cancel()

    async def say(self, event: str, payload: dict[str, Any]) -> None:
        self._seq += 1
        frame = json.dumps({"type": "event", "event": event, "payload": payload, "seq": self._seq})
        for connection in list(self.connections):
            try:
                await connection.send_message(frame)
            except ConnectionClosed:
                self.connections.discard(connection)

    async def hang_up(self) -> None:
        """End every connection as a dying network does."""
        self.connected = trio.Event()
        for connection in list(self.connections):
            self.connections.discard(connection)
            await connection._stream.aclose()

    def run(self, agent: str, run_id: str) -> "FakeRun":
        return FakeRun(self, agent, run_id)

    def _health(self) -> dict[str, Any]:
        agents = [{"agentId": agent, "name": agent.title()} for agent in self.agents]
        return {"ok": True, "ts": self.now(), "defaultAgentId": self.agents[0], "agents": agents}

    async def _serve(self, request: WebSocketRequest) -> None:
        connection = await request.accept()
        challenge = {"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": self.now()}}
        try:
            await connection.send_message(json.dumps(challenge))
            while True:
                asked = json.loads(await connection.get_message())
                reply = self._reply(asked)
                await connection.send_message(json.dumps(reply))
                if asked["method"] == "connect" and reply["ok"]:
                    self.connections.add(connection)
                    self.connected.set()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            self.connections.discard(connection)

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"type": "res", "id": asked["id"], "ok": True, "payload": self._answer(asked)}

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] == "connect":
            snapshot = {"uptimeMs": self.now() - self.started_at, "health": self._health(), "presence": []}
            return {"type": "hello-ok", "protocol": 3, "snapshot": snapshot, "policy": {"tickIntervalMs": 30_000}}
        if asked["method"] == "sessions.list":
            return {"sessions": [{"key": key, "updatedAt": self.now()} for key in self.histories]}
        return {"messages": self.histories.get(asked["params"]["sessionKey"], [])[-asked["params"]["limit"] :]}


class FakeRun:
    """One run, token by token; stored in the history when it ends, as the real gateway does."""

    def __init__(self, gateway: FakeGateway, agent: str, run_id: str) -> None:
        self.gateway, self.run_id = gateway, run_id
        self.session = f"agent:{agent}:main"
        self.text = ""
        self.seq = 0
        self.asked_at = gateway.now()

    async def agent(self, stream: str, data: dict[str, Any]) -> None:
        self.seq += 1
        payload = {"runId": self.run_id, "stream": stream, "data": data, "sessionKey": self.session, "seq": self.seq}
        await self.gateway.say("agent", {**payload, "ts": self.gateway.now()})

    async def start(self, prompt: str) -> None:
        await self.agent("lifecycle", {"phase": "start"})
        self.asked_at = self.gateway.now()
        self._store("user", prompt)

    async def token(self, delta: str) -> None:
        self.text += delta
        await self.agent("assistant", {"text": self.text, "delta": delta})

    async def end(self) -> None:
        self._store("assistant", self.text, stopReason="stop")
        await self.agent("lifecycle", {"phase": "end"})
        message = {
            "role": "assistant",
            "content": [{"type": "text", "text": self.text}],
            "timestamp": self.gateway.now(),
        }
        chat = {"runId": self.run_id, "sessionKey": self.session, "seq": self.seq, "state": "final", "message": message}
        await self.gateway.say("chat", chat)

    def _store(self, role: str, text: str, **fields: Any) -> None:
        entry = {"role": role, "content": [{"type": "text", "text": text}], "timestamp": self.asked_at, **fields}
        self.gateway.histories.setdefault(self.session, []).append(entry)
