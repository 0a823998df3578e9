"""What was read of a daemon, and the account that it gives: messages, activities, gaps."""

from collections import defaultdict
from collections.abc import Iterable
from math import inf
from typing import Final

from attrs import Factory, define, frozen
from msgspec import UNSET

from mission_control.core.events import Activity, Chunk, Event, FinalState, Status, decode_payload
from mission_control.core.events import Final as FinalPayload
from mission_control.core.views import MessageView

SLACK_MS: Final = 2_000
"""How far a time may be off, for delays on the way to whoever observed it."""


@frozen
class Reading:
    """Journaled events as they were read, under the name of where.

    All after offset ``begins_after`` are there, but for chunks of finished messages up to ``compacted_to``.
    """

    name: str
    events: tuple[Event, ...]
    begins_after: int = 0
    compacted_to: int = 0


@frozen
class Conversations:
    """Finished messages as they were asked for, of each agent newest first."""

    name: str
    messages: tuple[tuple[MessageView, ...], ...]


@frozen
class Told:
    """A message that has its final. ``began`` in ms."""

    message_id: str
    session: str
    role: str
    text: str
    state: FinalState
    began: int
    offset: int

    @property
    def is_whole(self) -> bool:
        return self.state in ("complete", "error")


@frozen
class Deed:
    """An activity of a run. ``failed_before``: how many other attempts it says to have failed, unheard."""

    kind: str
    run: str | None
    session: str | None
    call: str | None
    at: int
    offset: int
    failed_before: int = 0


@frozen
class Gap:
    """Something that was declared to be missing, from when to when (ms), in a run or else in a session.
    ``of_runs``: whole runs were, which ended then."""

    run: str | None
    session: str | None
    since: int
    until: int
    of_runs: bool = False

    def covers(self, session: str, run: str, began: int, ended: int) -> bool:
        """Whether it is about what happened there then, at least about a part of it."""
        if self.session != session and self.run != run:
            return False
        return self.since - SLACK_MS <= ended and began <= self.until + SLACK_MS


@define
class Account:
    """``connections``: from when to when (ms) the source was connected to, as far as the journal can say; ``starts``:
    when a daemon started (ms)."""

    finals: list[Told] = Factory(list)
    deeds: list[Deed] = Factory(list)
    gaps: list[Gap] = Factory(list)
    connections: list[tuple[float, float]] = Factory(list)
    starts: list[int] = Factory(list)

    @property
    def watched_from(self) -> float:
        """When the source was first connected to; 0 if it never was."""
        return self.connections[0][0] if self.connections else 0

    def was_there(self, at: float, for_ms: int) -> bool:
        """Whether the source had been connected to for so long then."""
        return any(since + for_ms < at <= until for since, until in self._spans)

    def must_have_heard(self, at: float) -> bool:
        """Whether what was said then was on its way to a connection that lasted long enough for it to arrive."""
        return any(since <= at <= until - SLACK_MS for since, until in self._spans)

    @property
    def _spans(self) -> list[tuple[float, float]]:
        return self.connections or [(0, inf)]  # a reading that does not say: strict is better than blind

    def declared(self, session: str, run: str, began: int, ended: int) -> bool:
        """Whether a gap was declared there and then."""
        return any(gap.covers(session, run, began, ended) for gap in self.gaps)

    def declared_unheard(self, session: str, run: str, ended: int) -> bool:
        """Whether runs were declared there of which nothing was heard, and which ended then."""
        return any(gap.of_runs and gap.covers(session, run, ended, ended) for gap in self.gaps)


def account(events: Iterable[Event]) -> Account:
    """The account that events give."""
    told = Account()
    begins: defaultdict[str, list[int]] = defaultdict(list)
    newest = 0
    for event in events:
        payload = decode_payload(event.type, event.payload)
        match payload:
            case Chunk():
                begins[payload.message_id].append(event.timestamp)
            case FinalPayload():
                told.finals.append(_final(event, payload, begins.pop(payload.message_id, [])))
            case Activity() if payload.kind == "stream.gap":
                told.gaps.append(_gap(event, payload))
            case Activity():
                told.deeds.append(_deed(event, payload))
            case Status(component="daemon", state="started"):
                told.starts.append(event.timestamp)
            case Status(component="gateway", state="connected"):
                if not told.connections or told.connections[-1][1] < inf:
                    told.connections.append((event.timestamp, inf))
            case Status(component="gateway", previous=before):
                # Whoever knows of no state before has begun anew, and its predecessor may have died at any time.
                _disconnected(told, newest if before is UNSET else event.timestamp)
        if not isinstance(payload, Status) or payload.component == "gateway":
            newest = max(newest, event.timestamp)
    return told


def _disconnected(told: Account, at: int) -> None:
    if told.connections and told.connections[-1][1] == inf:
        told.connections[-1] = (told.connections[-1][0], at)


def _final(event: Event, final: FinalPayload, chunks: list[int]) -> Told:
    began = min([event.timestamp, *chunks]) if final.started_at is UNSET else final.started_at
    place = event.offset or 0
    return Told(final.message_id, final.session, final.role, final.text.strip(), final.state, began, place)


def _deed(event: Event, activity: Activity) -> Deed:
    detail = activity.detail or {}
    call = detail.get("call_id")
    run, session = activity.run_id or None, activity.session or None
    place, failed_before = event.offset or 0, detail.get("failed_before", 0)
    return Deed(activity.kind, run, session, call, event.timestamp, place, failed_before)


def _gap(event: Event, activity: Activity) -> Gap:
    """Without a span it is a moment."""
    detail = activity.detail or {}
    since, until = detail.get("from", event.timestamp), detail.get("to", event.timestamp)
    return Gap(activity.run_id or None, activity.session or None, since, until, "runs" in detail)
