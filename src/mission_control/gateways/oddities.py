"""What a gateway sent that was not understood: counted, and a sample kept of each kind of it, for ``doctor``.

A kind is why a frame was odd and what was odd about it: frames of one unknown event are one kind, however many there
are, and those of another event are another. So no flood of one of them hides the others. Samples hold no content
(:mod:`mission_control.gateways.outline`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final as Constant
from typing import Literal, TypeAlias

import msgspec
from attrs import define, evolve, field, frozen

from mission_control.gateways.outline import outline, shown_name

Oddness: TypeAlias = Literal["unknown", "malformed", "oversized"]

MOST_KEPT: Constant[Mapping[Oddness, int]] = {"unknown": 11, "malformed": 8, "oversized": 1}
"""How many kinds are kept of a gateway. A gateway that makes up names pushes out nothing but other names."""
LONGEST_WHY: Constant = 200


@define(eq=False)
class UnknownError(Exception):
    """A frame says something that this version does not know: a ``what`` of this ``name``."""

    what: str
    name: object


@frozen
class Oddity:
    """Frames of one kind. Times in ms; ``size`` (bytes) and ``sample`` are those of the first."""

    oddness: Oddness
    why: str
    count: int
    first_seen: int
    last_seen: int
    size: int
    sample: str


@define
class Oddities:
    """Of one gateway. ``left_out`` counts kinds of which nothing is kept any more, the others frames."""

    unknown: int = 0
    malformed: int = 0
    oversized: int = 0
    left_out: int = 0
    _kept: dict[tuple[Oddness, str], Oddity] = field(init=False, factory=dict)

    def note_unknown(self, what: str, name: object, frame: bytes, now: int) -> None:
        """A frame with a ``what`` that is not known. ``frame`` is as it came, or much like it; likewise below."""
        self.unknown += 1
        why = f"unknown {what}: {shown_name(name)}"
        self._keep("unknown", why, why, frame, len(frame), now)

    def note_malformed(self, why: str, frame: bytes, now: int) -> None:
        """A frame that could not be read. ``why`` may quote it: that is not kept."""
        self.malformed += 1
        why = _QUOTED.sub("…", why)[:LONGEST_WHY]
        self._keep("malformed", _NUMBER.sub("0", why), why, frame, len(frame), now)

    def note_oversized(self, size: int, beginning: bytes, now: int) -> None:
        """A message that was left out, being larger than is taken."""
        self.oversized += 1
        self._keep("oversized", "", f"too large: {_mebibytes(size)} MiB", beginning, size, now)

    def kept(self) -> tuple[Oddity, ...]:
        """One of each kind, those that were seen last first."""
        return tuple(sorted(self._kept.values(), key=lambda one: -one.last_seen))

    def _keep(self, oddness: Oddness, kind: str, why: str, frame: bytes, size: int, now: int) -> None:
        key = oddness, kind
        known = self._kept.get(key)
        if known is not None:
            self._kept[key] = evolve(known, count=known.count + 1, last_seen=now)
            return
        alike = [one for one in self._kept if one[0] == oddness]
        if len(alike) >= MOST_KEPT[oddness]:
            self._give_up(alike)
        self._kept[key] = Oddity(oddness, why, 1, now, now, size, outline(frame))

    def _give_up(self, kinds: Sequence[tuple[Oddness, str]]) -> None:
        """The rarest of them goes, of several the one that was not seen for longest."""
        self.left_out += 1
        del self._kept[min(kinds, key=lambda kind: (self._kept[kind].count, self._kept[kind].last_seen))]


def unreadable(error: Exception) -> str:
    """Why something could not be decoded, without what stood there: of the errors in ``core.events.UNREADABLE``."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        return f"not as expected: {error}"
    return f"not JSON: {_PLACE.sub('', str(error)).removeprefix('JSON is malformed: ')}"


_NUMBER: Constant = re.compile(r"[0-9]+")
_PLACE: Constant = re.compile(r" \(byte [0-9]+\)")
_QUOTED: Constant = re.compile(r"['\"].*['\"]", re.DOTALL)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:,.1f}".removesuffix(".0")
