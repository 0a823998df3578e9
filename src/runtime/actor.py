"""What a program writes and holds: actors, their inboxes, their addresses, and how to run them.

An actor is a class with ``async def run(self, inbox)``. ``try/finally`` and ``with`` take the place of lifecycle hooks.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs
import trio
from attrs import validators
from trio.lowlevel import checkpoint

from runtime.errors import ActorCrashed, ActorStopped, AlreadySupervised
from runtime.mailbox import Mailbox, MailboxStatistics
from runtime.policy import Backoff, Restart

M = TypeVar("M")
T = TypeVar("T")


class Reply(Generic[T]):
    """The way back to one asker. The first ``set`` or ``fail`` counts; neither raises when the asker has gone.

    An actor that keeps a Reply for later may answer from any later message, but not past its incarnation's end: there
    the asker gets ActorCrashed.
    """

    __slots__ = ("_answered", "_error", "_value")

    def __init__(self) -> None:
        self._answered = trio.Event()
        self._error: BaseException | None = None
        self._value: T

    def set(self, value: T) -> None:
        if not self._answered.is_set():
            self._value = value
            self._answered.set()

    def fail(self, error: BaseException) -> None:
        """Make the asker's ``ask`` raise ``error``."""
        if not self._answered.is_set():
            self._error = error
            self._answered.set()

    async def wait_answer(self) -> T:
        await self._answered.wait()
        if self._error is not None:
            raise self._error
        return self._value


class Ref(Generic[M]):
    """The stable address of an actor. It owns the mailbox, so it can be made, given around and used before the actor
    runs, and stays valid across its restarts.

    capacity: how many messages may be accepted and not yet handled (default 1,024)
    """

    __slots__ = ("__weakref__", "_asks", "_claimed", "_mailbox", "name")

    def __init__(self, name: str, *, capacity: int = 1024) -> None:
        if not name:
            raise ValueError("an actor needs a name")
        self.name = name
        self._mailbox: Mailbox[M] = Mailbox(name, capacity)
        self._asks: dict[Reply[Any], M] = {}
        self._claimed = False

    def __repr__(self) -> str:
        return f"<Ref {self.name!r}>"

    def tell(self, message: M) -> None:
        """Put a message into the mailbox, never waiting. Raises MailboxFull, ActorStopped."""
        self._mailbox.put_nowait(message)

    async def send(self, message: M) -> None:
        """Put a message into the mailbox, waiting for room. A cancelled send accepted nothing. Raises ActorStopped."""
        await checkpoint()
        await self._mailbox.put_without_checkpoint(message)

    async def ask(self, make: Callable[[Reply[T]], M]) -> T:
        """Send the request that ``make`` builds around a Reply and wait for the answer.

        Always ends: with the answer; with ActorCrashed when the request went to the dead letters, or when the
        incarnation that had acknowledged it ended without answering; with ActorStopped when the actor stops for good.
        A request that is still in the mailbox at a crash (waiting, or in hand) is delivered to the next incarnation
        and the asker waits on. How long is the caller's to bound, with ``trio.move_on_after``. A cancelled ask may
        leave its request in the mailbox; the answer then goes nowhere.
        """
        reply: Reply[T] = Reply()
        message = make(reply)
        await checkpoint()
        self._asks[reply] = message
        try:
            await self._mailbox.put_without_checkpoint(message)
            return await reply.wait_answer()
        finally:
            del self._asks[reply]

    def statistics(self) -> MailboxStatistics:
        return self._mailbox.statistics()

    # The kernel's part

    def _claim(self) -> None:
        """Take this address for one place in one tree: what keeps it at one live incarnation."""
        if self._claimed:
            raise AlreadySupervised(self.name)
        self._claimed = True

    def _fail_lost_asks(self, cause: BaseException | None) -> None:
        """An incarnation ended: the askers whose request it had acknowledged get no answer any more."""
        if not self._asks:
            return
        held = self._mailbox.holds(self._asks.values())
        for reply, message in self._asks.items():
            if id(message) not in held:
                error = ActorCrashed(self.name)
                error.__cause__ = cause
                reply.fail(error)

    def _close_for_good(self) -> int:
        """Returns how many accepted messages nobody will handle."""
        undelivered = self._mailbox.discard()
        for reply in self._asks:
            reply.fail(ActorStopped(self.name))
        return undelivered


class Inbox(Generic[M]):
    """The receiving end, made for one incarnation.

    ``async for message in inbox`` ends when the mailbox is closed and drained; ``get`` and ``peek`` then raise
    trio.EndOfChannel. One task reads at a time. A test that drives an actor by hand makes its own: ``Inbox(ref)``.
    """

    __slots__ = ("_mailbox",)

    def __init__(self, ref: Ref[M]) -> None:
        self._mailbox = ref._mailbox

    async def get(self) -> M:
        """The next message, in hand until the next ``get`` or ``peek`` or a clean return. Raises trio.EndOfChannel."""
        mailbox = self._mailbox
        mailbox.settle()
        await mailbox.wait_mail()
        return mailbox.take_first()

    async def peek(self, limit: int) -> Sequence[M]:
        """Wait for mail, then return everything queued up to ``limit``, without removing it. Raises trio.EndOfChannel.

        Returns the same again, and what has come since, until it is dropped. Returns one at a time after a crash
        (see the rules of redelivery in runtime.mailbox).
        """
        mailbox = self._mailbox
        mailbox.settle()
        await mailbox.wait_mail()
        return mailbox.hold(limit)

    def peek_nowait(self, limit: int) -> Sequence[M]:
        """As ``peek``, without waiting: may be empty."""
        self._mailbox.settle()
        return self._mailbox.hold(limit)

    def drop(self, count: int) -> None:
        """Acknowledge: remove the first ``count`` messages in hand. Raises ValueError when fewer are in hand."""
        self._mailbox.drop(count)

    def statistics(self) -> MailboxStatistics:
        return self._mailbox.statistics()

    def __aiter__(self) -> "Inbox[M]":
        return self

    async def __anext__(self) -> M:
        try:
            return await self.get()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None


class Actor(Protocol[M]):
    """One incarnation. Returning ends it cleanly; any exception crashes it."""

    async def run(self, inbox: Inbox[M]) -> None: ...


@attrs.frozen
class ActorSpec(Generic[M]):
    """How to run one actor. ``factory`` makes a fresh object for each incarnation.

    grace: seconds between the mailbox's close and the cancellation, when it is stopped for good
    """

    ref: Ref[M]
    factory: Callable[[], Actor[M]]
    restart: Restart = Restart.PERMANENT
    grace: float = attrs.field(default=5.0, validator=validators.ge(0))
    backoff: Backoff = attrs.field(factory=Backoff)

    @property
    def name(self) -> str:
        return self.ref.name


@attrs.frozen
class ServiceSpec:
    """How to run a plain async function under supervision: a server, a clock. It has no mailbox.

    stop: asks it to end, in a way of its own, when it is stopped for good; without it, it is cancelled at once
    grace: seconds between the call of ``stop`` and the cancellation; without ``stop``, how long a cancelled
        service may take to clean up before it is reported as late
    """

    name: str = attrs.field(validator=validators.min_len(1))
    run: Callable[[], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    grace: float = attrs.field(default=5.0, validator=validators.ge(0))
    backoff: Backoff = attrs.field(factory=Backoff)
    stop: Callable[[], None] | None = None
