"""The event envelope and its payloads: the one vocabulary of stream, journal and API (docs/protocol.md, section 1).

An event lives twice. As a :class:`Draft` it is what an actor wants to have happened; as an :class:`Event` it is what
the journal committed, with its place (``offset``) and its number among its agent's events (``sequence``). Nothing else
in the program carries an event.

The payload classes are plain attrs classes. An optional field that has no value is :data:`msgspec.UNSET` and does not
appear on the wire at all; ``None`` appears as ``null``.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias
from typing import Final as Constant

import msgspec
from attrs import frozen
from msgspec import UNSET, UnsetType

AgentKey: TypeAlias = tuple[str, str | None]
"""(gateway, agent_id), or :data:`NO_AGENT`."""

NO_AGENT: Constant[AgentKey] = ("", None)
"""The key of all ``system.status`` events, whichever component they are about: they share one sequence."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
"""A number of things, or a position that is counted from 0."""

Role: TypeAlias = Literal["user", "assistant", "system"]
FinalState: TypeAlias = Literal["complete", "aborted", "error", "interrupted"]
AgentStatus: TypeAlias = Literal["online", "degraded", "offline"]
LinkStateName: TypeAlias = Literal["connecting", "connected", "reconnecting", "disconnected"]
Component: TypeAlias = Literal["gateway", "persistence", "convex", "actor", "daemon"]

MAX_EVENT_ID: Constant = 200
"""Longest event id in characters."""

UNREADABLE: Constant = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises that comes from outside: no JSON, not the shape, no UTF-8, nested without end."""


class EventType(StrEnum):
    """What kind of event an envelope carries."""

    CHUNK = "conversation.chunk"
    FINAL = "conversation.final"
    ACTIVITY = "activity.event"
    HEARTBEAT = "heartbeat"
    STATUS = "system.status"


@frozen
class Chunk:
    """New text of a message that is still being written.

    ``index`` counts the message's chunks from 0; ``start`` is the position of ``delta`` in the message in Unicode code
    points.
    """

    message_id: str
    run_id: str
    session: str
    role: Role
    index: Count
    delta: str
    start: Count


@frozen
class Final:
    """The end of a message; exactly one per message. ``chunks`` is how many chunks came before it."""

    message_id: str
    run_id: str
    session: str
    role: Role
    text: str
    state: FinalState
    chunks: Count
    error: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    usage: dict[str, Any] | UnsetType = UNSET
    duration_ms: int | UnsetType = UNSET
    started_at: int | UnsetType = UNSET
    """When the message began, in ms; absent when that is the event's own timestamp."""


@frozen
class Activity:
    """Something that an agent did. ``kind`` is dotted (``tool.started``); ``title`` is one line for people."""

    kind: str
    title: str
    run_id: str | UnsetType = UNSET
    session: str | UnsetType = UNSET
    tool: str | UnsetType = UNSET
    detail: dict[str, Any] | UnsetType = UNSET
    duration_ms: int | UnsetType = UNSET


def shows_progress(kind: str) -> bool:
    """Whether an activity of this kind shows that its run moves on; every part of a message does."""
    return kind == "run.started" or kind.startswith(("tool.", "session."))


@frozen
class Clocks:
    """When an agent last gave each sign of life, in ms, or None if it never did."""

    transport_at: int | None = None
    heartbeat_at: int | None = None
    progress_at: int | None = None


@frozen
class Heartbeat:
    """An agent's status. A change of ``status`` is journaled; a plain beat is ephemeral."""

    status: AgentStatus
    previous: AgentStatus | None
    reason: str
    clocks: Clocks


@frozen
class Status:
    """The state of a part of the daemon. The fields after ``previous`` are for the component ``gateway``."""

    component: Component
    id: str
    state: str
    detail: str
    previous: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    attempt: Count | UnsetType = UNSET
    retry_at: int | UnsetType | None = UNSET
    last_event_at: int | UnsetType | None = UNSET
    missing_since: int | UnsetType | None = UNSET
    """From when on something of this gateway may be missing that is still to be brought in, in ms."""


Payload: TypeAlias = Chunk | Final | Activity | Heartbeat | Status

TYPE_OF: Constant[dict[type, EventType]] = {
    Chunk: EventType.CHUNK,
    Final: EventType.FINAL,
    Activity: EventType.ACTIVITY,
    Heartbeat: EventType.HEARTBEAT,
    Status: EventType.STATUS,
}
PAYLOAD_OF: Constant[dict[str, type[Payload]]] = {str(event_type): cls for cls, event_type in TYPE_OF.items()}


@frozen
class Draft:
    """An event before its commit: no offset and no sequence yet.

    ``timestamp`` is when the source emitted it, in ms. An ``ephemeral`` draft is delivered live and never stored.
    """

    event_id: str
    timestamp: int
    gateway: str
    agent_id: str | None
    payload: Payload
    ephemeral: bool = False

    @property
    def type(self) -> EventType:
        return TYPE_OF[type(self.payload)]

    @property
    def key(self) -> AgentKey:
        return NO_AGENT if self.agent_id is None else (self.gateway, self.agent_id)


@frozen
class Event:
    """A committed event; its fields are the envelope's, so encoding it *is* the envelope.

    ``payload`` stays the JSON text that was committed: everything downstream passes it on without looking inside.
    ``offset`` is None for an ephemeral event.
    """

    event_id: str
    timestamp: int
    agent_id: str | None
    type: str
    payload: msgspec.Raw
    sequence: Count
    gateway: str
    offset: Annotated[int, msgspec.Meta(ge=1)] | None

    @property
    def key(self) -> AgentKey:
        return NO_AGENT if self.agent_id is None else (self.gateway, self.agent_id)


_encoder = msgspec.json.Encoder()
_payload_decoders = {name: msgspec.json.Decoder(cls) for name, cls in PAYLOAD_OF.items()}
_event_decoder = msgspec.json.Decoder(Event)

encode = _encoder.encode
"""Any of this package's types as JSON bytes."""


def decode_payload(event_type: str, raw: bytes | msgspec.Raw) -> Payload:
    """The typed payload of an event.

    Raises:
        KeyError: the type is not one of :class:`EventType`.
        msgspec.ValidationError: the JSON does not have the type's shape.
    """
    return _payload_decoders[event_type].decode(raw)


def decode_event(raw: bytes | str) -> Event:
    """An envelope from its JSON text. Raises ``msgspec.DecodeError`` (or its ``ValidationError``)."""
    return _event_decoder.decode(raw)
