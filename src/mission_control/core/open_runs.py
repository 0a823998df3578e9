"""What events do to the open runs in an agent's view: the part of the fold that is about runs."""

from typing import Final as Constant

from msgspec import UNSET, UnsetType

from mission_control.core.events import Activity, shows_progress
from mission_control.core.views import AgentView, RunView

_ENDS: Constant = {"run.finished": False, "run.aborted": False, "run.failed": True}
_TOOL_AT_WORK: Constant = {"tool.started": True, "tool.progress": True, "tool.finished": False, "tool.failed": False}


def move_on(view: AgentView, run_id: str, at: int) -> None:
    """Note that a run, if it is open, made progress at ``at`` (ms)."""
    for run in view.runs:
        if run.run_id == run_id:
            run.progress_at = at


def follow(view: AgentView, activity: Activity, at: int) -> None:
    """Fold in an activity of a run; any other changes nothing. ``at`` in ms."""
    run_id = activity.run_id if activity.run_id is not UNSET else ""
    kind = activity.kind
    if shows_progress(kind):
        move_on(view, run_id, at)
    if kind == "run.started":
        view.counters.runs += 1
        # Begun again while it stood still: it is still to be said that it went on.
        stalled_since = next((run.stalled_since for run in view.runs if run.run_id == run_id), UNSET)
        _end(view, run_id)
        session = activity.session if activity.session is not UNSET else ""
        view.run = RunView(run_id=run_id, session=session, started_at=at, stalled_since=stalled_since)
        view.runs.append(view.run)
    elif kind in _ENDS:
        view.counters.failures += _ENDS[kind]
        _end(view, run_id)
    elif kind in _TOOL_AT_WORK:
        view.counters.tools += kind == "tool.started"
        _use_tool(view, run_id, activity.tool if _TOOL_AT_WORK[kind] else UNSET)
    elif kind in ("run.stalled", "run.resumed"):
        _stall(view, run_id, stalled=kind == "run.stalled")


def _end(view: AgentView, run_id: str) -> None:
    view.runs = [run for run in view.runs if run.run_id != run_id]
    view.run = view.runs[-1] if view.runs else None


def _use_tool(view: AgentView, run_id: str, tool: str | UnsetType) -> None:
    for run in view.runs:
        if run.run_id == run_id:
            run.tool = None if tool is UNSET else tool


def _stall(view: AgentView, run_id: str, *, stalled: bool) -> None:
    for run in view.runs:
        if run.run_id == run_id:
            run.stalled_since = run.progress_at if stalled else UNSET
