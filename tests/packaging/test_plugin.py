"""The package that docs/extending.md shows, installed beside our wheel in an empty environment, is part of it all."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.paths import ROOT
from tests.e2e.daemon import Daemon
from tests.e2e.subscriber import Subscriber
from tests.e2e.wire import PATIENCE_S
from tests.extensions.documented import CONFIGURATION, IN_THE_TREE, PACKAGE, write
from tests.packaging.conftest import alone, built_wheel, environment

LONGER_THAN = "MISSION_CONTROL_ACTORS__SLOW_TOOLS__LONGER_THAN"

BROKEN = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"

        [project]
        name = "mission-control-broken"
        version = "0.9"

        [project.entry-points."mission_control.actors"]
        broken_one = "mission_control_broken:actor_type"
    """,
    "src/mission_control_broken/__init__.py": "import a_module_that_nobody_has\n",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("package"), *PACKAGE)


@pytest.fixture(scope="module")
def installed(wheel: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with our wheel, the documented package, and one that cannot be imported."""
    broken = tmp_path_factory.mktemp("broken")
    for name, text in BROKEN.items():
        (broken / name).parent.mkdir(parents=True, exist_ok=True)
        (broken / name).write_text(text.replace("\n        ", "\n"))
    out = tmp_path_factory.mktemp("wheels")
    plugins = [built_wheel(package, out / "package"), built_wheel(broken, out / "broken")]
    return environment(tmp_path_factory.mktemp("installed"), wheel, *plugins)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the daemon is started, with the documented configuration."""
    return write(tmp_path / "data", CONFIGURATION)


@pytest.fixture
def daemon(installed: Path, data: Path, tmp_path: Path) -> Iterator[Daemon]:
    """Simulated agents, enough of them that some call tools at once; every call of a tool is slow."""
    variables = {**alone(installed, tmp_path), LONGER_THAN: "1ms"}
    with Daemon(data, options=("--simulate", "24"), variables=variables, bin=installed) as daemon:
        yield daemon


def test_it_takes_part_in_everything(daemon: Daemon) -> None:
    """Its event in the stream, its route, its metric, its node in the tree; and it stops with the daemon."""
    with Subscriber(daemon.url) as subscriber:
        event = subscriber.wait_event(lambda event: event["payload"].get("kind") == "slow_tools.found", 60)
        slow = subscriber.wait_event(lambda cause: event["event_id"] == f"slow_tools:{cause['event_id']}")
    assert event["payload"]["title"] == f"{slow['payload']['tool']} took {slow['payload']['duration_ms']} ms"
    assert (event["agent_id"], event["payload"]["run_id"]) == (slow["agent_id"], slow["payload"]["run_id"])

    slowest = json.loads(got(daemon, "v1/extensions/slow_tools/slowest"))
    tool = slow["payload"]["tool"]
    assert any(one["tool"] == tool and one["agent"] == slow["agent_id"] for one in slowest)

    families = {family.name: family for family in text_string_to_metric_families(got(daemon, "metrics"))}
    counted = families["mission_control_extension_slow_tools_found"].samples
    assert any(sample.labels == {"tool": tool} and sample.value >= 1 for sample in counted)

    node = found(json.loads(got(daemon, "v1/actors"))["tree"], "root/extensions/slow_tools/slow_tools")
    assert (node["state"], node["kind"], node["restarts"]) == ("running", "actor", 0)
    assert daemon.stop() == 0


def test_a_package_that_cannot_be_imported_only_costs_itself(daemon: Daemon, data: Path) -> None:
    """It is told with what to do; only a configuration that asks for it is refused."""
    told = daemon.said("mission-control-broken")
    assert "'broken_one' of mission-control-broken 0.9 is left out" in told
    assert "No module named 'a_module_that_nobody_has'" in told
    assert "uninstall it" in told
    assert daemon.stop() == 0

    refused = daemon.refusal("--set", "actors.broken_one.enabled=true")
    assert refused.returncode == 2
    assert "--set actors.broken_one.enabled" in refused.stderr
    assert "mission-control-broken 0.9 cannot be used" in refused.stderr


def test_its_options_are_settings_like_any_other(installed: Path, data: Path, tmp_path: Path) -> None:
    """From the file, overridden by a variable, and shown; a mistake is told with its place."""
    environ = {**alone(installed, tmp_path), LONGER_THAN: "2s"}
    command = [str(installed / "mission-control"), "check-config"]
    shown = subprocess.run(command, cwd=data, env=environ, capture_output=True, text=True, check=True).stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    file = data / CONFIGURATION
    assert f'actors.slow_tools.longer_than = "2s" # environment variable {LONGER_THAN}' in lines
    assert f'actors.slow_tools.ignore = ["build"] # {file}: actors.slow_tools.ignore' in lines
    assert "actors.slow_tools.enabled = true # default" in lines
    assert any("broken_one" in line and "mission-control-broken 0.9" in line for line in lines)

    environ[LONGER_THAN] = "never"
    refused = subprocess.run(command, cwd=data, env=environ, capture_output=True, text=True)
    assert refused.returncode == 2
    assert f'environment variable {LONGER_THAN}\n    found:   "never"' in refused.stderr


def test_its_own_tests_pass(package: Path) -> None:
    """With the test bench that comes with Mission Control, under the package's own settings."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_its_types_hold(package: Path, tmp_path: Path) -> None:
    """mypy at its strictest on what its users write, and so on the interface as they see it."""
    write(package, IN_THE_TREE)
    files = [package / name for name in (IN_THE_TREE, *PACKAGE) if name.endswith(".py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", tmp_path, *files],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": f"{package / 'src'}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def got(daemon: Daemon, path: str) -> str:
    with urllib.request.urlopen(daemon.url + path, timeout=PATIENCE_S) as answer:
        body: str = answer.read().decode()
        return body


def found(node: dict[str, Any], path: str) -> dict[str, Any]:
    """The node of the tree at a path."""
    if node["path"] == path:
        return node
    [child] = [child for child in node["children"] if f"{path}/".startswith(f"{child['path']}/")]
    return found(child, path)
