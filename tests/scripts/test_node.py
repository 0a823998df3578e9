"""Which Node.js is used: the system's when it will do, else the packaged one."""

import subprocess
from pathlib import Path

import pytest

from scripts import node
from scripts.paths import with_path


def fake_node(directory: Path, says: str, npm: bool = True) -> Path:
    """A directory with a `node` that prints `says`, and an npm beside it."""
    directory.mkdir()
    program = directory / "node"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    if npm:
        (directory / "npm").touch()
    return directory


@pytest.mark.parametrize(
    ("text", "version"), [("v20.20.2\n", (20, 20, 2)), ("20.9", (20, 9)), ("v24.0.0", (24, 0, 0)), ("22", (22,))]
)
def test_versions_are_compared_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert node.parse(text) == version


@pytest.mark.parametrize("text", ["", "node", "v", "20.x", "v22.0.0-nightly"])
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        node.parse(text)


@pytest.mark.parametrize("says", ["v22.12.0", "v22.13.1", "v24.1.0"])
def test_system_node_is_used_when_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    found = fake_node(tmp_path / "bin", says)
    monkeypatch.setenv("PATH", str(found))

    assert node.system_bin((22, 12)) == found


@pytest.mark.parametrize("says", ["v22.11.9", "v9.99.0", "v20.20.2", "not a node", ""])
def test_system_node_is_passed_over_when_old_or_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setenv("PATH", str(fake_node(tmp_path / "bin", says)))

    assert node.system_bin((22, 12)) is None


def test_node_without_its_npm_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems package npm apart; a node of one origin with an npm of another is not tried."""
    monkeypatch.setenv("PATH", str(fake_node(tmp_path / "bin", "v24.0.0", npm=False)))

    assert node.system_bin((22, 12)) is None


def test_machine_without_node_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert node.system_bin((22, 12)) is None


@pytest.mark.parametrize("minimum", [node.DASHBOARD_MINIMUM, node.CLAWDBOT_MINIMUM, node.OPENCLAW_MINIMUM])
def test_the_node_that_is_found_runs_and_so_does_its_npm(minimum: node.Version) -> None:
    found = node.bin_dir(minimum)
    env = with_path(found)

    said = subprocess.run(["node", "--version"], env=env, capture_output=True, text=True, check=True)
    assert node.parse(said.stdout) >= minimum
    subprocess.run(["npm", "--version"], env=env, capture_output=True, check=True)


def test_packaged_node_finds_its_own_npm(tmp_path: Path) -> None:
    """The links point at the package's files, and linking again (a new version) replaces them."""
    package = tmp_path / "package"
    for name in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js", "lib/node_modules/npm/bin/npx-cli.js"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)

    for _ in range(2):
        linked = node.link(package, tmp_path / "linked")

    assert (linked / "node").read_text() == "bin/node"
    assert (linked / "npm").read_text() == "lib/node_modules/npm/bin/npm-cli.js"
    assert (linked / "npx").read_text() == "lib/node_modules/npm/bin/npx-cli.js"
