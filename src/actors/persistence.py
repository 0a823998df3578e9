"""The persistence actor: the one writer. Group commit, then hand on what became visible.

A batch leaves the mailbox only after its commit was handed to the subscriber registry. If this actor dies in between,
its successor commits the same batch again, the journal recognises every event of it, and the registry reads what it
missed from the journal: nothing is lost, repeated or reordered.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final as Constant
from typing import TypeAlias

import trio
from attrs import Factory, define, frozen

from actors.clock import Clock
from actors.subscribers import Announce, Committed, SubscriberMessage
from mission_control.core.events import AgentKey, Draft
from mission_control.core.frames import Notice
from mission_control.core.ledger import Commit
from mission_control.core.positions import Position
from mission_control.stores.journal import Journal, JournalUnavailableError
from runtime import Inbox, MailboxFull, Ref, Reply

BATCH_MESSAGES: Constant = 512
GROUP_SECONDS: Constant = 0.010
"""Commits start at least this far apart, unless a whole batch waits. After a pause, the first one starts at once."""
RETRY_SECONDS: Constant = (0.1, 0.2, 0.5, 1.0)


@frozen
class Append:
    """Commit these, together and in this order, and with them how far the sources of these agents were followed."""

    drafts: Sequence[Draft]
    positions: Mapping[AgentKey, Position] = Factory(dict)


@frozen
class Barrier:
    """Answered when everything that was sent before it is committed."""

    reply: Reply[None]


PersistenceMessage: TypeAlias = Append | Barrier


async def hand_over(
    persistence: Ref[PersistenceMessage], drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None
) -> None:
    """Send drafts for commit. Waits only when the mailbox is full, and then for as long as that takes."""
    message = Append(drafts, positions or {})
    try:
        persistence.tell(message)
    except MailboxFull:
        await persistence.send(message)


@define
class JournalHealth:
    """Whether commits succeed; outlives the actor's incarnations. ``since`` in ms, ``notice`` the newest word on it."""

    stalled: str | None = None
    since: int | None = None
    notice: Notice | None = None


class PersistenceActor:
    """Commits what it is sent. While storage refuses, it keeps its batch, says so everywhere, and tries again."""

    def __init__(
        self, journal: Journal, subscribers: Ref[SubscriberMessage], health: JournalHealth, clock: Clock
    ) -> None:
        self._journal = journal
        self._subscribers = subscribers
        self._health = health
        self._clock = clock

    async def run(self, inbox: Inbox[PersistenceMessage]) -> None:
        # A predecessor may have committed something that it did not live to hand on.
        bounds = self._journal.bounds()
        await self._subscribers.send(Committed(Commit(bounds.epoch, bounds.head, bounds.head, (), 0)))
        last_start = trio.current_time() - GROUP_SECONDS
        while True:
            try:
                batch = await inbox.peek(BATCH_MESSAGES)
            except trio.EndOfChannel:
                return
            if any(isinstance(message, Append) for message in batch):
                if (pause := last_start + GROUP_SECONDS - trio.current_time()) > 0 and len(batch) < BATCH_MESSAGES:
                    await trio.sleep(pause)
                    batch = inbox.peek_nowait(BATCH_MESSAGES)
                last_start = trio.current_time()
                await self._subscribers.send(Committed(await self._commit(batch)))
            for message in batch:
                if isinstance(message, Barrier):
                    message.reply.set(None)
            inbox.drop(len(batch))

    async def _commit(self, batch: Sequence[PersistenceMessage]) -> Commit:
        """Append until it works."""
        appends = [message for message in batch if isinstance(message, Append)]
        drafts = [draft for message in appends for draft in message.drafts]
        positions = {key: position for message in appends for key, position in message.positions.items()}
        attempt = 0
        while True:
            try:
                commit = await self._journal.append(drafts, positions)
            except JournalUnavailableError as error:
                self._stalled(str(error))
                await trio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1
            else:
                self._recovered()
                return commit

    def _stalled(self, reason: str) -> None:
        if self._health.stalled is None:
            self._health.stalled, self._health.since = reason, self._clock()
            self._announce(Notice("error", "persistence_stalled", f"Events are not being stored: {reason}"))

    def _recovered(self) -> None:
        if self._health.stalled is not None:
            self._health.stalled = self._health.since = None
            self._announce(Notice("info", "persistence_recovered", "Events are being stored again; none was lost."))

    def _announce(self, notice: Notice) -> None:
        self._health.notice = notice
        with suppress(MailboxFull):  # the registry is far behind: with what it sends next, connections look anyway
            self._subscribers.tell(Announce())
