"""Whether a reading keeps the promises of docs/protocol.md about offsets, sequences, chunks and finals."""

from collections.abc import Iterator

from attrs import Factory, define

from mission_control.core.events import Chunk, Event, decode_payload
from mission_control.core.events import Final as FinalPayload
from mission_control.verify.readings import Reading
from mission_control.verify.verdict import Finding, FindingClass


@define
class _Message:
    parts: list[str] = Factory(list)
    next_index: int = 0
    length: int = 0
    is_whole: bool = True
    """Whether all of its chunks can be expected: not when the reading begins, or was compacted, in the middle."""
    ended: bool = False


@define
class _Order:
    reading: Reading
    offset: int
    ids: set[str] = Factory(set)
    sequences: dict[tuple[str, str | None] | None, tuple[int, int]] = Factory(dict)
    """By agent, the newest sequence and its offset. Events of no agent have one sequence for the whole daemon."""
    messages: dict[str, _Message] = Factory(dict)

    def event(self, event: Event) -> Iterator[Finding]:
        offset = event.offset or 0
        again = event.event_id in self.ids
        self.ids.add(event.event_id)
        if again:
            yield self._found("repeated", event, f"event {event.event_id} is there again")
            return
        if offset <= self.offset:
            yield self._found("reordered", event, f"offset {offset} comes after {self.offset}")
        self.offset = max(self.offset, offset)
        yield from self._sequence(event, offset)
        match decode_payload(event.type, event.payload):
            case Chunk() as chunk:
                yield from self._chunk(event, chunk)
            case FinalPayload() as final:
                yield from self._final(event, final)

    def _sequence(self, event: Event, offset: int) -> Iterator[Finding]:
        key = None if event.agent_id is None else (event.gateway, event.agent_id)
        last, last_offset = self.sequences.get(key, (0, 0))
        self.sequences[key] = (max(last, event.sequence), offset)
        knows_last = last > 0 or self.reading.begins_after == 0
        missing = event.sequence - last - 1
        if missing < 0:
            yield self._found("reordered", event, f"sequence {event.sequence} comes after {last}")
        elif missing and knows_last and last_offset >= self.reading.compacted_to:
            yield self._found("lost", event, f"{missing} events before sequence {event.sequence}")

    def _chunk(self, event: Event, chunk: Chunk) -> Iterator[Finding]:
        message = self._message(chunk.message_id, event)
        if message.ended:
            yield self._found("reordered", event, f"a chunk of {chunk.message_id} after its final")
        elif not message.is_whole:
            return
        elif chunk.index < message.next_index:
            yield self._found("reordered", event, f"chunk {chunk.index} of {chunk.message_id} is late")
        elif chunk.index > message.next_index:
            yield self._found("lost", event, f"chunks of {chunk.message_id} before chunk {chunk.index}")
        elif chunk.start != message.length:
            yield self._found(
                "altered", event, f"chunk {chunk.index} of {chunk.message_id} is not where the last ended"
            )
        message.parts.append(chunk.delta)
        message.next_index = max(message.next_index, chunk.index + 1)
        message.length = chunk.start + len(chunk.delta)

    def _final(self, event: Event, final: FinalPayload) -> Iterator[Finding]:
        message = self._message(final.message_id, event)
        if message.ended:
            yield self._found("repeated", event, f"{final.message_id} has another final")
        elif not message.is_whole:
            pass
        elif message.next_index < final.chunks:
            yield self._found("lost", event, f"the last chunks of {final.message_id}")
        elif message.next_index > final.chunks:
            yield self._found("repeated", event, f"{final.message_id} has more chunks than its final counts")
        elif final.chunks and final.state == "complete" and "".join(message.parts) != final.text:
            yield self._found("altered", event, f"the chunks of {final.message_id} do not make its text")
        message.ended = True

    def _message(self, message_id: str, event: Event) -> _Message:
        if message_id not in self.messages:
            beyond = max(self.reading.begins_after, self.reading.compacted_to)
            first = isinstance(chunk := decode_payload(event.type, event.payload), Chunk) and chunk.index == 0
            self.messages[message_id] = _Message(is_whole=first or beyond == 0)
        return self.messages[message_id]

    def _found(self, found: FindingClass, event: Event, what: str) -> Finding:
        return Finding(found, self.reading.name, f"{what} (offset {event.offset})", event.timestamp)


def check_order(reading: Reading) -> Iterator[Finding]:
    """What is out of order in a reading by itself, or missing from it."""
    order = _Order(reading, reading.begins_after)
    for event in reading.events:
        yield from order.event(event)
