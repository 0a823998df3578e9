"""Which Python the Makefile uses."""

import subprocess
from pathlib import Path

from scripts.paths import ROOT

FIND_PYTHON = ROOT / "scripts" / "find-python"


def fake_python(directory: Path, name: str, new_enough: bool) -> Path:
    """A program that answers the version question, and prints its own name for anything else it is asked."""
    program = directory / name
    answer = 0 if new_enough else 1
    program.write_text(f'#!/bin/sh\ncase "$1" in -c) exit {answer};; esac\necho {name} "$@"\n')
    program.chmod(0o755)
    return program


def find_python(path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", FIND_PYTHON, "-m", "x"], env={"PATH": str(path), **env}, capture_output=True, text=True
    )


def test_python3_is_used_when_new_enough(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", new_enough=True)
    fake_python(tmp_path, "python3.13", new_enough=True)

    assert find_python(tmp_path).stdout == "python3 -m x\n"


def test_newer_one_is_found_beside_an_old_python3(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", new_enough=False)
    fake_python(tmp_path, "python3.13", new_enough=False)  # as a version manager's stand-in for what isn't there
    fake_python(tmp_path, "python3.12", new_enough=True)

    assert find_python(tmp_path).stdout == "python3.12 -m x\n"


def test_named_one_comes_first(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", new_enough=True)
    named = fake_python(tmp_path, "own python", new_enough=True)

    assert find_python(tmp_path, PYTHON=str(named)).stdout == "own python -m x\n"


def test_without_any_the_message_says_what_is_needed(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", new_enough=False)

    done = find_python(tmp_path)

    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
