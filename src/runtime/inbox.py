"""The receiving end of a mailbox, and the shape of what receives.

An actor is a class with ``async def run(self, inbox)``. ``try/finally`` and ``with`` take the place of lifecycle hooks.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import trio
from trio.lowlevel import checkpoint

from runtime.mailbox import MailboxStatistics
from runtime.ref import Ref

M = TypeVar("M")


class Inbox(Generic[M]):
    """The receiving end, made for one incarnation.

    ``async for message in inbox`` ends when the mailbox is closed and drained; ``get`` and ``peek`` then raise
    trio.EndOfChannel. One task reads at a time. A test that drives an actor by hand makes its own: ``Inbox(ref)``.
    """

    __slots__ = ("_healthy", "_mailbox")

    def __init__(self, ref: Ref[M]) -> None:
        self._mailbox = ref._mailbox
        self._mailbox.begin()
        self._healthy = False

    async def get(self) -> M:
        """The next message, in hand until the next ``get`` or ``peek`` or a clean return. Raises trio.EndOfChannel."""
        mailbox = self._mailbox
        mailbox.come_for_mail()
        if mailbox.messages:
            await checkpoint()
        if not mailbox.messages and not await mailbox.wait_mail():
            raise trio.EndOfChannel
        return mailbox.first()

    async def peek(self, limit: int) -> Sequence[M]:
        """Wait for mail, then return everything queued up to ``limit``, without removing it. Raises trio.EndOfChannel.

        Returns the same again, and what has come since, until it is dropped. Returns one at a time after a crash
        (see the rules of redelivery in runtime.queues).
        """
        mailbox = self._mailbox
        mailbox.come_for_mail()
        if mailbox.messages:
            await checkpoint()
        if not mailbox.messages and not await mailbox.wait_mail():
            raise trio.EndOfChannel
        return mailbox.take(limit)

    def peek_nowait(self, limit: int) -> Sequence[M]:
        """As ``peek``, without waiting: may be empty."""
        self._mailbox.come_for_mail()
        return self._mailbox.take(limit)

    def drop(self, count: int) -> None:
        """Acknowledge: remove the first ``count`` messages in hand. Raises ValueError when fewer are in hand."""
        self._mailbox.drop(count)

    def healthy(self) -> None:
        """Say that this incarnation works as it should: its backoff starts over, should it crash after all.

        For an actor that knows (it is connected, a request went through); any other is taken to be healthy after
        ``Backoff.reset_after`` seconds. The restart intensity is not affected.
        """
        self._healthy = True

    def statistics(self) -> MailboxStatistics:
        return self._mailbox.statistics()

    def __aiter__(self) -> "Inbox[M]":
        return self

    async def __anext__(self) -> M:
        mailbox = self._mailbox  # as get, without the cost of another coroutine
        mailbox.come_for_mail()
        if mailbox.messages:
            await checkpoint()
        if not mailbox.messages and not await mailbox.wait_mail():
            raise StopAsyncIteration
        return mailbox.first()


class Actor(Protocol[M]):
    """One incarnation. Returning ends it cleanly; any exception crashes it."""

    async def run(self, inbox: Inbox[M]) -> None: ...
