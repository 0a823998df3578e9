"""Everything that must hold before a change is good: `make test`, and its parts `make lint` and `make types`.

Every step runs, whatever became of the ones before it, and the end says which failed. Nothing is ever skipped: a part
that this machine can't have is a failure that says how to get it.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from scripts import node
from scripts.paths import ROOT, VENV_BIN, VENV_PYTHON, WEB, with_path


class Step(NamedTuple):
    """One command. `remedy` says how to get what the command needs, where that isn't the code itself."""

    name: str
    command: list[str | Path]
    directory: Path = ROOT
    remedy: str = ""


NPM_REMEDY = "it comes from the npm registry; the reason is above"

WEB_PACKAGES = Step("dashboard packages", [VENV_PYTHON, "-m", "scripts.dashboard", "packages"], remedy=NPM_REMEDY)

SETUP = [
    Step("dashboard build", [VENV_PYTHON, "-m", "scripts.dashboard", "build"], remedy=NPM_REMEDY),
    Step("real gateways", [VENV_PYTHON, "-m", "scripts.gateway"], remedy=NPM_REMEDY),
    Step("Chromium", [VENV_PYTHON, "-m", "scripts.chromium"], remedy="the ways to get one are listed above"),
]

LINT = [
    Step("ruff check", [VENV_BIN / "ruff", "check"]),
    Step("ruff format", [VENV_BIN / "ruff", "format", "--check"]),
    Step("layers", [VENV_BIN / "lint-imports"]),
    Step("web lint", ["npm", "run", "--silent", "lint"], WEB),
]

TYPES = [
    Step("mypy", [VENV_BIN / "mypy"]),
    Step("web types", ["npm", "run", "--silent", "typecheck"], WEB),
]

TESTS = [
    Step("web tests", ["npm", "test", "--silent"], WEB),
    Step("pytest", [VENV_PYTHON, "-m", "pytest"]),
]

SUITES = {
    "lint": [WEB_PACKAGES, *LINT],
    "types": [WEB_PACKAGES, *TYPES],
    "test": [WEB_PACKAGES, *SETUP, *LINT, *TYPES, *TESTS],
}


def run(step: Step, env: dict[str, str]) -> bool:
    print(f"\n=== {step.name}", flush=True)
    return subprocess.run(step.command, cwd=step.directory, env=env).returncode == 0


def main(suite: str) -> int:
    env = with_path(VENV_BIN, node.bin_dir(node.DASHBOARD_MINIMUM))
    started = time.monotonic()
    failed = [step for step in SUITES[suite] if not run(step, env)]
    print(f"\n{len(SUITES[suite]) - len(failed)} steps of {len(SUITES[suite])} are good ", end="")
    print(f"({time.monotonic() - started:.0f} s).")
    for step in failed:
        print(f"FAILED: {step.name}" + (f" ({step.remedy})" if step.remedy else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
