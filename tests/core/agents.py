"""An agent's core to be told things, and what it made of them."""

from collections.abc import Iterable

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Draft, Final, Heartbeat
from mission_control.core.signals import (
    HistoryEntry,
    HistorySeen,
    LinkDown,
    LinkUp,
    Listed,
    Purpose,
    RunAnswered,
    RunEnding,
    RunStarted,
    Signal,
    StoredCall,
    TextSeen,
)

SESSION = "agent:alpha:main"


class Agent:
    """An agent that has been listed on a live gateway, at time 1,000 ms."""

    def __init__(self) -> None:
        self.core = AgentCore(("gw", "alpha"))
        self.core.restore(None, [], [], 1_000)
        self.now = 1_000
        self.drafts: list[Draft] = []
        self.tell(LinkUp(1_000, None), Listed("listed", 1_000, "Alpha", None))
        self.drafts.clear()

    def tell(self, *signals: Signal) -> "Agent":
        for signal in signals:
            self.now = max(self.now, signal.at)
            self.drafts += self.core.handle(signal, self.now)
        return self

    def wait(self, ms: int) -> "Agent":
        """Let time pass as an actor does: woken whenever something is due."""
        until = self.now + ms
        while (due := self.core.due(self.now)) is not None and due <= until:
            self.now = due
            self.drafts += self.core.tick(self.now)
        self.now = until
        return self

    def start(self, at: int, run: str = "run", session: str | None = SESSION) -> "Agent":
        return self.tell(RunStarted(f"{run}:{at}:start", at, run, session))

    def text(self, at: int, text: str, delta: str, run: str = "run") -> "Agent":
        return self.tell(TextSeen(f"{run}:{at}:{text}", at, run, SESSION, text, delta))

    def end(self, at: int, answer: str | None = None, run: str = "run") -> "Agent":
        """How the real gateway ends a run: its end, then an answer that is not the last word on it."""
        return self.tell(
            RunEnding(f"{run}:{at}:end", at, run, SESSION),
            RunAnswered(f"{run}:{at}:chat", at, run, SESSION, "complete", answer, provisional=True),
        )

    def history(self, at: int, *entries: HistoryEntry, purpose: Purpose = "end") -> "Agent":
        return self.tell(HistorySeen(at, SESSION, entries, purpose))

    def outage(self, lost: int, found: int, *, rebooted: bool = False) -> "Agent":
        """The connection was lost and is back; the session's history, for repair, comes next."""
        return self.tell(LinkDown(lost, "cut"), LinkUp(found, lost, booted_at=found - 500 if rebooted else None))

    def kinds(self, run: str | None = None) -> list[str]:
        """The kinds of all activities, or of one run's, in order."""
        told = [draft.payload for draft in self.drafts if isinstance(draft.payload, Activity)]
        return [activity.kind for activity in told if run is None or activity.run_id == run]

    def titles(self, kind: str) -> list[str]:
        told = [draft.payload for draft in self.drafts if isinstance(draft.payload, Activity)]
        return [activity.title for activity in told if activity.kind == kind]

    def steps(self) -> list[tuple[str, str]]:
        """The steps of tool calls, each by its call's id and its kind, in order."""
        told = [draft.payload for draft in self.drafts if isinstance(draft.payload, Activity)]
        details = [(activity.detail, activity.kind) for activity in told if activity.kind.startswith("tool.")]
        return [(detail["call_id"], kind) for detail, kind in details if isinstance(detail, dict)]

    def deltas(self) -> list[str]:
        return [draft.payload.delta for draft in self.drafts if isinstance(draft.payload, Chunk)]

    def shape(self) -> list[str]:
        """What came out, in order: a chunk by its text, a final by its state, an activity by its kind."""
        out: list[str] = []
        for draft in self.drafts:
            match draft.payload:
                case Chunk(delta=word) | Final(state=word) | Activity(kind=word):
                    out.append(word)
        return out

    def finals(self) -> list[tuple[str, str]]:
        payloads = (draft.payload for draft in self.drafts)
        return [(payload.text, payload.state) for payload in payloads if isinstance(payload, Final)]

    def status(self) -> list[tuple[str, str]]:
        payloads = (draft.payload for draft in self.drafts if not draft.ephemeral)
        return [(payload.status, payload.reason) for payload in payloads if isinstance(payload, Heartbeat)]


def said(text: str, at: int, *, ends: bool | None = None, calls: tuple[StoredCall, ...] = ()) -> HistoryEntry:
    """An answer; it ends its run, unless it calls tools."""
    return HistoryEntry("assistant", text, at, ends_run=not calls if ends is None else ends, calls=calls)


def called(call_id: str, at: int, *, ended: int | None = None, failed: bool = False) -> StoredCall:
    return StoredCall(call_id, "read", at, {}, ended, {}, failed)


def asked(text: str, at: int) -> HistoryEntry:
    return HistoryEntry("user", text, at)


def failed(error: str, at: int, text: str = "") -> HistoryEntry:
    return HistoryEntry("assistant", text, at, error=error)


def ids(drafts: Iterable[Draft]) -> list[str]:
    return [draft.event_id for draft in drafts]
