"""Other inputs made of an input: steps lost, doubled and swapped, and changes within the JSON that they carry.

Bytes changed at random hardly ever get past a JSON parser. So most changes here keep the JSON whole, and some break it
on purpose.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, evolve

from tests.fuzz.script import Step, joined, parsed

Path: TypeAlias = tuple[Any, ...]

_RAW: Final = "\u0001raw\u0001"
"""Stands in a document for text that json would not write."""
_RAW_TEXTS: Final = ("NaN", "-Infinity", "1e999", "1e-999", "-0.0", '"\\ud800"', '"\\udc00\\ud800"', "1" * 60, "")
_NUMBERS: Final = (
    *(0, 1, -1, 2, 255, 2**31, 2**53, 2**53 + 1, -(2**53), 2**63, 2**64, 10**30),
    *(10**400, 0.5, 1e300, -1e-9),
)
_TEXTS: Final = (
    *("", " ", "\0", "\u2028", "\ufeff", "e\N{COMBINING ACUTE ACCENT}", "\N{GRINNING FACE}", "\n", "\t"),
    *("a" * 201, "/", ":", "~", "+", "agent:", "agent::", "agent:a:b", "main", "heartbeat:", ":user"),
    *("<think>", "</think>", "<final>", "[[", "[[reply_to_current]] ", "[[reply_to:1", "MEDIA:", "\nMEDIA:x"),
    *("NO_REPLY", "\N{WARNING SIGN} ", "0", "null", "true", "{}", "[]", "a.b", "x,y", "unknown.kind"),
    *("error", "start", "end", "final", "aborted", "live", "run", "tool", "message"),
)
_CONSTANTS: Final[tuple[object, ...]] = (None, True, False, [], {}, [None], {"": None}, [[]])
_DEPTHS: Final = (1, 10, 60, 200, 450, 900, 5_000)
_LENGTHS: Final = (2, 10, 200, 300, 5_000, 50_000)
_REPEATS: Final = (2, 5, 70, 300, 2_000)
_WAITS: Final = (0, 1, 199, 200, 500, 1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000)


@define
class Mutator:
    """Of one target. ``bytewise`` changes bytes at random: a text, and how long the result may be.

    ``words`` begin a line; ``vocabulary`` are the names and values that mean something to the target.
    """

    words: Sequence[str]
    vocabulary: Sequence[str]
    bytewise: Callable[[bytes, int], bytes]

    def __call__(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Another input of at most ``max_size`` bytes."""
        rng = random.Random(seed)
        if rng.random() < 0.1:
            return self.bytewise(data, max_size)
        steps = parsed(data, self.words)
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            change = rng.choice(_STEP_CHANGES) if rng.random() < 0.3 else Mutator._within
            steps = change(self, steps, rng) or [Step("frame", b"{}")]
        made = joined(steps)
        return made if len(made) <= max_size else made[: rng.randrange(max_size)]

    # -- steps ------------------------------------------------------------------------------------------------------

    def _drop(self, steps: list[Step], rng: random.Random) -> list[Step]:
        start = rng.randrange(len(steps))
        return steps[:start] + steps[start + rng.choice((1, 1, 1, 4, 20)) :]

    def _repeat(self, steps: list[Step], rng: random.Random) -> list[Step]:
        at, start = rng.randrange(len(steps) + 1), rng.randrange(len(steps))
        piece = steps[start : start + rng.choice((1, 1, 1, 3, 10))]
        return steps[:at] + piece * rng.choice((1, 1, 2, 10)) + steps[at:]

    def _swap(self, steps: list[Step], rng: random.Random) -> list[Step]:
        one, other = rng.randrange(len(steps)), rng.randrange(len(steps))
        steps[one], steps[other] = steps[other], steps[one]
        return steps

    def _insert(self, steps: list[Step], rng: random.Random) -> list[Step]:
        word = rng.choice(self.words)
        number = rng.choice((2, 3, 20, 200)) if word == "again" else rng.choice(_WAITS)
        body = b"%d" % number if word in ("after", "again", "at", "close") else rng.choice(steps).body
        steps.insert(rng.randrange(len(steps) + 1), Step(word, body))
        return steps

    def _rename(self, steps: list[Step], rng: random.Random) -> list[Step]:
        """Another word with the same body."""
        place = rng.randrange(len(steps))
        steps[place] = evolve(steps[place], word=rng.choice(self.words))
        return steps

    def _cut(self, steps: list[Step], rng: random.Random) -> list[Step]:
        place = rng.randrange(len(steps))
        body = steps[place].body
        steps[place] = evolve(steps[place], body=body[: rng.randrange(len(body) + 1)])
        return steps

    def _scramble(self, steps: list[Step], rng: random.Random) -> list[Step]:
        place = rng.randrange(len(steps))
        body = self.bytewise(steps[place].body, len(steps[place].body) + 64)
        steps[place] = evolve(steps[place], body=body.replace(b"\n", b" "))
        return steps

    # -- within a document ------------------------------------------------------------------------------------------

    def _within(self, steps: list[Step], rng: random.Random) -> list[Step]:
        """Change the JSON that a step carries."""
        carrying = [place for place, step in enumerate(steps) if step.body[:1] in b"{["]
        if not carrying:
            return self._insert(steps, rng)
        place = rng.choice(carrying)
        try:
            document = json.loads(steps[place].body)
            every = paths(document)
            raw = self._change(document, rng.choice(every), steps, rng)
            written = json.dumps(document, ensure_ascii=rng.random() < 0.5, separators=(",", ":"))
            body = written.replace(json.dumps(_RAW), raw).encode()
        except (ValueError, RecursionError):  # it is none, or has become none
            return self._scramble(steps, rng)
        steps[place] = evolve(steps[place], body=body.replace(b"\n", b" "))
        return steps

    def _change(self, document: Any, path: Path, steps: Sequence[Step], rng: random.Random) -> str:
        """Change a document at one place. Gives the text that is to stand for :data:`_RAW`."""
        if not path:
            return ""
        holder = at(document, path[:-1])
        key, old = path[-1], holder[path[-1]]
        kind = rng.randrange(12)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(self.vocabulary)] = self._value(old, rng)
        elif kind == 2 and isinstance(holder, list):
            holder[key:key] = [old] * rng.choice(_REPEATS)
        elif kind == 3:
            holder[key] = _RAW
            return _deep(rng) if rng.random() < 0.5 else rng.choice(_RAW_TEXTS)
        elif kind in (4, 5):
            holder[key] = _borrowed(steps, rng, old)
        else:
            holder[key] = self._value(old, rng)
        return ""

    def _value(self, old: object, rng: random.Random) -> object:
        """Something that might stand where this stood: mostly of the same type."""
        kind = rng.randrange(10)
        if kind == 0:
            return rng.choice(_CONSTANTS)
        if kind == 1:
            return rng.choice(_NUMBERS)
        if kind == 2:
            return rng.choice(self.vocabulary)
        if isinstance(old, bool):
            return not old
        if isinstance(old, int | float):
            return rng.choice((old + 1, old - 1, -old, old * 1_000, old + rng.choice(_WAITS), rng.choice(_NUMBERS)))
        if isinstance(old, str):
            return _text(old, rng)
        if isinstance(old, list):
            return old * 2 if len(old) < 100 else old[:1]
        return rng.choice(_TEXTS)


_STEP_CHANGES: Final = (
    *(Mutator._drop, Mutator._repeat, Mutator._repeat, Mutator._swap, Mutator._insert, Mutator._insert),
    *(Mutator._rename, Mutator._cut, Mutator._scramble),
)


def _text(old: str, rng: random.Random) -> str:
    piece = rng.choice(_TEXTS)
    kind = rng.randrange(6)
    if kind == 0:
        return piece
    if kind == 1:
        return old + piece
    if kind == 2:
        return piece + old
    if kind == 3:
        return old[: rng.randrange(len(old) + 1)]
    if kind == 4:
        return old * 2 if len(old) < 10_000 else old[:100]
    long = (piece or "x") * (rng.choice(_LENGTHS) // max(1, len(piece)))
    return rng.choice((long, old + long, long + old))


def _deep(rng: random.Random) -> str:
    levels = rng.choice(_DEPTHS)
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"content":', "}]")))
    return opening * levels + "1" + closing * (levels if rng.random() < 0.8 else levels // 2)


def _borrowed(steps: Sequence[Step], rng: random.Random, old: object) -> object:
    """A value from somewhere else in the same input: so that names meet."""
    step = rng.choice(steps)
    try:
        document = json.loads(step.body)
    except (ValueError, RecursionError):
        return old
    values = [at(document, path) for path in paths(document)]
    alike = [value for value in values if type(value) is type(old)]
    return rng.choice(alike or values)


def paths(document: Any, most: int = 2_000) -> list[Path]:
    """The way to each value of a document, the document's own first, then those that are less deep."""
    found: list[Path] = [()]
    for path in found:
        value = at(document, path)
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if len(found) < most:
            found += [(*path, key) for key in keys]
    return found


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document
