"""A daemon's inside for tests of the edge: a journal and the real subscriber registry, without any socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import trio
from attrs import Factory, define, evolve

from actors.roster import Roster
from actors.subscribers import Committed, SubscriberMessage, SubscriberRegistry, Subscribers, Tally
from mission_control.core.events import Draft
from mission_control.core.frames import Policy
from mission_control.core.ledger import Commit
from mission_control.edge.peer import DisconnectedError
from mission_control.edge.services import Access, LoopFigures, RenderFigures, RenderReport, Services
from mission_control.edge.snapshots import Snapshots
from mission_control.edge.subscriber import Subscriber
from mission_control.stores.journal import Journal
from mission_control.stores.memory import MemoryJournal
from runtime import Inbox, Kind, Ref, State, TreeNode
from tests.stores.samples import FakeClock

PING_S = 10.0
POLICY = Policy(int(PING_S * 1000), max_buffer_bytes=64 * 1024, flush_interval_ms=20, retention={})
OPEN = Access(token=None, loopback_only=True)


@define
class World:
    """What the tests reach into."""

    journal: Journal
    registry: Ref[SubscriberMessage]
    services: Services
    snapshots: Snapshots
    reports: list[RenderReport] = Factory(list)

    async def commit(self, *drafts: Draft) -> Commit:
        """Journal and publish."""
        commit = await self.journal.append(drafts)
        await self.registry.send(Committed(commit))
        return commit


def services_of(journal: Journal, hub: Subscribers, reports: list[RenderReport], **changes: Any) -> Services:
    services = Services(
        journal=journal,
        subscribers=hub,
        policy=POLICY,
        replay_limit=100_000,
        source="simulated",
        access=OPEN,
        clock=FakeClock(),
        tree=lambda: TreeNode("root", "root", Kind.SUPERVISOR, State.RUNNING, 1, 0, 0.0, 0.0, None, None, ()),
        dead_letters=list,
        retry=lambda letter: None,
        discard=lambda letter: None,
        unready=list,
        gateways=dict,
        reconnect=lambda gateway: None,
        loop=lambda: LoopFigures(0.0, 0.0),
        reported=reports.append,
        rendered=RenderFigures,
    )
    return evolve(services, **changes)


@asynccontextmanager
async def world(journal: Journal | None = None, *, ping_s: float = PING_S, **changes: Any) -> AsyncIterator[World]:
    """A running world; ``changes`` are fields of its :class:`Services`. The registry knows nothing from before it.

    The journal is one in memory unless another is given.
    """
    journal = journal or MemoryJournal(FakeClock())
    registry: Ref[SubscriberMessage] = Ref("subscribers")
    roster, tally = Roster(), Tally()
    reports: list[RenderReport] = []
    services = services_of(journal, Subscribers(registry, roster, tally), reports, **changes)
    actor = SubscriberRegistry(journal, roster, tally, flush_interval=0.02, ping_interval=ping_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run, Inbox(registry))
        yield World(journal, registry, services, Snapshots(services.journal), reports)
        nursery.cancel_scope.cancel()


class FakePeer:
    """The far end of a connection. It takes frames only while its ``gate`` is open."""

    def __init__(self, *, pings: bool = True, transport: Literal["websocket", "sse"] = "websocket") -> None:
        self.transport = transport
        self.pings = pings
        self.frames: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.gate = trio.Event()
        self.gate.set()
        self._inbound, self._outbound = trio.open_memory_channel[str | bytes](1_000)
        self._more = trio.Event()

    # -- what the subscriber sees

    async def receive(self) -> str | bytes:
        try:
            return await self._outbound.receive()
        except trio.EndOfChannel:
            raise DisconnectedError from None

    async def send(self, frame: str) -> None:
        await trio.lowlevel.checkpoint()
        with trio.CancelScope(shield=True):  # as hypercorn does
            await self.gate.wait()
        self.frames.append(frame)
        self._more.set()

    async def close(self, code: int, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        if self.closed is None and not self.aborted:
            self.closed = (code, reason)
        self.hang_up()

    def abort(self) -> None:
        self.aborted = True
        self.gate.set()
        self.hang_up()

    # -- what a test does

    def say(self, frame: str | bytes) -> None:
        self._inbound.send_nowait(frame)

    def hang_up(self) -> None:
        self._inbound.close()
        self._more.set()

    def stall(self) -> None:
        """Take nothing more until the gate is set."""
        if self.gate.is_set():
            self.gate = trio.Event()

    async def wait_frames(self, count: int) -> Sequence[str]:
        """Wait until ``count`` frames have come in all."""
        while len(self.frames) < count:
            self._more = trio.Event()
            await self._more.wait()
        return self.frames


@asynccontextmanager
async def subscribed(there: World, peer: FakePeer | None = None) -> AsyncIterator[FakePeer]:
    """A connection that is accepted and has not said hello."""
    peer = peer or FakePeer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Subscriber(peer, there.services, there.snapshots).run)
        yield peer
        peer.gate.set()
        peer.hang_up()
