"""What the gateway's stored and streamed contents say, in our terms."""

import re
from collections.abc import Iterator
from typing import Any
from typing import Final as Constant

from mission_control.core.draft_check import DETAIL_DEPTH, is_shallow
from mission_control.core.signals import HistoryEntry, StoredCall
from mission_control.gateways.clawdbot.frames import History, HistoryMessage, sane

DETAIL_LIMIT: Constant = 8 * 1024
"""A tool's arguments or result are cut to about this many characters."""

# The gateway takes these out of what it streams and leaves them in what it stores.
_HIDDEN: Constant = re.compile(r"</?final>|\[\[(?:reply_to_current|reply_to:[^\]]{0,200}|audio_as_voice)\]\][ \t]?")
_THOUGHT: Constant = re.compile(r"<think(?:ing)?>")
_THOUGHT_END: Constant = re.compile(r"</think(?:ing)?>")
_SILENT: Constant = re.compile(r"\bNO_REPLY\Z")
# The beginning of one of them at the end of a text that is still being written. The gateway streams it, since it is not
# complete, and never takes it back.
_UNDECIDED: Constant = re.compile(
    r"(?:"
    r"\[|\[\[[a-z_]{0,20}(?::[^\]\n]{0,60})?\]?"
    r"|</?(?:t(?:h(?:i(?:n(?:k(?:i(?:ng?)?)?)?)?)?)?|f(?:i(?:n(?:al?)?)?)?)?"
    r"|(?:^|\n)[ \t]*(?:M|ME|MED|MEDI|MEDIA|MEDIA:[^\n]*)"
    r"|(?:^|\n)\s*N(?:O(?:_(?:R(?:E(?:P(?:L(?:Y)?)?)?)?)?)?)?"
    r")\Z"
)
_LONGEST: Constant = 96
"""Characters at the end of a text that are looked at for the beginning of a directive."""
_MEDIA: Constant = re.compile(r"^[ \t]*MEDIA:[^\n]*(?:\n|\Z)", re.MULTILINE)


def text_of(content: list[dict[str, Any]] | str | None) -> str:
    """The text parts of a message's content, joined."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def visible(text: str) -> str:
    """A stored assistant text as the gateway streams it: without its directives to the gateway, trimmed.

    A model writes what it likes: this takes a time that only grows with the text's length.
    """
    shown = _HIDDEN.sub("", _without_thoughts(_MEDIA.sub("", text))).strip()
    return _SILENT.sub("", shown).rstrip()


def _without_thoughts(text: str) -> str:
    """Without a model's reasoning."""
    kept: list[str] = []
    at = 0
    while (begun := _THOUGHT.search(text, at)) and (ended := _THOUGHT_END.search(text, begun.end())):
        kept.append(text[at : begun.start()])
        at = ended.end()
    return "".join(kept) + text[at:]


def decided(text: str) -> str:
    """As much of a text that is still being written as cannot turn out to be a directive to the gateway."""
    tail = text[-_LONGEST:]
    if len(text) > _LONGEST and "[" not in tail and "<" not in tail and "\n" not in tail:
        return text
    found = _UNDECIDED.search(tail)
    return text if found is None else text[: len(text) - len(tail) + found.start()].rstrip()


def entries(stored: History) -> tuple[HistoryEntry, ...]:
    """The user's and the assistant's entries, oldest first; the latter with their tool calls and what came of them."""
    results: dict[str, HistoryMessage] = {}
    found: list[HistoryEntry] = []
    for message in reversed(stored.messages):  # an id that is used again is answered after its own call
        if message.role == "toolResult":
            results[str(message.toolCallId)] = message
        elif message.role in ("user", "assistant"):
            found.append(_entry(message, results))
    return tuple(reversed(found))


def capped(name: str, value: Any) -> dict[str, Any]:
    """A tool's arguments or result as an event's detail: as text, cut to :data:`DETAIL_LIMIT`, if it is large or deep.

    Raises:
        RecursionError: it is nested without end.
    """
    if value is None:
        return {}
    text = repr(value)
    if len(text) <= DETAIL_LIMIT and is_shallow(value, DETAIL_DEPTH):
        return {name: value}
    shown = value if isinstance(value, str) else text_of(_parts(value)) or text
    return {name: shown[:DETAIL_LIMIT], "truncated": True}


def _parts(value: Any) -> list[dict[str, Any]]:
    content = value.get("content") if isinstance(value, dict) else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _calls(message: HistoryMessage, results: dict[str, HistoryMessage]) -> Iterator[StoredCall]:
    """The tools that a message calls; takes their results out of ``results``."""
    for part in message.content if isinstance(message.content, list) else ():
        if part.get("type") == "toolCall" and part.get("id"):
            call_id = str(part["id"])
            yield _call(sane(message.timestamp or 0), call_id, part, results.pop(call_id, None))


def _call(at: int, call_id: str, part: dict[str, Any], result: HistoryMessage | None) -> StoredCall:
    tool, arguments = str(part.get("name", "tool")), capped("arguments", part.get("arguments"))
    if result is None:
        return StoredCall(call_id, tool, at, arguments)
    details = result.details if isinstance(result.details, dict) else {}
    # As the stream would have told it. The gateway stores a failed tool as if it had not failed.
    told = capped("result", {"content": result.content, **({"details": details} if details else {})})
    failed = result.isError is True or details.get("status") == "error"
    took = details.get("durationMs")
    duration = sane(took) if type(took) is int else None
    ended = sane(at if result.timestamp is None else result.timestamp)
    return StoredCall(call_id, tool, at, arguments, ended, told, failed, duration)


def _entry(message: HistoryMessage, results: dict[str, HistoryMessage]) -> HistoryEntry:
    raw = text_of(message.content)
    failed = message.stopReason == "error"
    mine = message.role == "assistant"
    return HistoryEntry(
        role="assistant" if mine else "user",
        text=visible(raw) if mine else raw,
        at=sane(message.timestamp or 0),
        error=(message.errorMessage or "the model failed without saying why") if failed else None,
        model=message.model,
        usage=message.usage if "truncated" not in capped("usage", message.usage) else None,
        ends_run=mine and message.stopReason in ("stop", "length", "aborted"),
        calls=tuple(_calls(message, results)) if mine else (),
    )
