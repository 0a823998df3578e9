"""What a subscriber makes of its frames: a record of what it saw, and where it stands."""

import json
from collections.abc import Mapping, Sequence

import msgspec
from attrs import define, field, frozen

from mission_control.core.subscription import Cursor, Filter
from tests.chaos.record import Record


@frozen
class _Event:
    event_id: str
    offset: int | None


@frozen
class _Frame:
    op: str
    resume: str | None = None
    reason: str | None = None
    cursor: Cursor | None = None
    offset: int = 0
    events: list[_Event] = field(factory=list)


_decode_frame = msgspec.json.Decoder(_Frame).decode


@define
class Following:
    """``select`` is the filter that is in force, ``asked`` the one that was asked for and is not there yet."""

    record: Record
    select: Filter
    asked: Filter | None = None

    def take(self, text: str) -> None:
        """The next frame of the connection."""
        frame = _decode_frame(text.encode())
        if frame.op == "welcome" and frame.resume == "continued":
            assert frame.cursor is not None
            assert frame.cursor == self.record.cursor, "a continuation begins where the client stood"
            self.record.begin(frame.cursor, self.select)
        elif frame.op == "snapshot":
            assert frame.cursor is not None
            self.record.jumped(str(frame.reason))
            if frame.reason == "filter":
                assert self.asked is not None
                self.select, self.asked = self.asked, None
            self.record.begin(frame.cursor, self.select, json.loads(text))
        elif frame.op == "events":
            for event in frame.events:
                if event.offset is not None:
                    self.record.saw(event.offset, event.event_id)
            self.record.came_to(frame.offset)


def written(select: Filter) -> Mapping[str, Sequence[str]]:
    """A filter as a client writes it."""
    names = ("agents", "types", "gateways")
    return {name: sorted(getattr(select, name)) for name in names if getattr(select, name)}
