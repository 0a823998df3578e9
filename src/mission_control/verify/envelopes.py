"""The events of a source in our own envelope: each is there once, in the order of its numbers, and as it was sent.

A daemon names a source's event after it: the event's own id, or that behind whatever comes before its last colon.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import Factory, define, frozen

from mission_control.core.events import Event
from mission_control.truth import Envelope, Restart
from mission_control.verify.pairing import out_of_order
from mission_control.verify.verdict import Finding, FindingClass

_SAID: Final = ("role", "delta", "text", "state", "kind", "title", "run_id", "session", "tool")
"""Fields of a payload that are the source's to say. A daemon counts and names messages by itself."""


_CHUNK: Final = "conversation.chunk"
_FINAL: Final = "conversation.final"


@frozen
class _Hole:
    """Numbers that were declared missing, or late, in one life of the source's process."""

    life: int
    first: int
    last: int


@define
class _Agent:
    """``cut``: for each new life that was told of, how far the one before it was followed (ms)."""

    where: str
    lives: Sequence[int]
    sent: list[Envelope] = Factory(list)
    names: set[str] = Factory(set)
    found: dict[str, list[Event]] = Factory(lambda: defaultdict(list))
    holes: list[_Hole] = Factory(list)
    cuts: list[tuple[int, int]] = Factory(list)
    newest: int = 0

    def note(self, event: Event) -> None:
        """Take an event of the journal; in the order of offsets."""
        if event.type == "activity.event":
            payload = msgspec.json.decode(event.payload)
            detail: Mapping[str, Any] = payload.get("detail") or {}
            if payload.get("kind") == "stream.restarted":
                self.cuts.append((self._life(event.timestamp), self.newest))
            if payload.get("kind") in ("stream.gap", "stream.repaired") and "from_sequence" in detail:
                life = self._life(event.timestamp)
                self.holes.append(_Hole(life, detail["from_sequence"], detail["to_sequence"]))
        name = source_id(event)
        if name in self.names:
            self.found[name].append(event)
            self.newest = max(self.newest, event.timestamp)

    def compare(self, watched_from: float) -> Iterator[Finding]:
        there: list[tuple[Envelope, Event]] = []
        whole = {
            each.payload["message_id"] for each in self.sent if each.type == _FINAL and each.event_id in self.found
        }
        for envelope in self.sent:
            events = self.found.get(envelope.event_id, [])
            yield from (self._about("repeated", envelope, "is told again") for _ in events[1:])
            if events:
                there.append((envelope, events[0]))
            elif envelope.type == _CHUNK and envelope.payload["message_id"] in whole:
                continue  # its final is there, and has its text
            elif envelope.timestamp >= watched_from or there:
                declared = self._declared(envelope) or self._waited(envelope)
                yield self._about("declared" if declared else "lost", envelope, "is missing")
        for envelope, event in there:
            late = envelope.type == _CHUNK and envelope.payload["message_id"] in whole and event.type != _CHUNK
            if not late and (what := _difference(envelope, event)):  # a late one can only be told of in its final
                yield self._about("altered", envelope, f"has another {what}")
        yield from self._order(there)

    def _order(self, there: Sequence[tuple[Envelope, Event]]) -> Iterator[Finding]:
        """What is late and declared has any place; the rest is in order among itself."""
        _, crossed = out_of_order(there, _offset)
        loose = {index for index in crossed if self._declared(there[index][0]) or self._waited(there[index][0])}
        moved, _ = out_of_order([each for index, each in enumerate(there) if index not in loose], _offset)
        yield from (self._about("declared", there[index][0], "has another place") for index in sorted(loose))
        yield from (self._about("reordered", envelope, "has another place") for envelope, _ in moved)

    def _waited(self, envelope: Envelope) -> bool:
        """A chunk is told when those before it are, and one of them was declared to be missing."""
        if envelope.type != _CHUNK:
            return False
        message_id, index = envelope.payload["message_id"], envelope.payload["index"]
        return any(
            self._declared(other)
            for other in self.sent
            if other.type == _CHUNK and other.payload["message_id"] == message_id and other.payload["index"] < index
        )

    def _declared(self, envelope: Envelope) -> bool:
        life = self._life(envelope.timestamp)
        if any(hole.life == life and hole.first <= envelope.sequence <= hole.last for hole in self.holes):
            return True
        return any(life < later and envelope.timestamp >= followed for later, followed in self.cuts)

    def _life(self, at: int) -> int:
        return bisect_left(self.lives, at)

    def _about(self, found: FindingClass, envelope: Envelope, what: str) -> Finding:
        told = f"{envelope.agent} {envelope.sequence} ({envelope.type}, {envelope.event_id}) {what}"
        return Finding(found, self.where, told, envelope.timestamp)


def source_id(event: Event) -> str:
    """The source's own id of an event, if it is one of a source."""
    return event.event_id.rpartition(":")[2]


def compare_envelopes(
    sent: Sequence[Envelope], restarts: Sequence[Restart], events: Sequence[Event], watched_from: float, where: str
) -> Iterator[Finding]:
    """What a journal has of the events that a source sent; ``events`` in the order of offsets."""
    lives = sorted(restart.at for restart in restarts)
    agents: defaultdict[str, _Agent] = defaultdict(lambda: _Agent(where, lives))
    for envelope in sent:
        agents[envelope.agent].sent.append(envelope)
        agents[envelope.agent].names.add(envelope.event_id)
    for event in events:
        if event.agent_id is not None:
            agents[event.agent_id].note(event)
    for _, agent in sorted(agents.items()):
        yield from agent.compare(watched_from)


def _offset(told: tuple[Envelope, Event]) -> tuple[float]:
    return (told[1].offset or 0,)


def _difference(envelope: Envelope, event: Event) -> str | None:
    """The field in which they differ."""
    if (envelope.type, envelope.timestamp) != (event.type, event.timestamp):
        return "type" if envelope.type != event.type else "timestamp"
    payload = msgspec.json.decode(event.payload)
    return next((name for name in _SAID if payload.get(name) != envelope.payload.get(name)), None)
