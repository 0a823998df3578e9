"""For tests of actors and trees: a recording actor that crashes on demand, and a recording observer."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import trio

from runtime.inbox import Inbox
from runtime.observe import RuntimeEvent
from runtime.ref import Ref
from runtime.spec import ActorSpec

M = TypeVar("M")
E = TypeVar("E", bound=RuntimeEvent)


class Probe(Generic[M]):
    """Makes actors that record what they do, over all incarnations of one address.

    handle: called with each message; what it raises crashes the incarnation
    batch: 0 to receive with ``get``, else the limit to ``peek`` and ``drop`` with

    handled: what was handled to the end; received: what was handed out; live, most_live: incarnations at once
    """

    def __init__(
        self, name: str, handle: Callable[[M], Awaitable[None]] | None = None, *, batch: int = 0, capacity: int = 1024
    ) -> None:
        self.ref: Ref[M] = Ref(name, capacity=capacity)
        self.received: list[M] = []
        self.handled: list[M] = []
        self.incarnations = self.live = self.most_live = 0
        self._handle = handle
        self._batch = batch

    def spec(self, **options: Any) -> ActorSpec[M]:
        """``options``: those of ActorSpec."""
        return ActorSpec(self.ref, lambda: _Incarnation(self), **options)

    async def _live(self, inbox: Inbox[M]) -> None:
        self.incarnations += 1
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        try:
            if self._batch:
                await self._receive_batches(inbox)
            else:
                async for message in inbox:
                    await self._take(message)
        finally:
            self.live -= 1

    async def _receive_batches(self, inbox: Inbox[M]) -> None:
        while True:
            try:
                batch = await inbox.peek(self._batch)
            except trio.EndOfChannel:
                return
            for message in batch:
                await self._take(message)
            inbox.drop(len(batch))

    async def _take(self, message: M) -> None:
        self.received.append(message)
        if self._handle is not None:
            await self._handle(message)
        self.handled.append(message)


class _Incarnation(Generic[M]):
    def __init__(self, probe: Probe[M]) -> None:
        self._probe = probe

    async def run(self, inbox: Inbox[M]) -> None:
        await self._probe._live(inbox)


class Events:
    """An observer that keeps everything, in order."""

    def __init__(self) -> None:
        self.all: list[RuntimeEvent] = []

    def __call__(self, event: RuntimeEvent) -> None:
        self.all.append(event)

    def of(self, kind: type[E], path: str | None = None) -> list[E]:
        """The events of one type, of one path or of all."""
        return [event for event in self.all if isinstance(event, kind) and path in (None, event.path)]
