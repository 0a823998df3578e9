"""What a frame looks like, without what it says: for a support dump that anybody may paste anywhere.

``{"type":"event","event":"foo","payload":{"text":"hello"}}`` becomes
``{"type":"event","event":"foo","payload":{"text":"<5 characters>"}}``. Of texts and numbers only the length is left,
except the few that say what kind of frame it is. Names of fields stay. Whatever does not look like a name is hidden in
either place: ids, tokens and addresses, which are keys of objects, too.

A frame may be broken, cut off, or so large that only its beginning is looked at; so it is not decoded, but walked token
by token for as long as it is JSON. From there on only its punctuation is left.
"""

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 300
"""Characters of an outline."""
LONGEST_NAME: Final = 30
"""A longer text is never shown, whatever it looks like."""
LOOKED_AT: Final = 16 * 1024
"""Bytes of a frame that its outline is made from, at most."""

_KINDS: Final = frozenset(("type", "event", "op", "method", "stream"))
"""Fields whose values say what kind of frame it is…"""
_KINDS_DEPTH: Final = 2
"""…in the frame itself and in its payload. What is further down may be anybody's."""

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]*")
_MOST_DIGITS: Final = 3
"""A name has few digits, a token or an id has many."""

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
        "(?P<text>(?:[^"\\\x00-\x1f]|\\.)*)(?P<ended>"?)
        | (?P<number>-?[0-9]+(?P<fraction>[.eE][0-9.eE+-]*)?)
        | (?P<word>true|false|null)
        | (?P<mark>[{}\[\]:,])
    )""",
    re.VERBOSE,
)


def outline(frame: bytes) -> str:
    """At most 300 characters that show how a frame is built. Anything may be in it."""
    shown = ""
    for piece in _Walk(frame[:LOOKED_AT].decode(errors="replace"), whole=len(frame) <= LOOKED_AT).pieces():
        shown += piece
        if len(shown) > LONGEST:
            return shown[: LONGEST - 1] + "…"
    return shown


def shown_name(value: object) -> str:
    """A name as it is; of anything else only what it is."""
    if not isinstance(value, str):
        return "<no text>"
    return value if _is_name(value) else _length(value)


class _Walk:
    """The walk through one frame. ``expected`` is what JSON has next: a value, a key, a colon, or what follows."""

    def __init__(self, text: str, *, whole: bool) -> None:
        self._text = text
        self._whole = whole
        self._open: list[str] = []
        self._expected = "value"
        self._key = ""

    def pieces(self) -> Iterator[str]:
        place = 0
        while (match := _TOKEN.match(self._text, place)) and (piece := self._take(match)) is not None:
            yield piece
            place = match.end()
        rest = self._text[place:].strip()
        if rest:
            yield _punctuation(rest)
        if not self._whole:
            yield "…"

    def _take(self, token: re.Match[str]) -> str | None:
        """What stands for a token; None where JSON has no such token."""
        if token["text"] is not None:
            cut_off = not token["ended"]
            if cut_off and token.end() < len(self._text):
                return None  # no text of JSON's may hold what follows
            return self._take_text(token["text"], cut_off=cut_off)
        if token["mark"] is not None:
            return self._take_mark(token["mark"])
        if self._expected not in ("value", "value or end"):
            return None
        self._expected = "next"
        if token["word"] is not None:
            return token["word"]
        return "<fraction>" if token["fraction"] else f"<{_several(len(token['number'].lstrip('-')), 'digit')}>"

    def _take_text(self, text: str, *, cut_off: bool) -> str | None:
        if cut_off:
            return f'"{_length(text)}'
        if self._expected in ("key", "key or end"):
            self._expected, self._key = "colon", text
            return f'"{shown_name(text)}"'
        if self._expected not in ("value", "value or end"):
            return None
        self._expected = "next"
        says_kind = self._key in _KINDS and self._open[-1:] == ["{"] and len(self._open) <= _KINDS_DEPTH
        return f'"{shown_name(text) if says_kind else _length(text)}"'

    def _take_mark(self, mark: str) -> str | None:
        if mark in "{[" and self._expected in ("value", "value or end"):
            self._open.append(mark)
            self._expected = "key or end" if mark == "{" else "value or end"
        elif mark in "}]" and self._expected in ("next", "key or end", "value or end") and self._closes(mark):
            self._open.pop()
            self._expected = "next"
        elif mark == "," and self._expected == "next" and self._open:
            self._expected = "key" if self._open[-1] == "{" else "value"
        elif mark == ":" and self._expected == "colon":
            self._expected = "value"
        else:
            return None
        return mark

    def _closes(self, mark: str) -> bool:
        return bool(self._open) and self._open[-1] + mark in ("{}", "[]")


def _is_name(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return len(text) <= LONGEST_NAME and digits <= _MOST_DIGITS and _NAME.fullmatch(text) is not None


def _length(text: str) -> str:
    return f"<{_several(len(text), 'character')}>"


def _several(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _punctuation(text: str) -> str:
    """What is no JSON: words, numbers and spaces are told from each other, and nothing else."""
    text = re.sub(r"[^\W\d_]+", "x", text)
    text = re.sub(r"\d+", "0", text)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r"[^x0 !-/:-@\[-`{-~]+", "?", text)
