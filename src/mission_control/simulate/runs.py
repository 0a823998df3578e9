"""What a gateway says while agents run: actions in, payloads of ``agent`` and ``chat`` events out.

The shapes and their oddities are the real gateway's (docs/clawdbot.md): ``text`` is cumulative within a message and
starts over after a tool; ``chat`` repeats it at most every 150 ms and under the sequence number of the agent event; a
failed run ends like a finished one, without a message, and goes on without its session; a retry has no final.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any, TypeAlias

from attrs import define

from mission_control.simulate.script import (
    Abort,
    Action,
    Ask,
    AskWhileBusy,
    Break,
    CallTool,
    Fail,
    Finish,
    Retry,
    Say,
    ToolEnds,
    ToolPrints,
)
from mission_control.simulate.sessions import Session, text_content

Payload: TypeAlias = dict[str, Any]
Said: TypeAlias = tuple[str, Payload]
"""(event name, payload)."""

_CHAT_EVERY_MS = 150


@define
class _Call:
    id: str
    name: str
    arguments: dict[str, Any]
    started_at: int
    pid: int
    printed: str = ""


@define
class _Run:
    id: str
    session: Session
    requested_at: int
    seq: int = 0
    text: str = ""
    last_text: str = ""
    chat_at: int = 0
    named: bool = True  # whether its events still carry the session
    call: _Call | None = None


class Actor:
    """One agent on the gateway's stage: its sessions and its run."""

    def __init__(self, agent_id: str, session_keys: tuple[str, ...], rng: random.Random) -> None:
        self.agent_id = agent_id
        self.session_keys = session_keys
        self.sessions: dict[str, Session] = {}
        """By key; a session exists once it was used."""
        self._rng = rng
        self._run: _Run | None = None

    def act(self, action: Action, now: int) -> Iterator[Said]:
        """What the gateway says about an action at ``now`` (ms), in order."""
        match action:
            case Say(delta):
                return self._say(delta, now)
            case Ask(session, prompt):
                return self._ask(session, prompt, now)
            case AskWhileBusy():
                return self._ask_while_busy()
            case CallTool(name, arguments):
                return self._call(name, arguments, now)
            case ToolPrints(text):
                return self._print(text, now)
            case ToolEnds(text, failed):
                return self._end_call(text, failed, now)
            case Finish():
                return self._finish(now)
            case Break():
                return self._break(now)
            case Fail(error):
                return self._fail(error, now)
            case Retry():
                return self._retry(now)
            case Abort():
                return self._abort()

    def _ask(self, session_key: str, prompt: str, now: int) -> Iterator[Said]:
        session = self.sessions.get(session_key)
        if session is None:
            session = self.sessions[session_key] = Session(session_key, self._new_id(), now)
        session.updated_at = now
        session.asked(prompt, now)
        self._run = run = _Run(self._new_id(), session, requested_at=now)
        yield _agent(run, "lifecycle", {"phase": "start", "startedAt": now}, now)

    def _ask_while_busy(self) -> Iterator[Said]:
        key = self._open_run().session.key
        yield "chat", {"runId": self._new_id(), "sessionKey": key, "seq": 1, "state": "final"}

    def _say(self, delta: str, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.text += delta
        yield _agent(run, "assistant", {"text": run.text, "delta": delta}, now)
        if run.named and now - run.chat_at >= _CHAT_EVERY_MS:
            run.chat_at = now
            yield _chat(run, "delta", run.text, now)

    def _call(self, name: str, arguments: dict[str, Any], now: int) -> Iterator[Said]:
        run = self._open_run()
        pid = self._rng.randrange(2000, 60_000)
        run.call = call = _Call(f"call_{self._rng.randbytes(5).hex()}", name, arguments, now, pid)
        use = {"type": "toolCall", "id": call.id, "name": name, "arguments": arguments}
        said = text_content(run.text) if run.text else []
        run.session.answered([*said, use], "toolUse", run.requested_at)
        run.last_text, run.text = run.text or run.last_text, ""
        data = {"phase": "start", "name": name, "toolCallId": call.id, "args": arguments}
        yield _agent(run, "tool", data, now)

    def _print(self, text: str, now: int) -> Iterator[Said]:
        run, call = self._open_call()
        call.printed += text
        details = {
            "status": "running",
            "sessionId": "simulated-shell",
            "pid": call.pid,
            "startedAt": call.started_at,
            "cwd": self._workspace,
            "tail": call.printed,
        }
        result = {"content": text_content(call.printed), "details": details}
        data = {"phase": "update", "name": call.name, "toolCallId": call.id, "partialResult": result}
        yield _agent(run, "tool", data, now)

    def _end_call(self, text: str, failed: bool, now: int) -> Iterator[Said]:
        run, call = self._open_call()
        result: Payload = {"content": text_content(text)}
        if failed:
            result["details"] = {"status": "error", "tool": call.name, "error": text}
        elif call.printed:
            printed = call.printed.rstrip()
            result = {
                "content": text_content(printed),
                "details": {
                    "status": "completed",
                    "exitCode": 0,
                    "durationMs": now - call.started_at,
                    "aggregated": printed,
                    "cwd": self._workspace,
                },
            }
        run.session.tool_answered(call.id, call.name, result, now)
        run.call = None
        run.requested_at = now
        data = {
            "phase": "result",
            "name": call.name,
            "toolCallId": call.id,
            "meta": next(iter(call.arguments.values())),
            "isError": failed,
            "result": result,
        }
        yield _agent(run, "tool", data, now)

    def _finish(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.session.answered(text_content(run.text), "stop", run.requested_at)
        yield from self._end(run, run.text, now)

    def _break(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.session.answered(text_content(run.text), "error", run.requested_at, error="terminated")
        yield from self._end(run, run.text, now)

    def _fail(self, error: str, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.session.answered([], "error", run.requested_at, error=error)
        yield from self._end(run, run.last_text, now)
        run.named = False

    def _retry(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.requested_at = now
        yield _agent(run, "lifecycle", {"phase": "start", "startedAt": now}, now)

    def _abort(self) -> Iterator[Said]:
        run = self._open_run()
        run.session.stopped()
        run.seq += 1
        yield (
            "chat",
            {
                "runId": run.id,
                "sessionKey": run.session.key,
                "seq": run.seq,
                "state": "aborted",
                "stopReason": "rpc",
            },
        )

    def _end(self, run: _Run, text: str, now: int) -> Iterator[Said]:
        run.session.updated_at = now
        yield _agent(run, "lifecycle", {"phase": "end", "endedAt": now}, now)
        if run.named:
            yield _chat(run, "final", text, now)

    def _open_run(self) -> _Run:
        assert self._run is not None, "a script asks before it does anything else"
        return self._run

    def _open_call(self) -> tuple[_Run, _Call]:
        run = self._open_run()
        assert run.call is not None, "a script calls a tool before the tool says anything"
        return run, run.call

    @property
    def _workspace(self) -> str:
        return f"/srv/workspaces/{self.agent_id}"

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))


def _agent(run: _Run, stream: str, data: Payload, now: int) -> Said:
    run.seq += 1
    payload: Payload = {"runId": run.id, "stream": stream, "data": data}
    if run.named:
        payload["sessionKey"] = run.session.key
    payload["seq"] = run.seq
    payload["ts"] = now
    return "agent", payload


def _chat(run: _Run, state: str, text: str, now: int) -> Said:
    payload: Payload = {"runId": run.id, "sessionKey": run.session.key, "seq": run.seq, "state": state}
    if text:
        payload["message"] = {"role": "assistant", "content": text_content(text), "timestamp": now}
    return "chat", payload
