"""One subscriber of the stream, from its connection's acceptance to its end (docs/protocol.md, section 2).

Over which transport is the business of its :class:`~mission_control.edge.peer.Peer`. One task reads, and what it reads
becomes requests; one task writes, and it is the only one that sends. A third watches for silence and for the daemon's
end. They share plain fields and wake the writer through its outbox.

The writer's position is ``after``: everything that the filter admits up to there has been sent. It starts from the
client's cursor or a snapshot's, approaches the head by pages from the journal, and when it is near enough asks the
registry to go on from there. Whatever breaks that (a change of filter, an overflow, a journal that has compacted what
was still to come) ends in a snapshot, which is a new position. So a stream is never partial.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final

import trio
from msgspec import UNSET

from actors.outbox import Outbox, OutboxOverflowError
from actors.subscribers import Joined, TooFarBehind
from mission_control.core.frames import (
    CloseCode,
    Echo,
    ErrorFrame,
    Notice,
    Pong,
    Welcome,
    offset_after,
    snapshot_frame,
    text,
)
from mission_control.core.subscription import EVERYTHING, Cursor, SnapshotReason, resume
from mission_control.core.system_views import ClientView, SubscriberView
from mission_control.edge.peer import DisconnectedError, Peer
from mission_control.edge.replay import replayed
from mission_control.edge.services import Services
from mission_control.edge.session import Answer, Begin, Measured, Refilter, Refuse, Session
from mission_control.edge.snapshots import EncodedSnapshot, Snapshots
from mission_control.stores.journal import JournalError
from runtime import ActorCrashed, ActorStopped

HELLO_S: Final = 5.0
"""How long a client may take to say hello."""
GOODBYE_S: Final = 2.0
"""How long a client may take to read why the connection ends, before it is cut."""
PAGE: Final = 500
"""How many events are read from the journal at once."""
REACH: Final = 1_000
"""How far behind the head the registry is asked to take over."""
MAX_UNANSWERED: Final = 16
"""How many requests a client may have open."""

_RESTARTING: Final = Refuse(CloseCode.RESTARTING, "restarting", "The daemon is stopping or restarting.")
_NO_HELLO: Final = Refuse(CloseCode.NO_HELLO, "no_hello", f"No hello came within {HELLO_S:g} s.")
_TOO_MANY_REQUESTS: Final = Refuse(
    CloseCode.TOO_SLOW, "too_many_requests", f"More than {MAX_UNANSWERED} requests were waiting for their answer."
)


class Subscriber:
    """One connection."""

    def __init__(self, peer: Peer, services: Services, snapshots: Snapshots) -> None:
        self._peer = peer
        self._services = services
        self._snapshots = snapshots
        self._session = Session(services.access)
        self._name = secrets.token_urlsafe(9)
        self._client: ClientView | None = None
        self._connected_at = services.clock()
        self._requests: deque[Begin | Refilter | Answer] = deque()
        self._ending: Refuse | None = None
        self._heard = trio.current_time()
        self._patience = 2 * services.policy.ping_interval_ms / 1000 if peer.pings else inf
        self._select = EVERYTHING
        self._after = 0
        self._joined = False
        self._join_floor = 0
        self._in_hand = 0
        self._resets = 0
        self._noticed: Sequence[Notice] = ()
        self._outbox = Outbox(services.policy.max_buffer_bytes)
        self._nursery: trio.Nursery

    async def run(self, refusal: Refuse | None = None) -> None:
        """Serve the client until it goes, or is sent away; at once if there is a ``refusal``."""
        with self._services.shutdown:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._read)
                self._nursery.start_soon(self._watch)
                if refusal is not None:
                    self._end(refusal)
                try:
                    await self._write()
                finally:
                    self._leave()

    # -- the reader -------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Take everything that comes, always: hypercorn leaks a connection that nobody reads."""
        while True:
            try:
                frame = await self._peer.receive()
            except DisconnectedError:
                self._nursery.cancel_scope.cancel()
                return
            if self._ending is None:
                self._heard = trio.current_time()
                self._heed(frame)

    def _heed(self, frame: str | bytes) -> None:
        match self._session.receive(frame):
            case None:
                return
            case Refuse() as refusal:
                self._end(refusal)
            case Measured(report):
                self._services.reported(report)
            case request:
                self._requests.append(request)
                self._outbox.nudge()
                if len(self._requests) > MAX_UNANSWERED:
                    self._end(_TOO_MANY_REQUESTS)

    # -- the end ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while self._ending is None:
            with trio.move_on_at(self._heard + self._patience):
                await self._services.shutdown.begun.wait()
                self._end(_RESTARTING)
            if trio.current_time() >= self._heard + self._patience:
                message = f"Nothing was heard for {self._patience:g} s: send a ping at least every half of that."
                self._end(Refuse(CloseCode.TOO_SLOW, "silent", message))

    def _end(self, ending: Refuse) -> None:
        """Let the writer say goodbye. The first reason counts."""
        if self._ending is None:
            self._ending = ending
            self._outbox.nudge()
            self._nursery.start_soon(self._cut)

    async def _cut(self) -> None:
        """The writer may be stuck in a send, or the client may not answer the close."""
        await trio.sleep(GOODBYE_S)
        self._peer.abort()

    # -- the writer -------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        try:
            await self._serve()
        except ActorStopped:
            self._end(_RESTARTING)
        except JournalError as error:
            self._end(Refuse(CloseCode.TRY_AGAIN_LATER, "journal_unavailable", f"The journal cannot be read: {error}"))
        assert self._ending is not None
        await self._peer.send(text(ErrorFrame(self._ending.code, self._ending.message)))
        await self._peer.close(self._ending.close_code, self._ending.message)
        await trio.sleep_forever()  # until the reader sees the client go

    async def _serve(self) -> None:
        begin = await self._hello()
        if begin is None:
            return
        self._client = begin.client
        with self._services.audience.joined_by(self):
            await self._welcome(begin)
            while self._ending is None:
                await self._notify()
                if self._requests:
                    await self._answer(self._requests.popleft())
                elif self._joined:
                    await self._forward()
                elif self._after < self._join_floor or self._services.journal.bounds().head - self._after > REACH:
                    await self._replay()
                else:
                    await self._join()

    async def _hello(self) -> Begin | None:
        """What the client wants, or None when the connection must end."""
        with trio.move_on_after(HELLO_S):
            while not self._requests and self._ending is None:
                await self._outbox.get()
        if self._ending is not None:
            return None
        if not self._requests:
            self._end(_NO_HELLO)
            return None
        begin = self._requests.popleft()
        assert isinstance(begin, Begin)
        return begin

    async def _welcome(self, begin: Begin) -> None:
        services, cursor = self._services, begin.cursor
        self._select = begin.select
        bounds = services.journal.bounds()
        reason = resume(cursor, bounds, replay_limit=services.replay_limit)
        snapshot: EncodedSnapshot | None = None
        if reason is not None or cursor is None:
            at_least = cursor.offset if cursor is not None and reason == "expired" else 0
            snapshot = await self._snapshots.get(self._select, at_least)
            cursor = snapshot.cursor
        await self._peer.send(text(self._welcome_frame(reason, cursor)))
        if snapshot is not None and reason is not None:
            await self._peer.send(snapshot_frame(snapshot.body, reason))
        self._after = cursor.offset
        self._noticed = [notice for notice in services.notices() if notice.level == "info"]  # no news to who was away

    def _welcome_frame(self, reason: SnapshotReason | None, cursor: Cursor) -> Welcome:
        return Welcome(
            session=self._name,
            resume="continued" if reason is None else "snapshot",
            reason=reason,
            cursor=cursor,
            server_time=self._services.clock(),
            policy=self._services.policy,
            source=self._services.source,
        )

    async def _answer(self, request: Begin | Refilter | Answer) -> None:
        match request:
            case Answer(t):
                await self._peer.send(text(Pong(t, self._services.clock())))
            case Refilter(select, request_id):
                self._select = select
                await self._start_over("filter", request_id)

    async def _start_over(self, reason: SnapshotReason, request_id: Echo = UNSET) -> None:
        """A snapshot takes the place of everything that was still to be sent."""
        self._leave()
        snapshot = await self._snapshots.get(self._select, self._services.journal.bounds().head)
        await self._peer.send(snapshot_frame(snapshot.body, reason, request_id))
        self._after = snapshot.cursor.offset

    async def _notify(self) -> None:
        """Tell what has been noticed since. It is looked up, not queued, so nothing that drops frames can lose it."""
        notices = self._services.notices()
        for notice in notices:
            if notice not in self._noticed:
                await self._peer.send(text(notice))
        self._noticed = notices

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
        self._leave()
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

    def _leave(self) -> None:
        self._joined = False
        self._services.subscribers.leave(self._outbox)
        self._outbox.close()

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
            if self._ending is None:
                await self._peer.send(frame)
                self._after = max(self._after, offset_after(frame))
            self._in_hand -= len(frame)

    # -- how it stands ----------------------------------------------------------------------------------------------

    def view(self) -> SubscriberView:
        waiting = self._in_hand + self._outbox.statistics().bytes
        # What its filter hides is not sent: with nothing else on the way, it is where the registry has come to.
        served = None if waiting else self._services.subscribers.position(self._outbox)
        offset = max(self._after, served or 0)
        return SubscriberView(
            session=self._name,
            transport=self._peer.transport,
            client=self._client,
            connected_at=self._connected_at,
            offset=offset,
            lag=max(0, self._services.journal.bounds().head - offset),
            buffered_bytes=waiting,
            resets=self._resets,
            filtered=self._select != EVERYTHING,
        )
