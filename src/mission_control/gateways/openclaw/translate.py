"""What OpenClaw says of a run, in the words of ``core/signals.py``. ``name`` is the signal's id."""

from collections.abc import Mapping
from typing import Any
from typing import Final as Constant

from mission_control.core.signals import RunAnswered, RunEnding, ToolPhase, ToolSeen
from mission_control.gateways.clawdbot.content import capped, visible
from mission_control.gateways.clawdbot.frames import AgentEvent
from mission_control.gateways.openclaw.frames import ItemData

_ITEM_PHASES: Constant[dict[str, ToolPhase]] = {"start": "started", "update": "progress", "end": "finished"}


def ended(name: str, session: str, event: AgentEvent, data: Mapping[str, Any]) -> RunAnswered | RunEnding:
    """A run's end, with the last thing that it said. Unlike its predecessor, this gateway does not call failures so."""
    reply = data.get("terminalReply")
    text = reply.get("text") if isinstance(reply, dict) and reply.get("disposition") == "visible" else None
    if not isinstance(text, str):
        return RunEnding(name, event.ts, event.runId, session)
    return RunAnswered(name, event.ts, event.runId, session, "complete", visible(text))


def aborted(name: str, session: str, event: AgentEvent) -> RunAnswered:
    return RunAnswered(name, event.ts, event.runId, session, "aborted", None)


def failed(name: str, session: str, event: AgentEvent, error: str, *, again: bool = False) -> RunAnswered:
    """An attempt failed; ``again``: the gateway will make another."""
    return RunAnswered(name, event.ts, event.runId, session, "error", None, error, again=again)


def step(name: str, session: str, event: AgentEvent, item: ItemData) -> ToolSeen | None:
    """A tool call as it is shown to those who do not get its arguments and results; None for any other step."""
    phase = _ITEM_PHASES.get(item.phase)
    if phase is None or item.kind != "tool":
        return None
    if phase == "finished" and item.status not in (None, "completed"):
        phase = "failed"
    detail = capped("summary", item.meta)
    return ToolSeen(name, event.ts, event.runId, session, phase, item.name, item.toolCallId, detail)
