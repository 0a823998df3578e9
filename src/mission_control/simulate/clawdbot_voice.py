"""How Clawdbot's gateway stores and tells what a run does: payloads of ``agent`` and ``chat`` events.

The shapes and their oddities are the real gateway's (docs/clawdbot.md): ``text`` is cumulative within a message and
starts over after a tool; ``chat`` repeats it at most every 150 ms and under the sequence number of the agent event; a
failed run ends like a finished one, without a message, and goes on without its session; a retry has no final.
"""

from collections.abc import Iterator

from mission_control.simulate.sessions import Entry, text_content
from mission_control.simulate.voice import CHAT_EVERY_MS, Call, Payload, Run, Said


class ClawdbotVoice:
    """See :class:`mission_control.simulate.voice.Voice`."""

    def asked(self, run: Run, prompt: str, now: int) -> Iterator[Said]:
        run.session.asked(prompt, now)
        yield _agent(run, "lifecycle", {"phase": "start", "startedAt": now}, now)

    def asked_while_busy(self, run: Run, other_id: str) -> Iterator[Said]:
        yield "chat", {"runId": other_id, "sessionKey": run.session.key, "seq": 1, "state": "final"}

    def said(self, run: Run, delta: str, now: int) -> Iterator[Said]:
        yield _agent(run, "assistant", {"text": run.text, "delta": delta}, now)
        if run.named and now - run.chat_at >= CHAT_EVERY_MS:
            run.chat_at = now
            yield _chat(run, "delta", run.text, now)

    def called(self, run: Run, call: Call, now: int) -> Iterator[Said]:
        use = {"type": "toolCall", "id": call.id, "name": call.name, "arguments": call.arguments}
        said = text_content(run.text) if run.text else []
        run.session.answered([*said, use], "toolUse", run.requested_at)
        data = {"phase": "start", "name": call.name, "toolCallId": call.id, "args": call.arguments}
        yield _agent(run, "tool", data, now)

    def printed(self, run: Run, call: Call, result: Entry, now: int) -> Iterator[Said]:
        data = {"phase": "update", "name": call.name, "toolCallId": call.id, "partialResult": result}
        yield _agent(run, "tool", data, now)

    def call_ended(self, run: Run, call: Call, result: Entry, now: int, *, failed: bool) -> Iterator[Said]:
        run.session.tool_answered(call.id, call.name, result, now)
        data = {
            "phase": "result",
            "name": call.name,
            "toolCallId": call.id,
            "meta": next(iter(call.arguments.values())),
            "isError": failed,
            "result": result,
        }
        yield _agent(run, "tool", data, now)

    def finished(self, run: Run, now: int) -> Iterator[Said]:
        run.session.answered(text_content(run.text), "stop", run.requested_at)
        yield from _end(run, run.text, now)

    def broke_off(self, run: Run, now: int) -> Iterator[Said]:
        run.session.answered(text_content(run.text), "error", run.requested_at, error="terminated")
        yield from _end(run, run.text, now)

    def failed(self, run: Run, error: str, now: int) -> Iterator[Said]:
        run.session.answered([], "error", run.requested_at, error=error)
        yield from _end(run, run.texts[-1] if run.texts else "", now)
        run.named = False

    def tried_again(self, run: Run, now: int) -> Iterator[Said]:
        yield _agent(run, "lifecycle", {"phase": "start", "startedAt": now}, now)

    def aborted(self, run: Run, now: int) -> Iterator[Said]:
        run.seq += 1
        payload = {"runId": run.id, "sessionKey": run.session.key, "seq": run.seq, "state": "aborted"}
        yield "chat", payload | {"stopReason": "rpc"}


def _end(run: Run, text: str, now: int) -> Iterator[Said]:
    yield _agent(run, "lifecycle", {"phase": "end", "endedAt": now}, now)
    if run.named:
        yield _chat(run, "final", text, now)


def _agent(run: Run, stream: str, data: Payload, now: int) -> Said:
    run.seq += 1
    payload: Payload = {"runId": run.id, "stream": stream, "data": data}
    if run.named:
        payload["sessionKey"] = run.session.key
    payload["seq"] = run.seq
    payload["ts"] = now
    return "agent", payload


def _chat(run: Run, state: str, text: str, now: int) -> Said:
    payload: Payload = {"runId": run.id, "sessionKey": run.session.key, "seq": run.seq, "state": state}
    if text:
        payload["message"] = {"role": "assistant", "content": text_content(text), "timestamp": now}
    return "chat", payload
