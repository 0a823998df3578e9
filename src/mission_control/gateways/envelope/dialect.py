"""A source of events in our own envelope as a sans-IO state machine.

A connection passes through ``opened → live``: it opens with our ``hello``, which says how far each agent was followed,
and is live with the first frame that can be read, or after a second in which it was not refused. Live, each event
waits in its agent's :class:`~mission_control.core.ordering.ReorderWindow` for its turn and goes on as it is. What is
exact (each event once, gaps, restarts of the source) is settled by the agent's core, which knows what is committed.
"""

from collections.abc import Mapping
from typing import Final as Constant

import msgspec
from attrs import define, evolve
from msgspec import UNSET

from mission_control.core.draft_check import LATEST
from mission_control.core.events import PAYLOAD_OF, Final
from mission_control.core.ids import event_id
from mission_control.core.liveness import Statement
from mission_control.core.ordering import WINDOW_MS, ReorderWindow
from mission_control.core.positions import Position
from mission_control.core.signals import LinkAlive, LinkDown, LinkUp, Told, Unusable
from mission_control.gateways.dialect import (
    Broadcast,
    Deliver,
    Established,
    Order,
    Refused,
    Send,
)
from mission_control.gateways.envelope.frames import SHOWN, Envelope, Fault, Frame, Op, read, split
from mission_control.gateways.envelope.payloads import Payload, UnusableError, payload
from mission_control.gateways.record import Record
from mission_control.settings import Secret, masked

LARGEST_FRAME: Constant = 4 * 1024 * 1024
"""Bytes. A larger frame is left out."""
MOST_AGENTS: Constant = 4_096
QUIET_MS: Constant = 1_000
PING_EVERY_MS: Constant = 30_000
ALL_TOLD_MS: Constant = 2 * WINDOW_MS
"""By so long after it has gone live, a source that can resume has told of the agents that there were."""
FAULT_TOLD_EVERY_MS: Constant = 60_000
AHEAD_MS: Constant = 60_000
BEHIND_MS: Constant = 30 * 24 * 3600 * 1000
"""Times further from ours than these are a wrong clock's."""


@define
class _Source:
    """One agent's events on their way in. ``boot`` is the source's process that they were last counted by."""

    window: ReorderWindow[Told]
    boot: str | None = None


class EnvelopeDialect:
    """See :class:`mission_control.gateways.dialect.Dialect`.

    Args:
        gateway: the gateway's id in our configuration.
        positions: how far each agent was followed, by its id.
        last_heard: when this gateway was last heard according to the journal, in ms.
        record: what was counted and kept of this gateway so far.
    """

    kind = "envelope"
    max_message = LARGEST_FRAME

    def __init__(
        self,
        gateway: str,
        token: str | None,
        positions: Mapping[str, Position],
        *,
        last_heard: int | None = None,
        record: Record | None = None,
    ) -> None:
        self.record = record or Record()
        self._gateway = gateway
        self._token = token
        self._sources = {
            agent_id: _Source(ReorderWindow(position.sequence + 1, position.missing), position.boot)
            for agent_id, position in positions.items()
        }
        self._waiting: set[str] = set()
        self._last_heard = last_heard
        self._phase = "closed"
        self._quiet_by = 0
        self._boot: str | None = None
        self._welcomed = self._answers_pings = self._resumes = False
        self._live_at = self._heard_at = self._pinged_at = 0
        self._fault_told_at: int | None = None
        self._orders: list[Order] = []
        self._taken_in: bytes | msgspec.Raw = b""

    # -- the connection ---------------------------------------------------------------------------------------------

    def opened(self, now: int) -> list[Order]:
        self._phase, self._quiet_by = "opened", now + QUIET_MS
        self._boot, self._welcomed, self._answers_pings, self._resumes = None, False, False, False
        self._heard_at = self._pinged_at = now
        sources = self._sources.items()
        hello: dict[str, object] = {
            "op": "hello",
            "resume": {agent_id: source.window.ask_after() for agent_id, source in sources},
            "boots": {agent_id: source.boot for agent_id, source in sources if source.boot is not None},
        }
        if self._token is not None:
            hello["token"] = self._token
        self._send(hello, now)
        return self._take()

    def receive(self, frame: bytes, now: int) -> list[Order]:
        self._heard_at = now
        self._taken_in = frame
        objects = split(frame)
        if isinstance(objects, Fault):
            self._faulty(objects, now)
        else:
            for raw in objects:
                self._taken_in = raw
                self._object(read(raw), now)
        if self._phase == "live":
            self._last_heard = now
        return self._take()

    def oversized(self, size: int, beginning: bytes, now: int) -> list[Order]:
        self._heard_at = now
        self.record.odd.note_oversized(size, beginning, now)
        self._tell_fault(f"a frame of {size:,} bytes; at most {LARGEST_FRAME:,} are taken", now)
        return self._take()

    def tick(self, now: int) -> list[Order]:
        if self._phase == "opened" and now >= self._quiet_by:
            self._live("a source of events that has said nothing yet", now)
        for agent_id in list(self._waiting):
            self._deliver(agent_id, self._sources[agent_id].window.expire(now))
        if self._welcomed and now >= self._ping_at():
            self._pinged_at = now
            self._send({"op": "ping", "t": now}, now)
        if self._answers_pings and now >= self._silent_at():
            seconds = 2 * PING_EVERY_MS // 1000
            self._orders.append(
                Refused(f"nothing heard for {seconds} s", "the source or the network hangs: look there")
            )
        return self._take()

    def due(self, now: int) -> int | None:
        times = [time for name in self._waiting if (time := self._sources[name].window.due()) is not None]
        if self._phase == "opened":
            times.append(self._quiet_by)
        if self._welcomed:
            times.append(self._ping_at())
        if self._answers_pings:
            times.append(self._silent_at())
        return min(times, default=None)

    def closed(self, now: int, reason: str) -> list[Order]:
        # What waited for its turn is as good as it gets. If the source can resume, the holes are asked for next.
        for agent_id in list(self._waiting):
            self._deliver(agent_id, self._sources[agent_id].window.flush())
        self._phase, self._welcomed, self._answers_pings = "closed", False, False
        self._orders.append(Broadcast(LinkDown(now, reason)))
        return self._take()

    def _live(self, detail: str, now: int) -> None:
        if self._phase == "opened":
            self._phase, self._live_at = "live", now
            self._orders += [Established(detail), Broadcast(LinkUp(now, self._last_heard))]

    def _ping_at(self) -> int:
        return max(self._heard_at, self._pinged_at) + PING_EVERY_MS

    def _silent_at(self) -> int:
        return self._heard_at + 2 * PING_EVERY_MS

    def _object(self, one: Frame, now: int) -> None:
        match one:
            case Envelope():
                self._live("a source of events that does not say whether it can resume", now)
                self._event(one, now)
            case Op():
                self._op(one, now)
            case Fault():
                self._faulty(one, now)

    def _op(self, op: Op, now: int) -> None:
        if op.op == "welcome":
            self._welcome(op, now)
        elif op.op == "pong":
            self._answers_pings = True
            self._orders.append(Broadcast(LinkAlive(now)))
        elif op.op == "error":
            message = self._without_token(op.message)[:SHOWN] or "no reason given"
            self._orders.append(
                Refused(message, "check the token: gateways[].token, or token_file, is what the source expects")
            )
        else:
            self.record.odd.note_unknown("op", op.op, bytes(self._taken_in), now)

    def _without_token(self, message: str) -> str:
        return message if self._token is None else masked(message, [Secret(self._token)])

    def _welcome(self, op: Op, now: int) -> None:
        detail = "a source of events that " + ("resumes where it was left" if op.resume else "cannot resume")
        if self._phase == "live":
            self._orders.append(Established(detail))
        self._live(detail, now)
        self._welcomed, self._boot, self._resumes = True, op.boot, bool(op.resume)
        for agent_id, source in self._sources.items():
            if None not in (op.boot, source.boot) and op.boot != source.boot:
                self._deliver(agent_id, source.window.start_over())
                source.boot = op.boot

    # -- events -----------------------------------------------------------------------------------------------------

    def _event(self, envelope: Envelope, now: int) -> None:
        told = self._checked(envelope, now)
        if isinstance(told, Unusable) and told.type in PAYLOAD_OF:
            self.record.odd.note_malformed(told.reason, bytes(self._taken_in), now)
        elif isinstance(told, Unusable):
            self.record.odd.note_unknown("type of event", told.type, bytes(self._taken_in), now)
        name = event_id(self._gateway, envelope.agent_id, envelope.event_id)
        self._place(envelope.agent_id, envelope.sequence, name, envelope.timestamp, told, now)

    def _checked(self, envelope: Envelope, now: int) -> Payload | Unusable:
        try:
            told = payload(envelope.type, envelope.payload, f"{self._gateway}/{envelope.agent_id}")
        except UnusableError as error:
            return Unusable(envelope.type, str(error))
        if isinstance(told, Final) and told.started_at is not UNSET and _skew(told.started_at, now) is not None:
            return evolve(told, started_at=UNSET)
        return told

    def _place(
        self, agent_id: str, sequence: int, name: str, timestamp: int, told: Payload | Unusable, now: int
    ) -> None:
        """Let an event wait for its turn, and go on if it has come."""
        source = self._source_of(agent_id, now)
        if source is None:
            return
        skew = _skew(timestamp, now)
        from_first = self._resumes and now - self._live_at > ALL_TOLD_MS
        one = Told(name, timestamp if skew is None else now, sequence, told, self._boot, skew, from_first)
        certain = self._boot is not None and self._boot == source.boot
        if isinstance(told, Statement) and sequence < source.window.expected:
            self._deliver(agent_id, [one])  # a mere beat may come under the number of the last event
            return
        before = source.window.repeats
        self._deliver(agent_id, source.window.take(sequence, name, one, now, certain=certain))
        self.record.repeated += source.window.repeats - before
        source.boot = self._boot or source.boot

    def _source_of(self, agent_id: str, now: int) -> _Source | None:
        source = self._sources.get(agent_id)
        if source is None:
            if len(self._sources) >= MOST_AGENTS:
                self._fault(f"more than {MOST_AGENTS:,} agents; {agent_id[:SHOWN]!r} is not taken", now)
                return None
            source = self._sources[agent_id] = _Source(ReorderWindow(), self._boot)
        return source

    def _deliver(self, agent_id: str, events: list[Told]) -> None:
        """Hand on what a window gave, and note whether it holds more."""
        if self._sources[agent_id].window:
            self._waiting.add(agent_id)
        else:
            self._waiting.discard(agent_id)
        self._orders += [Deliver(agent_id, told) for told in events]

    # -- what is wrong ----------------------------------------------------------------------------------------------

    def _faulty(self, fault: Fault, now: int) -> None:
        """A faulty event leaves its reason in its place, if that is known; else the link's state tells it."""
        if fault.agent_id is None or fault.sequence is None:
            self._fault(fault.reason, now)
            return
        self.record.odd.note_malformed(fault.reason, bytes(self._taken_in), now)
        self._live("a source of events that does not say whether it can resume", now)
        own = fault.event_id or ("rejected", self._boot, fault.sequence)
        name = event_id(self._gateway, fault.agent_id, *([own] if isinstance(own, str) else own))
        self._place(fault.agent_id, fault.sequence, name, now, Unusable(fault.type, fault.reason), now)

    def _fault(self, reason: str, now: int) -> None:
        self.record.odd.note_malformed(reason, bytes(self._taken_in), now)
        self._tell_fault(reason, now)

    def _tell_fault(self, reason: str, now: int) -> None:
        due = self._fault_told_at is None or now >= self._fault_told_at + FAULT_TOLD_EVERY_MS
        if self._phase == "live" and due:
            self._fault_told_at = now
            faults = self.record.odd.malformed + self.record.odd.oversized
            detail = f"{faults} frames or events of the source could not be taken"
            self._orders.append(Established(detail, (f"the last one: {reason}",)))

    def _send(self, frame: dict[str, object], now: int) -> None:
        self.record.asked.note(str(frame["op"]), now)
        self._orders.append(Send(msgspec.json.encode(frame).decode()))

    def _take(self) -> list[Order]:
        """The orders, a refusal last: nothing after it is carried out, and what is told must reach its agent."""
        orders, self._orders = self._orders, []
        return sorted(orders, key=lambda order: isinstance(order, Refused))


def _skew(timestamp: int, now: int) -> int | None:
    """How far a time is from ours in ms, if no clock that is right can tell it."""
    skew = min(max(timestamp, 0), LATEST) - now
    return None if -BEHIND_MS <= skew <= AHEAD_MS else skew
