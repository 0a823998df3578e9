"""The wheel holds everything that its user needs, and nothing else."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from scripts import dashboard
from scripts.commands import run
from scripts.paths import REQUIREMENTS, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dashboard.build()
    out = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT])
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an empty environment in which the wheel was installed, with what the runtime lock pins."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", REQUIREMENTS / "runtime.txt"])
    run([*pip, "--no-deps", wheel])
    return home / "bin"


def test_wheel_holds_the_packages_and_the_built_dashboard(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"runtime", "actors", "mission_control"}
    assert "mission_control/dashboard/index.html" in names
    assert any(name.startswith("mission_control/dashboard/_next/static/") for name in names)
    for package in tops:
        assert f"{package}/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_installed_wheel_runs_without_the_source_tree(installed: Path, tmp_path: Path) -> None:
    """The command starts from an empty directory, with no Node and no checkout in sight."""
    env = {"PATH": str(installed), "HOME": str(tmp_path)}
    done = subprocess.run(
        [installed / "mission-control", "version"], cwd=tmp_path, env=env, capture_output=True, text=True
    )

    assert done.stderr == ""
    assert done.returncode == 0
    assert "0.1.0" in done.stdout
