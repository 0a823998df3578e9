"""What a gateway remembers of conversations: sessions and their history, with the gaps that the real one has.

Clawdbot's gateway writes a session's file when its first assistant message is complete. Until then its history is
empty, and if that never happens because the run is stopped, the user's message is in no history at all. What an
assistant has said so far in an open message is never in it either. Entries have no ids (docs/clawdbot.md). OpenClaw's
are made by its own voice, and kept at once.
"""

from collections import deque
from typing import Any, Final

from attrs import define, field

Entry = dict[str, Any]

PROVIDER: Final = "simulated"
MODEL: Final = "simulated-1"
CONTEXT_TOKENS: Final = 200_000
_KEPT = 1000


def text_content(text: str) -> list[Entry]:
    return [{"type": "text", "text": text}]


@define
class Session:
    """One conversation. ``updated_at`` is when a run last began or ended, in ms."""

    key: str
    id: str
    updated_at: int
    _entries: deque[Entry] = field(factory=lambda: deque(maxlen=_KEPT))
    _unsaved: list[Entry] = field(factory=list)

    @property
    def is_written(self) -> bool:
        """Whether all that users said is stored."""
        return not self._unsaved

    def asked(self, prompt: str, at: int) -> None:
        entry = {"role": "user", "content": text_content(prompt), "timestamp": at}
        (self._entries if self._entries else self._unsaved).append(entry)

    def answered(self, content: list[Entry], stop_reason: str, at: int, error: str | None = None) -> None:
        """An assistant message is complete. ``at`` is when it was asked of the model, in ms."""
        entry = {
            "role": "assistant",
            "content": content,
            **by_model(content),
            "stopReason": stop_reason,
            "timestamp": at,
        }
        if error is not None:
            entry["errorMessage"] = error
        self._entries.extend([*self._unsaved, entry])
        self._unsaved.clear()

    def tool_answered(self, call_id: str, name: str, result: Entry, at: int) -> None:
        """A tool's result. A failed one is not marked as an error here, only in ``details``: so does the real one."""
        self._entries.append(
            {"role": "toolResult", "toolCallId": call_id, "toolName": name, **result, "isError": False, "timestamp": at}
        )

    def keep(self, *entries: Entry) -> None:
        """Store entries as they are."""
        self._entries.extend(entries)

    def stopped(self) -> None:
        """The run was stopped: a user's message that was not written yet never will be."""
        self._unsaved.clear()

    def history(self, limit: int) -> list[Entry]:
        """The newest ``limit`` entries, oldest first."""
        return list(self._entries)[-limit:]

    def has_more(self, limit: int) -> bool:
        return len(self._entries) > limit

    def listing(self) -> Entry:
        """The session as ``sessions.list`` has it."""
        return {
            "key": self.key,
            "kind": "direct",
            "chatType": "direct",
            "origin": {"provider": "webchat", "surface": "webchat", "chatType": "direct"},
            "updatedAt": self.updated_at,
            "sessionId": self.id,
            "systemSent": True,
            "abortedLastRun": False,
            "totalTokens": 0,
            "modelProvider": PROVIDER,
            "model": MODEL,
            "contextTokens": CONTEXT_TOKENS,
            "deliveryContext": {"channel": "webchat"},
            "lastChannel": "webchat",
        }


def by_model(content: list[Entry]) -> Entry:
    """Which model a message is from, and what it cost."""
    return {"api": "openai-completions", "provider": PROVIDER, "model": MODEL, "usage": _usage(content)}


def _usage(content: list[Entry]) -> Entry:
    """Token counts as if a token had four characters; nothing is charged for."""
    output = sum(len(part.get("text", "")) for part in content) // 4
    given = 100 if output else 0
    return {
        "input": given,
        "output": output,
        "cacheRead": 0,
        "cacheWrite": 0,
        "totalTokens": given + output,
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
    }
