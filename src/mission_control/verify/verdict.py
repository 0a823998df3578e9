"""What a comparison comes to."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from attrs import frozen

FindingClass: TypeAlias = Literal["lost", "repeated", "reordered", "altered", "declared"]
FAULTS: Final[tuple[FindingClass, ...]] = ("lost", "repeated", "reordered", "altered")
CLASSES: Final[tuple[FindingClass, ...]] = (*FAULTS, "declared")
"""``declared``: it could not be repaired, and that was said. Everything else must not be."""

_SHOWN: Final = 60


@frozen
class Finding:
    """``where`` is the reading that it was found in; ``what`` one line for people; ``at`` ms, if it has a time."""

    found: FindingClass
    where: str
    what: str
    at: int | None = None

    def __str__(self) -> str:
        time = "" if self.at is None else f"{clock_time(self.at)} "
        return f"{self.where}: {time}{self.what}"


@frozen
class Verdict:
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[FindingClass, int]:
        """How many there are of each class."""
        counted = Counter(finding.found for finding in self.findings)
        return {each: counted[each] for each in CLASSES}

    @property
    def is_clean(self) -> bool:
        """Nothing is lost, repeated, reordered or altered."""
        return not any(finding.found in FAULTS for finding in self.findings)


def clock_time(at: int) -> str:
    """The time of day in UTC, to the ms."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]


def quoted(text: str) -> str:
    """The beginning of a text, in quotation marks."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…"'
