"""Writes the lock files: exact versions with hashes, for every Python and platform that the project supports.

The machine's own pip and uv settings are left out, so that the files are the same wherever they are made.
"""

import os
from pathlib import Path

from scripts import venv
from scripts.commands import run
from scripts.paths import REQUIREMENTS, ROOT, VENV_BIN

HEADER = "# Made by `make lock` from {source}. Don't edit.\n"

OLDEST_PYTHON = "3.11"

RESOLVER = "uv>=0.9,<1"


def compile_lock(name: str, source: Path, *options: str) -> None:
    """Resolve `source` anew and write `requirements/<name>.txt`."""
    target = REQUIREMENTS / f"{name}.txt"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    command: list[str | Path] = [VENV_BIN / "uv", "pip", "compile", source.relative_to(ROOT), *options]
    command += ["--output-file", target, "--upgrade", "--generate-hashes", "--universal"]
    command += ["--python-version", OLDEST_PYTHON, "--no-config", "--no-header", "--no-annotate", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    run(command, cwd=ROOT, env=clean)
    target.write_text(HEADER.format(source=source.relative_to(ROOT)) + target.read_text())


def main() -> None:
    venv.create()
    venv.pip(RESOLVER)
    project = ROOT / "pyproject.toml"
    compile_lock("runtime", project, "--group", "build")
    compile_lock("dev", project, "--group", "dev")
    compile_lock("node", REQUIREMENTS / "node.in")


if __name__ == "__main__":
    main()
