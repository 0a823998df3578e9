"""What a machine lacks is found before a daemon fails over it, and looking leaves nothing behind."""

import sqlite3
from pathlib import Path

import pytest
from attrs import evolve

from mission_control.doctor.machine import data_directory, disk, operator_token, python, space, sqlite
from mission_control.settings import AuthSettings, JournalSettings, Secret, Settings
from mission_control.settings import Bytes as Size
from mission_control.stores.sqlite_schema import WAL_KEPT_BYTES

GIB = 1024**3


def test_an_old_python_is_a_problem() -> None:
    assert python((3, 11, 0)).level == python((3, 13, 1)).level == "ok"
    old = python((3, 10, 12))
    assert (old.level, old.text) == ("problem", "3.10.12")
    assert "3.11" in old.remedy


def test_an_sqlite_without_what_the_journal_needs_is_a_problem() -> None:
    """It is tried, since what an SQLite can do depends on how it was built."""
    assert sqlite().level == "ok"
    poor = sqlite3.connect(":memory:")
    poor.set_authorizer(
        lambda action, one, name, *_: (
            sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_FUNCTION and name == "json_quote" else sqlite3.SQLITE_OK
        )
    )
    found = sqlite(poor)
    assert found.level == "problem"
    assert "JSON" in found.remedy


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert data_directory(tmp_path / "a" / "b").level == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_there_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert data_directory(tmp_path).level == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_directory_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        found = data_directory(path)
        assert (found.level, "is no directory" in found.text, "--data-dir" in found.remedy) == ("problem", True, True)


def test_a_directory_that_refuses_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried by writing, since a mode says nothing of a disk that is mounted to be read only."""

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    found = data_directory(tmp_path)
    assert (found.level, "(Read-only file system)" in found.text) == ("problem", True)


def test_one_that_could_not_be_made_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    found = data_directory(tmp_path / "new")
    assert (found.level, str(tmp_path) in found.text) == ("problem", True)


@pytest.mark.parametrize(
    ("free", "used", "level"),
    [
        (3 * GIB, 0, "ok"),
        (1 * GIB, 0, "warning"),
        (1 * GIB, 2 * GIB, "ok"),
        (50 * 1024**2, 0, "problem"),
        (WAL_KEPT_BYTES, 2 * GIB, "ok"),
        (WAL_KEPT_BYTES - 1, 2 * GIB, "problem"),
    ],
)
def test_a_journal_that_cannot_grow_as_it_may_is_told_in_time(free: int, used: int, level: str) -> None:
    """What it has already counts; too little for the next hour is a problem at once."""
    assert space(free, used, 2 * GIB).level == level


def test_the_journal_that_is_there_counts(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, journal=JournalSettings(max_bytes=Size(1024**2)))
    before = disk(settings)
    (tmp_path / "journal.sqlite3").write_bytes(b"\0" * 1024**2)
    assert before.level == disk(settings).level == "ok"
    assert before.text.endswith("0.1 GiB")
    assert disk(evolve(settings, data_dir=tmp_path / "not" / "there")).level == "ok"


def test_an_operator_token_that_others_may_know_is_a_problem(tmp_path: Path) -> None:
    """As the start says it; the token itself is in no line."""
    settings = Settings(data_dir=tmp_path, auth=AuthSettings(mode="token"))
    assert [found.text for found in operator_token(settings)] == ["made at the first start"]
    file = tmp_path / "operator-token"
    file.touch(0o600)
    file.write_text("hidden\n")
    (kept,) = operator_token(settings)
    assert (kept.level, kept.text) == ("ok", f"kept in {file}")
    file.chmod(0o644)
    (found,) = operator_token(settings)
    assert (found.level, "chmod 600" in found.remedy) == ("problem", True)
    assert "hidden" not in str((kept, found))


def test_an_operator_token_is_looked_for_only_if_one_is_wanted(tmp_path: Path) -> None:
    assert operator_token(Settings(data_dir=tmp_path)) == []
    configured = Settings(data_dir=tmp_path, auth=AuthSettings(mode="token", token=Secret("hidden")))
    assert [found.text for found in operator_token(configured)] == ["configured"]
