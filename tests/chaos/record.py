"""What a subscriber was given, kept so that it can be held against the journal afterwards."""

from typing import Any

import trio
from attrs import Factory, define, field, frozen

from mission_control.core.subscription import Cursor, Filter


@frozen
class Seen:
    """One event of the journal as a subscriber got it."""

    offset: int
    event_id: str


@define
class Stretch:
    """What came without a jump: all that ``select`` admits after offset ``after`` and up to ``upto``, it is promised.

    ``snapshot`` is the state that it began with, where there was one.
    """

    epoch: str
    select: Filter
    after: int
    upto: int
    events: list[Seen] = Factory(list)
    snapshot: dict[str, Any] | None = None


@define
class Record:
    """A subscriber's whole life. ``jumps`` counts the reasons of its snapshots; ``connections`` how often it came."""

    name: str
    stretches: list[Stretch] = Factory(list)
    jumps: dict[str, int] = Factory(dict)
    connections: int = 0
    _moved: trio.Event = field(init=False, factory=trio.Event)

    def begin(self, cursor: Cursor, select: Filter, snapshot: dict[str, Any] | None = None) -> None:
        """From here on, events by this filter follow the cursor."""
        self.stretches.append(Stretch(cursor.epoch, select, cursor.offset, cursor.offset, snapshot=snapshot))
        self._move()

    def jumped(self, reason: str) -> None:
        self.jumps[reason] = self.jumps.get(reason, 0) + 1

    def saw(self, offset: int, event_id: str) -> None:
        self.stretches[-1].events.append(Seen(offset, event_id))

    def came_to(self, offset: int) -> None:
        self.stretches[-1].upto = offset
        self._move()

    async def reaches(self, offset: int) -> None:
        """Wait until it has come to there."""
        while self.cursor is None or self.cursor.offset < offset:
            await self._moved.wait()

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

    @property
    def cursor(self) -> Cursor | None:
        """Where it stands."""
        return Cursor(self.stretches[-1].epoch, self.stretches[-1].upto) if self.stretches else None
