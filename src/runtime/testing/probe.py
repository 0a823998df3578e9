"""An actor that records what it does and crashes on demand."""

import enum
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import trio

from runtime.inbox import Inbox
from runtime.overflow import Overflow, OverflowPolicy
from runtime.ref import Ref
from runtime.spec import ActorSpec

M = TypeVar("M")


class DemandedCrash(Exception):
    """What a probe raises when a test demanded a crash and named no other error."""


class When(enum.Enum):
    """The moment of a demanded crash, and what is in hand then."""

    NOW = "now"  # wherever the incarnation is, waiting for mail or handling it; else when the next one begins
    BEFORE_RECEIVE = "before a receive"  # as it turns to its mailbox: with get, the last message is still in hand
    DURING_RECEIVE = "during a receive"  # inside get or peek: what came before is acknowledged, nothing new is in hand
    AFTER_RECEIVE = "after a receive"  # with new mail in hand, of which nothing is handled
    AFTER_HANDLING = "after handling"  # with a message handled and not acknowledged


class Probe(Generic[M]):
    """Makes actors that record what they do, over all incarnations of one address.

    handle: called with each message; what it raises crashes the incarnation
    batch: 0 to receive with ``get``, else the limit to ``peek`` and ``drop`` with

    handled: what was handled to the end; received: what was handed out; live, most_live: incarnations at once
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[M], Awaitable[None]] | None = None,
        *,
        batch: int = 0,
        capacity: int = 1024,
        overflow: OverflowPolicy[M] = Overflow.WAIT,
    ) -> None:
        self.ref: Ref[M] = Ref(name, capacity=capacity, overflow=overflow)
        self.received: list[M] = []
        self.handled: list[M] = []
        self.incarnations = self.live = self.most_live = 0
        self._handle = handle
        self._batch = batch
        self._demands: list[tuple[When, Exception]] = []
        self._current: _Incarnation[M] | None = None
        self._waiting = trio.lowlevel.ParkingLot()

    def spec(self, **options: Any) -> ActorSpec[M]:
        """``options``: those of ActorSpec."""
        return ActorSpec(self.ref, lambda: _Incarnation(self, self._batch), **options)

    def crash(self, when: When = When.NOW, error: Exception | None = None) -> None:
        """Make an incarnation raise ``error``. Each demand waits for its moment, over restarts too, and counts once."""
        self._demands.append((when, error or DemandedCrash(f"{self.ref.name} was told to crash: {when.value}")))
        if self._current is not None and when in self._current.scopes:
            self._current.scopes[when].cancel()

    async def wait_handled(self, count: int) -> None:
        """Until at least ``count`` messages have been handled. How long is the caller's to bound."""
        await trio.lowlevel.checkpoint()
        while len(self.handled) < count:
            await self._waiting.park()

    # The incarnations' part

    def _meet(self, when: When) -> None:
        """Crash if a crash at this moment is demanded."""
        for demand in self._demands:
            if demand[0] is when:
                self._demands.remove(demand)
                raise demand[1]

    def _interrupt(self, when: When, scope: trio.CancelScope) -> None:
        """Cancel the scope if there is a demand that need not wait for anything else."""
        if any(moment is when for moment, _ in self._demands):
            scope.cancel()

    async def _take(self, message: M) -> None:
        if self._handle is not None:
            await self._handle(message)
        self.handled.append(message)
        self._waiting.unpark_all()


class _Incarnation(Generic[M]):
    def __init__(self, probe: Probe[M], batch: int) -> None:
        self._probe = probe
        self._batch = batch
        self.scopes: dict[When, trio.CancelScope] = {}  # what a demand of this kind interrupts

    async def run(self, inbox: Inbox[M]) -> None:
        probe = self._probe
        probe._current = self
        probe.incarnations += 1
        probe.live += 1
        probe.most_live = max(probe.most_live, probe.live)
        try:
            with self._interruptible(When.NOW):
                await self._receive_all(inbox)
        finally:
            probe.live -= 1

    @contextmanager
    def _interruptible(self, when: When) -> Iterator[None]:
        """What runs inside is broken off by a demand of this kind, and then crashes."""
        with trio.CancelScope() as scope:
            self.scopes[when] = scope
            self._probe._interrupt(when, scope)
            try:
                yield
            finally:
                del self.scopes[when]
        if scope.cancelled_caught:
            self._probe._meet(when)

    async def _receive_all(self, inbox: Inbox[M]) -> None:
        probe = self._probe
        while True:
            probe._meet(When.BEFORE_RECEIVE)
            try:
                with self._interruptible(When.DURING_RECEIVE):
                    messages = await inbox.peek(self._batch) if self._batch else (await inbox.get(),)
            except trio.EndOfChannel:
                return
            probe.received.extend(messages)
            probe._meet(When.AFTER_RECEIVE)
            for message in messages:
                await probe._take(message)
                probe._meet(When.AFTER_HANDLING)
            if self._batch:
                inbox.drop(len(messages))
