"""What is done again, and what isn't."""

import sys
from pathlib import Path

import pytest

from scripts import check, commands, dashboard, venv


def test_fingerprint_follows_the_contents(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1")
    before = venv.fingerprint(lock)

    lock.write_text("a==1")
    assert venv.fingerprint(lock) == before

    lock.write_text("a==2")
    assert venv.fingerprint(lock) != before


def test_only_a_new_lock_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[tuple[object, ...]] = []
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(venv, "create", lambda: None)
    monkeypatch.setattr(venv, "pip", lambda *arguments: installed.append(arguments))
    lock = tmp_path / "runtime.txt"

    for text in ("a==1", "a==1", "a==2"):
        lock.write_text(text)
        venv.install(lock)

    assert installed == [("--require-hashes", "--requirement", lock)] * 2


def test_failed_install_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stamp is written after the work, never before."""

    def fail(*arguments: object) -> None:
        raise SystemExit("no network")

    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(venv, "create", lambda: None)
    monkeypatch.setattr(venv, "pip", fail)
    lock = tmp_path / "runtime.txt"
    lock.write_text("a==1")

    for _ in range(2):
        with pytest.raises(SystemExit, match="no network"):
            venv.install(lock)


def test_dashboard_sources_are_what_the_build_reads(tmp_path: Path) -> None:
    for name in (
        "app/page.tsx",
        "lib/store.ts",
        "lib/dist/store.js",
        "package.json",
        "node_modules/x/i.js",
        ".next/c",
        "out/i.html",
        "tests/a.ts",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    read = {str(path.relative_to(tmp_path)) for path in dashboard.sources(tmp_path)}

    assert read == {"app/page.tsx", "lib/store.ts", "package.json"}


def test_failed_command_is_named() -> None:
    with pytest.raises(SystemExit, match=r"failed with exit code 3, see above: .* -c 'exit\(3\)'"):
        commands.run([sys.executable, "-c", "exit(3)"])


def test_every_step_runs_and_the_failed_ones_are_listed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def step(name: str, code: str, remedy: str = "") -> check.Step:
        return check.Step(name, [sys.executable, "-c", code], remedy=remedy)

    steps = [step("first", "exit(1)", "get it there"), step("second", "print('second ran')"), step("third", "exit(2)")]
    monkeypatch.setitem(check.SUITES, "test", steps)

    code = check.main("test")

    out = capfd.readouterr().out
    assert code == 1
    assert "second ran" in out
    assert "1 steps of 3 are good" in out
    assert out.splitlines()[-2:] == ["FAILED: first (get it there)", "FAILED: third"]
