"""An observer that remembers."""

from typing import TypeVar

import trio

from runtime.observe import RuntimeEvent

E = TypeVar("E", bound=RuntimeEvent)


class Events:
    """Keeps every event of a tree, in order: ``Supervisor(..., observer=events)``."""

    def __init__(self) -> None:
        self.all: list[RuntimeEvent] = []
        self._waiting = trio.lowlevel.ParkingLot()

    def __call__(self, event: RuntimeEvent) -> None:
        self.all.append(event)
        self._waiting.unpark_all()

    def of(self, kind: type[E], path: str | None = None) -> list[E]:
        """The events of one type, of one path or of all."""
        return [event for event in self.all if isinstance(event, kind) and path in (None, event.path)]

    async def wait_for(self, kind: type[E], path: str | None = None, *, count: int = 1) -> list[E]:
        """As ``of``, when there are at least ``count`` of them. How long is the caller's to bound."""
        await trio.lowlevel.checkpoint()
        while len(found := self.of(kind, path)) < count:
            await self._waiting.park()
        return found
