"""Keeps `.venv` in step with the lock files, doing nothing when nothing changed.

`python -m scripts.venv runtime` (or `dev`) installs what the lock of that name pins, then the project itself.
"""

import hashlib
import platform
import subprocess
import sys
import venv
from pathlib import Path

from scripts.commands import run
from scripts.paths import REQUIREMENTS, ROOT, VENV, VENV_PYTHON

STAMPS = VENV / "installed"

NO_VENV = "this Python can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"


def create() -> None:
    """Make `.venv` if it is missing, or if its Python is gone (the system's was upgraded away)."""
    if VENV_PYTHON.exists():
        return
    print(f"creating {VENV.relative_to(ROOT)} with Python {platform.python_version()} ...", file=sys.stderr)
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(NO_VENV) from error


def fingerprint(*files: Path) -> str:
    """One hash over the contents of some files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def up_to_date(name: str, state: str) -> bool:
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == state


def mark(name: str, state: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(state)


def pip(*arguments: str | Path) -> None:
    run([VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])


def install(lock: Path) -> None:
    """Install what a lock file pins; each package must have the hash that the file names."""
    create()
    state = fingerprint(lock)
    if up_to_date(lock.stem, state):
        return
    print(f"installing {lock.relative_to(ROOT)} ...", file=sys.stderr)
    pip("--require-hashes", "--requirement", lock)
    mark(lock.stem, state)


def install_project() -> None:
    """Install the project itself, editable, without its dependencies: the locks have brought them."""
    state = fingerprint(ROOT / "pyproject.toml")
    if up_to_date("project", state):
        return
    pip("--no-deps", "--no-build-isolation", "--editable", ROOT)
    mark("project", state)


if __name__ == "__main__":
    install(REQUIREMENTS / f"{sys.argv[1]}.txt")
    install_project()
