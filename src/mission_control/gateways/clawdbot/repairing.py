"""What the versions of the protocol share from ``hello-ok`` on: a connection, and what is missing behind it.

Frames are put in order. After each connection that follows another, and after frames that went missing, the sessions
that may have changed meanwhile are repaired from ``chat.history``; until a session's history is there, its live signals
wait in line behind it, so that an agent's actor sees what was missed before what came after. What events and histories
say is the subclass's (docs/clawdbot.md, docs/openclaw.md).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final as Constant

import msgspec
from attrs import Factory, frozen

from mission_control.core.events import UNREADABLE
from mission_control.core.signals import (
    HistoryMissing,
    HistorySeen,
    HoleSeen,
    LinkDown,
    LinkUp,
    Missed,
    Purpose,
    RunEnding,
    Settled,
    Signal,
    TextSeen,
    ToolSeen,
)
from mission_control.gateways.clawdbot import frames
from mission_control.gateways.clawdbot.numbering import Hole, Numbering, Ordered
from mission_control.gateways.clawdbot.places import Place, Places
from mission_control.gateways.clawdbot.repair import Repair, in_turn
from mission_control.gateways.clawdbot.requests import Request, Requests
from mission_control.gateways.dialect import (
    Broadcast,
    CatchingUp,
    CaughtUp,
    Deliver,
    Established,
    Order,
    Refused,
    Send,
)
from mission_control.gateways.oddities import UnknownError, unreadable
from mission_control.gateways.record import Record

SOONEST_TICK_MS: Constant = 1_000
LATEST_TICK_MS: Constant = 3_600_000
"""Between these is the interval at which a gateway must be heard, whatever it says."""
MEND_AFTER_MS: Constant = 500
"""How soon after frames went missing their sessions' histories are asked for: more may be missing by then."""
MEND_EVERY_MS: Constant = 10_000
BOOT_MS: Constant = 100
"""A process that is asked how long it has been there has been there a little longer when its answer comes. It began
none of its runs so soon after its own beginning."""
FIRST_LOOK_MINUTES: Constant = 24 * 60
"""How far back sessions are looked at when nothing is known of the gateway yet."""


@frozen
class Before:
    """What is known of a gateway when a dialect begins with it. Times in ms.

    ``runs``: those that are not known to be over, run id to (agent id, session). ``last_heard``: when the gateway was.
    ``missing_since``: from when on something is missing that was being brought in.
    """

    runs: Mapping[str, tuple[str, str]] = Factory(dict)
    last_heard: int | None = None
    missing_since: int | None = None


@frozen
class Greeting:
    """How a handshake went, and the order that tells of it. ``ahead``: how far the gateway's clock is, in ms.

    ``began``: when the gateway's process did, in ms, by our clock.
    """

    hello: frames.Hello
    established: Established
    ahead: int
    began: int


class RepairingDialect(ABC):
    """See :class:`mission_control.gateways.claw.dialect.Version`.

    Args:
        gateway: the gateway's id in our configuration.
        before: what is known of it from before.
        record: what is counted and kept of it.
    """

    def __init__(self, gateway: str, before: Before, record: Record) -> None:
        self._gateway = gateway
        self._record = record
        self._places = Places(before.runs)
        self._last_heard = before.last_heard
        self._ahead = 0
        self._silence_ms = 60_000
        self._requests = Requests(record.asked)
        self._repair = Repair(before.missing_since)
        self._numbering = Numbering(record)
        self._hole_since: int | None = None
        self._mend_at = 0
        self._orders: list[Order] = []
        self._resumed: set[str] = set()
        self._goodbye = ""

    # -- what a version says of its own --------------------------------------------------------------------------------

    @abstractmethod
    def _event(self, name: str, head: frames.Head, now: int) -> None:
        """An event, in its turn. Raises UnknownError, and those of ``core.events.UNREADABLE``."""

    @abstractmethod
    def _health(self, health: frames.Health, now: int) -> None:
        """Which agents there are, as far as it says."""

    @abstractmethod
    def _history(self, request: Request, payload: msgspec.Raw, now: int) -> None:
        """A session's history was asked for, and is there: it is to be settled."""

    # -- the connection ------------------------------------------------------------------------------------------------

    @property
    def before(self) -> Before:
        """What a successor has to know."""
        return Before(self._places.open_runs(), self._last_heard, self._repair.missing_since)

    def greeted(self, greeting: Greeting, now: int) -> list[Order]:
        self._numbering.begin()
        self._hello(greeting, now)
        self._last_heard = now
        return self._take(now)

    def receive(self, frame: bytes, now: int) -> list[Order]:
        try:
            self._in_order(self._numbering.take(frames.head(frame), now), now)
        except UNREADABLE as error:
            self._record.odd.note_malformed(unreadable(error), frame, now)
        self._last_heard = now
        return self._take(now)

    def tick(self, now: int) -> list[Order]:
        if now >= self._silent_at():
            seconds = self._silence_ms // 1000
            self._orders.append(
                Refused(f"nothing heard for {seconds} s", "the gateway or the network hangs: look there")
            )
        self._in_order(self._numbering.expire(now), now)
        for request in self._requests.expired(now):
            self._unanswered(request, "no answer in time", now)
        if (mend_at := self._mend_due()) is not None and now >= mend_at:
            self._mend(now)
        return self._take(now)

    def due(self, now: int) -> int | None:
        times = [self._requests.due(), self._numbering.due(), self._mend_due(), self._silent_at()]
        return min(time for time in times if time is not None)

    def closed(self, now: int, reason: str) -> list[Order]:
        self._in_order(self._numbering.flush(), now)
        self._requests.clear()
        self._keep_waiting(now)
        if self._hole_since is not None:
            self._last_heard, self._hole_since = self._hole_since, None  # the next connection begins there
        self._orders.append(Broadcast(LinkDown(now, self._goodbye or reason)))
        self._goodbye = ""
        return self._take(now)

    def given_up(self) -> list[Order]:
        return self._repair.release()

    # -- what is missing -----------------------------------------------------------------------------------------------

    def _hello(self, greeting: Greeting, now: int) -> None:
        hello, last_heard = greeting.hello, self._last_heard
        self._ahead = greeting.ahead
        self._silence_ms = 2 * min(max(hello.policy.tickIntervalMs, SOONEST_TICK_MS), LATEST_TICK_MS)
        rebooted = self._is_another(greeting)
        if rebooted:
            self._orders += self._repair.release()  # said by the one before: nothing of this one's comes first
        self._resumed = set(self._places.open_sessions())
        reach = now - FIRST_LOOK_MINUTES * 60_000
        sessions = self._repair.begin(last_heard, self._places.open_sessions(), reach)
        since = self._repair.since
        self._orders.append(CatchingUp(self._repair.missing_since or reach))
        self._orders.append(greeting.established)
        booted_at = _booted_at(greeting, since, rebooted=rebooted)
        self._orders.append(Broadcast(LinkUp(now, since, greeting.ahead, booted_at)))
        if hello.snapshot.health is not None:
            self._health(hello.snapshot.health, now)
        self._look(sessions, now)
        if rebooted:
            self._places.close_all()

    def _is_another(self, greeting: Greeting) -> bool:
        """Whether this is another process than the one last heard: it was not running yet at that time."""
        return self._last_heard is not None and greeting.began > self._last_heard

    def _look(self, sessions: Sequence[str], now: int) -> None:
        """Ask for the histories of these sessions, and which others may have changed."""
        for session in sessions:
            self._bring_in(session)
        since, minutes = self._repair.since, FIRST_LOOK_MINUTES
        if since is not None and not self._repair.is_first:
            minutes = ceil((now - since) / 60_000) + 1
        self._list_sessions(min(minutes, FIRST_LOOK_MINUTES), now)

    def _list_sessions(self, minutes: int, now: int) -> None:
        params = {"activeMinutes": minutes, "limit": 200}
        self._orders.append(Send(self._requests.ask("sessions.list", params, now)))

    def _bring_in(self, session: str) -> None:
        """Ask for a session's history, and let its live signals wait for it."""
        if self._repair.hold(session):
            self._requests.want_history(session, "repair")

    def _keep_waiting(self, now: int) -> None:
        """What waited for a history waits for that of the next connection, which tells what of it is new. Behind it,
        more may be said meanwhile."""
        if self._repair.is_crowded:
            self._orders += self._repair.release()
        since = now if self._last_heard is None else self._last_heard
        for session in self._repair.held:
            self._repair.take(session, Deliver(self._places.agent_of(session), HoleSeen(now, since)))

    def _notice_hole(self, hole: Hole, now: int) -> None:
        """Frames are missing: what was being said may have ended in them. Histories are asked for a little later."""
        if self._hole_since is None:
            self._hole_since = hole.since
            self._mend_at = max(self._mend_at, now + MEND_AFTER_MS)
            if self._repair.is_complete:
                self._orders.append(CatchingUp(self._hole_since))
        seen = HoleSeen(now, self._hole_since)
        self._orders.append(Broadcast(seen))
        for session in self._repair.held:  # what waits in line was said before
            self._repair.take(session, Deliver(self._places.agent_of(session), seen))

    def _mend_due(self) -> int | None:
        """When holes are to be mended. One repair follows another: each holds what is live."""
        return None if self._hole_since is None or not self._repair.is_complete else self._mend_at

    def _mend(self, now: int) -> None:
        """What frames were missing is told by the histories: a hole is an outage, as short as it was."""
        assert self._hole_since is not None
        since, self._hole_since = self._hole_since, None
        self._mend_at = now + MEND_EVERY_MS
        sessions = self._repair.begin(since, self._places.open_sessions(), since)
        self._orders.append(Broadcast(Missed(now, since, self._ahead)))
        self._look(sessions, now)

    # -- what is answered ----------------------------------------------------------------------------------------------

    def _response(self, head: frames.Head, now: int) -> None:
        request = self._requests.answered(head.id)
        if request is None:
            return  # some methods answer twice
        if not head.ok:
            self._unanswered(request, str((head.error or {}).get("message") or "refused"), now)
            return
        try:
            self._answered(request, head.payload, now)
        except UNREADABLE:
            self._unanswered(request, "the answer cannot be read", now)
            raise

    def _answered(self, request: Request, payload: msgspec.Raw, now: int) -> None:
        if request.method == "sessions.list":
            for row in frames.session_list(payload).sessions:
                session = self._places.canonical(row.key)
                if self._repair.unlisted:
                    self._bring_in(session)
                else:
                    self._want(session, "end")
            self._listed()
        elif request.method == "chat.history":
            self._history(request, payload, now)

    def _unanswered(self, request: Request, reason: str, now: int) -> None:
        if request.method == "chat.history":
            self._settle(request, HistoryMissing(now, request.session, reason, self._purpose(request)))
        elif request.method == "sessions.list":
            self._listed()  # what is open or streams is repaired all the same

    def _purpose(self, request: Request) -> Purpose:
        """A history is no last word on an end that was heard after it had been asked for: another one follows."""
        overtaken = request.purpose == "end" and self._requests.waits(request.session)
        return "start" if overtaken else request.purpose

    def _settle(self, request: Request, signal: HistorySeen | HistoryMissing, *joined: TextSeen | ToolSeen) -> None:
        agent = self._places.agent_of(request.session)
        self._orders.append(Deliver(agent, signal))
        if request.purpose == "repair" and isinstance(signal, HistorySeen) and self._repair.is_old(request.session):
            # What had waited since before this connection may have begun what only another history knows the end of.
            self._orders += self._repair.renew(request.session)
            self._want(request.session, "repair")
        elif request.purpose == "repair":
            waited = self._repair.settle(request.session)
            if any(isinstance(order, Deliver) and isinstance(order.signal, RunEnding) for order in waited):
                self._want(request.session, "end")  # how it ended the repair's history told before it was heard
            self._orders += in_turn(waited, agent, joined)
            self._orders.append(Deliver(agent, Settled(signal.at, request.session)))
            self._conclude()

    def _listed(self) -> None:
        """The gateway has told which sessions may have changed, or will not."""
        if self._repair.unlisted:
            self._repair.listed()
            self._conclude()

    def _conclude(self) -> None:
        """A repair may be complete: then all is there, but for what went missing while it went on."""
        if self._repair.is_complete:
            hole = self._hole_since
            self._orders.append(CaughtUp() if hole is None else CatchingUp(hole))

    # -- frames and orders ---------------------------------------------------------------------------------------------

    def _in_order(self, ordered: Ordered, now: int) -> None:
        for head in ordered:
            if isinstance(head, Hole):
                self._notice_hole(head, now)
                continue
            try:
                self._frame(head, now)
            except UnknownError as unknown:
                self._record.odd.note_unknown(unknown.what, unknown.name, frames.written(head), now)
            except UNREADABLE as error:
                why = f"{head.event or head.type}: {unreadable(error)}"
                self._record.odd.note_malformed(why, frames.written(head), now)

    def _frame(self, head: frames.Head, now: int) -> None:
        if head.type == "event" and head.event is not None:
            self._event(head.event, head, now)
        elif head.type == "res":
            self._response(head, now)
        else:
            raise UnknownError("type of frame", head.type)

    def _tell(self, place: Place, signal: Signal) -> None:
        order = Deliver(place.agent, signal)
        if self._repair.unlisted:
            self._bring_in(place.session)  # it will be listed, since it lives
        if not self._repair.take(place.session, order):
            self._orders.append(order)

    def _want(self, session: str, purpose: Purpose) -> None:
        if session:
            self._requests.want_history(session, purpose)

    def _silent_at(self) -> int:
        return (self._last_heard or 0) + self._silence_ms

    def _take(self, now: int) -> list[Order]:
        self._orders += [Send(text) for text in self._requests.next_histories(now, self._places.key_of)]
        orders, self._orders = self._orders, []
        return orders


def _booted_at(greeting: Greeting, since: int | None, *, rebooted: bool) -> int | None:
    """When the gateway's process began, if it did after ``since``. The daemon may have ended before it told what that
    process had outlived."""
    booted_at = greeting.began - BOOT_MS
    if since is None or not (rebooted or booted_at > since):
        return None
    return max(booted_at, since)
