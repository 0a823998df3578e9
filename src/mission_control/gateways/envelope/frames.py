"""A source's frames as types. A source is not trusted: whatever comes is one of these, or a fault with its reason."""

from collections.abc import Sequence
from typing import Any, TypeAlias
from typing import Final as Constant

import msgspec
from attrs import frozen

from mission_control.core.draft_check import LATEST, is_text
from mission_control.core.events import MAX_EVENT_ID, UNREADABLE, EventType

MAX_AGENT_ID: Constant = 128
"""Longest agent id in characters."""
STATUS_IS_OURS: Constant = "system.status is the daemon's own to tell"
SHOWN: Constant = 80
"""Characters of a wrong value that a reason shows."""


@frozen
class Envelope:
    """One event as it came. ``payload`` stays raw until its type is known."""

    event_id: str
    timestamp: int
    agent_id: str
    type: str
    sequence: int
    payload: msgspec.Raw


@frozen
class Op:
    """A frame that is no event. ``boot`` names the source's process; ``message`` says why it refuses us."""

    op: str
    resume: bool = False
    boot: str | None = None
    message: str = ""


@frozen
class Fault:
    """What could not be read, and why. With agent and sequence its place among the events is known all the same."""

    reason: str
    agent_id: str | None = None
    sequence: int | None = None
    event_id: str | None = None
    type: str = ""


Frame: TypeAlias = Envelope | Op | Fault

_array = msgspec.json.Decoder(list[msgspec.Raw])
_envelope = msgspec.json.Decoder(Envelope)
_op = msgspec.json.Decoder(Op)
_mapping = msgspec.json.Decoder(dict[str, Any])


def split(frame: bytes) -> Sequence[bytes | msgspec.Raw] | Fault:
    """The objects of a frame: one, or those of an array."""
    if not frame.lstrip(b" \t\r\n").startswith(b"["):
        return [frame]
    try:
        return _array.decode(frame)
    except UNREADABLE as error:
        return Fault(f"a frame is no JSON: {error}")


def read(raw: bytes | msgspec.Raw) -> Frame:
    """What one object is."""
    try:
        envelope = _envelope.decode(raw)
    except UNREADABLE as error:
        return _read_other(raw, str(error))
    wrong = _wrong_place(envelope.agent_id, envelope.sequence)
    if wrong is not None:
        return Fault(wrong, type=envelope.type)
    if not is_text(envelope.event_id) or len(envelope.event_id) > MAX_EVENT_ID:
        reason = f"event_id must be a text of 1 to {MAX_EVENT_ID} characters"
        return Fault(reason, envelope.agent_id, envelope.sequence, type=envelope.type)
    return envelope


def _read_other(raw: bytes | msgspec.Raw, error: str) -> Op | Fault:
    """What is no envelope: an op, or a faulty event."""
    try:
        fields = _mapping.decode(raw)
        if "op" in fields and "event_id" not in fields:
            return _checked(_op.decode(raw))
    except UNREADABLE as unreadable:
        return Fault(f"no JSON object of a known shape: {unreadable}")
    if fields.get("type") == EventType.STATUS:
        return Fault(STATUS_IS_OURS)
    agent_id, sequence = fields.get("agent_id"), fields.get("sequence")
    if (wrong := _wrong_place(agent_id, sequence)) is not None:
        return Fault(wrong)
    name, kind = fields.get("event_id"), fields.get("type")
    named = name if is_text(name) and len(name) <= MAX_EVENT_ID else None
    return Fault(error, agent_id, sequence, named, kind[:SHOWN] if isinstance(kind, str) else "")


def _checked(op: Op) -> Op | Fault:
    if op.boot is not None and not (is_text(op.boot) and len(op.boot) <= MAX_EVENT_ID):
        return Fault(f"boot must be a text of 1 to {MAX_EVENT_ID} characters")
    return op


def _wrong_place(agent_id: object, sequence: object) -> str | None:
    """Why an event has no place among its agent's."""
    if not is_text(agent_id) or len(agent_id) > MAX_AGENT_ID:
        return f"agent_id must be a text of 1 to {MAX_AGENT_ID} characters"
    if type(sequence) is not int or not 1 <= sequence < LATEST:
        found = str(sequence)[:SHOWN] if isinstance(sequence, float | int | None) else "something else"
        return f"sequence must be a whole number from 1, not {found}"
    return None
