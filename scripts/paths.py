"""Where things lie in a checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
VENV_PYTHON = VENV_BIN / "python"
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "requirements"
WEB = ROOT / "web"
DASHBOARD = ROOT / "src" / "mission_control" / "dashboard"


def with_path(*first: Path) -> dict[str, str]:
    """This process's environment with the given directories put in front of PATH."""
    return os.environ | {"PATH": os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath)])}
