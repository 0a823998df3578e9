"""A daemon without its I/O before a simulated gateway without its own: dialect, agents and journal, in virtual time."""

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from math import ceil
from typing import TypeAlias

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Draft, Event, Final, Status
from mission_control.core.ledger import Ledger
from mission_control.core.signals import LinkUp, Missed
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Broadcast, Deliver, Established, Later, Order, Refused, Send
from mission_control.simulate.chronicle import Witness
from mission_control.simulate.faults import NO_FAULTS, FaultLine, Faults, outages
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.source import Desk, Reply, Source
from mission_control.truth import Cut, Header, Record, Restart, Truth
from mission_control.verify import compare
from mission_control.verify.readings import Reading
from mission_control.verify.verdict import Verdict
from tests.simulate.stage import START

TOKEN = "open sesame"
AWAY_MS = 100
"""How soon a connection that was lost is tried again."""
TICK_MS = 30_000

MakeSource: TypeAlias = Callable[[Fleet, str, int, Witness], Source]


class Observer:
    """The source answers at once, and its clock is ours."""

    def __init__(self, make: MakeSource, fleet: Fleet, faults: Faults = NO_FAULTS) -> None:
        self.now = START
        self.records: list[Record] = []
        self.source = make(fleet, TOKEN, START, self.records.append)
        self.dialect = ClawDialect("g", Credentials("me", "1", TOKEN))
        self.agents: dict[str, AgentCore] = {}
        self.drafts: list[Draft] = []
        self.events: list[Event] = []
        self.established: list[str] = []
        self.waits: list[int] = []
        self._fleet, self._faults = fleet, faults
        self._line: FaultLine[None] = FaultLine(faults, fleet.random)
        self._schedule: Schedule | None = Schedule(fleet, self.source.agents_by_id)
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._desk: Desk | None = None
        self._up = True
        self._joined = False
        self._missed: LinkUp | Missed | None = None
        self._ledger = Ledger("test")
        self._ids: set[str] = set()
        self._finished: set[str] = set()

    def watch(self, seconds: float, *, after: float = 0) -> "Observer":
        """Let the simulation go on for ``seconds``, and the daemon come when it is ``after`` seconds old."""
        self._at(self._ms(after), self._connect)
        self._at(self.now + TICK_MS, self._tick)
        if self._faults.disconnect:
            self._plan("disconnect", self._cut)
        if self._faults.restart:
            self._plan("restart", self._restart)
        self._play(self._ms(seconds))
        return self

    def conclude(self) -> "Observer":
        """Nothing goes wrong any more, every agent comes to its end, and the daemon gets what it still wants."""
        self._line.settle()
        self._faults = NO_FAULTS
        while not self._up:
            self._play(self.now + AWAY_MS)
        self._schedule = None
        self._say([*self.source.conclude(self.now), *self.source.tick(self.now)])
        self._play(self.now + 60_000)
        return self

    def verdict(self) -> Verdict:
        header = Header(seed=0, agents=1, profile="chat", started_at=START, ended_at=self.now)
        return compare(Truth(header, tuple(self.records)), [Reading("core", tuple(self.events))])

    def finals(self) -> list[Final]:
        return [draft.payload for draft in self.drafts if isinstance(draft.payload, Final)]

    def activities(self) -> list[Activity]:
        return [draft.payload for draft in self.drafts if isinstance(draft.payload, Activity)]

    # -- time ---------------------------------------------------------------------------------------------------------

    def _play(self, until: int) -> None:
        while (due := min(self._dues())) <= until:
            self.now = max(self.now, due)
            while self._agenda and self._agenda[0][0] <= self.now:
                heapq.heappop(self._agenda)[2]()
            if self._schedule is not None and self._up:
                for agent_id, action in self._schedule.take(until=(self.now - START) / 1000):
                    self._say(self.source.act(agent_id, action, self.now))
            self._arrive()
            if self._desk is not None and _is_due(self.dialect.due(self.now), self.now):
                self._obey(self.dialect.tick(self.now))
            for agent in self.agents.values():
                if _is_due(agent.due(self.now), self.now):
                    self._keep(agent.tick(self.now))
        self.now = until

    def _dues(self) -> Iterator[int]:
        yield self._agenda[0][0]
        if self._schedule is not None and self._up:
            yield self._ms(self._schedule.next_at)
        if self._line.next_at < float("inf"):
            yield self._ms(self._line.next_at)
        if self._desk is not None and (due := self.dialect.due(self.now)) is not None:
            yield due
        yield from (due for agent in self.agents.values() if (due := agent.due(self.now)) is not None)

    def _at(self, at: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), action))

    def _ms(self, seconds: float) -> int:
        return START + ceil(seconds * 1000)

    @property
    def _seconds(self) -> float:
        return (self.now - START) / 1000

    # -- the gateway --------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._up:
            self._say(self.source.tick(self.now))
        self._at(self.now + TICK_MS, self._tick)

    def _say(self, frames: list[bytes]) -> None:
        if self._joined:
            for frame in frames:
                self._line.say(frame, None, self._seconds)
        self._arrive()

    def _plan(self, fault: str, happens: Callable[[bool, int], None]) -> None:
        """Let it happen as often as the faults say, until they cease."""
        coming = outages(getattr(self._faults, fault), self._fleet.random(f"faults/{fault}"))

        def next_one() -> None:
            outage = next(coming)

            def now() -> None:
                if self._faults:
                    down = round(outage.down * 1000)
                    happens(outage.abrupt, down)
                    self._at(self.now + (down if fault == "restart" else 0), next_one)

            self._at(self.now + round(outage.wait * 1000), now)

        next_one()

    def _cut(self, abrupt: bool, down: int) -> None:
        self.records.append(Cut(self.now, "abrupt" if abrupt else "closed"))
        self._hang_up(abrupt)

    def _restart(self, abrupt: bool, down: int) -> None:
        began = self.now
        if not abrupt:
            self._say(self.source.shutdown(down))
        self.source.die(self.now)
        self._hang_up(abrupt)
        self._up = False

        def boot() -> None:
            assert self._schedule is not None
            self.source.boot(self.now)
            self._schedule.restart(self._seconds)
            self._up = True
            self.records.append(Restart(began, self.now, "abrupt" if abrupt else "announced"))

        self._at(self.now + down, boot)

    def _hang_up(self, abrupt: bool) -> None:
        under_way = [] if abrupt else self._line.arrive()
        self._line.lose()
        for wire, _ in under_way:
            self._hear(wire)
        self._leave("cut")

    # -- the connection -----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self._up:
            self._at(self.now + AWAY_MS, self._connect)
            return
        self._desk = self.source.desk()
        self._obey(self.dialect.opened(self.now))
        for frame in self._desk.greet(self.now):
            self._line.answer(frame, None, self._seconds)
        self._arrive()

    def _leave(self, reason: str, again_in: int = AWAY_MS) -> None:
        if self._desk is not None:
            self._desk.leave(self.now)
            self._desk, self._joined = None, False
            self._line.lose()
            self._obey(self.dialect.closed(self.now, reason))
            self._at(self.now + again_in, self._connect)

    def _ask(self, text: str) -> None:
        if self._desk is None:
            return
        reply: Reply = self._desk.receive(text, self.now)
        for frame in reply.frames:
            self._line.answer(frame, None, self._seconds)
        if reply.joined:
            self._joined = True
            self._say(self.source.health(self.now))

    def _arrive(self) -> None:
        for wire, _ in self._line.take(self._seconds):
            self._hear(wire)

    def _hear(self, wire: bytes) -> None:
        for frame in _messages(wire):
            if self._desk is not None:
                self._obey(self.dialect.receive(frame, self.now))

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Send(text):
                    self._ask(text)
                case Deliver(agent_id, signal):
                    if agent_id not in self.agents:
                        self.agents[agent_id] = AgentCore(("g", agent_id))
                        if self._missed is not None:
                            self.agents[agent_id].begin(self._missed, self.now)
                    self._keep(self.agents[agent_id].handle(signal, self.now))
                case Broadcast(signal):
                    if isinstance(signal, LinkUp | Missed):
                        self._missed = signal
                    for agent in self.agents.values():
                        self._keep(agent.handle(signal, self.now))
                case Established(detail):
                    self.established.append(detail)
                    up = Status("gateway", "g", "connected", detail)
                    self._keep([Draft(f"link {self.now}", self.now, "g", None, up)])
                case Later(reason, after):
                    self.waits.append(after)
                    self._leave(reason, after)
                case Refused():
                    raise AssertionError(order)
        if any(isinstance(order, Send) for order in orders):
            self._arrive()

    def _keep(self, drafts: list[Draft]) -> None:
        """Commit as the journal does: an event once, and a message's end once."""
        self.drafts += drafts
        entries, _ = self._ledger.admit([draft for draft in drafts if not draft.ephemeral], self._ids, self._finished)
        for entry in entries:
            self.events.append(entry.event)
            self._ids.add(entry.event.event_id)
            if isinstance(entry.payload, Final):
                self._finished.add(entry.payload.message_id)


def _is_due(due: int | None, now: int) -> bool:
    return due is not None and due <= now


def _messages(wire: bytes) -> Iterator[bytes]:
    """The payloads of the WebSocket frames that a line gives."""
    at = 0
    while at < len(wire):
        size, at = wire[at + 1], at + 2
        extended = {126: 2, 127: 8}.get(size, 0)
        if extended:
            size, at = int.from_bytes(wire[at : at + extended], "big"), at + extended
        yield wire[at : at + size]
        at += size
