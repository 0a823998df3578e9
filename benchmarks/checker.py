"""What a subscriber of the stream must find true, whatever the load: the promises of docs/protocol.md, checked."""

import zlib
from collections import Counter, defaultdict
from typing import Any

import msgspec
import trio
from attrs import define, field

_PROBLEMS_KEPT = 10


class Envelope(msgspec.Struct):
    event_id: str
    timestamp: int
    agent_id: str | None
    type: str
    payload: msgspec.Raw
    sequence: int
    gateway: str
    offset: int | None


class Chunk(msgspec.Struct):
    message_id: str
    index: int
    delta: str
    start: int


class Final(msgspec.Struct):
    message_id: str
    session: str
    role: str
    text: str
    state: str
    chunks: int


class Message(msgspec.Struct):
    message_id: str
    state: str
    text: str
    next_index: int = 0


class Frame(msgspec.Struct):
    """Any frame from the server, as far as it is looked at."""

    op: str
    events: list[Envelope] = []
    messages: list[Message] = []
    cursor: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    offset: int = 0
    code: str = ""
    message: str = ""


_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_final = msgspec.json.Decoder(Final).decode


@define
class _Open:
    parts: list[str]
    next_index: int
    length: int


@define
class Checker:
    """Follows one subscription. ``latency`` counts live events by their age in whole ms while ``timing``.

    A message that was found in a gateway's history (a user's, or a missed one) is as old as it is, and not counted.
    """

    timing: bool = False
    offset: int = 0
    events: int = 0
    bytes: int = 0
    snapshots: int = 0
    lost: int = 0
    duplicated: int = 0
    problems: list[str] = field(factory=list)
    latency: Counter[int] = field(factory=Counter)
    finals: defaultdict[str, list[int]] = field(factory=lambda: defaultdict(list))
    """CRC-32 of each complete assistant message, by session."""
    _sequences: dict[tuple[str, str | None], int] = field(factory=dict)
    _open: dict[str, _Open] = field(factory=dict)
    _advanced: trio.Event = field(factory=trio.Event)

    def snapshot(self, frame: Frame) -> None:
        self.snapshots += 1
        self.offset = frame.cursor["offset"]
        self._sequences.clear()
        self._open = {
            message.message_id: _Open([message.text], message.next_index, len(message.text))
            for message in frame.messages
            if message.state == "streaming"
        }

    def frame(self, frame: Frame, size: int, now: float) -> None:
        """Check an ``events`` frame of ``size`` bytes that arrived at ``now`` (ms since the epoch)."""
        for event in frame.events:
            if event.offset is not None and self._event(event, event.offset) and self.timing:
                self.latency[int(now - event.timestamp)] += 1
        if self.timing:
            self.events += len(frame.events)
            self.bytes += size
        self.offset = max(self.offset, frame.offset)
        self._advanced.set()

    async def wait_for(self, offset: int) -> None:
        """Return when everything up to ``offset`` was received."""
        while self.offset < offset:
            self._advanced = trio.Event()
            await self._advanced.wait()

    def _event(self, event: Envelope, offset: int) -> bool:
        """Gives whether the event tells of what its source has just said."""
        if offset <= self.offset:
            self.duplicated += 1
            return False
        self.offset = offset
        key = (event.gateway, event.agent_id)
        missing = event.sequence - self._sequences.get(key, event.sequence - 1) - 1
        self._sequences[key] = event.sequence
        if missing < 0:
            self.duplicated += 1
        self.lost += max(0, missing)
        if event.type == "conversation.chunk":
            self._chunk(_decode_chunk(event.payload))
            return True
        if event.type == "conversation.final":
            final = _decode_final(event.payload)
            self._final(final)
            return final.chunks > 0
        return event.type == "activity.event"

    def _chunk(self, chunk: Chunk) -> None:
        message = self._open.setdefault(chunk.message_id, _Open([], 0, 0))
        if (chunk.index, chunk.start) != (message.next_index, message.length):
            self._problem(f"chunk {chunk} follows {message.next_index} chunks of {message.length} characters")
        message.parts.append(chunk.delta)
        message.next_index = chunk.index + 1
        message.length = chunk.start + len(chunk.delta)

    def _final(self, final: Final) -> None:
        message = self._open.pop(final.message_id, _Open([], 0, 0))
        if final.chunks != message.next_index:
            self._problem(f"the final of {final.message_id} counts {final.chunks} chunks, not {message.next_index}")
        streamed = "".join(message.parts)
        if final.state == "complete":
            if final.chunks and final.text != streamed:
                self._problem(f"the final of {final.message_id} is not what was streamed")
            if final.role == "assistant":
                self.finals[final.session].append(zlib.crc32(final.text.encode()))

    def _problem(self, text: str) -> None:
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(text)
