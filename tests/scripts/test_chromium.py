"""Which Chromium the browser tests use."""

from pathlib import Path

import pytest

from scripts import chromium


def program(directory: Path, name: str) -> Path:
    path = directory / name
    path.touch(mode=0o755)
    return path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no browser, whose user may not install one."""
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "MAC", tmp_path / "none")
    monkeypatch.setattr(chromium, "can_install", lambda: False)


@pytest.mark.parametrize("name", chromium.NAMES)
def test_any_of_the_usual_names_is_found(tmp_path: Path, name: str) -> None:
    expected = program(tmp_path, name)

    assert chromium.ensure() == expected


def test_named_one_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "chromium")
    monkeypatch.setenv(chromium.VARIABLE, "/elsewhere/chrome")

    assert chromium.ensure() == Path("/elsewhere/chrome")


def test_without_one_the_message_says_how_to_get_it() -> None:
    with pytest.raises(SystemExit) as ended:
        chromium.ensure()

    assert "apt-get install -y --no-install-recommends chromium" in str(ended.value)
    assert chromium.VARIABLE in str(ended.value)
