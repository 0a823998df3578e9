"""What a check found, as lines for people."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

from attrs import frozen

from mission_control.config.problems import ConfigError
from mission_control.printable import one_line

Level: TypeAlias = Literal["ok", "warning", "problem"]

_INDENT: Final = " " * 9


@frozen
class Finding:
    """``check`` names what was looked at, ``text`` says how it is, and ``remedy`` what to do about it."""

    level: Level
    check: str
    text: str
    remedy: str = ""

    def lines(self) -> Iterator[str]:
        yield one_line(f"{self.level:<8} {self.check}: {self.text}")
        if self.remedy:
            yield _INDENT + one_line(self.remedy)


def told(level: Level, check: str, sentence: str) -> Finding:
    """A message as the daemon words it: what is the matter; and what to do about it."""
    text, _, remedy = sentence.partition("; ")
    return Finding(level, check, text.rstrip("."), remedy)


def refusals(check: str, error: ConfigError) -> list[Finding]:
    """Everything that is wrong with the settings."""
    return [
        Finding("problem", check, f"{problem.where}: found {problem.found}", f"allowed: {problem.allowed}")
        for problem in error.problems
    ]


def count(findings: Iterable[Finding], level: Level) -> int:
    return sum(finding.level == level for finding in findings)
