"""The survivors that docs/mutation.md explains: the rows of its table, one mutant and one reason each."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "mutation.md"


def accepted_survivors() -> dict[str, str]:
    """The reason for each, by the mutant's name."""
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", PAGE.read_text(), flags=re.MULTILINE)
    return {name.replace(r"\|", "|"): reason for name, reason in rows}


def row(name: str) -> str:
    """For a survivor that has no reason yet."""
    escaped = name.replace("|", r"\|")
    return f"| `{escaped}` |  |"
