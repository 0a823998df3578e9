"""The subscriber registry: every committed event, encoded once, to every subscriber whose filter admits it.

Frames are coalesced: one per flush and filter, shared by all subscribers with that filter. A flush follows the first
new event at once when the last flush was long enough ago; under load the pause grows with what a flush costs, up to the
policy's interval, so that flushing takes at most about a third of the loop.

The registry trusts offsets, not messages: whatever is missing between its position and a commit it reads from the
journal, and what it has seen it ignores. So it may be restarted, and so may the persistence actor, while subscribers
stay connected.
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final as Constant
from typing import TypeAlias

import trio
from attrs import Factory, define, frozen

from actors.outbox import Outbox
from actors.roster import Member, Roster
from mission_control.core.events import Event, encode
from mission_control.core.frames import events_frame
from mission_control.core.ledger import Commit
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores.journal import Journal
from runtime import Inbox, Ref, Reply

RECENT_EVENTS: Constant = 20_000
"""How many events are kept at hand for subscribers that join a little behind the head."""
DUTY: Constant = 0.3
"""Share of the event loop that flushing may take."""
SEND_SECONDS: Constant = 1 / 6_000
"""What one frame to one subscriber costs the loop after the flush, in its connection's task."""
MIN_FLUSH_SECONDS: Constant = 0.001
READ_PAGE: Constant = 1_000


@frozen
class Committed:
    """The journal holds this now."""

    commit: Commit


@frozen
class Announce:
    """Wake every subscriber's connection: what cannot go through the journal has changed, and it must look."""


@frozen
class Join:
    outbox: Outbox
    select: Filter
    after: int
    reply: Reply["Joined | TooFarBehind"]
    internal: bool = False


@frozen
class Joined:
    """From now on the outbox gets every admitted event with ``offset > after``, once and in order."""

    after: int


@frozen
class TooFarBehind:
    """The registry remembers only what came after ``floor``: read the journal up to there, then join again."""

    floor: int


SubscriberMessage: TypeAlias = Committed | Announce | Join


@frozen
class SubscribersStatistics:
    """``subscribers`` are those who have joined; the rest counts since the daemon's start, ``published`` by type."""

    subscribers: int
    overflows: int
    frames: int
    duplicates: int
    published: dict[str, int]


@define
class Tally:
    """Counters that outlive incarnations."""

    frames: int = 0
    duplicates: int = 0
    published: Counter[str] = Factory(Counter)


class Subscribers:
    """A handle on the registry for those who serve subscribers."""

    def __init__(self, ref: Ref[SubscriberMessage], roster: Roster, tally: Tally) -> None:
        self._ref, self._roster, self._tally = ref, roster, tally

    async def join(
        self, outbox: Outbox, select: Filter, after: int, *, internal: bool = False
    ) -> Joined | TooFarBehind:
        """See :class:`Joined`, :class:`TooFarBehind`. Raises runtime.ActorStopped at shutdown.

        An ``internal`` subscriber is left out of the statistics.
        """
        return await self._ref.ask(lambda reply: Join(outbox, select, after, reply, internal))

    def leave(self, outbox: Outbox) -> None:
        """Nothing is put into the outbox after this returns. Idempotent."""
        self._roster.remove(outbox)

    def position(self, outbox: Outbox) -> int | None:
        """Up to where it was served; None when it has not joined, or not any more."""
        member = self._roster.find(outbox)
        return None if member is None else member.position

    def statistics(self) -> SubscribersStatistics:
        return SubscribersStatistics(
            subscribers=sum(not member.internal for member in self._roster.members()),
            overflows=self._roster.overflows,
            frames=self._tally.frames,
            duplicates=self._tally.duplicates,
            published=dict(self._tally.published),
        )


_Recent: TypeAlias = tuple[int, str, str, str | None, bytes]
"""(place, type, gateway, agent_id, envelope). Whoever stands at ``place`` or before it has not seen the event.

For a journaled event that is the offset before its own. For an ephemeral one it is the offset of the newest event
before it: a snapshot from beyond it knows what the event said, and what has changed since.

Plain tuples of plain values are nothing that the garbage collector has to walk. With thousands of objects here, its
full collections were the event loop's longest stall.
"""


def _recent(event: Event, place: int) -> _Recent:
    return place, event.type, event.gateway, event.agent_id, encode(event)


class SubscriberRegistry:
    """The actor. ``flush_interval`` and ``ping_interval`` in seconds."""

    def __init__(
        self, journal: Journal, roster: Roster, tally: Tally, *, flush_interval: float, ping_interval: float
    ) -> None:
        self._journal = journal
        self._roster = roster
        self._tally = tally
        self._flush_interval = flush_interval
        self._ping_interval = ping_interval
        self._position = 0
        self._recent: deque[_Recent] = deque(maxlen=RECENT_EVENTS)
        self._recent_floor = 0
        self._flushed = 0
        self._fresh: list[_Recent] = []
        self._next_flush = 0.0
        self._next_ping = 0.0
        self._cost = 0.0

    async def run(self, inbox: Inbox[SubscriberMessage]) -> None:
        self._position = self._recent_floor = self._flushed = self._journal.bounds().head
        await self._catch_up_members()
        self._next_ping = trio.current_time() + self._ping_interval
        while True:
            messages: Sequence[SubscriberMessage] = ()
            with trio.move_on_at(self._next_flush if self._fresh else self._next_ping):
                try:
                    messages = await inbox.peek(READ_PAGE)
                except trio.EndOfChannel:
                    self._flush()
                    return
            for message in messages:
                await self._handle(message)
            inbox.drop(len(messages))
            now = trio.current_time()
            if self._fresh and now >= self._next_flush:
                self._flush()
            if now >= self._next_ping:
                self._ping(now)

    async def _handle(self, message: SubscriberMessage) -> None:
        match message:
            case Committed(commit):
                if commit.after > self._position:
                    await self._read_up_to(commit.after)
                self._tally.duplicates += commit.duplicates
                self._take(commit.events, live=commit.after >= self._position)
                self._position = max(self._position, commit.head)
            case Announce():
                for member in self._roster.members():
                    member.outbox.nudge()
            case Join():
                message.reply.set(self._join(message))

    def _take(self, events: Sequence[Event], *, live: bool) -> None:
        """Line up for the next flush what was not seen yet."""
        newest = self._position
        for event in events:
            if event.offset is None:
                if live:
                    self._fresh.append(_recent(event, newest))
                continue
            if event.offset <= self._position:
                continue
            newest = event.offset
            recent = _recent(event, newest - 1)
            if len(self._recent) == RECENT_EVENTS:
                self._recent_floor = self._recent[0][0] + 1
            self._recent.append(recent)
            self._fresh.append(recent)
            self._tally.published[event.type] += 1

    async def _read_up_to(self, head: int) -> None:
        """Fill a hole from the journal."""
        while self._position < head:
            page = await self._journal.read(self._position, READ_PAGE, EVERYTHING)
            self._take([event for event in page.events if (event.offset or 0) <= head], live=False)
            self._position = min(head, page.scanned_to)

    def _join(self, request: Join) -> Joined | TooFarBehind:
        if request.outbox in self._roster:
            return Joined(request.after)  # delivered again after a crash: it is served already
        if request.after < self._recent_floor:
            return TooFarBehind(self._recent_floor)
        if request.outbox.closed:
            return Joined(request.after)  # who asked has gone
        member = Member(request.outbox, request.select, request.after, request.internal)
        self._roster.add(member)
        if request.after < self._flushed:
            missed = [one for one in self._recent if request.after <= one[0] < self._flushed]
            self._serve([member], missed, self._flushed)
        return Joined(request.after)

    def _flush(self) -> None:
        """Give everyone what is fresh."""
        started = trio.current_time()
        fresh, self._fresh = self._fresh, []
        for _, members in self._roster.groups():
            ahead = [member for member in members if member.position > self._flushed]
            self._serve([member for member in members if member.position <= self._flushed], fresh, self._position)
            for member in ahead:  # it joined at a snapshot of what is flushed only now
                unseen = [one for one in fresh if one[0] >= member.position]
                self._serve([member], unseen, max(self._position, member.position))
        self._flushed = self._position
        now = trio.current_time()
        spent = now - started + len(self._roster) * SEND_SECONDS
        self._cost = 0.7 * self._cost + 0.3 * spent
        self._next_flush = now + min(self._flush_interval, max(MIN_FLUSH_SECONDS, self._cost / DUTY))

    def _serve(self, members: Sequence[Member], recent: Sequence[_Recent], position: int) -> None:
        """One frame for members with an equal filter; none when their filter hides all of it."""
        if not members:
            return
        admits = members[0].select.admits
        admitted = [envelope for _, kind, gateway, agent_id, envelope in recent if admits(kind, gateway, agent_id)]
        if not admitted:
            for member in members:
                member.position = max(member.position, position)
            return
        frame = events_frame(admitted, position)
        self._tally.frames += 1
        for member in members:
            self._roster.put(member, frame, position)

    def _ping(self, now: float) -> None:
        """Let everyone hear that nothing happened, and where that leaves their cursor."""
        frames: dict[int, str] = {}
        for member in self._roster.members():
            frame = frames.setdefault(member.position, events_frame((), member.position))
            self._roster.put(member, frame, member.position)
        self._next_ping = now + self._ping_interval

    async def _catch_up_members(self) -> None:
        """Serve what a predecessor did not live to serve."""
        for member in self._roster.members():
            while member.position < self._flushed and member.outbox in self._roster:
                page = await self._journal.read(member.position, READ_PAGE, member.select)
                position = min(page.scanned_to, self._flushed)
                events = [event for event in page.events if (event.offset or 0) <= position]
                self._serve([member], [_recent(event, position) for event in events], position)
