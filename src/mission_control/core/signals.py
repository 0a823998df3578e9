"""What a dialect understood of its gateway, in words that are the same for every kind of gateway.

A dialect turns frames into signals, each about one agent; the agent's :class:`~mission_control.core.agent.AgentCore`
turns signals into events. ``id`` is stable: the same occurrence has the same id whenever and however often it is seen,
so that everything derived from it can be recognised too. ``at`` is the source's own time in ms.
"""

from typing import Any, Literal, TypeAlias

from attrs import Factory, frozen

from mission_control.core.events import Activity, Chunk, Final, Role
from mission_control.core.liveness import Statement

ToolPhase: TypeAlias = Literal["started", "progress", "finished", "failed"]
Purpose: TypeAlias = Literal["start", "end", "repair"]
"""Why a history is asked for: a run began, a run ended, or the connection was down."""
Outcome: TypeAlias = Literal["complete", "aborted", "error"]


@frozen
class RunStarted:
    """A run began, or began again (a retry under the same ``run_id``)."""

    id: str
    at: int
    run_id: str
    session: str | None


@frozen
class TextSeen:
    """An assistant is writing: ``text`` is its current message so far.

    ``delta`` equals ``text`` where the source says that all of it is new: with the first words of a message.
    """

    id: str
    at: int
    run_id: str
    session: str | None
    text: str
    delta: str


@frozen
class ToolSeen:
    """A tool call began, reported, or ended."""

    id: str
    at: int
    run_id: str
    session: str | None
    phase: ToolPhase
    tool: str
    call_id: str
    detail: dict[str, Any]


@frozen
class RunEnding:
    """The source says that a run is over. Its last answer may still follow as :class:`RunAnswered`."""

    id: str
    at: int
    run_id: str
    session: str | None
    error: str | None = None


@frozen
class RunAnswered:
    """A run's outcome. ``text`` is the whole last message, or None if the source gave none.

    ``provisional``: the source is known to call failures complete, and the history that it was asked for has the last
    word. ``again``: another attempt at the run follows, under the same ``run_id``.
    """

    id: str
    at: int
    run_id: str
    session: str | None
    state: Outcome
    text: str | None
    error: str | None = None
    provisional: bool = False
    again: bool = False


@frozen
class Noted:
    """Anything else worth a line in the feed."""

    id: str
    at: int
    kind: str
    title: str
    run_id: str | None = None
    session: str | None = None
    detail: dict[str, Any] | None = None


@frozen
class StoredCall:
    """A tool call as a history has it. ``at`` is when the request to the model began that asked for it, in ms.

    ``ended`` is when its result was stored, None while there is none; ``duration_ms`` is what it took, if that is told.
    """

    call_id: str
    tool: str
    at: int
    arguments: dict[str, Any]
    ended: int | None = None
    result: dict[str, Any] = Factory(dict)
    failed: bool = False
    duration_ms: int | None = None


@frozen
class HistoryEntry:
    """One entry of a session's stored history. ``at`` is when it began; ``text`` is empty for a bare tool call.

    ``error`` is set when the entry records a failed attempt. ``ends_run`` tells whether the run ends with it, and
    ``aborted`` that it was aborted. ``id`` and ``run_id`` are the source's own, where it gives them: for a user's entry
    the run that answers it, for an assistant's the run that said it.
    """

    role: Role
    text: str
    at: int
    error: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    ends_run: bool = False
    calls: tuple[StoredCall, ...] = ()
    aborted: bool = False
    id: str | None = None
    run_id: str | None = None

    @property
    def over_by(self) -> int | None:
        """It was complete by then, since a tool that it calls had ended."""
        return min((call.ended for call in self.calls if call.ended is not None), default=None)


@frozen
class HistorySeen:
    """The newest part of a session's stored history, oldest entry first; ``whole``: there is no older part.

    ``under_way``: the runs that are, where the source says so. ``asked_at``: when it was asked for, in our time.
    """

    at: int
    session: str
    entries: tuple[HistoryEntry, ...]
    purpose: Purpose
    whole: bool = True
    under_way: frozenset[str] | None = None
    asked_at: int | None = None

    def reaches_back_to(self, time: int) -> bool:
        """Whether it has everything from then on."""
        return self.whole or (len(self.entries) > 0 and self.entries[0].at <= time)


@frozen
class EntrySeen:
    """One entry of a session's history, told when it was stored."""

    at: int
    session: str
    entry: HistoryEntry


@frozen
class HistoryMissing:
    """A session's history was asked for, for this ``purpose``, and could not be had."""

    at: int
    session: str
    reason: str
    purpose: Purpose


@frozen
class Settled:
    """A session's repair is done: its history has been told, or is missing, and all that waited behind it."""

    at: int
    session: str


@frozen
class Listed:
    """The gateway knows this agent. ``heartbeat_ms`` is the interval at which it beats by itself, if it does."""

    id: str
    at: int
    name: str
    heartbeat_ms: int | None


@frozen
class Unlisted:
    """The gateway does not know this agent any more."""

    id: str
    at: int


@frozen
class LinkUp:
    """The gateway can be heard (again).

    ``silent_since`` is when the last thing was heard before this connection, if there was one. ``ahead`` is how far the
    gateway's clock is ahead of ours, in ms. ``booted_at`` is set if its process began in that silence, when that was:
    the runs from before are gone. It is in our time, and rather too early.
    """

    at: int
    silent_since: int | None
    ahead: int = 0
    booted_at: int | None = None


@frozen
class HoleSeen:
    """Something that the gateway said after ``since``, in our time, did not arrive.

    It is :class:`Missed` once histories are asked for, which waits until an earlier outage is repaired.
    """

    at: int
    since: int


@frozen
class Missed:
    """Something that the gateway said between ``since`` and ``at``, in our time, did not arrive. Histories follow.

    ``ahead`` as in :class:`LinkUp`.
    """

    at: int
    since: int
    ahead: int = 0


@frozen
class LinkDown:
    """The gateway cannot be heard any more; ``reason`` is one line for people."""

    at: int
    reason: str


@frozen
class LinkAlive:
    """The gateway gave a sign of life that names no agent."""

    at: int


@frozen
class Beat:
    """The agent gave a sign of life of its own accord."""

    at: int


@frozen
class Unusable:
    """What stands in the place of an event that could not be taken as it is; ``reason`` is one line for people."""

    type: str
    reason: str


@frozen
class Told:
    """An event that a source tells in our own words, and numbers itself (docs/envelope.md).

    ``event_id`` is its id among all events; ``at`` is a time that can be, ``skew_ms`` how far the source's own was from
    ours if it could not. ``sequence`` is the source's, from 1, and ``boot`` the process that counts, if it says. What
    ``start`` of a chunk and ``chunks`` of a final should be is worked out by the agent's core. ``from_first``: the
    source would have told us of this agent from its first event on.
    """

    event_id: str
    at: int
    sequence: int
    payload: Chunk | Final | Activity | Statement | Unusable
    boot: str | None = None
    skew_ms: int | None = None
    from_first: bool = False


Signal: TypeAlias = (
    RunStarted
    | TextSeen
    | ToolSeen
    | RunEnding
    | RunAnswered
    | Noted
    | HistorySeen
    | EntrySeen
    | HistoryMissing
    | Settled
    | HoleSeen
    | Listed
    | Unlisted
    | LinkUp
    | Missed
    | LinkDown
    | LinkAlive
    | Beat
    | Told
)
