"""From text to typed frames, at the rim: nothing here raises, whatever arrives.

A frame that has not its op's shape is refused whole. Inside ``events`` and ``snapshot`` a single entry without its
shape is left out and counted, so that one bad entry does not cost the rest. Unknown ops, event types, components and
fields are no errors: the protocol grows that way. ``web/lib/decode.ts`` is the same in TypeScript.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, get_args, get_type_hints

import attrs
import msgspec
from attrs import frozen
from msgspec import UNSET, UnsetType

from mission_control.core.events import (
    PAYLOAD_OF,
    UNREADABLE,
    Component,
    Event,
    EventType,
    Heartbeat,
    LinkStateName,
    Payload,
    Status,
    decode_event,
    decode_payload,
)
from mission_control.core.frames import ErrorFrame, Notice
from mission_control.core.subscription import Cursor
from mission_control.core.views import AgentView, GatewayView, MessageView, Snapshot

T = TypeVar("T")
_LATER: Final = frozenset({"missing_since"})
"""Fields of a snapshot's parts that came to the protocol later: a daemon from before does not send them."""


@frozen
class Policy:
    ping_interval_ms: Annotated[float, msgspec.Meta(gt=0)]


@frozen
class Welcome:
    protocol: int
    session: str
    resume: Literal["continued", "snapshot"]
    reason: str | None
    cursor: Cursor
    server_time: int
    policy: Policy
    source: Literal["live", "simulated"]
    head: int = 0
    """A daemon that does not tell it is taken at its word: what continues is current."""


@frozen
class Pong:
    t: float
    server_time: int


@frozen
class SnapshotFrame:
    """``request_id`` is the ``id`` of the request that it answers."""

    reason: str
    snapshot: Snapshot
    request_id: Any = UNSET


@frozen
class EventsFrame:
    """Each event with its payload, which is None when its type is not known here."""

    entries: list[tuple[Event, Payload | None]]
    offset: int


@frozen
class Unknown:
    """A frame with an op that came after this client."""


Frame: TypeAlias = Welcome | Pong | SnapshotFrame | EventsFrame | Notice | ErrorFrame | Unknown


@frozen
class Decoded:
    """A frame, None when it was refused whole, and how many of its entries had to be left out."""

    frame: Frame | None
    malformed: int = 0


@frozen
class _Op:
    op: str


@frozen
class _AnyNotice:
    """A notice; its level may be one that came after this client."""

    level: str
    code: str
    message: str


@frozen
class _Events:
    events: list[msgspec.Raw]
    offset: Annotated[int, msgspec.Meta(ge=0)]


@frozen
class _Snapshot:
    reason: str
    cursor: Cursor
    gateways: list[msgspec.Raw]
    agents: list[msgspec.Raw]
    messages: list[msgspec.Raw]
    feed: list[msgspec.Raw]
    id: Any = UNSET


@frozen
class _AnyStatus:
    """A status of whatever component."""

    component: str
    id: str
    state: str
    detail: str


_op: Final = msgspec.json.Decoder(_Op).decode
_events: Final = msgspec.json.Decoder(_Events).decode
_snapshot: Final = msgspec.json.Decoder(_Snapshot).decode
_any_status: Final = msgspec.json.Decoder(_AnyStatus).decode
_plain: Final[Mapping[str, Callable[[bytes | str], Any]]] = {
    "welcome": msgspec.json.Decoder(Welcome).decode,
    "pong": msgspec.json.Decoder(Pong).decode,
    "notice": msgspec.json.Decoder(_AnyNotice).decode,
    "error": msgspec.json.Decoder(ErrorFrame).decode,
}


def decode_frame(text: bytes | str) -> Decoded:
    """What one text frame from the daemon says."""
    try:
        op = _op(text).op
        if op == "events":
            return _events_frame(_events(text))
        if op == "snapshot":
            return _snapshot_frame(_snapshot(text))
        frame = _plain[op](text) if op in _plain else Unknown()
        if isinstance(frame, Welcome):
            _no_less_than_0(frame.cursor)
        elif isinstance(frame, _AnyNotice):
            frame = Notice(_level(frame.level), frame.code, frame.message)
        return Decoded(frame)
    except UNREADABLE:
        return Decoded(None, 1)


def _events_frame(raw: _Events) -> Decoded:
    entries = _readable(raw.events, _entry)
    return Decoded(EventsFrame(entries, raw.offset), len(raw.events) - len(entries))


def _snapshot_frame(raw: _Snapshot) -> Decoded:
    _no_less_than_0(raw.cursor)
    snapshot = Snapshot(
        raw.cursor,
        _readable(raw.gateways, lambda entry: _view(entry, GatewayView)),
        _readable(raw.agents, lambda entry: _view(entry, AgentView)),
        _readable(raw.messages, _message),
        _readable(raw.feed, _activity),
    )
    kept = len(snapshot.gateways) + len(snapshot.agents) + len(snapshot.messages) + len(snapshot.feed)
    given = len(raw.gateways) + len(raw.agents) + len(raw.messages) + len(raw.feed)
    return Decoded(SnapshotFrame(raw.reason, snapshot, raw.id), given - kept)


def _readable(raw: Iterable[msgspec.Raw], read: Callable[[bytes], T]) -> list[T]:
    """The entries that have their shape. Each is copied first, since what is kept of it must not keep its frame."""
    kept: list[T] = []
    for entry in raw:
        try:
            kept.append(read(bytes(entry)))
        except UNREADABLE:
            continue
    return kept


def _entry(raw: bytes) -> tuple[Event, Payload | None]:
    event = decode_event(raw)
    if event.type not in PAYLOAD_OF:
        return event, None
    if event.agent_id is None and event.type != EventType.STATUS:
        raise msgspec.ValidationError("an event of no agent")
    if event.type == EventType.STATUS:
        return event, _status(event)
    payload = decode_payload(event.type, event.payload)
    if isinstance(payload, Heartbeat) and not _complete(Heartbeat, msgspec.json.decode(event.payload)):
        raise msgspec.ValidationError("a field is missing")
    return event, payload


def _status(event: Event) -> Payload | None:
    """None for a component that came after this client."""
    if _any_status(event.payload).component not in get_args(Component):
        return None
    payload = decode_payload(event.type, event.payload)
    assert isinstance(payload, Status)
    if payload.component == "gateway" and payload.state not in get_args(LinkStateName):
        raise msgspec.ValidationError("a gateway has no such state")
    return payload


def _activity(raw: bytes) -> Event:
    event, _ = _entry(raw)
    if event.type != EventType.ACTIVITY:
        raise msgspec.ValidationError("not an activity")
    return event


def _message(raw: bytes) -> MessageView:
    view = _view(raw, MessageView)
    if view.state == "streaming" and isinstance(view.next_index, UnsetType):
        raise msgspec.ValidationError("an open message has a next index")
    return view


def _view(raw: bytes, cls: type[T]) -> T:
    """A part of a snapshot. The views' own defaults are for who makes them: on the wire each field is there."""
    value = msgspec.json.decode(raw)
    if not _complete(cls, value):
        raise msgspec.ValidationError("a field is missing")
    return msgspec.convert(value, cls)


def _complete(cls: type, value: Any) -> bool:
    """Whether an object has every field that may not be left out, and so the objects within it."""
    if not isinstance(value, dict):
        return True  # null where that is allowed, or else a mistake that the conversion finds
    return all(
        name in value and all(_complete(inner, item) for item in _items(value[name]) if inner is not None)
        for name, inner in _required(cls).items()
    )


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _required(cls: type) -> Mapping[str, type | None]:
    """The fields that may not be left out, each with the class of the objects that it holds, if it holds any."""
    needed = {name: hint for name, hint in get_type_hints(cls).items() if name not in _LATER}
    return {name: _inner(hint) for name, hint in needed.items() if UnsetType not in get_args(hint)}


def _inner(hint: Any) -> type | None:
    classes = [hint, *get_args(hint)]
    return next((one for one in classes if isinstance(one, type) and attrs.has(one)), None)


def _level(level: str) -> Literal["info", "warning", "error"]:
    return level if level in ("info", "error") else "warning"  # type: ignore[return-value]


def _no_less_than_0(cursor: Cursor) -> None:
    if cursor.offset < 0:
        raise msgspec.ValidationError("an offset is negative")
