"""What the gateway says of a run, in the words of ``core/signals.py``. ``name`` is the signal's id."""

from collections.abc import Mapping
from typing import Any
from typing import Final as Constant

from mission_control.core.signals import Noted, Outcome, RunAnswered, RunEnding, TextSeen, ToolPhase, ToolSeen
from mission_control.gateways.clawdbot import content
from mission_control.gateways.clawdbot.frames import AgentEvent, ChatEvent, assistant_data, sane

_TOOL_PHASES: Constant[dict[str, ToolPhase]] = {"start": "started", "update": "progress", "result": "finished"}
_OUTCOMES: Constant[dict[str, Outcome]] = {"final": "complete", "aborted": "aborted", "error": "error"}


def text(name: str, session: str, event: AgentEvent) -> TextSeen:
    said = assistant_data(event.data)
    shown = content.decided(said.text)
    delta = shown if said.delta == said.text else ""
    return TextSeen(name, event.ts, event.runId, session, shown, delta)


def tool(name: str, session: str, event: AgentEvent, data: Mapping[str, Any]) -> ToolSeen | None:
    """None for a phase that is not known."""
    phase = _TOOL_PHASES.get(str(data.get("phase")))
    if phase is None:
        return None
    if phase == "finished" and data.get("isError"):
        phase = "failed"
    key = {"started": "args", "progress": "partialResult"}.get(phase, "result")
    detail = content.capped("arguments" if phase == "started" else "result", data.get(key))
    called, call_id = str(data.get("name", "tool")), str(data.get("toolCallId", ""))
    return ToolSeen(name, event.ts, event.runId, session, phase, called, call_id, detail)


def compaction(name: str, session: str, event: AgentEvent, data: Mapping[str, Any]) -> Noted:
    title = f"Session compaction {data.get('phase', '')}".rstrip()
    return Noted(name, event.ts, "session.compaction", title, event.runId, session)


def ending(name: str, session: str, event: AgentEvent, data: Mapping[str, Any]) -> RunEnding:
    error = str(data.get("error") or "the run failed") if data.get("phase") == "error" else None
    return RunEnding(name, event.ts, event.runId, session, error)


def outcome(event: ChatEvent) -> Outcome | None:
    """None for a ``delta``: the agent events say it better."""
    return _OUTCOMES.get(event.state)


def answer(name: str, session: str, event: ChatEvent, state: Outcome, now: int, *, streamed: bool) -> RunAnswered:
    """``streamed``: the run was heard of before. The gateway calls failed attempts final, too, so of such a run its
    history has the last word."""
    message = event.message
    said = None if message is None else content.text_of(message.content)
    at = now if message is None or message.timestamp is None else sane(message.timestamp)
    provisional = streamed and state == "complete"
    return RunAnswered(name, at, event.runId, session, state, said, event.errorMessage, provisional)
