"""Drafts of one agent's events, with their ids and their wording."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field
from msgspec import UNSET

from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Final, Payload
from mission_control.core.ids import event_id
from mission_control.core.runs import Run
from mission_control.core.signals import ToolPhase


@define
class Drafting:
    """Collects drafts in order until they are taken. Times are in ms."""

    key: AgentKey
    _drafts: list[Draft] = field(init=False, factory=list)

    def take(self) -> list[Draft]:
        drafts, self._drafts = self._drafts, []
        return drafts

    def emit(self, name: str, at: int, payload: Payload, *, ephemeral: bool = False) -> None:
        gateway, agent_id = self.key
        self._drafts.append(Draft(name, at, gateway, agent_id, payload, ephemeral))

    def say(self, events: Iterable[Chunk | Final], at: int) -> None:
        """Parts of messages. Their ids leave no room for a second chunk of one index or a second final."""
        for event in events:
            part = "final" if isinstance(event, Final) else event.index
            self.emit(event_id(event.message_id, part), at, event)

    def run(
        self,
        name: str,
        at: int,
        kind: str,
        title: str,
        run: Run,
        tool: str | None = None,
        detail: dict[str, Any] | None = None,
        duration: int | None = None,
    ) -> None:
        """An activity of a run."""
        activity = Activity(
            kind=kind,
            title=title,
            run_id=run.run_id or UNSET,
            session=run.session,
            tool=UNSET if tool is None else tool,
            detail=UNSET if detail is None else detail,
            duration_ms=UNSET if duration is None else duration,
        )
        self.emit(name, at, activity)

    def tool(
        self,
        name: str,
        at: int,
        phase: ToolPhase,
        tool: str,
        call_id: str,
        detail: Mapping[str, Any],
        run: Run,
        duration: int | None = None,
    ) -> None:
        """A step of a tool call."""
        verb = "reported" if phase == "progress" else phase
        told = {"call_id": call_id, **detail}
        self.run(name, at, f"tool.{phase}", f"Tool {tool} {verb}", run, tool, told, duration)

    def gap(self, session: str, since: int, at: int, what: str, run: Run | None = None) -> None:
        """Declare what was not received between ``since`` and ``at`` and cannot be had any more."""
        seconds = max(0, at - since) / 1000
        where = "" if run is None else " in the middle of a run"
        title = f"Not received for {seconds:.0f} s{where}: {what}"
        name = event_id(*self.key, session if run is None else run.run_id, since, at, "gap")
        run_id = UNSET if run is None else run.run_id
        self.emit(name, at, Activity("stream.gap", title, run_id=run_id, session=session, detail=_span(since, at)))

    def repaired(self, session: str, since: int, at: int, messages: int, calls: int) -> None:
        """Tell that messages and tool calls from between ``since`` and ``at`` were brought in from history."""
        told = [_counted(messages, "message")] if messages or not calls else []
        told += [_counted(calls, "tool call")] if calls else []
        detail = {**_span(since, at), "messages": messages, "tool_calls": calls}
        title = f"Repaired from history: {' and '.join(told)}"
        name = event_id(*self.key, session, since, at, "repaired")
        self.emit(name, at, Activity("stream.repaired", title, session=session, detail=detail))

    def unseen_runs(self, session: str, since: int, at: int, answered: Sequence[int]) -> None:
        """Declare runs of which only what a history has is known; ``answered``: when each one's last answer began."""
        seconds = max(0, at - since) / 1000
        runs = _counted(len(answered), "run")
        title = f"Not received for {seconds:.0f} s: of {runs} only what the history has is known"
        detail = {**_span(since, at), "runs": len(answered), "answered_at": list(answered)}
        name = event_id(*self.key, session, since, answered[-1], "gap")
        self.emit(name, at, Activity("stream.gap", title, session=session, detail=detail))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _span(since: int, at: int) -> dict[str, Any]:
    return {"from": since, "to": at}
