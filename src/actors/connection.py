"""The connection actor: one per gateway. It holds the link, reconnects for as long as it takes, and routes signals.

It drains the socket and thinks later: what arrives is handed to the agents' mailboxes, and only when one of them is
full does the socket wait. What the gateway says is the dialect's business (``mission_control.gateways``).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final as Constant
from typing import TypeAlias

import trio
from attrs import field, frozen
from msgspec import UNSET

from actors.agent import AgentMessage, HandedOver
from actors.clock import Clock
from actors.links import LinkState
from actors.persistence import Barrier, PersistenceMessage, hand_over
from mission_control.core.events import AgentKey, Draft, LinkStateName, Status
from mission_control.core.ids import event_id
from mission_control.core.positions import Position
from mission_control.core.signals import LinkDown, LinkUp, Missed, Signal
from mission_control.core.subscription import Filter
from mission_control.core.views import Snapshot, last_heard
from mission_control.gateways.dialect import (
    Broadcast,
    CatchingUp,
    CaughtUp,
    Deliver,
    Dialect,
    Established,
    Later,
    Order,
    Refused,
    Send,
)
from mission_control.gateways.framing import Oversized
from mission_control.gateways.record import Record
from mission_control.gateways.transport import Link, LinkClosed, LinkFailed, open_link
from mission_control.stores.journal import Journal
from runtime import ActorCrashed, ActorStopped, Backoff, Inbox, MailboxFull, Pool, Ref

OPEN_SECONDS: Constant = 10.0
STEP_SECONDS: Constant = 0.005
"""Longest time for which this actor keeps the event loop when much has arrived at once."""


@frozen
class Retry:
    """Try to connect now instead of when the backoff says. While it is connected or trying, this changes nothing."""


@frozen
class Gateway:
    """A configured gateway. ``dialect`` makes its dialect from what the journal knows of it and of its agents, and from
    what was counted and kept of it so far."""

    id: str
    url: str
    dialect: Callable[[Snapshot, Mapping[str, Position], Record], Dialect]
    backoff: Backoff = field(factory=lambda: Backoff(first=0.25, ceiling=10.0))


@frozen
class _End:
    """How a connection ended, or why there was none. ``refused``: the gateway does not want us as we are.
    ``again_in``: it said for how many seconds it will not be ready."""

    reason: str
    refused: bool = False
    again_in: float | None = None


Agents: TypeAlias = Pool[AgentKey, AgentMessage]


class ConnectionActor:
    def __init__(
        self,
        gateway: Gateway,
        journal: Journal,
        agents: Agents,
        persistence: Ref[PersistenceMessage],
        link: LinkState,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._gateway = gateway
        self._journal = journal
        self._agents = agents
        self._persistence = persistence
        self._link = link
        self._clock = clock
        self._rng = rng
        self._dialect: Dialect
        self._state: LinkStateName | None = None
        self._attempt = 0
        self._told = 0
        self._last_event_at: int | None = None
        self._missing_since: int | None = None
        self._connected = ""
        self._retry = trio.Event()
        self._known: set[str] = set()
        self._nursery: trio.Nursery
        self._catching_up = trio.CancelScope()

    async def run(self, inbox: Inbox[Retry]) -> None:
        await self._let_predecessor_finish()
        stored = await self._journal.snapshot(Filter(gateways=frozenset({self._gateway.id})))
        positions = await self._journal.positions(self._gateway.id)
        self._dialect = self._gateway.dialect(stored, positions, self._link.record)
        self._missing_since = next((view.missing_since for view in stored.gateways), None)
        self._last_event_at = last_heard(stored)
        for agent in stored.agents:
            self._known.add(agent.id)
            self._agents.ensure((self._gateway.id, agent.id))
        if self._link.up:  # a predecessor died with its connection
            await self._carry_out([Broadcast(LinkDown(self._clock(), "the connection is being restarted"))], None)
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._stay_connected)
            async for _ in inbox:
                self._retry.set()
            self._nursery.cancel_scope.cancel()

    async def _let_predecessor_finish(self) -> None:
        """Wait until all that follows from what a predecessor heard is committed: from there this one goes on."""
        for (gateway, _), agent in list(self._agents.refs().items()):
            if gateway == self._gateway.id:
                with suppress(ActorCrashed, ActorStopped):
                    await agent.ask(HandedOver)
        await self._persistence.ask(Barrier)

    async def _stay_connected(self) -> None:
        await self._tell("connecting", f"connecting to {self._gateway.url}")
        while True:
            end = await self._connection()
            # Who asks from here on is heard, however long it takes until the wait has begun.
            self._retry = trio.Event()
            self._catching_up.cancel()
            await self._carry_out(self._dialect.closed(self._clock(), end.reason), None)
            if end.again_in is None:
                self._attempt += 1
                delay = self._gateway.backoff.delay(self._attempt, self._rng)
            else:
                delay = end.again_in
            retry_at = self._clock() + int(delay * 1000)
            state: LinkStateName = "disconnected" if end.refused else "reconnecting"
            await self._tell(state, self._link.reason, retry_at)
            with trio.move_on_after(delay):
                await self._retry.wait()
            if self._retry.is_set():
                await self._tell(state, self._link.reason)  # it is tried now, not when that said

    async def _connection(self) -> _End:
        """One connection from its opening to its end."""
        try:
            with trio.move_on_after(OPEN_SECONDS) as opening:
                async with open_link(self._gateway.url, max_message=self._dialect.max_message) as link:
                    opening.deadline = float("inf")
                    return await self._converse(link)
        except LinkFailed as error:
            return _End(f"{error}; {error.remedy}")
        except LinkClosed as error:
            return self._closed(error)
        return _End(f"no answer from {self._gateway.url} within {OPEN_SECONDS:.0f} s; is the gateway running there?")

    def _closed(self, error: LinkClosed) -> _End:
        if error.by_peer:
            return _End(f"the gateway closed the connection: {error}")
        if error.code is None:
            return _End(str(error))
        self._dialect.record.odd.note_malformed(str(error), b"", self._clock())
        return _End(f"the connection was closed because of what the gateway sent: {error}")

    async def _converse(self, link: Link) -> _End:
        end = await self._carry_out(self._dialect.opened(self._clock()), link)
        while end is None:
            now = self._clock()
            due = self._dialect.due(now)
            frames: Sequence[bytes | Oversized] = ()
            with trio.move_on_after(float("inf") if due is None else max(0.0, (due - now) / 1000)):
                frames = await link.receive()
                self._last_event_at = self._clock()
            rest_at = trio.current_time() + STEP_SECONDS
            for frame in frames:
                now = self._clock()
                end = end or await self._carry_out(self._take_in(frame, now), link)
                if trio.current_time() > rest_at:
                    await trio.lowlevel.checkpoint()
                    rest_at = trio.current_time() + STEP_SECONDS
            now = self._clock()
            if end is None and due is not None and now >= due:
                end = await self._carry_out(self._dialect.tick(now), link)
            await trio.lowlevel.checkpoint()
        return end

    def _take_in(self, frame: bytes | Oversized, now: int) -> Sequence[Order]:
        if isinstance(frame, bytes):
            return self._dialect.receive(frame, now)
        return self._dialect.oversized(frame.size, frame.beginning, now)

    async def _carry_out(self, orders: Sequence[Order], link: Link | None) -> _End | None:
        """Do what the dialect says, in order. Gives an end when the connection is of no use."""
        for order in orders:
            match order:
                case Deliver(agent_id, signal):
                    await self._deliver(agent_id, signal)
                case Send(text) if link is not None:
                    await link.send(text)
                case Broadcast(signal):
                    self._note_link(signal)
                    for agent_id in list(self._known):
                        await self._deliver(agent_id, signal)
                case CatchingUp(since):
                    self._missing_since = since
                    self._catching_up.cancel()
                    if self._state == "connected":
                        await self._tell("connected", self._connected)
                case Established(detail, warnings, protocol, scopes):
                    self._attempt = 0
                    self._link.warnings = tuple(warnings)
                    self._link.protocol, self._link.scopes = protocol, scopes
                    self._connected = "; ".join((detail, *warnings))
                    await self._tell("connected", self._connected)
                case CaughtUp():
                    self._catching_up.cancel()
                    self._catching_up = trio.CancelScope()
                    self._nursery.start_soon(self._conclude, self._catching_up)
                case Refused(reason, remedy):
                    return _End(f"{reason}; {remedy}", refused=True)
                case Later(reason, after):
                    return _End(reason, again_in=after / 1000)
        return None

    async def _conclude(self, catching_up: trio.CancelScope) -> None:
        """Say that nothing is missing any more, behind all that was brought in: whoever dies before that is committed
        begins there again."""
        with catching_up:
            for agent_id in list(self._known):
                with suppress(ActorCrashed, ActorStopped):
                    await self._agents.ensure((self._gateway.id, agent_id)).ask(HandedOver)
            self._missing_since = None
            await self._tell("connected", self._connected)

    async def _deliver(self, agent_id: str, signal: Signal) -> None:
        # A new agent's actor learns from the link's state that the gateway is live (AgentActor).
        self._known.add(agent_id)
        agent = self._agents.ensure((self._gateway.id, agent_id))
        try:
            agent.tell(signal)
        except MailboxFull:
            await agent.send(signal)

    def _note_link(self, signal: Signal) -> None:
        if isinstance(signal, LinkUp):
            self._link.reconnects += signal.silent_since is not None
            self._link.up, self._link.missed, self._link.changed_at = True, signal, signal.at
        elif isinstance(signal, Missed):
            self._link.missed = signal
        elif isinstance(signal, LinkDown):
            self._link.up, self._link.reason, self._link.changed_at = False, signal.reason, signal.at

    async def _tell(self, state: LinkStateName, detail: str, retry_at: int | None = None) -> None:
        """Journal the link's state."""
        now = self._clock()
        self._told += 1
        previous, self._state = self._state, state
        status = Status(
            component="gateway",
            id=self._gateway.id,
            state=state,
            detail=detail,
            previous=UNSET if previous is None else previous,
            kind=self._dialect.kind,
            attempt=self._attempt,
            retry_at=retry_at,
            last_event_at=self._last_event_at,
            missing_since=self._missing_since,
        )
        self._link.told_at = self._link.told_at if state == previous else now
        self._link.told = status
        name = event_id(self._gateway.id, "link", now, self._told, state)
        await hand_over(self._persistence, [Draft(name, now, self._gateway.id, None, status)])
