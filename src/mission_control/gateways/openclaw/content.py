"""What OpenClaw's stored messages say, in our terms."""

from collections.abc import Iterable
from typing import Final as Constant

from attrs import evolve

from mission_control.core.signals import HistoryEntry
from mission_control.gateways.clawdbot import content as base
from mission_control.gateways.clawdbot import frames as as_before
from mission_control.gateways.openclaw.frames import History, Note

BREAK: Constant = "\n\n"
"""Stands between the messages of a run where their texts are told as one."""
_NOTICE: Constant = "\N{WARNING SIGN}"
"""How the gateway's own words begin when it stores a failure in the agent's name. What the agent had said follows."""
_PROMPT: Constant = ":user"


def entries(stored: as_before.History, notes: History) -> tuple[HistoryEntry, ...]:
    """The user's and the assistant's entries, oldest first; ``notes`` is what the same history has beyond them."""
    noted = (note for note in notes.messages if note.role in ("user", "assistant"))
    return _whole(_noted(entry, note) for entry, note in zip(base.entries(stored), noted, strict=True))


def under_way(notes: History) -> frozenset[str] | None:
    """The session's runs that go on; None if that is not told."""
    info = notes.sessionInfo
    if info.activeRunIds is not None:
        return frozenset(info.activeRunIds)
    if info.hasActiveRun is False:
        return frozenset()
    return None if notes.inFlightRun is None else frozenset((notes.inFlightRun.runId,))


def _whole(parts: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """An answer's words and its tool calls, which are shown apart under one id, as one entry."""
    found: list[HistoryEntry] = []
    for part in parts:
        words = found[-1] if found else None
        if words is None or part.id is None or part.id != words.id or part.text:
            found.append(part)
        else:
            found[-1] = evolve(part, text=words.text, calls=(*words.calls, *part.calls))
    return tuple(found)


def _noted(entry: HistoryEntry, note: Note) -> HistoryEntry:
    if entry.role == "user":
        key = note.idempotencyKey or ""
        return evolve(entry, id=note.own.id, run_id=key.removesuffix(_PROMPT) if key.endswith(_PROMPT) else None)
    if entry.error is not None and entry.text.startswith(_NOTICE):
        notice, _, said = entry.text.partition(BREAK)
        entry = evolve(entry, error=note.errorMessage or notice, text=said)
    aborted = note.openclawAbort is not None or note.stopReason == "aborted"
    return evolve(entry, id=note.own.id, run_id=note.own.runId, aborted=aborted)
