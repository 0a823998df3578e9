"""The payloads of a source's events: checked for all that subscribers rely on, and bounded."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from typing import Final as Constant

import msgspec
from attrs import evolve, frozen
from msgspec import UNSET, UnsetType

from mission_control.core.draft_check import DETAIL_DEPTH, LATEST, is_shallow, is_text
from mission_control.core.events import (
    UNREADABLE,
    Activity,
    AgentStatus,
    Chunk,
    EventType,
    Final,
    FinalState,
    Role,
    encode,
)
from mission_control.core.liveness import Statement
from mission_control.gateways.envelope.frames import STATUS_IS_OURS

Payload: TypeAlias = Chunk | Final | Activity | Statement

LONGEST_NAME: Constant = 200
"""Most characters of the ids of messages, runs and sessions, and of a tool's name."""
LONGEST_TITLE: Constant = 500
DETAIL_BYTES: Constant = 16 * 1024
MOST_CHUNKS: Constant = 2**31


class UnusableError(ValueError):
    """A payload cannot be taken; says why in one line."""


@frozen
class _Chunk:
    message_id: str
    run_id: str
    session: str
    role: Role
    index: int
    delta: str


@frozen
class _Final:
    message_id: str
    run_id: str
    session: str
    role: Role
    text: str
    state: FinalState
    error: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    usage: dict[str, Any] | UnsetType = UNSET
    duration_ms: int | UnsetType = UNSET
    started_at: int | UnsetType = UNSET


@frozen
class _Beat:
    status: AgentStatus
    reason: str = ""


_chunk = msgspec.json.Decoder(_Chunk)
_final = msgspec.json.Decoder(_Final)
_activity = msgspec.json.Decoder(Activity)
_beat = msgspec.json.Decoder(_Beat)


def payload(event_type: str, raw: msgspec.Raw, namespace: str) -> Payload:
    """What an event says. ``namespace`` goes before its message's id, so that no two agents share one.

    Raises:
        UnusableError: it says nothing that could be shown.
    """
    read = _READERS.get(event_type)
    if read is None:
        raise UnusableError(_not_known(event_type))
    try:
        return read(raw, namespace)
    except UNREADABLE as error:
        raise UnusableError(f"its payload is not that of {event_type}: {error}") from None


def _read_chunk(raw: msgspec.Raw, namespace: str) -> Chunk:
    told = _chunk.decode(raw)
    _check_names(message_id=told.message_id, run_id=told.run_id, session=told.session)
    if not 0 <= told.index < MOST_CHUNKS:
        raise UnusableError("index must count the chunks of its message from 0")
    return Chunk(f"{namespace}/{told.message_id}", told.run_id, told.session, told.role, told.index, told.delta, 0)


def _read_final(raw: msgspec.Raw, namespace: str) -> Final:
    told = _final.decode(raw)
    _check_names(message_id=told.message_id, run_id=told.run_id, session=told.session)
    _check_duration(told.duration_ms)
    return Final(
        message_id=f"{namespace}/{told.message_id}",
        run_id=told.run_id,
        session=told.session,
        role=told.role,
        text=told.text,
        state=told.state,
        chunks=0,
        error=told.error if told.error is UNSET else told.error[:LONGEST_TITLE],
        model=told.model if told.model is UNSET else told.model[:LONGEST_NAME],
        usage=told.usage if told.usage is UNSET else _bounded(told.usage),
        duration_ms=told.duration_ms,
        started_at=told.started_at,
    )


def _read_activity(raw: msgspec.Raw, _namespace: str) -> Activity:
    told = _activity.decode(raw)
    _check_names(kind=told.kind)
    for name, value in (("run_id", told.run_id), ("session", told.session), ("tool", told.tool)):
        if value is not UNSET:
            _check_names(**{name: value})
    _check_duration(told.duration_ms)
    if told.kind.startswith("run.") and not told.run_id:
        raise UnusableError("a kind of run.* needs a run_id")
    detail = told.detail if told.detail is UNSET else _bounded(told.detail)
    if told.kind == "agent.added" and detail is not UNSET:
        detail = _named(detail)
    return evolve(told, title=told.title[:LONGEST_TITLE], detail=detail)


def _read_beat(raw: msgspec.Raw, _namespace: str) -> Statement:
    told = _beat.decode(raw)
    return Statement(told.status, told.reason[:LONGEST_TITLE] or f"its source says {told.status}")


_READERS: Constant[Mapping[str, Callable[[msgspec.Raw, str], Payload]]] = {
    EventType.CHUNK: _read_chunk,
    EventType.FINAL: _read_final,
    EventType.ACTIVITY: _read_activity,
    EventType.HEARTBEAT: _read_beat,
}


def _not_known(event_type: str) -> str:
    if event_type == EventType.STATUS:
        return STATUS_IS_OURS
    return f"its type {event_type[:LONGEST_NAME]!r} is not known"


def _check_names(**names: str) -> None:
    """Ids may be empty where nothing is known, as for a message of no run; a message and a kind have a name."""
    for field, value in names.items():
        if not value and field not in ("message_id", "kind"):
            continue
        if not is_text(value) or len(value) > LONGEST_NAME:
            raise UnusableError(f"{field} must be a text of 1 to {LONGEST_NAME} characters")


def _check_duration(duration_ms: int | UnsetType) -> None:
    if duration_ms is not UNSET and not 0 <= duration_ms < LATEST:
        raise UnusableError("duration_ms must be ms, from 0")


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """An object of any content, or the beginning of its text when it is too large or too deep to be shown."""
    text = encode(value)
    if len(text) <= DETAIL_BYTES and is_shallow(value, DETAIL_DEPTH):
        return value
    return {"text": text[:DETAIL_BYTES].decode(errors="ignore"), "truncated": True}


def _named(detail: dict[str, Any]) -> dict[str, Any]:
    """The detail of ``agent.added``, its name left out if it is none."""
    name = detail.get("name")
    fits = is_text(name) and len(name) <= LONGEST_NAME
    return detail if fits else {key: value for key, value in detail.items() if key != "name"}
