"""The query of a request, read strictly: a parameter that is unknown, repeated or malformed is a 400 that says so."""

import re
from typing import Final

from starlette.requests import Request

from mission_control.core.events import EventType
from mission_control.core.kinds import is_pattern
from mission_control.core.subscription import Filter, unknown_types
from mission_control.edge.auth import MAX_SHOWN
from mission_control.edge.problems import bad_parameter

MAX_OFFSET: Final = 2**53 - 1
"""The largest integer that every JSON reader holds exactly (RFC 8259, section 6)."""
MAX_TEXT: Final = 1_000
"""Longest value of a parameter in characters."""

_DIGITS = re.compile(r"[0-9]{1,16}")


class Query:
    """The parameters of ``request``; ``known`` are those that it may have, each at most once.

    Raises:
        Problem: 400, from here or from any of the methods.
    """

    def __init__(self, request: Request, *known: str) -> None:
        self._values: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in known:
                raise bad_parameter(name[:MAX_SHOWN], "a parameter of this name", ", ".join(known) or "none at all")
            if name in self._values:
                raise bad_parameter(name, "it more than once", "it once; lists are separated by commas")
            if not 0 < len(value) <= MAX_TEXT:
                raise bad_parameter(name, f"{len(value)} characters", f"1 to {MAX_TEXT} characters")
            self._values[name] = value

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def number(self, name: str, least: int, most: int) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not _DIGITS.fullmatch(value) or not least <= int(value) <= most:
            raise bad_parameter(name, _shown(value), f"an integer from {least} to {most}")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """How many items a page may have."""
        return self.number("limit", 1, most) or default

    def before(self) -> int | None:
        """The offset that all items of a page come before."""
        return self.number("before", 1, MAX_OFFSET)

    def names(self, name: str) -> frozenset[str]:
        """A list; empty when the parameter is missing."""
        value = self._values.get(name)
        if value is None:
            return frozenset()
        names = value.split(",")
        if not all(names):
            raise bad_parameter(name, _shown(value), "names separated by single commas")
        return frozenset(names)

    def kinds(self, name: str) -> frozenset[str]:
        """Kinds of activities and families of them; empty when the parameter is missing."""
        value = self._values.get(name)
        if value is None:
            return frozenset()
        kinds = value.split(",")
        if not all(map(is_pattern, kinds)):
            allowed = "kinds of activities such as tool.failed, and families such as tool.*, separated by single commas"
            raise bad_parameter(name, _shown(value), allowed)
        return frozenset(kinds)

    def filter(self) -> Filter:
        """``agents``, ``types`` and ``gateways``, as on the stream."""
        select = Filter(self.names("agents"), self.names("types"), self.names("gateways"))
        if wrong := unknown_types(select.types):
            raise bad_parameter(
                "types", _shown(", ".join(wrong)), f"{', '.join(EventType)}, or a family such as conversation.*"
            )
        return select


def _shown(value: str) -> str:
    return f'"{value}"'
