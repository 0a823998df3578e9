"""The command line: what it prints, its exit codes, and that no mistake ends in a traceback."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import mission_control
from mission_control import app, cli, console
from mission_control.discovery import Choice
from mission_control.settings import Address, AuthSettings, GatewaySettings, Secret, Settings
from mission_control.stores.journal import JournalCorruptError
from tests.logging_state import restored_logging

COMMANDS = ("run", "check-config", "version", "tail", "actors", "dead-letters", "doctor", "simulate", "verify")


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither this machine's files nor its environment are seen, and nothing is left behind."""
    for name in [
        name for name in os.environ if name.startswith(("MISSION_CONTROL_", "XDG_", "CLAWDBOT_", "OPENCLAW_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with restored_logging():
        yield


def starting(monkeypatch: pytest.MonkeyPatch, run: Callable[[Settings], int]) -> None:
    """Let ``run`` stand for the daemon."""
    monkeypatch.setattr(app, "run", lambda settings, actor_types: run(settings))


def program(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    command = [sys.executable, "-m", "mission_control", *args]
    path = str(Path(mission_control.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": path, **environ}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


# --- help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(command: str) -> None:
    """``--help`` suffices to use a command, and every option says what it is for."""
    result = CliRunner().invoke(cli.cli, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    named = cli.cli.commands[command]
    for one in [named, *(named.commands.values() if isinstance(named, click.Group) else ())]:
        options = [option for option in one.params if isinstance(option, click.Option)]
        assert all(option.help for option in options)
        assert "Example" in (one.help or "")


def test_the_commands_are_these() -> None:
    """A command that appears must be documented and tested."""
    assert set(cli.cli.commands) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_nothing_heavy(command: str) -> None:
    """Help is there at once: neither trio nor the server is imported for it."""
    code = (
        f"import sys; from mission_control.cli import main; main(['{command}', '--help']);"
        "print([name for name in ('trio', 'hypercorn', 'cattrs', 'rich', 'json5', 'httpx') if name in sys.modules])"
    )
    path = str(Path(mission_control.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


# --- exit codes, for real ---


def test_version_is_printed_and_done() -> None:
    """Exit code 0 and the version, both ways to ask."""
    for args in (["version"], ["--version"]):
        result = program(*args)
        assert (result.returncode, result.stderr) == (0, "")
        assert f"mission-control {mission_control.__version__}" in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["run", "--listen", "nowhere"],
        ["run", "--config", "missing.toml"],
        ["check-config", "--set", "journal.durabilty=full"],
        ["tail", "--type", "nonsense"],
        ["tail", "--url", "nonsense"],
        ["actors", "--url", "nonsense"],
        ["actors", "--watch", "--interval", "0"],
        ["dead-letters", "nonsense"],
        ["dead-letters", "--token", "a", "--token-file", "b"],
        ["dead-letters", "retry"],
        ["dead-letters", "discard", "a-1", "--all"],
        ["simulate", "--faults", "drop=2"],
        ["simulate", "--faults", "drip=0.1"],
        ["simulate", "--listen", "nowhere"],
        ["simulate", "--agents", "0"],
        ["simulate", "--rate", "0"],
        ["simulate", "--profile", "idle", "--rate", "1"],
        ["simulate", "--duration", "soon"],
        ["simulate", "--token-file", "."],
        ["verify", "--journal", "."],
        ["verify", "--truth", "truth.jsonl"],
        ["verify", "--truth", "truth.jsonl", "--url", "nonsense"],
    ],
)
def test_wrong_usage_ends_with_2_and_a_message(args: list[str]) -> None:
    """Scripts can tell a wrong call from a failure, and people read no traceback."""
    result = program(*args)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_variable_ends_with_2() -> None:
    """The environment is checked like everything else."""
    result = program("check-config", MISSION_CONTROL_SIMULATE="many")
    assert result.returncode == 2
    assert "MISSION_CONTROL_SIMULATE" in result.stderr


# --- check-config ---


def test_check_config_shows_values_with_their_sources_and_no_secret(tmp_path: Path) -> None:
    """The output can be pasted into a bug report."""
    (tmp_path / "mission-control.toml").write_text("[journal]\nmax_age = 86400\n[auth]\ntoken = 'hidden'")
    result = CliRunner().invoke(cli.cli, ["check-config", "--gateway", "ws://a", "--gateway-token", "hidden"])
    assert result.exit_code == 0
    shown = {tuple(line.split()) for line in result.output.splitlines()}
    file = str(tmp_path / "mission-control.toml")
    assert ("#", "configuration", "file:", file) in shown
    assert ("journal.max_age", "=", '"1d"', "#", f"{file}:", "journal.max_age") in shown
    assert ("auth.token", "=", '"********"', "#", f"{file}:", "auth.token") in shown
    assert ("gateways[0].token", "=", '"********"', "#", "--gateway-token") in shown
    assert ("log_level", "=", '"info"', "#", "default") in shown
    assert "hidden" not in result.output


def test_check_config_says_which_gateway_would_be_watched(tmp_path: Path) -> None:
    """What is found by itself is shown before anything is started, and what is wrong with it."""
    assert "no gateway is configured" in CliRunner().invoke(cli.cli, ["check-config"]).output
    (tmp_path / ".clawdbot").mkdir()
    file = tmp_path / ".clawdbot" / "clawdbot.json"
    file.write_text('{"gateway": {"port": 19001, "auth": {"token": "hidden"}}}')
    output = CliRunner().invoke(cli.cli, ["check-config"]).output
    assert f"ws://127.0.0.1:19001 (from {file})" in output
    assert "hidden" not in output
    file.write_text("{")
    assert f"# warning: {file}" in CliRunner().invoke(cli.cli, ["check-config"]).output


def test_check_config_writes_nothing(tmp_path: Path) -> None:
    """Looking does not make a token or a directory; it says where the token will be."""
    result = CliRunner().invoke(cli.cli, ["check-config", "--set", "auth.mode=token", "--data-dir", "data"])
    assert str(tmp_path / "data" / "operator-token") in result.output
    assert list(tmp_path.iterdir()) == []


# --- run ---


def test_run_hands_the_settings_to_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every flag arrives, and the daemon's exit code is the program's."""
    seen: list[Settings] = []

    def run(settings: Settings) -> int:
        seen.append(settings)
        return 7

    starting(monkeypatch, run)
    flags = ["--gateway", "ws://a:1", "--gateway-token", "t", "--listen", "[::1]:0", "--data-dir", "d"]
    assert cli.main(["run", *flags, "--log-level", "error", "--set", "journal.max_events=1000"]) == 7
    assert seen[0].gateways == (GatewaySettings(url="ws://a:1", token=Secret("t")),)
    assert (seen[0].listen, seen[0].data_dir) == (Address("::1", 0), Path.cwd() / "d")
    assert (seen[0].log_level, seen[0].journal.max_events) == ("error", 1000)


def test_run_has_the_operator_token_before_the_daemon_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that others can reach is never up without its token."""
    seen: list[Settings] = []

    def run(settings: Settings) -> int:
        seen.append(settings)
        return 0

    starting(monkeypatch, run)
    assert cli.main(["run", "--listen", "0.0.0.0:0", "--set", "auth.mode=token", "--data-dir", "d"]) == 0
    assert seen[0].auth.token is not None
    assert seen[0].auth.token.reveal() == Path("d/operator-token").read_text().strip()


def test_a_token_file_that_others_can_read_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a mistake in the set-up, told like any other."""
    starting(monkeypatch, lambda settings: 0)
    Path("operator-token").write_text("known")
    Path("operator-token").chmod(0o644)
    assert cli.main(["run", "--set", "auth.mode=token", "--data-dir", "."]) == 2


@pytest.mark.parametrize(
    ("error", "hints"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), ("127.0.0.1:8700", "in use", "--listen")),
        (ExceptionGroup("", [OSError(errno.EADDRINUSE, "in use")]), ("in use", "--listen")),
        (OSError(errno.EACCES, "Permission denied"), ("port above 1023",)),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), ("no address of this machine",)),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), ("/data", "--data-dir")),
        (JournalCorruptError("written by a newer version; upgrade"), ("newer version; upgrade",)),
    ],
)
def test_a_failure_that_can_be_mended_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, hints: tuple[str, ...]
) -> None:
    """Exit code 1 and one message that says what to do."""

    def run(settings: Settings) -> int:
        raise error

    starting(monkeypatch, run)
    assert cli.main(["run"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("Error: ")
    assert all(hint in message for hint in hints)


@pytest.mark.parametrize(
    "error", [ValueError("bug"), ExceptionGroup("", [OSError(errno.EADDRINUSE, ""), ValueError("bug")])]
)
def test_a_fault_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """What no operator can mend keeps its traceback."""

    def run(settings: Settings) -> int:
        raise error

    starting(monkeypatch, run)
    with pytest.raises(type(error)):
        cli.main(["run"])


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        BaseExceptionGroup("", [KeyboardInterrupt()]),
        BaseExceptionGroup("", [KeyboardInterrupt(), ValueError()]),
    ],
)
def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Ctrl-C is no failure, wherever it strikes."""

    def run(settings: Settings) -> int:
        raise error

    starting(monkeypatch, run)
    assert cli.main(["run"]) == 130


# --- what the daemon announces ---


def announced(capsys: pytest.CaptureFixture[str], settings: Settings, choice: Choice, address: Address) -> list[str]:
    console.announce(settings, choice, console.dashboard_url(address))
    return capsys.readouterr().out.splitlines()


def test_the_dashboard_line_ends_with_the_url(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Programs that start the daemon on port 0 read the URL from it; it can be opened on this machine."""
    settings = Settings(data_dir=tmp_path)
    for host, url in (
        ("127.0.0.1", "http://127.0.0.1:9/"),
        ("0.0.0.0", "http://127.0.0.1:9/"),
        ("::", "http://[::1]:9/"),
        ("mc.lan", "http://mc.lan:9/"),
    ):
        lines = announced(capsys, settings, Choice((), 5, "asked for"), Address(host, 9))
        assert [line.split()[-1] for line in lines if line.startswith("dashboard")] == [url]


def test_a_simulation_says_that_it_is_one_and_how_to_get_the_real_thing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nobody takes invented agents for their own."""
    choice = Choice((), 5, "no gateway was found", ("file: broken",))
    text = "\n".join(announced(capsys, Settings(data_dir=tmp_path), choice, Address("127.0.0.1", 1)))
    assert "SIMULATED, 5 agents: no gateway was found" in text
    assert "--gateway ws://HOST:PORT" in text
    assert "file: broken" in text
    assert str(tmp_path) in text


def test_a_gateway_is_named_with_where_it_was_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The operator sees which gateway, why that one, and who may look; never a token."""
    gateways = (GatewaySettings(url="ws://a:1", token=Secret("hidden")), GatewaySettings(url="ws://b:1", id="b"))
    auth = AuthSettings(mode="token", token=Secret("hidden"), token_file=tmp_path / "operator-token")
    settings = Settings(data_dir=tmp_path, auth=auth)
    text = "\n".join(announced(capsys, settings, Choice(gateways, 0, "found in FILE"), Address("127.0.0.1", 1)))
    assert "clawdbot at ws://a:1 (found in FILE)" in text
    assert "b at ws://b:1 (found in FILE, without a token)" in text
    assert f"the operator token (in {tmp_path / 'operator-token'})" in text
    assert "hidden" not in text
