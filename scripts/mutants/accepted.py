"""What docs/mutation.md promises: a guard for each invariant, and a reason for each survivor."""

import re
from pathlib import Path

import attrs

PAGE = Path(__file__).parents[2] / "docs" / "mutation.md"


@attrs.frozen
class Guard:
    """An invariant, the mutant that breaks it, and the test that sees it: one, or a file of them, in tests/runtime/."""

    invariant: str
    mutant: str
    test: str


def guards() -> list[Guard]:
    """The rows of the first table."""
    rows = re.findall(r"^\| ([^|`].*?) \| `(.+)` \| `(test_\S+)` \|$", PAGE.read_text(), flags=re.MULTILINE)
    return [Guard(invariant, _unescaped(mutant), test) for invariant, mutant, test in rows]


def accepted_survivors() -> dict[str, str]:
    """The rows of the last table: the reason for each survivor, by its name or its family's (``stands_for``)."""
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", PAGE.read_text(), flags=re.MULTILINE)
    return {_unescaped(name): reason for name, reason in rows}


def stands_for(accepted: str, name: str) -> bool:
    """Whether a row is about this mutant: it has its name, or ends in … and all before that begins it."""
    return name.startswith(accepted[:-1]) if accepted.endswith("…") else name == accepted


def row(name: str) -> str:
    """For a survivor that has no reason yet."""
    escaped = name.replace("|", r"\|")
    return f"| `{escaped}` |  |"


def _unescaped(cell: str) -> str:
    return cell.replace(r"\|", "|")
