"""What must hold of events whatever was said to the daemon: docs/protocol.md, as a subscriber may rely on it."""

from functools import cache
from typing import Any
from typing import Final as Constant

import attrs
from attrs import define, field

from mission_control.core.draft_check import LATEST
from mission_control.core.events import (
    MAX_EVENT_ID,
    AgentKey,
    Chunk,
    Draft,
    Event,
    Final,
    Payload,
    decode_payload,
    encode,
)

DEEPEST: Constant = 64
"""Levels of a payload. A reader that is deep in its own stack must be able to read it too."""


def check_draft(draft: Draft) -> None:
    """What is to be committed can be written, and reads back as it was."""
    assert 0 < len(draft.event_id) <= MAX_EVENT_ID, f"an event's id has {len(draft.event_id)} characters"
    draft.event_id.encode()
    assert draft.agent_id != "", "an agent has no name"
    assert 0 <= draft.timestamp < LATEST, f"a timestamp is {draft.timestamp}"
    assert _depth(draft.payload) <= DEEPEST, "a payload is nested too deep"
    _check_numbers(draft.payload)
    assert decode_payload(draft.type, encode(draft.payload)) == draft.payload, "a payload reads back as another"


def _depth(value: object) -> int:
    """How deep it is nested; counted no further than needed to know that it is too deep."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        level = [inner for one in level for inner in _inside(one)]
        depth += 1
    return depth


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    return [getattr(value, name) for name in _fields(value.__class__)]


@cache
def _fields(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls)) if attrs.has(cls) else ()


def _check_numbers(value: object) -> None:
    """The fields that are numbers are what every JSON reader holds exactly."""
    for inner in _inside(value):
        if isinstance(inner, int):
            assert abs(inner) < LATEST, f"a number is {inner}"
        elif _fields(inner.__class__):
            _check_numbers(inner)


@define
class _Message:
    text: str = ""
    chunks: int = 0
    ended: bool = False


@define
class Reader:
    """Reads a journal from its beginning, and believes only what it is promised."""

    head: int = 0
    _sequences: dict[AgentKey, int] = field(factory=dict)
    _ids: set[str] = field(factory=set)
    _messages: dict[str, _Message] = field(factory=dict)

    def read(self, event: Event, payload: Payload) -> None:
        """The next event."""
        sequence = self._sequences.get(event.key, 0)
        if event.offset is None:
            assert event.sequence == sequence, "an ephemeral event has not the newest sequence"
            return
        assert event.offset == self.head + 1, f"offset {event.offset} follows {self.head}"
        assert event.sequence == sequence + 1, f"sequence {event.sequence} follows {sequence}"
        assert event.event_id not in self._ids, f"the event id {event.event_id} came twice"
        self.head, self._sequences[event.key] = event.offset, event.sequence
        self._ids.add(event.event_id)
        if isinstance(payload, Chunk):
            self._chunk(payload)
        elif isinstance(payload, Final):
            self._final(payload)

    def _chunk(self, chunk: Chunk) -> None:
        message = self._messages.setdefault(chunk.message_id, _Message())
        assert not message.ended, f"a chunk of {chunk.message_id} after its end"
        place = (message.chunks, len(message.text))
        assert (chunk.index, chunk.start) == place, f"{chunk.message_id}: {place} is not where {chunk} goes"
        message.text += chunk.delta
        message.chunks += 1

    def _final(self, final: Final) -> None:
        message = self._messages.setdefault(final.message_id, _Message())
        assert not message.ended, f"{final.message_id} ended twice"
        assert final.chunks == message.chunks, f"{final.message_id} had {message.chunks} chunks, not {final.chunks}"
        assert not message.chunks or final.text == message.text, f"{final.message_id} is not its chunks: {final}"
        message.ended = True
