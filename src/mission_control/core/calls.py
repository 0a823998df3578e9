"""The tool calls of one agent: which are known, and what a history adds to them.

A call is known by its session and the id that the model gave it. Some models give an id again, in a later message; so
what a history tells of is the known call only if that was heard after the history's request to the model had begun,
which both have by one clock. What a history tells of first, the stream may tell again: once, and that is an echo.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final as Constant

from attrs import define, field

from mission_control.core.events import Activity
from mission_control.core.signals import StoredCall, ToolPhase

CALLS_KEPT: Constant = 1_024
"""How many calls are remembered; more than a history tells of."""

_PHASES: Constant[dict[str, ToolPhase]] = {
    "tool.started": "started",
    "tool.progress": "progress",
    "tool.finished": "finished",
    "tool.failed": "failed",
}


@define
class _Call:
    """``at``: when it was first told of, in ms. ``echoes``: what a history told of and the stream has not repeated."""

    at: int
    started: bool = False
    ended: bool = False
    echoes: set[str] = field(factory=set)


@define
class Calls:
    """The newest calls, by session and id. Times are the source's, in ms."""

    _known: OrderedDict[tuple[str, str], _Call] = field(init=False, factory=OrderedDict)

    def restore(self, activities: Iterable[tuple[int, Activity]]) -> None:
        """Go on from what the journal holds: activities with their times, oldest first."""
        for at, activity in activities:
            phase = _PHASES.get(activity.kind)
            if phase is not None and isinstance(activity.detail, dict) and isinstance(activity.session, str):
                self.heard(activity.session, str(activity.detail.get("call_id", "")), phase, at)

    def heard(self, session: str, call_id: str, phase: ToolPhase, at: int) -> bool:
        """The stream tells of a call. False when a history had told of that before."""
        call = self._known.get((session, call_id))
        if phase == "progress":
            return call is None or not call.ended
        part = "started" if phase == "started" else "ended"
        if call is not None and part in call.echoes and at >= call.at:
            call.echoes.remove(part)
            call.at = at
            return False
        if call is None or (call.started if phase == "started" else call.ended):
            call = self._add(session, call_id, at)
        call.started = call.started or phase == "started"
        call.ended = call.ended or phase != "started"
        return True

    def began(self, session: str, call_id: str) -> int | None:
        """When a call was heard to start; None if it was not."""
        call = self._known.get((session, call_id))
        return call.at if call is not None and call.started and "started" not in call.echoes else None

    def knows(self, session: str, stored: StoredCall) -> bool:
        """Whether anything of a call that a history has was told."""
        call = self._known.get((session, stored.call_id))
        return call is not None and call.at >= stored.at

    def missing(self, session: str, stored: StoredCall) -> Sequence[ToolPhase]:
        """What nobody has told yet of a call that a history has. It counts as told from now on."""
        if self.knows(session, stored):
            call = self._known[session, stored.call_id]
        else:
            call = self._add(session, stored.call_id, stored.at)
        news: list[ToolPhase] = []
        if not call.started:
            call.started = True
            call.echoes.add("started")
            news.append("started")
        if stored.ended is not None and not call.ended:
            call.ended = True
            call.echoes.add("ended")
            news.append("failed" if stored.failed else "finished")
        return news

    def _add(self, session: str, call_id: str, at: int) -> _Call:
        self._known.pop((session, call_id), None)
        call = self._known[session, call_id] = _Call(at)
        if len(self._known) > CALLS_KEPT:
            self._known.popitem(last=False)
        return call
