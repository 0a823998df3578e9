"""The way back to whoever asked."""

from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

import trio

from runtime.errors import ActorCrashed, ActorStopped, RequestDropped

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
        """Not a checkpoint when the answer is there: a cancellation in the same instant does not take it away."""
        if not self._answered.is_set():
            await self._answered.wait()
        if self._error is not None:
            raise self._error
        return self._value


class Asks(Generic[M]):
    """The asks of one address that still wait, each with its request: what can go wrong with a request ends them."""

    __slots__ = ("_name", "_requests")

    def __init__(self, name: str) -> None:
        self._name = name
        self._requests: dict[Reply[Any], M] = {}

    def add(self, reply: Reply[Any], request: M) -> None:
        self._requests[reply] = request

    def remove(self, reply: Reply[Any]) -> None:
        del self._requests[reply]

    def lost(self, message: M, *, superseded: bool) -> None:
        """An overflow policy took this message out."""
        for reply, request in self._requests.items():
            if request is message:
                reply.fail(RequestDropped(self._name, superseded))

    def crashed(self, cause: BaseException | None, held: Callable[[Collection[M]], set[int]]) -> None:
        """An incarnation ended: the askers whose request it had acknowledged get no answer any more.

        held: tells the ids of those requests that the mailbox still has
        """
        if not self._requests:
            return
        kept = held(self._requests.values())
        for reply, request in self._requests.items():
            if id(request) not in kept:
                error = ActorCrashed(self._name)
                error.__cause__ = cause
                reply.fail(error)

    def stopped(self) -> None:
        """There is nobody left to answer."""
        for reply in self._requests:
            reply.fail(ActorStopped(self._name))
