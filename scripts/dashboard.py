"""Builds the dashboard into the Python package, where the daemon serves it from and the wheel takes it from.

`python -m scripts.dashboard build`, or `packages` for what its linter and tests need and no more.
"""

import shutil
import sys
from pathlib import Path

from scripts import node
from scripts.commands import run
from scripts.paths import CACHE, DASHBOARD, WEB, with_path
from scripts.venv import fingerprint

LOCK = WEB / "package-lock.json"
PACKAGES = WEB / "node_modules"
PACKAGES_STAMP = PACKAGES / ".installed"
BUILD_STAMP = CACHE / "dashboard.built"

NOT_SOURCES = {"node_modules", ".next", "out", "tests", "next-env.d.ts", "tsconfig.tsbuildinfo"}
BUILT_PACKAGE = ("lib", "dist")
"""The client as a package: the dashboard takes its sources."""


def npm(*arguments: str) -> None:
    """Run npm in `web/` with a Node.js that is new enough."""
    env = with_path(node.bin_dir(node.DASHBOARD_MINIMUM)) | {"NEXT_TELEMETRY_DISABLED": "1"}
    run(["npm", *arguments], cwd=WEB, env=env)


def install_packages() -> None:
    """Install what the dashboard's lock file pins, once."""
    state = fingerprint(LOCK)
    if PACKAGES_STAMP.exists() and PACKAGES_STAMP.read_text() == state:
        return
    print("installing the dashboard's packages ...", file=sys.stderr)
    npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    PACKAGES_STAMP.write_text(state)


def sources(web: Path) -> list[Path]:
    """The files that the build reads, in a fixed order."""
    return sorted(path for path in web.rglob("*") if path.is_file() and _is_source(path.relative_to(web).parts))


def _is_source(parts: tuple[str, ...]) -> bool:
    return parts[0] not in NOT_SOURCES and parts[:2] != BUILT_PACKAGE


def build() -> None:
    """Build the dashboard unless the one that is there was made from these very sources."""
    state = fingerprint(*sources(WEB))
    if (DASHBOARD / "index.html").exists() and BUILD_STAMP.exists() and BUILD_STAMP.read_text() == state:
        return
    install_packages()
    print("building the dashboard ...", file=sys.stderr)
    npm("run", "--silent", "build")
    shutil.rmtree(DASHBOARD, ignore_errors=True)
    shutil.copytree(WEB / "out", DASHBOARD)
    CACHE.mkdir(exist_ok=True)
    BUILD_STAMP.write_text(state)


if __name__ == "__main__":
    {"build": build, "packages": install_packages}[sys.argv[1]]()
