"""The files that docs/extending.md shows: what its readers copy is what the tests run."""

import re
from pathlib import Path

from scripts.paths import ROOT

PAGE = ROOT / "docs" / "extending.md"
IN_THE_TREE = "src/actors/slow_tools.py"
PACKAGE = ("pyproject.toml", "src/mission_control_slow_tools/__init__.py", "tests/test_slow_tools.py")
CONFIGURATION = "mission-control.toml"

_FILE = re.compile(r"^`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented() -> dict[str, str]:
    """Each file's text by its name: what stands in a block below a line that begins with the name."""
    return dict(_FILE.findall(PAGE.read_text()))


def write(directory: Path, *names: str) -> Path:
    """Put these files where they belong below ``directory``."""
    files = documented()
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name])
    return directory
