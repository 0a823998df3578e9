"""The lock files: exact, complete, hashed, and the same wherever they were made."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import gateway
from scripts.paths import REQUIREMENTS, ROOT, WEB

LOCKS = ["runtime", "dev", "node"]
PACKAGE_LOCKS = [WEB / "package-lock.json", *(package.manifest / "package-lock.json" for package in gateway.PACKAGES)]

PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; [^\\]*)?(?P<hashes>(?: \\\n    --hash=sha256:\w{64})+)\n"
)


def pins(lock: str) -> dict[str, str]:
    """Name to version, of every line of a lock file; fails on a line that is no hashed pin."""
    comment, _, rest = (REQUIREMENTS / f"{lock}.txt").read_text().partition("\n")
    assert comment.startswith("# Made by")
    found = {match["name"]: match["version"] for match in PIN.finditer(rest)}
    assert PIN.sub("", rest) == ""
    return found


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_pins_a_version_by_its_hashes(lock: str) -> None:
    """No index, no path and no address can stand in a lock: only names, versions, markers and hashes."""
    assert pins(lock)


def test_locks_hold_what_the_project_asks_for() -> None:
    metadata = project()

    assert names(metadata["project"]["dependencies"]) <= pins("runtime").keys()
    asked = [entry for entry in metadata["dependency-groups"]["dev"] if isinstance(entry, str)]
    assert names(asked) <= pins("dev").keys()


def test_development_runs_what_users_run() -> None:
    runtime = pins("runtime")

    assert {name: version for name, version in pins("dev").items() if name in runtime} == runtime


def test_build_backend_is_the_one_that_is_locked() -> None:
    (backend,) = project()["build-system"]["requires"]
    name, version = backend.split("==")

    assert pins("runtime")[name] == version


@pytest.mark.parametrize("path", PACKAGE_LOCKS, ids=lambda path: path.parent.name)
def test_package_locks_name_no_registry(path: Path) -> None:
    packages = json.loads(path.read_text())["packages"]

    assert all("resolved" not in package for package in packages.values())
    assert all("version" in package for name, package in packages.items() if name)


@pytest.mark.parametrize("package", gateway.PACKAGES, ids=lambda package: package.name)
def test_gateway_is_locked_at_the_version_that_is_named(package: gateway.Package) -> None:
    packages = json.loads((package.manifest / "package-lock.json").read_text())["packages"]

    assert packages[f"node_modules/{package.name}"]["version"] == package.version
