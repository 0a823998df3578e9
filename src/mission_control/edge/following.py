"""Where one subscriber is in the stream, and what it is sent next (docs/protocol.md, section 2).

``after`` is the position: everything that the filter admits up to there has been sent. It starts from the client's
cursor or a snapshot's, approaches the head by pages from the journal, and when it is near enough asks the registry to
go on from there. Whatever breaks that (a change of filter, an overflow, a journal that has compacted what was still to
come) ends in a snapshot, which is a new position. So a stream is never partial.
"""

from typing import Final

from attrs import frozen
from msgspec import UNSET

from actors.outbox import Outbox, OutboxOverflowError
from actors.subscribers import Joined, TooFarBehind
from mission_control.core.frames import Echo, offset_after, snapshot_frame
from mission_control.core.subscription import EVERYTHING, Cursor, Filter, SnapshotReason, resume
from mission_control.edge.peer import Peer
from mission_control.edge.replay import replayed
from mission_control.edge.services import Services
from mission_control.edge.snapshots import EncodedSnapshot, Snapshots
from runtime import ActorCrashed

PAGE: Final = 500
"""How many events are read from the journal at once."""
REACH: Final = 1_000
"""How far behind the head the registry is asked to take over."""


@frozen
class Beginning:
    """Where a stream begins: at ``cursor``, with a snapshot there if there is a ``reason`` for one. ``head`` is the
    journal's: at least up to there it will be told how far it has come, whatever its filter hides."""

    cursor: Cursor
    head: int
    reason: SnapshotReason | None
    snapshot: EncodedSnapshot | None


@frozen
class Standing:
    """How far it has come: ``offset`` is sent, ``lag`` offsets are not, of which ``buffered_bytes`` are in memory.
    ``resets`` counts the snapshots for being too slow."""

    offset: int
    lag: int
    buffered_bytes: int
    resets: int
    filtered: bool


class Following:
    """One task uses it, but for ``nudge`` and ``finish``.

    What it raises is the sending's own, JournalError when the journal cannot be read, or ActorStopped at the daemon's
    end.
    """

    def __init__(self, peer: Peer, services: Services, snapshots: Snapshots) -> None:
        self._peer = peer
        self._services = services
        self._snapshots = snapshots
        self._select = EVERYTHING
        self._after = 0
        self._joined = False
        self._join_floor = 0
        self._in_hand = 0
        self._resets = 0
        self._finished = False
        self._outbox = Outbox(services.policy.max_buffer_bytes)

    async def begin(self, select: Filter, cursor: Cursor | None) -> Beginning:
        """Take the client's place in the stream, or a snapshot's; it is still to be told of that."""
        self._select = select
        bounds = self._services.journal.bounds()
        reason = resume(cursor, bounds, replay_limit=self._services.replay_limit)
        snapshot: EncodedSnapshot | None = None
        if reason is not None or cursor is None:
            at_least = cursor.offset if cursor is not None and reason == "expired" else 0
            snapshot = await self._snapshots.get(select, at_least)
            cursor = snapshot.cursor
        elif select != EVERYTHING:
            self._join_floor = bounds.head  # the registry says nothing of what is hidden, a page of the journal does
        self._after = cursor.offset
        return Beginning(cursor, max(bounds.head, cursor.offset), reason, snapshot)

    async def refilter(self, select: Filter, request_id: Echo) -> None:
        self._select = select
        await self._start_over("filter", request_id)

    async def step(self) -> None:
        """Send what comes next. At the head of the stream, wait until there is something, or for ``nudge``."""
        if self._joined:
            await self._forward()
        elif self._after < self._join_floor or self._services.journal.bounds().head - self._after > REACH:
            await self._replay()
        else:
            await self._join()

    async def wait_nudged(self) -> None:
        """Wait for ``nudge``, before anything is followed."""
        await self._outbox.get()

    def nudge(self) -> None:
        """Let ``step`` return soon: there is something else to do."""
        self._outbox.nudge()

    def finish(self) -> None:
        """Send no further frame."""
        self._finished = True
        self._outbox.nudge()

    def leave(self) -> None:
        """Let go of what is followed."""
        self._joined = False
        self._services.subscribers.leave(self._outbox)
        self._outbox.close()

    def standing(self) -> Standing:
        waiting = self._in_hand + self._outbox.statistics().bytes
        # What its filter hides is not sent: with nothing else on the way, it is where the registry has come to.
        served = None if waiting else self._services.subscribers.position(self._outbox)
        offset = max(self._after, served or 0)
        return Standing(
            offset=offset,
            lag=max(0, self._services.journal.bounds().head - offset),
            buffered_bytes=waiting,
            resets=self._resets,
            filtered=self._select != EVERYTHING,
        )

    async def _start_over(self, reason: SnapshotReason, request_id: Echo = UNSET) -> None:
        """A snapshot takes the place of everything that was still to be sent."""
        self.leave()
        snapshot = await self._snapshots.get(self._select, self._services.journal.bounds().head)
        await self._peer.send(snapshot_frame(snapshot.body, reason, request_id))
        self._after = snapshot.cursor.offset

    async def _replay(self) -> None:
        """Send one page from the journal."""
        page = await self._services.journal.read(self._after, PAGE, self._select)
        if page.bounds.floor > self._after:
            await self._start_over("expired")
            return
        for frame, offset in replayed(page.events, page.scanned_to):
            await self._peer.send(frame)
            self._after = offset

    async def _join(self) -> None:
        """Let the registry go on from ``after``. Each attempt has its own outbox, which no earlier one can reach."""
        self.leave()
        self._outbox = Outbox(self._services.policy.max_buffer_bytes)
        try:
            answer = await self._services.subscribers.join(self._outbox, self._select, self._after)
        except ActorCrashed:
            return  # it is coming back
        match answer:
            case Joined():
                self._joined = True
            case TooFarBehind(floor):
                self._join_floor = floor

    async def _forward(self) -> None:
        """Send what the registry has put into the outbox."""
        try:
            frames = await self._outbox.get()
        except OutboxOverflowError:
            self._resets += 1
            await self._start_over("slow_consumer")
            return
        self._in_hand = sum(map(len, frames))
        for frame in frames:
            if not self._finished:
                await self._peer.send(frame)
                self._after = max(self._after, offset_after(frame))
            self._in_hand -= len(frame)
