"""The address of an actor, and the way back to whoever asked it."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import trio
from trio.lowlevel import checkpoint

from runtime.errors import ActorCrashed, ActorStopped, AlreadySupervised
from runtime.mailbox import Mailbox, MailboxStatistics
from runtime.options import check_name
from runtime.watch import Followed, Watched

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


class Ref(Watched, Generic[M]):
    """The stable address of an actor. It owns the mailbox, so it can be made, given around and used before the actor
    runs, and stays valid across its restarts.

    capacity: how many messages may be accepted and not yet handled (default 1,024)
    """

    __slots__ = ("__weakref__", "_asks", "_claimed", "_mailbox", "name")

    def __init__(self, name: str, *, capacity: int = 1024) -> None:
        super().__init__()
        check_name("Ref", name)
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

    def _claim(self, child: Followed) -> None:
        """Take this address for one place in one tree: what keeps it at one live incarnation."""
        if self._claimed:
            raise AlreadySupervised(self.name)
        self._claimed = True
        self._followed = child

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
