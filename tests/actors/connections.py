"""A connection actor with everything around it replaced by something that remembers."""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import trio

from actors.agent import AgentMessage, HandedOver
from actors.clock import Clock, wall_clock
from actors.connection import ConnectionActor, Gateway, Retry
from actors.links import LinkState
from actors.persistence import Append, Barrier, PersistenceMessage
from mission_control.core.events import AgentKey, Status
from mission_control.core.positions import Position
from mission_control.core.signals import Signal
from mission_control.core.views import Snapshot
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.record import Record
from mission_control.stores.memory import MemoryJournal
from runtime import ActorSpec, Backoff, Inbox, Pool, Ref

LARGEST = 100_000
"""Bytes of a message that are taken here."""


class Listener:
    """An agent's actor that only remembers what it was told."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    async def run(self, inbox: Inbox[AgentMessage]) -> None:
        async for message in inbox:
            if isinstance(message, HandedOver):
                await self._bench.gate.wait()
                message.reply.set(None)
            else:
                self._bench.heard.append(message)


def has_caught_up(status: Status) -> bool:
    return status.state == "connected" and status.missing_since is None


class Bench:
    """The actor at work. ``room``: how many messages the writer's mailbox takes."""

    def __init__(
        self,
        url: str,
        *,
        first: float = 0.01,
        ceiling: float = 0.05,
        link: LinkState | None = None,
        journal: MemoryJournal | None = None,
        clock: Clock = wall_clock,
        room: int = 1_024,
    ) -> None:
        self.link = link or LinkState()
        self.heard: list[Signal] = []
        self.statuses: list[Status] = []
        self._changed = trio.Event()
        self.gate = trio.Event()
        """Set unless the agents are to take their time before they have handed on what they were told."""
        self.gate.set()
        self.disk = trio.Event()
        """Set unless what was handed over cannot be committed yet."""
        self.disk.set()
        self.writer = trio.Event()
        """Set unless the writer takes nothing up."""
        self.writer.set()
        self.persistence: Ref[PersistenceMessage] = Ref("persistence", capacity=room)
        self.inbox: Ref[Retry] = Ref("gateway")
        self.agents: Pool[AgentKey, AgentMessage] = Pool(
            "agents", lambda key: ActorSpec(Ref(f"{key[0]}/{key[1]}"), lambda: Listener(self))
        )
        gateway = Gateway("gw", url, self._dialect, Backoff(first=first, ceiling=ceiling))
        self.journal = journal or MemoryJournal(clock)
        self.actor = ConnectionActor(
            gateway, self.journal, self.agents, self.persistence, self.link, clock, random.Random(1)
        )

    def _dialect(self, stored: Snapshot, positions: Mapping[str, Position], record: Record) -> ClawDialect:
        dialect = ClawDialect("gw", Credentials("me", "1", "token"), record=record)
        dialect.max_message = LARGEST
        return dialect

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bench"]:
        async with trio.open_nursery() as others:
            await others.start(self.agents.run)
            others.start_soon(self._persist)
            async with trio.open_nursery() as nursery:  # who sends stops before who receives, as in the daemon
                nursery.start_soon(self.actor.run, Inbox(self.inbox))
                with trio.fail_after(20):
                    yield self
                nursery.cancel_scope.cancel()
            others.cancel_scope.cancel()

    async def _persist(self) -> None:
        async for message in Inbox(self.persistence):
            match message:
                case Append(drafts):
                    await self.writer.wait()
                    await self.journal.append(drafts)
                    self.statuses += [draft.payload for draft in drafts if isinstance(draft.payload, Status)]
                    self._changed.set()
                case Barrier(reply):
                    await self.disk.wait()
                    reply.set(None)

    async def state(self, state: str, nth: int = 1) -> Status:
        """The nth status of this state, but for those that say that nothing is missing any more."""
        return await self._status(lambda status: status.state == state and not has_caught_up(status), nth)

    async def caught_up(self, nth: int = 1) -> Status:
        """The nth status that says that nothing is missing any more."""
        return await self._status(has_caught_up, nth)

    async def _status(self, wanted: Callable[[Status], bool], nth: int) -> Status:
        while len(found := [status for status in self.statuses if wanted(status)]) < nth:
            self._changed = trio.Event()
            await self._changed.wait()
        return found[nth - 1]
