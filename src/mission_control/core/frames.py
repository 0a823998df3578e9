"""The frames of the stream protocol as text (docs/protocol.md, section 2), and what a client may send.

Frames from the server are built here and nowhere else, so that every subscriber, the REST API and the tests agree on
their shape. Frames with events are joined from envelopes that were encoded once.
"""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec
from attrs import frozen
from msgspec import UNSET, UnsetType

from mission_control.core.events import encode
from mission_control.core.subscription import Cursor, Filter, SnapshotReason

PROTOCOL = 1
SUBPROTOCOL = "mission-control.v1"
MAX_CLIENT_FRAME = 64 * 1024
"""Largest frame accepted from a client, in bytes."""


class CloseCode:
    """Why the server ends a connection. 4400, 4401 and 4403 are final for the same credentials."""

    GOING_AWAY = 1001
    RESTARTING = 1012
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHENTICATED = 4401
    ORIGIN = 4403
    NO_HELLO = 4408
    TOO_LARGE = 4413
    TOO_SLOW = 4429


@frozen
class Policy:
    """What a client needs to know of the server's timing and limits."""

    ping_interval_ms: int
    max_buffer_bytes: int
    flush_interval_ms: int
    retention: dict[str, Any]


@frozen
class Welcome:
    """``head`` is the journal's newest offset: who continues is current once it is there."""

    session: str
    resume: Literal["continued", "snapshot"]
    reason: SnapshotReason | None
    cursor: Cursor
    head: int
    server_time: int
    policy: Policy
    source: Literal["live", "simulated"]
    protocol: int = PROTOCOL
    op: Literal["welcome"] = "welcome"


Echo: TypeAlias = msgspec.Raw | UnsetType
"""What a client wants to find in the answer: it goes back as it came, without a look inside."""


@frozen
class Pong:
    t: Echo
    server_time: int
    op: Literal["pong"] = "pong"


@frozen
class Notice:
    """What cannot go through the journal, such as that the journal itself does not work."""

    level: Literal["info", "warning", "error"]
    code: str
    message: str
    op: Literal["notice"] = "notice"


@frozen
class ErrorFrame:
    """The last frame before the server closes."""

    code: str
    message: str
    op: Literal["error"] = "error"


def text(frame: Welcome | Pong | Notice | ErrorFrame) -> str:
    """A frame other than ``events`` and ``snapshot`` as its JSON text."""
    return encode(frame).decode()


def snapshot_frame(body: bytes, reason: SnapshotReason, request_id: Echo = UNSET) -> str:
    """A ``snapshot`` frame around a :class:`~mission_control.core.views.Snapshot` that is already JSON.

    ``request_id`` echoes the ``id`` of a ``filter`` request.
    """
    echo = b"" if request_id is UNSET else b'"id":' + encode(request_id) + b","
    return (b'{"op":"snapshot","reason":"%b",%b' % (reason.encode(), echo) + body[1:]).decode()


def events_frame(envelopes: Iterable[bytes], offset: int) -> str:
    """An ``events`` frame around envelopes that are already JSON; ``offset`` is the cursor after it."""
    return (b'{"op":"events","events":[' + b",".join(envelopes) + b'],"offset":%d}' % offset).decode()


def offset_after(frame: str) -> int:
    """The ``offset`` of an ``events`` frame that was built here, whatever its size."""
    return int(frame[frame.rindex(":") + 1 : -1])


@frozen
class Head:
    """A frame from the server without its content, for a transport that needs to know what it carries.

    ``cursor`` is that of a ``welcome`` or a ``snapshot``, ``offset`` that of an ``events`` frame.
    """

    op: str
    offset: int | None = None
    cursor: Cursor | None = None


_head_decoder = msgspec.json.Decoder(Head)


def head_of(frame: str) -> Head:
    """The head of a frame that was built here."""
    return _head_decoder.decode(frame)


@frozen
class WireFilter:
    """A filter as a client writes it; a missing key means all."""

    agents: list[str] | UnsetType = UNSET
    types: list[str] | UnsetType = UNSET
    gateways: list[str] | UnsetType = UNSET

    def value(self) -> Filter:
        return Filter(_members(self.agents), _members(self.types), _members(self.gateways))


@frozen
class ClientFrame:
    """Any frame from a client: ``op`` says which of the other fields count."""

    op: str
    token: str | None = None
    ticket: str | None = None
    client: dict[str, Any] | None = None
    filter: WireFilter | None = None
    cursor: Cursor | None = None
    id: Echo = UNSET
    t: Echo = UNSET
    render_ms: dict[str, float | None] | None = None
    duplicates: int = 0
    gaps: int = 0


_client_decoder = msgspec.json.Decoder(ClientFrame)


def decode_client_frame(raw: str | bytes) -> ClientFrame:
    """A client's frame. Unknown fields are ignored.

    Raises:
        msgspec.DecodeError: not JSON, or (``ValidationError``) not of this shape; its text names the field.
        RecursionError: nested without end.
    """
    return _client_decoder.decode(raw)


def _members(values: list[str] | UnsetType) -> frozenset[str]:
    return frozenset() if values is UNSET else frozenset(values)
