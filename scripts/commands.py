"""Running other programs."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a command that shows its own output. If it fails, this program ends with its name and exit code."""
    words = [str(word) for word in command]
    code = subprocess.run(words, cwd=cwd, env=env).returncode
    if code != 0:
        raise SystemExit(f"failed with exit code {code}, see above: {shlex.join(words)}")
