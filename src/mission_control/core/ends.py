"""How runs end: each once, and its open message before it."""

from typing import Any
from typing import Final as Constant

from attrs import define, field

from mission_control.core.conversation import Conversation
from mission_control.core.drafting import Drafting
from mission_control.core.events import Activity, AgentKey, FinalState
from mission_control.core.ids import event_id
from mission_control.core.liveness import Liveness
from mission_control.core.ordering import SeenWindow
from mission_control.core.runs import OPEN_RUNS, Run, RunBook

UNSEEN_KEPT: Constant = 256


@define
class Ends:
    """Ends the runs of one agent. Each method closes the run and its open message, and tells of both; ``at`` in ms."""

    key: AgentKey
    runs: RunBook
    conversation: Conversation
    liveness: Liveness
    out: Drafting
    _unseen: SeenWindow = field(init=False, factory=lambda: SeenWindow(UNSEEN_KEPT))
    """Failures that were told of by themselves: a run that turns out to be theirs ends under a name of its own."""

    def finish(
        self, run: Run, at: int, *, heard: bool = True, answered_at: int | None = None, failures: int = 0
    ) -> None:
        """``heard``: its source said so, and not a history alone. ``answered_at``: when its last answer was asked for,
        in ms, where whoever repairs has to know it. ``failures``: how many attempts at it failed before that one
        without being told of."""
        self._close(run, at, "complete")
        self.liveness.failure = None
        detail = {} if answered_at is None else {"answered_at": answered_at}
        detail |= _after(failures) or {}
        self._tell(run, at, "run.finished", "Run finished" if heard else "Run finished unseen", detail=detail or None)

    def fail(
        self,
        run: Run,
        at: int,
        error: str,
        *,
        name: str | None = None,
        again_from: int | None = None,
        failures: int = 0,
    ) -> None:
        """``name``: the event's id, where the failure has one of its own; ``again_from``: see :class:`Closed`;
        ``failures`` as for :meth:`finish`."""
        self._close(run, at, "error", error, again_from)
        self._failed(run, at, error, None if name in self._unseen else name, _after(failures))

    def abort(self, run: Run, at: int, now: int) -> None:
        """What it was writing is aborted. What it had gone on from may still be had from a history."""
        self.out.say(self.conversation.close(run.run_id, at, "aborted"), at)
        self.runs.close(run, aborted_at=now)
        self._tell(run, at, "run.aborted", "Run aborted")

    def undecided(self, run: Run, at: int) -> None:
        """No history tells how it ended: then what its source said last is the last word on it, if it said anything."""
        if run.error is not None:
            self.fail(run, at, run.error)
        elif run.told:
            if run.answer is not None:
                told = self.conversation.answer(run.run_id, run.session, run.answer, at, not_before=run.not_before)
                self.out.say(told, at)
            self.finish(run, at)
        elif run.orphaned:
            self._lose(run, at)
        else:
            self._close(run, at, "interrupted")
            self._tell(run, at, "run.aborted", "Run ended unseen")

    def begun_again(self, run: Run, at: int) -> None:
        """Only what failed begins again. Why it did, and what it said last, may not have been heard."""
        if run.told or run.error is not None or run.orphaned:
            self.undecided(run, at)
            return
        self._close(run, at, "interrupted")
        self._failed(run, at, "it was tried again, and why was not heard")

    def make_room(self, at: int) -> None:
        """Another run is about to be opened: the oldest may have to go for it, however it ended."""
        if len(self.runs) >= OPEN_RUNS:
            self.undecided(next(iter(self.runs)), at)

    def failed_unseen(self, session: str, at: int, error: str) -> None:
        """An attempt failed of which nothing else is known: not even which run it was of."""
        self.liveness.failure = error
        name = event_id(*self.key, session, at, "error")
        self._unseen.first_time(name)
        self.out.emit(name, at, Activity("run.failed", f"Run failed: {error}", session=session))

    def _lose(self, run: Run, at: int) -> None:
        """The gateway that ran it is gone, and what it had not stored with it."""
        cut = self.conversation.open_message(run.run_id) is not None
        lost = "the rest of its message is lost" if cut else "what it did last is not known"
        self.out.gap(run.session, at if run.interrupted_at is None else run.interrupted_at, at, lost, run)
        self._close(run, at, "interrupted")
        self._failed(run, at, "the gateway restarted in the middle of the run")

    def _close(
        self, run: Run, at: int, state: FinalState, error: str | None = None, again_from: int | None = None
    ) -> None:
        self.out.say(self.conversation.end(run.run_id, at, state, error=error), at)
        self.runs.close(run, again_from=again_from)

    def _failed(
        self, run: Run, at: int, error: str, name: str | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        self.liveness.failure = error
        self._tell(run, at, "run.failed", f"Run failed: {error}", name, detail)

    def _tell(
        self,
        run: Run,
        at: int,
        kind: str,
        title: str,
        name: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        name = name or event_id(*self.key, run.run_id, run.began, "end")
        self.out.run(name, at, kind, title, run, detail=detail, duration=max(0, at - run.began))


def _after(failures: int) -> dict[str, Any] | None:
    """The detail of an end that says that other attempts failed before, unheard."""
    return {"failed_before": failures} if failures else None
