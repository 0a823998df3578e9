"""Installs the real gateways, for the end-to-end tests.

A directory of each gateway's name beside this file has its package.json and a lock that pins every package by its hash.
`scripts/clawdbot/package.json` overrides two dependencies: one is fetched from git, which a registry-only network can't
do, and the other brings a gigabyte of model runtime that a gateway in front of a remote model never loads.
"""

import shutil
import sys
from pathlib import Path

from attrs import frozen

from scripts import node
from scripts.commands import run
from scripts.paths import CACHE, ROOT, with_path


@frozen
class Package:
    """A gateway as it is published. `entry` is its script within its package; `size` is that of the whole install.

    `attempts`: how often it asks a model that fails before it calls the attempt a failure.
    """

    name: str
    version: str
    entry: str
    node: node.Version
    size: str
    attempts: int

    @property
    def manifest(self) -> Path:
        """The directory of package.json and package-lock.json."""
        return ROOT / "scripts" / self.name

    @property
    def home(self) -> Path:
        return CACHE / f"{self.name}-{self.version}"

    def install(self) -> Path:
        """Install it unless it is there already, and return its entry script."""
        entry, done = self.home / "node_modules" / self.name / self.entry, self.home / "installed"
        if done.exists():
            return entry
        where = self.home.relative_to(ROOT)
        print(
            f"installing the real gateway, {self.name} {self.version}, into {where} ({self.size}) ...", file=sys.stderr
        )
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(self.manifest / name, self.home)
        options = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"]
        run(["npm", "ci", *options], cwd=self.home, env=with_path(node.bin_dir(self.node)))
        done.touch()
        return entry


CLAWDBOT = Package("clawdbot", "2026.1.24-3", "dist/entry.js", node.CLAWDBOT_MINIMUM, "450 MB", 3)
OPENCLAW = Package("openclaw", "2026.9.6", "openclaw.mjs", node.OPENCLAW_MINIMUM, "650 MB", 1)
PACKAGES = (CLAWDBOT, OPENCLAW)


if __name__ == "__main__":
    for package in PACKAGES:
        print(package.install())
