"""What a user has: the wheel, the npm package, and environments with nothing but what was installed in them."""

import sys
import venv
from pathlib import Path

import pytest

from scripts import dashboard
from scripts.commands import run
from scripts.paths import REQUIREMENTS, ROOT
from tests.packaging import npm


def built_wheel(source: Path, out: Path) -> Path:
    """The wheel of a project, built with what is installed here."""
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source])
    (built,) = out.glob("*.whl")
    return built


def environment(home: Path, *wheels: Path) -> Path:
    """The `bin` of an empty environment in which these were installed, with what the runtime lock pins."""
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", REQUIREMENTS / "runtime.txt"])
    for wheel in wheels:
        run([*pip, "--no-deps", wheel])
    return home / "bin"


def alone(installed: Path, home: Path) -> dict[str, str]:
    """The variables of somebody who has nothing but what is installed there."""
    return {"PATH": str(installed), "HOME": str(home)}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dashboard.build()
    return built_wheel(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard's client as an npm package."""
    return npm.pack(tmp_path_factory.mktemp("packed"))
