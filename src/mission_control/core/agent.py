"""What one agent does, as events: the state machine behind an agent actor.

Signals in, drafts out. Open and closed runs are the :class:`RunBook`'s; messages the :class:`Conversation`'s; the
status the :class:`Liveness`'s; what a history says the :class:`Histories`'. A run passes through::

    (unseen) ── started, text, tool ──► open ── ending, or the session's next run ──► over
                                         │                                             │ answer, history, or time
                                         └── answer, history ──────────────────────────┴──► closed ── a retry ──► open

A source may end a run before it tells the last answer, tell no answer (a failure that only its history knows), or
vanish in the middle. Whichever way, a message gets exactly one final and a run's start exactly one end.
"""

from collections.abc import Callable, Sequence
from typing import Any
from typing import Final as Constant

from attrs import define, field
from msgspec import UNSET

from mission_control.core.calls import Calls
from mission_control.core.conversation import Conversation
from mission_control.core.drafting import Drafting
from mission_control.core.ends import Ends
from mission_control.core.events import Activity, AgentKey, Draft
from mission_control.core.histories import Histories
from mission_control.core.ids import event_id
from mission_control.core.liveness import Liveness, LivenessPolicy
from mission_control.core.ordering import SeenWindow
from mission_control.core.positions import Position
from mission_control.core.runs import Run, RunBook, RunPolicy
from mission_control.core.signals import (
    Beat,
    EntrySeen,
    HistoryMissing,
    HistorySeen,
    HoleSeen,
    LinkAlive,
    LinkDown,
    LinkUp,
    Listed,
    Missed,
    Noted,
    RunAnswered,
    RunEnding,
    RunStarted,
    Settled,
    Signal,
    TextSeen,
    Told,
    ToolSeen,
    Unlisted,
)
from mission_control.core.telling import Telling
from mission_control.core.views import AgentView, MessageView

AT_ITS_END: Constant = {"met": "at its end"}
"""The detail of the start of a run of which nothing but the end was heard."""
SEEN_SIGNALS: Constant = 4_096
TOOL_PROGRESS_EVERY: Constant = 1_000
"""At most one ``tool.progress`` event per run in this many ms: tools may report every line they print."""


@define
class AgentCore:
    """One agent. All methods are synchronous and give the drafts that follow, in order. ``now`` in ms."""

    key: AgentKey
    liveness_policy: LivenessPolicy = field(factory=LivenessPolicy)
    run_policy: RunPolicy = field(factory=RunPolicy)
    listed: bool = field(init=False, default=False)
    name: str = field(init=False, default="")
    runs: RunBook = field(init=False, factory=RunBook)
    liveness: Liveness = field(init=False)
    conversation: Conversation = field(init=False)
    _calls: Calls = field(init=False, factory=Calls)
    _seen: SeenWindow = field(init=False, factory=lambda: SeenWindow(SEEN_SIGNALS))
    _out: Drafting = field(init=False)
    _ends: Ends = field(init=False)
    _histories: Histories = field(init=False)
    telling: Telling = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._out = Drafting(self.key)
        self.liveness = Liveness(self.liveness_policy)
        self.conversation = Conversation(self.key[0])
        self._ends = Ends(self.key, self.runs, self.conversation, self.liveness, self._out)
        self._histories = Histories(self._ends, self._calls, self.run_policy.backfill_ms)
        self.telling = Telling(self.key, self.runs, self.liveness, self._out)

    @property
    def repeats(self) -> int:
        """How many signals were recognised as seen before."""
        return self._seen.repeats

    def restore(
        self,
        view: AgentView | None,
        open_messages: Sequence[MessageView],
        recent: Sequence[MessageView],
        now: int,
        *,
        activities: Sequence[tuple[int, Activity]] = (),
        everything: bool = True,
        position: Position | None = None,
    ) -> None:
        """Go on where the journal stands. Nothing is known of the gateway until it is heard again.

        ``recent``: the newest finals, oldest first; ``everything``: the journal has no others. ``activities``: the
        newest ones with their times, oldest first. ``position``: how far a source was followed that tells events of
        its own.
        """
        self._calls.restore(activities)
        self._histories.restore(activities)
        if view is not None:
            self.listed, self.name = view.listed, view.name
            self.liveness.resume(view.status, view.reason, view.clocks)
        if position is not None:
            self.telling.restore(position, view, open_messages, recent)
        else:
            self.conversation.restore(open_messages, recent, everything=everything)
            for run in [] if view is None else view.runs:
                self._pass_over(run.session, now, self.run_policy.repair_ms)
                # Whether its start was seen or it was joined is not known any more; its prompt bounds it either way.
                opened = self.runs.open(run.run_id, run.session, run.started_at, joined=True)
                opened.end_alone = _met_at_its_end(run.run_id, activities)
        self.liveness.disconnected(now, "not connected to its gateway yet")

    def unknown_past(self, signal: Signal) -> str | None:
        """The session whose newest finals must be recalled from the journal before this signal can be handled."""
        if isinstance(signal, HistorySeen | EntrySeen) and not self.conversation.past.is_whole(signal.session):
            return signal.session
        return None

    def begin(self, missed: LinkUp | Missed, now: int) -> None:
        """Come into being while the gateway is connected. ``missed``: the last that was said of what was not heard."""
        self.liveness.connected(now)
        if isinstance(missed, Missed):
            self._histories.missed(missed.since, missed.at, missed.ahead)
        elif missed.silent_since is not None:
            self._histories.missed(missed.silent_since, missed.at, missed.ahead, missed.booted_at)

    def handle(self, signal: Signal, now: int) -> list[Draft]:
        """What follows from one signal."""
        identity: str | None = getattr(signal, "id", None)
        if identity is not None and not self._seen.first_time(identity):
            return []
        _HANDLERS[type(signal)](self, signal, now)
        return self.tick(now)

    def tick(self, now: int) -> list[Draft]:
        """What follows from the time alone."""
        for run in self.runs:
            if run.decide_by is not None and now >= run.decide_by:
                self._ends.undecided(run, now)
        self.liveness.running = len(self.runs) > 0
        # An agent is announced before anything is said of its status.
        announced = self.listed or self.liveness.status is not None or self.liveness.running
        if announced and (change := self.liveness.judge(now)) is not None:
            self._out.emit(event_id(*self.key, "status", now, change.status, self.liveness.cause), now, change)
        elif (beat := self.liveness.beat(now)) is not None:
            self._out.emit(event_id(*self.key, "beat", now), now, beat, ephemeral=True)
        return self._out.take()

    def due(self, now: int) -> int | None:
        """When :meth:`tick` should be called if nothing else happens, in ms."""
        times = [run.decide_by for run in self.runs if run.decide_by is not None]
        if (change := self.liveness.due(now)) is not None:
            times.append(change)
        return min(times, default=None)

    # -- signals ----------------------------------------------------------------------------------------------------

    def _started(self, signal: RunStarted, now: int) -> None:
        self.liveness.progressed(now)
        session = signal.session or self.runs.session_of(signal.run_id)
        again = self.runs.get(signal.run_id) is not None or self.runs.is_closed(signal.run_id)
        if (earlier := self.runs.get(signal.run_id)) is not None:
            self._ends.begun_again(earlier, signal.at)
        self._pass_over(session, now)  # the history that is asked for now tells how it was
        self._ends.make_room(signal.at)
        run = self.runs.open(signal.run_id, session, signal.at)
        self._out.run(signal.id, signal.at, "run.started", "Run retried" if again else "Run started", run)

    def _text(self, signal: TextSeen, now: int) -> None:
        run = self._run_of(signal, now)
        if run is None:
            return
        self.liveness.progressed(now)
        written = self.conversation.write(
            run.run_id, run.session, signal.text, signal.delta, signal.at, not_before=run.not_before
        )
        self._out.say(written, signal.at)

    def _tool(self, signal: ToolSeen, now: int) -> None:
        run = self._run_of(signal, now)
        if run is None:
            return
        self.liveness.progressed(now)
        duration: int | None = None
        if signal.phase == "started":
            # A model calls a tool at the end of a message.
            self._out.say(self.conversation.go_on(run.run_id, signal.at), signal.at)
        elif signal.phase == "progress":
            if now - run.progress_told_at < TOOL_PROGRESS_EVERY:
                return
            run.progress_told_at = now
        elif (began := self._calls.began(run.session, signal.call_id)) is not None:
            duration = signal.at - began
        if self._calls.heard(run.session, signal.call_id, signal.phase, signal.at):
            step = (signal.phase, signal.tool, signal.call_id, signal.detail)
            self._out.tool(signal.id, signal.at, *step, run, duration)

    def _ending(self, signal: RunEnding, now: int) -> None:
        if self.runs.is_closed(signal.run_id):
            return  # a history told of this end before
        run = self._run_of(signal, now)
        if run is None:
            return
        self.liveness.progressed(now)
        run.await_last_word(now, self.run_policy.answer_ms, told=True)
        run.error = signal.error

    def _answered(self, signal: RunAnswered, now: int) -> None:
        self.liveness.progressed(now)
        # Of an attempt after which another follows no history will tell: its end may be all that is heard of it.
        run = self._run_of(signal, now) if signal.again else self.runs.get(signal.run_id)
        if run is None:
            self._answered_unseen(signal)
        elif signal.state == "aborted":
            self._ends.abort(run, signal.at, now)
        elif signal.state == "error":
            again_from = signal.at if signal.again else None
            self._ends.fail(run, signal.at, signal.error or "the run failed", again_from=again_from)
        else:
            run.answer = signal.text
            run.await_last_word(now, self.run_policy.answer_ms, told=True)
            if not signal.provisional:
                self._ends.undecided(run, signal.at)

    def _answered_unseen(self, signal: RunAnswered) -> None:
        """An answer of a run that is closed already, or never showed."""
        if signal.provisional:
            return  # the history that it leaves the last word to has been heard, or has been asked for
        session = signal.session or self.runs.session_of(signal.run_id)
        if signal.text is not None:
            self._out.say(self.conversation.answer(signal.run_id, session, signal.text, signal.at), signal.at)
        elif not self.runs.is_closed(signal.run_id) and signal.state == "complete":
            run = Run(signal.run_id, session, signal.at)
            self._out.run(signal.id, signal.at, "run.queued", "Message queued: its session is busy", run)

    def _noted(self, signal: Noted, now: int) -> None:
        self.liveness.heard_agent(now)
        activity = Activity(
            kind=signal.kind,
            title=signal.title,
            run_id=UNSET if signal.run_id is None else signal.run_id,
            session=UNSET if signal.session is None else signal.session,
            detail=UNSET if signal.detail is None else signal.detail,
        )
        self._out.emit(signal.id, signal.at, activity)

    def _history(self, signal: HistorySeen, now: int) -> None:
        self._histories.seen(signal)

    def _entry(self, signal: EntrySeen, now: int) -> None:
        self._histories.told(signal)

    def _history_missing(self, signal: HistoryMissing, now: int) -> None:
        self._histories.missing(signal)

    def _settled(self, signal: Settled, now: int) -> None:
        self._histories.settled(signal)

    def _listed(self, signal: Listed, now: int) -> None:
        self.liveness.listed, self.liveness.heartbeat_ms = True, signal.heartbeat_ms
        if not self.listed or self.name != signal.name:
            title = "Agent renamed" if self.listed else "Agent added"
            self._out.emit(signal.id, signal.at, Activity("agent.added", title, detail={"name": signal.name}))
        self.listed, self.name = True, signal.name

    def _unlisted(self, signal: Unlisted, now: int) -> None:
        self.liveness.listed = False
        if self.listed:
            self._out.emit(signal.id, signal.at, Activity("agent.removed", "Agent removed from its gateway"))
        self.listed = False

    def _link_up(self, signal: LinkUp, now: int) -> None:
        self.liveness.connected(now)
        if signal.silent_since is None:
            self._histories.met(signal.at, signal.ahead)
        else:
            self._histories.missed(signal.silent_since, signal.at, signal.ahead, signal.booted_at)
            self._interrupt(signal.silent_since, now)
        for run in self.runs:
            if signal.booted_at is not None and run.began < signal.booted_at + signal.ahead:
                run.orphaned = True
            if run.orphaned or run.over:
                run.decide_by = now + self.run_policy.repair_ms

    def _missed(self, signal: Missed, now: int) -> None:
        self._histories.missed(signal.since, signal.at, signal.ahead)
        self._interrupt(signal.since, now)

    def _hole_seen(self, signal: HoleSeen, now: int) -> None:
        self._interrupt(signal.since, now)

    def _interrupt(self, since: int, now: int) -> None:
        """What is open may have ended unheard."""
        self.conversation.doubt()
        for run in self.runs:
            known = run.interrupted_at
            run.interrupted_at = since if known is None else min(known, since)
            if run.over:
                run.decide_by = now + self.run_policy.repair_ms

    def _link_down(self, signal: LinkDown, now: int) -> None:
        self.liveness.disconnected(now, signal.reason)
        for run in self.runs:
            run.decide_by = None  # no history can come before the next connection

    def _link_alive(self, signal: LinkAlive, now: int) -> None:
        self.liveness.heard_gateway(now)

    def _beat(self, signal: Beat, now: int) -> None:
        self.liveness.heard_agent(now)

    def _told(self, signal: Told, now: int) -> None:
        self.telling.take(signal, now)
        self.listed = self.liveness.listed

    def _run_of(self, signal: TextSeen | ToolSeen | RunEnding | RunAnswered, now: int) -> Run | None:
        """The run that a signal belongs to, opened if this is the first that is seen of it; None if it is over."""
        run = self.runs.get(signal.run_id)
        if run is not None or self.runs.is_late(signal.run_id, signal.at):
            return run
        again = self.runs.is_closed(signal.run_id)
        session = signal.session or self.runs.session_of(signal.run_id)
        for other in self.runs.in_session(session):
            if not other.over and other.interrupted_at is None:
                self._ends.undecided(other, signal.at)  # no history is on its way that could tell more
        self._pass_over(session, now)
        self._ends.make_room(signal.at)
        run = self.runs.open(signal.run_id, session, signal.at, joined=True)
        run.end_alone = isinstance(signal, RunEnding | RunAnswered)
        run.prompted_at = self.conversation.past.newest_prompt(run.session, run.asked_by)
        name = event_id(*self.key, run.run_id, signal.at, "joined")
        title = "Retry joined in progress" if again else "Run joined in progress"
        self._out.run(name, signal.at, "run.started", title, run, detail=AT_ITS_END if run.end_alone else None)
        return run

    def _pass_over(self, session: str, now: int, patience: int | None = None) -> None:
        """A session's runs follow one another: those that are open are over when the next one is heard of, whatever was
        heard of their ends."""
        for run in self.runs.in_session(session):
            if not run.over:
                wait = self.run_policy.answer_ms if run.interrupted_at is None else self.run_policy.repair_ms
                run.await_last_word(now, patience or wait, told=False)


def _met_at_its_end(run_id: str, activities: Sequence[tuple[int, Activity]]) -> bool:
    starts = (told for _, told in reversed(activities) if told.run_id == run_id and told.kind == "run.started")
    newest = next(starts, None)
    return newest is not None and newest.detail == AT_ITS_END


_HANDLERS: Constant[dict[type, Callable[[AgentCore, Any, int], None]]] = {
    RunStarted: AgentCore._started,
    TextSeen: AgentCore._text,
    ToolSeen: AgentCore._tool,
    RunEnding: AgentCore._ending,
    RunAnswered: AgentCore._answered,
    Noted: AgentCore._noted,
    HistorySeen: AgentCore._history,
    EntrySeen: AgentCore._entry,
    HistoryMissing: AgentCore._history_missing,
    Settled: AgentCore._settled,
    Listed: AgentCore._listed,
    Unlisted: AgentCore._unlisted,
    LinkUp: AgentCore._link_up,
    Missed: AgentCore._missed,
    HoleSeen: AgentCore._hole_seen,
    LinkDown: AgentCore._link_down,
    LinkAlive: AgentCore._link_alive,
    Beat: AgentCore._beat,
    Told: AgentCore._told,
}
