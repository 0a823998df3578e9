"""The wheel holds everything that its user needs, and nothing else."""

import re
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.subscriber import Subscriber
from tests.e2e.wire import PATIENCE_S
from tests.packaging.conftest import alone, environment


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("installed"), wheel)


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


def text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        body: str = answer.read().decode()
        return body
