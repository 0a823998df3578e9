"""What a source tells of one agent in events of its own, made exact: each once, in order, and what is missing said.

A source numbers its events per agent. Whatever comes has one of these places, in this order of judgement::

    repeated   its id was seen, or the journal has it, or its number has passed in this life of the source
    first      the first event of an agent: what came before it was before our time
    next       the number after the last one; or a higher one, after a ``stream.gap`` that names what is missing
    late       a number that was missing: it follows now, and a ``stream.repaired`` after it
    beat       a heartbeat under the last number: it counts as no event of its own
    restarted  any other: the source counts anew. What it had open is ended, and it goes on from there

Where the place hangs on whether the journal has the event, :meth:`Telling.is_unsure` says so beforehand.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import Enum, auto
from typing import Final as Constant

from attrs import define, evolve, field
from msgspec import UNSET

from mission_control.core.drafting import Drafting
from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Final, shows_progress
from mission_control.core.ids import event_id
from mission_control.core.liveness import Liveness, Statement
from mission_control.core.ordering import MOST_HOLES, SeenWindow, with_hole, without
from mission_control.core.positions import Position
from mission_control.core.runs import OPEN_RUNS, Run, RunBook
from mission_control.core.signals import Told, Unusable
from mission_control.core.told_messages import Said, ToldMessages
from mission_control.core.views import AgentView, MessageView

SEEN: Constant = 4_096
RUN_ENDS: Constant = ("run.finished", "run.failed", "run.aborted")
RESTARTED: Constant = "its source started over in the middle of the run"


class Place(Enum):
    """Where an event stands among the others of its agent."""

    REPEATED = auto()
    FIRST = auto()
    NEXT = auto()
    LATE = auto()
    BEAT = auto()
    RESTARTED = auto()
    UNSURE = auto()


@define
class Telling:
    """The events that a source tells of one agent. ``position`` is None until there is one."""

    key: AgentKey
    runs: RunBook
    liveness: Liveness
    out: Drafting
    position: Position | None = None
    messages: ToldMessages = field(init=False, factory=ToldMessages)
    _seen: SeenWindow = field(init=False, factory=lambda: SeenWindow(SEEN))
    _looked_up: dict[str, bool] = field(init=False, factory=dict)
    _skew_told_in: int = field(init=False, default=0)

    def restore(
        self,
        position: Position,
        view: AgentView | None,
        opened: Sequence[MessageView],
        ended: Sequence[MessageView],
    ) -> None:
        """Go on where the journal stands."""
        self.position = position
        self.messages.restore(opened, ended)
        self.liveness.stated = position.stated
        if view is not None:
            self.liveness.listed = view.listed
            for run in view.runs:
                self.runs.open(run.run_id, run.session, run.started_at)

    def is_unsure(self, told: Told) -> bool:
        """Whether the journal must be asked for this event, and :meth:`look_up` told, before it can be taken."""
        return told.event_id not in self._seen and self._place(told) is Place.UNSURE

    def look_up(self, told: Iterable[Told], known: Collection[str]) -> None:
        """The journal was asked for these events, and has those whose ids are ``known``."""
        self._looked_up = {one.event_id: one.event_id in known for one in told}

    def take(self, told: Told, now: int) -> None:
        """Give the drafts that follow from one event. ``now`` in ms."""
        if not self._seen.first_time(told.event_id):
            return
        place = self._place(told)
        if place is Place.REPEATED:
            return
        if place in (Place.RESTARTED, Place.UNSURE):
            self._start_over(told)
        self._move(told, late=place is Place.LATE, beat=place is Place.BEAT)
        self._tell_skew(told)
        self._pass_on(told, now, late=place is Place.LATE)
        if place is Place.LATE:
            self._stream(told, "stream.repaired", f"Came late: {_numbers(told.sequence, told.sequence)}", told.sequence)

    # -- places -----------------------------------------------------------------------------------------------------

    def _place(self, told: Told) -> Place:
        position = self.position
        if position is None:
            return Place.FIRST
        certain = told.boot is not None and told.boot == position.boot
        if told.boot in (None, position.boot) or position.boot is None:
            if told.sequence > position.sequence:
                return Place.NEXT
            if without(position.missing, told.sequence) is not None:
                return Place.LATE
            if isinstance(told.payload, Statement):
                return Place.BEAT if told.sequence == position.sequence else Place.REPEATED
            if certain:
                return Place.REPEATED
        known = self._looked_up.get(told.event_id)
        if known is None:
            return Place.UNSURE
        return Place.REPEATED if known else Place.RESTARTED

    def _move(self, told: Told, *, late: bool, beat: bool) -> None:
        """Bring the position up to this event, and say what it leaves out."""
        position = self.position
        if position is None:
            # What came before our time is no gap, but if it comes after all it is not lost either.
            before = with_hole((), 1, told.sequence - 1) if told.sequence > 1 else ()
            self.position = Position(told.sequence, told.boot, missing=before)
            self._introduce(told)
            if told.from_first and told.sequence > 1:
                self._not_received(told, 1)
            return
        boot = told.boot or position.boot
        if late:
            self.position = evolve(position, boot=boot, missing=without(position.missing, told.sequence) or ())
        elif not beat:
            expected, missing = position.sequence + 1, position.missing
            if told.sequence > expected:
                missing = with_hole(missing, expected, told.sequence - 1)
            self.position = evolve(position, sequence=told.sequence, boot=boot, missing=missing)
            if told.sequence > expected:
                self._not_received(told, expected)

    def _not_received(self, told: Told, first: int) -> None:
        """Declare the numbers from this one to that of what came."""
        lost = _numbers(first, told.sequence - 1)
        self._stream(told, "stream.gap", f"Not received from its source: {lost}", first, told.sequence - 1)

    def _start_over(self, told: Told) -> None:
        """The source counts anew: what ran in its former life is gone with it."""
        former = self.position
        assert former is not None
        self._say(self.messages.cut_all(told.at))
        for run in self.runs:
            self._end_run(run, told.at, "run.failed", f"Run failed: {RESTARTED}")
            self.liveness.failure = RESTARTED
        self.position = Position(0, told.boot, former.life + 1)
        self.liveness.stated = None
        detail = {"after_sequence": former.sequence}
        title = f"Its source started over after event {former.sequence}"
        name = self._name("restarted")
        self.out.emit(name, told.at, Activity("stream.restarted", title, detail=detail))

    # -- what it says -----------------------------------------------------------------------------------------------

    def _pass_on(self, told: Told, now: int, *, late: bool) -> None:
        payload = told.payload
        match payload:
            case Chunk():
                self._conversation(told, self.messages.chunk(told.event_id, told.at, payload), now)
            case Final():
                self._conversation(told, self.messages.final(told.event_id, told.at, payload), now)
            case Activity():
                self._activity(told, payload, now, late=late)
            case Statement():
                if not late:  # how an agent was is not how it is
                    self._statement(told, payload, now)
            case Unusable():
                self._reject(told, payload.reason)

    def _conversation(self, told: Told, said: list[Said] | str, now: int) -> None:
        self.liveness.progressed(now)
        if isinstance(said, str):
            self._reject(told, said)
        else:
            self._say(said)

    def _say(self, said: Iterable[Said]) -> None:
        for name, at, payload in said:
            self.out.emit(name, at, payload)

    def _activity(self, told: Told, activity: Activity, now: int, *, late: bool) -> None:
        kind = activity.kind
        if shows_progress(kind):
            self.liveness.progressed(now)
        else:
            self.liveness.heard_agent(now)
        if kind in ("agent.added", "agent.removed"):
            self.liveness.listed = kind == "agent.added"
        self.out.emit(told.event_id, told.at, activity)
        if activity.run_id is not UNSET:
            self._follow_run(told, activity, activity.run_id, late=late)

    def _follow_run(self, told: Told, activity: Activity, run_id: str, *, late: bool) -> None:
        run, kind = self.runs.get(run_id), activity.kind
        if kind in RUN_ENDS:
            if run is not None:
                self.runs.close(run)
            else:
                self._note_end(run_id, kind)
            if kind != "run.aborted":
                self.liveness.failure = activity.title if kind == "run.failed" else None
        elif kind == "run.started":
            if run is None and len(self.runs) >= OPEN_RUNS:
                self._end_run(next(iter(self.runs)), told.at, "run.aborted", "Run ended unseen")
            opened = self.runs.open(run_id, "" if activity.session is UNSET else activity.session, told.at)
            if late and (ended := self._end_of(run_id)) is not None:
                self._end_run(opened, told.at, ended, "Run ended before its start came")

    def _end_run(self, run: Run, at: int, kind: str, title: str) -> None:
        self.runs.close(run)
        self.out.run(event_id(*self.key, run.run_id, run.began, "end"), at, kind, title, run)

    def _note_end(self, run_id: str, kind: str) -> None:
        """Its start may be among what is missing. If it comes after all, it must not look as if the run went on."""
        assert self.position is not None
        if self.position.missing:
            ends = (*self.position.ends, (run_id, kind))[-MOST_HOLES:]
            self.position = evolve(self.position, ends=ends)

    def _end_of(self, run_id: str) -> str | None:
        """How a run ended whose start had not come."""
        assert self.position is not None
        return dict(self.position.ends).get(run_id)

    def _statement(self, told: Told, statement: Statement, now: int) -> None:
        """A change is journaled, under the source's id; a mere beat passes at most every 5 s."""
        assert self.position is not None
        self.liveness.heard_agent(now)
        self.liveness.stated = statement
        if self.position.stated != statement:
            self.position = evolve(self.position, stated=statement)
        if (change := self.liveness.judge(now)) is not None:
            self.out.emit(told.event_id, told.at, change)
        elif (beat := self.liveness.beat(now)) is not None:
            self.out.emit(told.event_id, told.at, beat, ephemeral=True)

    def _reject(self, told: Told, reason: str) -> None:
        detail = {"sequence": told.sequence, "reason": reason}
        title = f"Event {told.sequence} of its source was rejected: {reason}"
        self.out.emit(told.event_id, told.at, Activity("stream.rejected", title, detail=detail))

    def _introduce(self, told: Told) -> None:
        """An agent is announced before anything else is said of it, unless its source does that itself."""
        if isinstance(told.payload, Activity) and told.payload.kind == "agent.added":
            return
        detail = {"name": self.key[1]}
        self.out.emit(event_id(*self.key, "introduced"), told.at, Activity("agent.added", "Agent added", detail=detail))

    def _tell_skew(self, told: Told) -> None:
        assert self.position is not None
        if told.skew_ms is None or self._skew_told_in == self.position.life:
            return
        self._skew_told_in = self.position.life
        way = "ahead of" if told.skew_ms > 0 else "behind"
        title = f"Its source's clock is {abs(told.skew_ms) / 1000:.0f} s {way} ours: times of arrival are shown instead"
        detail = {"sequence": told.sequence, "skew_ms": told.skew_ms}
        self.out.emit(self._name("skew"), told.at, Activity("stream.clock_skew", title, detail=detail))

    def _stream(self, told: Told, kind: str, title: str, first: int, last: int | None = None) -> None:
        """Name numbers that are missing or came late."""
        last = first if last is None else last
        detail = {"from_sequence": first, "to_sequence": last}
        if kind == "stream.gap":
            detail["missing"] = last - first + 1
        name = self._name(first, kind.removeprefix("stream."))
        self.out.emit(name, told.at, Activity(kind, title, detail=detail))

    def _name(self, *parts: object) -> str:
        assert self.position is not None
        return event_id(*self.key, self.position.life, *parts)


def told_drafts(key: AgentKey, told: Iterable[Told]) -> list[Draft]:
    """These events as the journal would be given them, to ask whether it has them."""
    placeholder = Activity("", "")
    return [
        Draft(one.event_id, one.at, *key, one.payload if isinstance(one.payload, Chunk | Final) else placeholder)
        for one in told
    ]


def _numbers(first: int, last: int) -> str:
    return f"event {first}" if first == last else f"events {first} to {last}"
