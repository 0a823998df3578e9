"""The address of an actor."""

from collections.abc import Callable
from typing import Generic, TypeVar

from trio.lowlevel import checkpoint

from runtime.errors import AlreadySupervised, InvalidOption, WaitsForItself
from runtime.mailbox import Mailbox, MailboxStatistics
from runtime.options import check_name
from runtime.overflow import KeepLatest, Overflow, OverflowPolicy
from runtime.reply import Asks, Reply
from runtime.watch import Followed, Watched

M = TypeVar("M")
T = TypeVar("T")


class Ref(Watched, Generic[M]):
    """The stable address of an actor. It owns the mailbox, so it can be made, given around and used before the actor
    runs, and stays valid across its restarts.

    capacity: how many messages may be accepted and not yet handled (default 1,024)
    overflow: what becomes of a message that finds it full
    """

    __slots__ = ("__weakref__", "_asks", "_claimed", "_mailbox", "name")

    def __init__(self, name: str, *, capacity: int = 1024, overflow: OverflowPolicy[M] = Overflow.WAIT) -> None:
        super().__init__()
        check_name("Ref", name)
        if not isinstance(capacity, int) or capacity < 1:
            raise InvalidOption(f"Ref {name!r}", "capacity", capacity, "a whole number of at least 1")
        if not isinstance(overflow, Overflow | KeepLatest):
            raise InvalidOption(f"Ref {name!r}", "overflow", overflow, "an Overflow or KeepLatest(key)")
        self.name = name
        self._asks: Asks[M] = Asks(name)
        self._mailbox: Mailbox[M] = Mailbox(name, capacity, overflow, self._asks.lost)
        self._claimed = False

    def __repr__(self) -> str:
        return f"<Ref {self.name!r}>"

    def tell(self, message: M) -> None:
        """Put a message into the mailbox, never waiting. Raises MailboxFull, ActorStopped."""
        self._mailbox.put_nowait(message)

    async def send(self, message: M) -> None:
        """Put a message into the mailbox, waiting for room. A cancelled send accepted nothing.

        Raises ActorStopped; MailboxFull under Overflow.REFUSE; WaitsForItself when the mailbox is full and the caller
        is the task that reads it.
        """
        await checkpoint()
        await self._mailbox.put_without_checkpoint(message)

    async def ask(self, make: Callable[[Reply[T]], M]) -> T:
        """Send the request that ``make`` builds around a Reply and wait for the answer.

        Always ends: with the answer; with ActorCrashed when the request went to the dead letters, or when the
        incarnation that had acknowledged it ended without answering; with ActorStopped when the actor stops for good;
        with RequestDropped when the overflow policy took the request out; with what ``send`` raises.
        A request that is still in the mailbox at a crash (waiting, or in hand) is delivered to the next incarnation
        and the asker waits on. How long is the caller's to bound, with ``trio.move_on_after``. A cancelled ask may
        leave its request in the mailbox; the answer then goes nowhere.
        Raises WaitsForItself when called by the task that reads this actor's inbox.
        """
        if self._mailbox.is_read_here():
            raise WaitsForItself(self.name)
        reply: Reply[T] = Reply()
        message = make(reply)
        await checkpoint()
        self._asks.add(reply, message)
        try:
            await self._mailbox.put_without_checkpoint(message)
            return await reply.wait_answer()
        finally:
            self._asks.remove(reply)

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
        """An incarnation ended."""
        self._asks.crashed(cause, self._mailbox.holds)

    def _close_for_good(self) -> int:
        """Returns how many accepted messages nobody will handle."""
        undelivered = self._mailbox.discard()
        self._asks.stopped()
        return undelivered
