"""The wheel holds everything that its user needs, and nothing else."""

import re
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from scripts import dashboard
from scripts.commands import run
from scripts.paths import REQUIREMENTS, ROOT
from tests.e2e.daemon import Daemon
from tests.e2e.subscriber import Subscriber
from tests.e2e.wire import PATIENCE_S


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
    done = subprocess.run(
        [installed / "mission-control", "version"],
        cwd=tmp_path,
        env=alone(installed, tmp_path),
        capture_output=True,
        text=True,
    )

    assert done.stderr == ""
    assert done.returncode == 0
    assert "0.1.0" in done.stdout


def test_installed_wheel_serves_its_dashboard_and_its_stream(installed: Path, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "data", options=("--simulate", "2"), variables=alone(installed, tmp_path), bin=installed)
    with daemon, Subscriber(daemon.url) as subscriber:
        assert subscriber.welcomes[0]["source"] == "simulated"
        subscriber.wait_event(lambda event: event["type"] == "conversation.final")
        page = text(daemon.url)
        assert "<title>Mission Control</title>" in page
        scripts = re.findall(r'src="/(_next/static/[^"]+\.js)"', page)
        assert scripts
        assert all(text(daemon.url + script) for script in scripts)
        assert daemon.stop() == 0


def alone(installed: Path, home: Path) -> dict[str, str]:
    """The environment of somebody who has nothing but the installed wheel."""
    return {"PATH": str(installed), "HOME": str(home)}


def text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        body: str = answer.read().decode()
        return body
