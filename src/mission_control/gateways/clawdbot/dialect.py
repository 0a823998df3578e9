"""The Clawdbot gateway's protocol 3 as a sans-IO state machine.

A connection passes through ``challenge → connecting → live``. Live, each frame becomes signals for the agent it is
about. After each connection that follows another, the sessions that may have changed meanwhile are repaired from
``chat.history``; until a session's history is there, its live signals wait in line behind it, so that an agent's actor
sees what was missed before what came after.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final as Constant

import msgspec
from attrs import evolve

from mission_control.core.ids import event_id
from mission_control.core.signals import (
    Beat,
    HistoryMissing,
    HistorySeen,
    LinkAlive,
    LinkDown,
    LinkUp,
    Missed,
    Purpose,
    RunStarted,
    Settled,
    Signal,
)
from mission_control.gateways.clawdbot import content, frames, translate
from mission_control.gateways.clawdbot.handshake import CONNECT_ID, Credentials, connect, established, refused
from mission_control.gateways.clawdbot.numbering import Numbering
from mission_control.gateways.clawdbot.places import Place, Places
from mission_control.gateways.clawdbot.repair import Repair
from mission_control.gateways.clawdbot.requests import Request, Requests
from mission_control.gateways.clawdbot.roster import Roster
from mission_control.gateways.dialect import (
    Broadcast,
    CatchingUp,
    CaughtUp,
    Deliver,
    DialectStatistics,
    Order,
    Refused,
    Send,
)

HANDSHAKE_MS: Constant = 10_000
MEND_AFTER_MS: Constant = 500
"""How soon after frames went missing their sessions' histories are asked for: more may be missing by then."""
MEND_EVERY_MS: Constant = 10_000
FIRST_LOOK_MINUTES: Constant = 24 * 60
"""How far back sessions are looked at when nothing is known of the gateway yet."""


class ClawdbotDialect:
    """See :class:`mission_control.gateways.dialect.Dialect`.

    Args:
        gateway: the gateway's id in our configuration.
        runs: open runs that the journal knows: run id to (agent id, session).
        last_heard: when this gateway was last heard according to the journal, in ms.
        missing_since: from when on something is missing that was being brought in when the daemon ended, in ms.
    """

    kind = "clawdbot"
    max_message = 32 * 1024 * 1024

    def __init__(
        self,
        gateway: str,
        credentials: Credentials,
        *,
        runs: Mapping[str, tuple[str, str]] | None = None,
        last_heard: int | None = None,
        missing_since: int | None = None,
    ) -> None:
        self._gateway = gateway
        self._credentials = credentials
        self._places = Places(runs or {})
        self._last_heard = last_heard
        self._roster = Roster(gateway)
        self._phase = "closed"
        self._handshake_by = 0
        self._ahead = 0
        self._silence_ms = 60_000
        self._requests = Requests()
        self._repair = Repair(missing_since)
        self._numbering = Numbering()
        self._hole_since: int | None = None
        self._mend_at = 0
        self._orders: list[Order] = []
        self._resumed: set[str] = set()
        self._goodbye = ""
        self._unknown = self._malformed = 0

    # -- the connection ---------------------------------------------------------------------------------------------

    def opened(self, now: int) -> list[Order]:
        self._phase, self._handshake_by = "challenge", now + HANDSHAKE_MS
        self._numbering.begin()
        return []

    def receive(self, frame: bytes, now: int) -> list[Order]:
        try:
            self._in_order(self._numbering.take(frames.head(frame), now), now)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._malformed += 1
        if self._phase == "live":
            self._last_heard = now
        return self._take(now)

    def tick(self, now: int) -> list[Order]:
        if self._phase in ("challenge", "connecting") and now >= self._handshake_by:
            self._orders.append(
                Refused("no Clawdbot handshake within 10 s", "check that the URL is that of a Clawdbot gateway")
            )
        elif self._phase == "live" and now >= self._silent_at():
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
        times = [self._requests.due(), self._numbering.due(), self._mend_due()]
        if self._phase in ("challenge", "connecting"):
            times.append(self._handshake_by)
        elif self._phase == "live":
            times.append(self._silent_at())
        return min((time for time in times if time is not None), default=None)

    def closed(self, now: int, reason: str) -> list[Order]:
        self._in_order(self._numbering.flush(), now)
        self._orders += self._repair.interrupt()
        self._requests.clear()
        self._phase = "closed"
        if self._hole_since is not None:
            self._last_heard, self._hole_since = self._hole_since, None  # the next connection begins there
        self._orders.append(Broadcast(LinkDown(now, self._goodbye or reason)))
        self._goodbye = ""
        return self._take(now)

    def statistics(self) -> DialectStatistics:
        return DialectStatistics(
            self._requests.sent, self._unknown, self._malformed, self._numbering.repeated, self._numbering.missing
        )

    # -- handshake and repair ---------------------------------------------------------------------------------------

    def _hello(self, hello: frames.Hello, now: int) -> None:
        last_heard = self._last_heard
        self._phase = "live"
        self._silence_ms = 2 * hello.policy.tickIntervalMs
        # Another process than the one last heard, if this one was not running yet at that time.
        rebooted = last_heard is not None and hello.snapshot.uptimeMs < now - last_heard
        self._resumed.update(self._places.open_sessions())
        sessions = self._repair.begin(last_heard, self._places.open_sessions())
        since = self._repair.since
        self._orders.append(CatchingUp(now - FIRST_LOOK_MINUTES * 60_000 if since is None else since))
        self._orders.append(established(hello, self._credentials, self._ahead))
        self._orders.append(Broadcast(LinkUp(now, rebooted, since, self._ahead)))
        if hello.snapshot.health is not None:
            self._health(hello.snapshot.health, now)
        self._look(sessions, now)
        if rebooted:
            self._places.close_all()

    def _look(self, sessions: Sequence[str], now: int) -> None:
        """Ask for the histories of these sessions, and which others may have changed."""
        for session in sessions:
            self._bring_in(session)
        since, minutes = self._repair.since, FIRST_LOOK_MINUTES
        if since is not None and not self._repair.is_first:
            minutes = ceil((now - since) / 60_000) + 1
        self._list_sessions(min(minutes, FIRST_LOOK_MINUTES), now)

    def _notice_hole(self, now: int) -> None:
        """Frames are missing: what was being said may have ended in them. Histories are asked for a little later."""
        if self._phase != "live":
            return
        if self._hole_since is None:
            self._hole_since = self._numbering.flowed_at
            self._mend_at = max(self._mend_at, now + MEND_AFTER_MS)
            if self._repair.is_complete:
                self._orders.append(CatchingUp(self._hole_since))
        missed = Missed(now, self._hole_since, self._ahead)
        self._orders.append(Broadcast(missed))
        for session in self._repair.held:  # what waits in line was said before
            self._repair.take(session, Deliver(self._places.agent_of(session), missed))

    def _mend_due(self) -> int | None:
        """When holes are to be mended. One repair follows another: each holds what is live."""
        waits = self._hole_since is None or self._phase != "live" or not self._repair.is_complete
        return None if waits else self._mend_at

    def _mend(self, now: int) -> None:
        """What frames were missing is told by the histories: a hole is an outage, as short as it was."""
        assert self._hole_since is not None
        since, self._hole_since = self._hole_since, None
        self._mend_at = now + MEND_EVERY_MS
        sessions = self._repair.begin(since, self._places.open_sessions())
        self._orders.append(Broadcast(Missed(now, since, self._ahead)))
        self._look(sessions, now)

    def _list_sessions(self, minutes: int, now: int) -> None:
        params = {"activeMinutes": minutes, "limit": 200}
        self._orders.append(Send(self._requests.ask("sessions.list", params, now)))

    def _bring_in(self, session: str) -> None:
        """Ask for a session's history, and let its live signals wait for it."""
        if self._repair.hold(session):
            self._requests.want_history(session, "repair")

    def _response(self, head: frames.Head, now: int) -> None:
        if head.id == CONNECT_ID and self._phase == "connecting":
            if head.ok:
                self._hello(frames.hello(head.payload), now)
            else:
                self._orders.append(refused(head.error))
            return
        request = self._requests.answered(head.id)
        if request is None:
            return  # some methods answer twice
        if not head.ok:
            self._unanswered(request, str((head.error or {}).get("message") or "refused"), now)
        elif request.method == "sessions.list":
            for row in frames.session_list(head.payload).sessions:
                session = self._places.canonical(row.key)
                if self._repair.unlisted:
                    self._bring_in(session)
                else:
                    self._want(session, "end")
            self._listed()
        elif request.method == "chat.history":
            stored = frames.history(head.payload)
            whole = len(stored.messages) < request.limit
            entries = content.entries(stored)
            self._settle(request, HistorySeen(now, request.session, entries, self._purpose(request), whole))

    def _unanswered(self, request: Request, reason: str, now: int) -> None:
        if request.method == "chat.history":
            self._settle(request, HistoryMissing(now, request.session, reason, self._purpose(request)))
        elif request.method == "sessions.list":
            self._listed()  # what is open or streams is repaired all the same

    def _purpose(self, request: Request) -> Purpose:
        """A history is no last word on an end that was heard after it had been asked for: another one follows."""
        overtaken = request.purpose == "end" and self._requests.waits(request.session)
        return "start" if overtaken else request.purpose

    def _settle(self, request: Request, signal: HistorySeen | HistoryMissing) -> None:
        agent = self._places.agent_of(request.session)
        self._orders.append(Deliver(agent, signal))
        if request.purpose == "repair":
            self._orders += self._repair.settle(request.session)
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

    # -- events -----------------------------------------------------------------------------------------------------

    def _in_order(self, heads: Sequence[frames.Head], now: int) -> None:
        if self._numbering.has_hole():
            self._notice_hole(now)
        for head in heads:
            try:
                if head.type == "event" and head.event is not None:
                    self._event(head.event, head, now)
                elif head.type == "res":
                    self._response(head, now)
                else:
                    self._unknown += 1
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._malformed += 1

    def _event(self, name: str, head: frames.Head, now: int) -> None:
        if name == "connect.challenge":
            said = frames.challenge(head.payload).ts
            self._ahead = 0 if said is None else frames.sane(said) - now
            self._phase = "connecting"
            self._orders.append(Send(connect(self._credentials)))
        elif name == "agent":
            self._agent_event(frames.agent_event(head.payload), now)
        elif name == "chat":
            self._chat_event(frames.chat_event(head.payload), now)
        elif name == "health":
            self._health(frames.health(head.payload), now)
        elif name in ("tick", "presence"):
            self._orders.append(Broadcast(LinkAlive(now)))
        elif name == "heartbeat":
            self._heartbeat(now)
        elif name == "shutdown":
            self._goodbye = frames.shutdown(head.payload).reason
        elif name != "cron":
            self._unknown += 1

    def _agent_event(self, event: frames.AgentEvent, now: int) -> None:
        if event.seq is None:
            return  # the gateway's note that its own stream has a hole: what is missing is repaired from history
        if not 0 <= event.ts <= frames.LATEST:
            event = evolve(event, ts=frames.sane(event.ts))
        place = self._places.of_run(event.runId, event.agentId, event.sessionKey)
        if place is None:
            self._unplaced(event, now)
            return
        name = event_id(self._gateway, event.runId, event.seq, event.ts)
        if event.stream == "assistant":
            self._tell(place, translate.text(name, place.session, event))
        elif event.stream == "lifecycle":
            self._lifecycle(name, place, event)
        elif event.stream == "tool":
            self._tool(name, place, event)
        elif event.stream == "compaction":
            self._tell(place, translate.compaction(name, place.session, event, frames.mapping(event.data)))
        else:
            self._unknown += 1

    def _unplaced(self, event: frames.AgentEvent, now: int) -> None:
        """A retry names neither session nor agent, and its first attempt was before our time: only the gateway's list
        tells whose it was, when it is over."""
        over = event.stream == "lifecycle" and frames.mapping(event.data).get("phase") in ("end", "error")
        if over and not self._requests.is_asked("sessions.list"):
            self._list_sessions(1, now)

    def _lifecycle(self, name: str, place: Place, event: frames.AgentEvent) -> None:
        data = frames.mapping(event.data)
        phase = data.get("phase")
        if phase == "start":
            self._places.open(event.runId)
            self._tell(place, RunStarted(name, event.ts, event.runId, place.session))
            self._want(place.session, "start")
        elif phase in ("end", "error"):
            self._places.close(event.runId)
            self._tell(place, translate.ending(name, place.session, event, data))
            self._want(place.session, "end")

    def _tool(self, name: str, place: Place, event: frames.AgentEvent) -> None:
        signal = translate.tool(name, place.session, event, frames.mapping(event.data))
        if signal is None:
            self._unknown += 1
            return
        if signal.phase == "started" and place.session in self._resumed:
            # What was said before it may have ended while the connection was down, after the repair's history was read.
            self._resumed.discard(place.session)
            self._want(place.session, "start")
        self._tell(place, signal)

    def _chat_event(self, event: frames.ChatEvent, now: int) -> None:
        state = translate.outcome(event)
        if state is None:
            return
        streamed = event.runId in self._places
        place = self._places.of_run(event.runId, None, event.sessionKey)
        if place is None:
            return
        self._places.close(event.runId)
        name = event_id(self._gateway, event.runId, "chat", event.state, event.seq)
        self._tell(place, translate.answer(name, place.session, event, state, now, streamed=streamed))
        self._want(place.session, "end")

    def _health(self, health: frames.Health, now: int) -> None:
        if health.defaultAgentId:
            self._places.default_agent = health.defaultAgentId.lower()
        self._orders += self._roster.update(health, now)

    def _heartbeat(self, now: int) -> None:
        agent = self._roster.only_beating()
        if agent is not None:
            self._orders.append(Deliver(agent, Beat(now)))

    # -- orders ------------------------------------------------------------------------------------------------------

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
        if self._phase == "live":
            self._orders += [Send(text) for text in self._requests.next_histories(now, self._places.key_of)]
        orders, self._orders = self._orders, []
        return orders
