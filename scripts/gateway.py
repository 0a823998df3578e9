"""Installs the real gateway, for the end-to-end tests.

`scripts/clawdbot/package.json` overrides two of its dependencies: one is fetched from git, which a registry-only
network can't do, and the other brings a gigabyte of model runtime that a gateway in front of a remote model never
loads. The lock file beside it pins every package by its hash.
"""

import shutil
import sys
from pathlib import Path

from scripts import node
from scripts.commands import run
from scripts.paths import CACHE, ROOT, with_path

VERSION = "2026.1.24-3"
MANIFEST = ROOT / "scripts" / "clawdbot"
"""package.json and package-lock.json."""

HOME = CACHE / f"clawdbot-{VERSION}"
ENTRY = HOME / "node_modules" / "clawdbot" / "dist" / "entry.js"
DONE = HOME / "installed"


def install() -> Path:
    """Install it unless it is there already, and return its entry script."""
    if DONE.exists():
        return ENTRY
    print(
        f"installing the real gateway, clawdbot {VERSION}, into {HOME.relative_to(ROOT)} (450 MB) ...", file=sys.stderr
    )
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(MANIFEST / name, HOME)
    options = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"]
    run(["npm", "ci", *options], cwd=HOME, env=with_path(node.bin_dir(node.GATEWAY_MINIMUM)))
    DONE.touch()
    return ENTRY


if __name__ == "__main__":
    print(install())
