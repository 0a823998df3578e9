"""What a gateway says while agents run: actions in, payloads of ``agent`` and ``chat`` events out.

The shapes and their oddities are the real gateway's (docs/clawdbot.md): ``text`` is cumulative within a message and
starts over after a tool; ``chat`` repeats it at most every 150 ms and under the sequence number of the agent event; a
failed run ends like a finished one, without a message, and goes on without its session; a retry has no final.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from attrs import define

from mission_control.simulate.chronicle import Chronicle, Witness, unwitnessed
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
from mission_control.truth import Outcome

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
    began: int
    requested_at: int
    seq: int = 0
    text: str = ""
    last_text: str = ""
    chat_at: int = 0
    named: bool = True  # whether its events still carry the session
    call: _Call | None = None
    over: bool = False


class Actor:
    """One agent on the gateway's stage: its sessions and its run. A ``witness`` is told what it really did."""

    def __init__(
        self, agent_id: str, session_keys: tuple[str, ...], rng: random.Random, witness: Witness = unwitnessed
    ) -> None:
        self.agent_id = agent_id
        self.session_keys = session_keys
        self.sessions: dict[str, Session] = {}
        """By key; a session exists once it was used."""
        self._rng = rng
        self._chronicle = Chronicle(agent_id, witness)
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
                return self._abort(now)

    def conclude(self, now: int) -> Iterator[Said]:
        """Bring the run that goes on to its end, if there is one."""
        run = self._run
        if run is None or run.over:
            return
        if run.call is not None:
            yield from self._end_call("stopped", False, now)
        if not run.text:
            yield from self._say("Done.", now)
        yield from self._finish(now)

    def die(self, now: int) -> None:
        """The gateway's process ends, and with it the run and whatever of it is not stored."""
        run, self._run = self._run, None
        if run is not None and not run.over:
            self._stop(run, "lost", now)

    def _ask(self, session_key: str, prompt: str, now: int) -> Iterator[Said]:
        session = self.sessions.get(session_key)
        if session is None:
            session = self.sessions[session_key] = Session(session_key, self._new_id(), now)
        session.updated_at = now
        stored = session.asked(prompt, now)
        self._run = run = _Run(self._new_id(), session, began=now, requested_at=now)
        self._chronicle.asked(session_key, run.id, prompt, now, stored=stored)
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
        self._answered(run, "complete", now)
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
        self._called(run, call, now, failed=failed)
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
        self._answered(run, "complete", now)
        yield from self._end(run, run.text, "complete", now)

    def _break(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.session.answered(text_content(run.text), "error", run.requested_at, error="terminated")
        self._answered(run, "error", now)
        yield from self._end(run, run.text, "error", now)

    def _fail(self, error: str, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.session.answered([], "error", run.requested_at, error=error)
        self._chronicle.stored()
        yield from self._end(run, run.last_text, "error", now)
        run.named = False

    def _retry(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.began = run.requested_at = now
        run.over = False
        yield _agent(run, "lifecycle", {"phase": "start", "startedAt": now}, now)

    def _abort(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        self._stop(run, "aborted", now)
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

    def _stop(self, run: _Run, outcome: Literal["aborted", "lost"], now: int) -> None:
        """The run ends, and nothing more of it is stored."""
        run.session.stopped()
        self._chronicle.forgotten()
        self._chronicle.said(run.session.key, run.id, run.text, outcome, run.requested_at, now)
        if run.call is not None:
            self._called(run, run.call, now, failed=None)
        self._over(run, outcome, now)

    def _end(self, run: _Run, text: str, outcome: Outcome, now: int) -> Iterator[Said]:
        self._over(run, outcome, now)
        run.session.updated_at = now
        yield _agent(run, "lifecycle", {"phase": "end", "endedAt": now}, now)
        if run.named:
            yield _chat(run, "final", text, now)

    def _over(self, run: _Run, outcome: Outcome, now: int) -> None:
        run.over = True
        self._chronicle.ran(run.session.key, run.id, run.began, now, outcome)

    def _answered(self, run: _Run, state: Literal["complete", "error"], now: int) -> None:
        """The session has stored what was asked and said so far."""
        self._chronicle.stored()
        self._chronicle.said(run.session.key, run.id, run.text, state, run.requested_at, now)

    def _called(self, run: _Run, call: _Call, now: int, *, failed: bool | None) -> None:
        self._chronicle.called(run.session.key, run.id, call.id, call.name, call.started_at, now, failed=failed)

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
