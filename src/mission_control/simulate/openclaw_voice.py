"""How OpenClaw stores and tells what a run does: ``agent``, ``session.tool``, ``session.message`` and ``chat``.

The shapes and their oddities are the real gateway's (docs/openclaw.md): each message of a run has an ``itemId``, while
``chat`` has all of them in one text; a message before a tool is stored in two parts under one id, and told without its
text; a failure is told several times, and stored as if the agent had said it; an abort is told before its end, which
comes twice, and stores what was said.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from mission_control.simulate.fleet import new_id
from mission_control.simulate.sessions import Entry, by_model, text_content
from mission_control.simulate.voice import CHAT_EVERY_MS, Call, Payload, Run, Said

_BREAK: Final = "\n\n"
_NOTICE: Final = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16} LLM request failed. This is usually temporary."
_GENERAL: Final = "LLM request failed."


class OpenclawVoice:
    """See :class:`mission_control.simulate.voice.Voice`; one for each agent."""

    def __init__(self, agent_id: str, rng: random.Random) -> None:
        self._agent_id = agent_id
        self._rng = rng
        self._stored: Counter[str] = Counter()
        """How many messages each session has had."""

    def under_way(self, run: Run) -> Payload:
        """A run that goes on, as a history has it."""
        reached = self._payload(run, "assistant", {}) | {"seq": run.seq, "ts": run.told_at}
        return {"runId": run.id, "text": _whole(run), "startedAt": run.began, "events": [*run.steps, reached]}

    def asked(self, run: Run, prompt: str, now: int) -> Iterator[Said]:
        key = f"{run.id}:user"
        entry = {"role": "user", "content": prompt, "timestamp": now, "idempotencyKey": key}
        entry["__openclaw"] = self._own(run, now, idempotencyKey=key)
        yield self._store(run, entry)
        yield from self._start(run, now)

    def asked_while_busy(self, run: Run, other_id: str) -> Iterator[Said]:
        yield "chat", {"runId": other_id, "sessionKey": run.session.key, "seq": 1, "state": "final"}

    def said(self, run: Run, delta: str, now: int) -> Iterator[Said]:
        yield self._agent(run, "assistant", {"text": run.text, "delta": delta, "itemId": _item(run)}, now)
        if now - run.chat_at >= CHAT_EVERY_MS:
            run.chat_at = now
            yield self._chat(run, "delta", now, deltaText=delta)

    def called(self, run: Run, call: Call, now: int) -> Iterator[Said]:
        own = self._own(run, now, runId=run.id)
        said = {"role": "assistant", "timestamp": run.requested_at, "__openclaw": own}
        if run.text:
            replaced = {"replacementText": run.text, "source": "segment", "itemId": f"commentary-{own['id']}"}
            run.session.keep(said | {"content": text_content(run.text), "openclawStreamFallback": replaced})
        use = [{"type": "toolCall", "id": call.id, "name": call.name, "arguments": call.arguments}]
        yield self._store(run, said | {"content": use, **by_model(use), "stopReason": "toolUse"})
        yield self._step(run, call, "start", "running", now)
        data = {"phase": "start", "name": call.name, "toolCallId": call.id, "args": call.arguments}
        yield self._tool(run, data, now)

    def printed(self, run: Run, call: Call, result: Entry, now: int) -> Iterator[Said]:
        data = {"phase": "update", "name": call.name, "toolCallId": call.id, "partialResult": result}
        yield self._tool(run, data, now)

    def call_ended(self, run: Run, call: Call, result: Entry, now: int, *, failed: bool) -> Iterator[Said]:
        entry = {"role": "toolResult", "toolCallId": call.id, "toolName": call.name, "content": result["content"]}
        run.session.keep(entry | {"isError": failed, "timestamp": now, "__openclaw": self._own(run, now, runId=run.id)})
        data = {"phase": "result", "name": call.name, "toolCallId": call.id, "meta": _meta(call), "isError": failed}
        yield self._tool(run, data | {"result": result}, now)
        yield self._step(run, call, "end", "failed" if failed else "completed", now)

    def finished(self, run: Run, now: int) -> Iterator[Said]:
        content = text_content(run.text)
        yield self._store(run, self._answer(run, content, "stop", now))
        yield self._lifecycle(run, "finishing", now, stopReason="stop", aborted=False, endedAt=now)
        reply = {"disposition": "visible", "text": run.text}
        yield self._lifecycle(run, "end", now, stopReason="stop", aborted=False, terminalReply=reply, endedAt=now)
        yield self._chat(run, "final", now, stopReason="stop")

    def broke_off(self, run: Run, now: int) -> Iterator[Said]:
        yield self._lifecycle(run, "finishing", now, error=_GENERAL, aborted=False, endedAt=now)
        yield from self._give_up(run, "terminated", now)

    def failed(self, run: Run, error: str, now: int) -> Iterator[Said]:
        yield self._lifecycle(run, "finishing", now, error=error, aborted=False, endedAt=now)
        if run.again:
            yield self._agent(run, "run_status", {"phase": "retrying", "message": "Retrying."}, now)
        else:
            yield from self._give_up(run, error, now)

    def tried_again(self, run: Run, now: int) -> Iterator[Said]:
        taken_back = {"itemId": _item(run), "text": "", "delta": "", "replace": True}
        yield self._agent(run, "assistant", taken_back, now)
        yield from self._start(run, now)

    def aborted(self, run: Run, now: int) -> Iterator[Said]:
        yield self._chat(run, "aborted", now, stopReason="rpc")
        yield self._lifecycle(run, "end", now, status="cancelled", aborted=True, stopReason="rpc", endedAt=now)
        if run.text:
            key = f"{run.id}:assistant"
            entry = self._answer(run, text_content(run.text), "stop", now, idempotencyKey=key)
            entry |= {"provider": "openclaw", "model": "gateway-injected", "timestamp": now, "idempotencyKey": key}
            yield self._store(run, entry | {"openclawAbort": {"aborted": True, "origin": "rpc", "runId": run.id}})
        error = "This operation was aborted"
        yield self._lifecycle(run, "error", now, error=error, aborted=True, stopReason="aborted", endedAt=now)

    def _start(self, run: Run, now: int) -> Iterator[Said]:
        run.item = new_id(self._rng)
        yield self._lifecycle(run, "start", now, startedAt=now)

    def _give_up(self, run: Run, detail: str, now: int) -> Iterator[Said]:
        """The last attempt has failed; ``detail``: the model's own words."""
        yield self._lifecycle(
            run, "fallback_step", now, fallbackStepFromFailureDetail=detail, fallbackStepFinalOutcome="chain_exhausted"
        )
        yield self._lifecycle(run, "error", now, aborted=False, error=_GENERAL, endedAt=now)
        told = {"runId": run.id, "sessionKey": run.session.key, "state": "error"}
        yield "chat", told | {"agentId": self._agent_id, "seq": run.seq, "errorMessage": _GENERAL}
        yield "chat", told | {"seq": 1, "errorMessage": f"{_NOTICE[:2]} Agent failed before reply: {_GENERAL}"}
        key = f"{run.id}:terminal-error"
        content = text_content(_NOTICE + (_BREAK + run.text if run.text else ""))
        yield self._store(run, self._answer(run, content, "error", now, idempotencyKey=key) | {"idempotencyKey": key})

    def _answer(self, run: Run, content: list[Entry], stop_reason: str, now: int, **own: str) -> Entry:
        return {
            "role": "assistant",
            "content": content,
            **by_model(content),
            "stopReason": stop_reason,
            "timestamp": run.requested_at,
            "__openclaw": self._own(run, now, runId=run.id, **own),
        }

    def _own(self, run: Run, now: int, **more: str) -> Entry:
        """What the gateway notes of the next message that it stores."""
        self._stored[run.session.key] += 1
        noted = {"id": new_id(self._rng), "recordTimestampMs": now, "seq": self._stored[run.session.key]}
        return more | noted

    def _store(self, run: Run, entry: Entry) -> Said:
        run.session.keep(entry)
        own = entry["__openclaw"]
        payload = {"sessionKey": run.session.key, "agentId": self._agent_id, "message": entry}
        return "session.message", payload | {"messageId": own["id"], "messageSeq": own["seq"]}

    def _lifecycle(self, run: Run, phase: str, now: int, **data: Any) -> Said:
        return self._agent(run, "lifecycle", {"phase": phase, **data}, now)

    def _tool(self, run: Run, data: Payload, now: int) -> Said:
        _, payload = self._agent(run, "tool", data, now)
        if data["phase"] != "update":
            run.steps.append(payload)
        return "session.tool", payload

    def _step(self, run: Run, call: Call, phase: str, status: str, now: int) -> Said:
        """A tool call for those who do not subscribe."""
        names = {"itemId": f"tool:{call.id}", "toolCallId": call.id, "name": call.name, "kind": "tool"}
        data = {"phase": phase, "title": call.name.capitalize(), "status": status, "meta": _meta(call)}
        return self._agent(run, "item", names | data, now)

    def _agent(self, run: Run, stream: str, data: Payload, now: int) -> Said:
        run.seq, run.told_at = run.seq + 1, now
        return "agent", self._payload(run, stream, data) | {"seq": run.seq, "ts": now, "isHeartbeat": False}

    def _payload(self, run: Run, stream: str, data: Payload) -> Payload:
        names = {"sessionKey": run.session.key, "sessionId": run.session.id, "agentId": self._agent_id}
        return {"runId": run.id, "stream": stream, "data": data, **names}

    def _chat(self, run: Run, state: str, now: int, **more: Any) -> Said:
        payload = {"runId": run.id, "sessionKey": run.session.key, "agentId": self._agent_id, "seq": run.seq}
        if text := _whole(run):
            more["message"] = {"role": "assistant", "content": text_content(text), "timestamp": now}
        return "chat", payload | {"state": state, **more}


def _item(run: Run) -> str:
    return f"{run.item}:{len(run.texts) + 1}"


def _whole(run: Run) -> str:
    """All that the run has said."""
    return _BREAK.join([*run.texts, *([run.text] if run.text else [])])


def _meta(call: Call) -> Any:
    return next(iter(call.arguments.values()))
