"""One subscriber of the stream, from its connection's acceptance to its end (docs/protocol.md, section 2).

Over which transport is the business of its :class:`~mission_control.edge.peer.Peer`. One task reads, and what it reads
becomes requests; one task writes, and it is the only one that sends. A third watches for silence and for the daemon's
end. They share plain fields and nudge the writer.

What of the stream is sent is the business of :class:`~mission_control.edge.following.Following`.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final

import trio

from mission_control.core.frames import (
    CloseCode,
    ErrorFrame,
    Notice,
    Pong,
    Welcome,
    snapshot_frame,
    text,
)
from mission_control.core.system_views import ClientView, SubscriberView
from mission_control.edge.following import Following
from mission_control.edge.peer import DisconnectedError, Peer
from mission_control.edge.services import Services
from mission_control.edge.session import Answer, Begin, Measured, Refilter, Refuse, Session
from mission_control.edge.snapshots import Snapshots
from mission_control.stores.journal import JournalError
from runtime import ActorStopped

HELLO_S: Final = 5.0
"""How long a client may take to say hello."""
GOODBYE_S: Final = 2.0
"""How long a client may take to read why the connection ends, before it is cut."""
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
        self._following = Following(peer, services, snapshots)
        self._session = Session(services.access)
        self._name = secrets.token_urlsafe(9)
        self._client: ClientView | None = None
        self._connected_at = services.clock()
        self._requests: deque[Begin | Refilter | Answer] = deque()
        self._ending: Refuse | None = None
        self._heard = trio.current_time()
        self._patience = 2 * services.policy.ping_interval_ms / 1000 if peer.pings else inf
        self._noticed: Sequence[Notice] = ()
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
                    self._following.leave()

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
                self._following.nudge()
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
            self._following.finish()
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
                else:
                    await self._following.step()

    async def _hello(self) -> Begin | None:
        """What the client wants, or None when the connection must end."""
        with trio.move_on_after(HELLO_S):
            while not self._requests and self._ending is None:
                await self._following.wait_nudged()
        if self._ending is not None:
            return None
        if not self._requests:
            self._end(_NO_HELLO)
            return None
        begin = self._requests.popleft()
        assert isinstance(begin, Begin)
        return begin

    async def _welcome(self, begin: Begin) -> None:
        services = self._services
        place = await self._following.begin(begin.select, begin.cursor)
        welcome = Welcome(
            session=self._name,
            resume="continued" if place.reason is None else "snapshot",
            reason=place.reason,
            cursor=place.cursor,
            head=place.head,
            server_time=services.clock(),
            policy=services.policy,
            source=services.source,
        )
        await self._peer.send(text(welcome))
        if place.snapshot is not None and place.reason is not None:
            await self._peer.send(snapshot_frame(place.snapshot.body, place.reason))
        self._noticed = [notice for notice in services.notices() if notice.level == "info"]  # no news to who was away

    async def _answer(self, request: Begin | Refilter | Answer) -> None:
        match request:
            case Answer(t):
                await self._peer.send(text(Pong(t, self._services.clock())))
            case Refilter(select, request_id):
                await self._following.refilter(select, request_id)

    async def _notify(self) -> None:
        """Tell what has been noticed since. It is looked up, not queued, so nothing that drops frames can lose it."""
        notices = self._services.notices()
        for notice in notices:
            if notice not in self._noticed:
                await self._peer.send(text(notice))
        self._noticed = notices

    # -- how it stands ----------------------------------------------------------------------------------------------

    def view(self) -> SubscriberView:
        standing = self._following.standing()
        return SubscriberView(
            session=self._name,
            transport=self._peer.transport,
            client=self._client,
            connected_at=self._connected_at,
            offset=standing.offset,
            lag=standing.lag,
            buffered_bytes=standing.buffered_bytes,
            resets=standing.resets,
            filtered=standing.filtered,
        )
