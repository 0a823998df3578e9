"""What can be wrong with a configuration, and how it is told."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from attrs import frozen


@frozen
class Source:
    """Where a value was set, as a person would look for it: ``place`` and, within a file, ``key``."""

    place: str
    key: str | None = None

    def __str__(self) -> str:
        return self.place if self.key is None else f"{self.place}: {self.key}"


DEFAULT = Source("default")


@frozen
class Problem:
    """One thing to correct. ``found`` never holds a secret."""

    where: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}\n    found:   {self.found}\n    allowed: {self.allowed}"


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` has everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        title = "1 problem" if count == 1 else f"{count} problems"
        return "\n  ".join([f"the configuration has {title}:", *(str(problem) for problem in self.problems)])


class UnacceptableError(ValueError):
    """A value of the wrong kind or out of range. ``found`` is how to show it; None lets the caller decide."""

    def __init__(self, allowed: str, found: str | None = None) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.found = found


def show(value: Any) -> str:
    """A value as it stands in the configuration, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        return "a table"
    elif isinstance(value, list):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def kind_of(value: Any) -> str:
    """What a value is, for when itself must not be shown."""
    if value == "":
        return "an empty text"
    names = {bool: "true or false", str: "a text", int: "a number", float: "a number", dict: "a table", list: "a list"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a date")


def unknown(where: Source, wrong: str, known: Sequence[str], allowed: str, what: str = "setting") -> Problem:
    """A name that no setting (or other ``what``) has, with the nearest of the ``known`` ones when one is near."""
    near = get_close_matches(wrong, known, n=1, cutoff=0.6)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return Problem(str(where), f"no {what} of that name{hint}", allowed)
