"""A feed: every event that a filter admits, once and in order, into one actor's mailbox.

A service beside the actor that it serves. It joins the subscriber registry as a browser does, and reads from the
journal what it cannot have from there: what came before it joined, and what its outbox had no room for while the actor
was slow. So a slow actor costs only itself, and memory only its mailbox and one outbox.

The position moves in the same step in which the mailbox accepts an event, and outlives the feed's incarnations. So
whoever dies (the feed, the actor, the registry), the mailbox gets nothing twice and misses nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from typing import Final as Constant

import msgspec
import trio
from attrs import frozen

from actors.outbox import Outbox, OutboxOverflowError
from actors.subscribers import Subscribers, TooFarBehind
from mission_control.core.events import Event
from mission_control.core.subscription import Cursor, Filter
from mission_control.stores.journal import Journal
from runtime import ActorCrashed, ActorStopped, MailboxFull, Ref

PAGE: Constant = 500
"""How many events are read from the journal at once."""
REACH: Constant = 1_000
"""How far behind the head the registry is asked to take over."""
OUTBOX_BYTES: Constant = 1024 * 1024
BURST: Constant = 100
"""How many events are handed over before the others have their turn."""

Wrap = Callable[[Event], Any]


@frozen
class _Frame:
    """What a feed reads of the frames in its outbox. A notice has neither."""

    events: tuple[Event, ...] = ()
    offset: int = 0


_decode_frame = msgspec.json.Decoder(_Frame).decode


@frozen
class FeedStatistics:
    """``lag`` is how many offsets the actor's mailbox is behind the journal; the others count since the start.

    ``overflows``: how often the feed went back to the journal because the actor was slow. ``refused``: events that the
    mailbox had no room for and would not wait for. ``expired``: offsets that retention took before their turn came.
    """

    position: int
    lag: int
    delivered: int
    refused: int
    overflows: int
    expired: int


class Feed:
    """Feeds one mailbox. ``run`` is one incarnation; this object outlives them.

    settle: waits until everything that was handed over for commit is committed
    """

    def __init__(
        self,
        ref: Ref[Any],
        select: Filter,
        wrap: Wrap | None,
        after: Cursor | None,
        *,
        journal: Journal,
        subscribers: Subscribers,
        settle: Callable[[], Awaitable[None]],
        max_bytes: int = OUTBOX_BYTES,
    ) -> None:
        self._ref, self._select, self._wrap = ref, select, wrap
        self._journal, self._subscribers, self._settle = journal, subscribers, settle
        self._max_bytes = max_bytes
        self._outbox = Outbox(max_bytes)
        self._joined = False
        self._idle = False
        self._join_floor = 0
        self._stopping = trio.Event()
        self._position = _start(after, journal)
        self._delivered = self._refused = self._overflows = self._expired = 0

    def stop(self) -> None:
        """Let ``run`` end when it has delivered everything that exists by now."""
        self._stopping.set()
        self._outbox.nudge()

    def statistics(self) -> FeedStatistics:
        idle = self._idle and not self._outbox.statistics().frames
        served = self._subscribers.position(self._outbox) if idle else None
        reached = max(self._position, served or 0)
        lag = max(0, self._journal.bounds().head - reached)
        return FeedStatistics(reached, lag, self._delivered, self._refused, self._overflows, self._expired)

    async def run(self) -> None:
        """Deliver until stopped, or until the actor has stopped for good."""
        try:
            while not self._stopping.is_set():
                if self._joined:
                    await self._forward()
                elif self._position < self._join_floor or self._journal.bounds().head - self._position > REACH:
                    await self._replay()
                else:
                    await self._join()
            self._leave()
            await self._finish()
        except ActorStopped:
            return
        finally:
            self._leave()

    async def _finish(self) -> None:
        await self._settle()
        head = self._journal.bounds().head
        while self._position < head:
            await self._replay()

    async def _replay(self) -> None:
        """Deliver one page from the journal."""
        page = await self._journal.read(self._position, PAGE, self._select)
        if 0 < self._position < page.trimmed_to:
            self._expired += page.trimmed_to - self._position
        await self._deliver(page.events)
        self._position = max(self._position, page.scanned_to)

    async def _join(self) -> None:
        """Let the registry go on from here. Each attempt has an outbox of its own, which no earlier one can reach."""
        self._leave()
        self._outbox = Outbox(self._max_bytes)
        try:
            answer = await self._subscribers.join(self._outbox, self._select, self._position, internal=True)
        except ActorCrashed:
            return  # it is coming back
        match answer:
            case TooFarBehind(floor):
                self._join_floor = floor
            case _:
                self._joined = True

    def _leave(self) -> None:
        self._joined = self._idle = False
        self._subscribers.leave(self._outbox)
        self._outbox.close()

    async def _forward(self) -> None:
        """Deliver what the registry has put into the outbox."""
        self._idle = True
        try:
            frames = await self._outbox.get()
        except OutboxOverflowError:
            self._overflows += 1
            self._leave()
            # Joining from here again would fill the new outbox with what overflowed this one.
            self._join_floor = self._journal.bounds().head
            return
        self._idle = False
        for frame in map(_decode_frame, frames):
            for event in frame.events:
                # A decoded payload is a view that keeps all of its frame in memory. The event is still ours alone, and
                # a second one made with attrs.evolve would cost three times what decoding does.
                object.__setattr__(event, "payload", event.payload.copy())
            await self._deliver(frame.events)
            self._position = max(self._position, frame.offset)

    async def _deliver(self, events: Sequence[Event]) -> None:
        for count, event in enumerate(events, 1):
            if event.offset is None:
                continue
            message = event if self._wrap is None else self._wrap(event)
            if message is not None:  # else its actor has no use for it
                try:
                    self._ref.tell(message)
                    self._delivered += 1
                except MailboxFull:
                    await self._send(message)
            self._position = event.offset
            if count % BURST == 0:
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()

    async def _send(self, message: Any) -> None:
        """Wait for room, if the mailbox is one to wait for."""
        try:
            await self._ref.send(message)
        except MailboxFull:
            self._refused += 1
        else:
            self._delivered += 1


def _start(after: Cursor | None, journal: Journal) -> int:
    """The position to begin at."""
    bounds = journal.bounds()
    if after is None:
        return bounds.head
    return min(after.offset, bounds.head) if after.epoch == bounds.epoch else 0
