"""The files that docs/extending.md shows: what its readers copy is what the tests run."""

from pathlib import Path

from scripts.paths import ROOT
from tests.documented import files_of, write_files

PAGE = ROOT / "docs" / "extending.md"
IN_THE_TREE = "src/actors/slow_tools.py"
PACKAGE = ("pyproject.toml", "src/mission_control_slow_tools/__init__.py", "tests/test_slow_tools.py")
CONFIGURATION = "mission-control.toml"


def documented() -> dict[str, str]:
    """Each file's text by its name."""
    return files_of(PAGE)


def write(directory: Path, *names: str) -> Path:
    """Put these files where they belong below ``directory``."""
    files = documented()
    return write_files(directory, {name: files[name] for name in names})
