"""Which daemon ``tail`` talks to, and that its token goes nowhere else."""

from pathlib import Path

import pytest

from mission_control.config import ConfigError
from mission_control.settings import Secret
from mission_control.target import Target, TargetFlags, stream_url, target


def target_of(home: Path, flags: TargetFlags | None = None, **environ: str) -> Target:
    return target(flags or TargetFlags(), {"HOME": str(home), **environ}, home)


def test_the_daemon_of_the_settings_is_found_with_its_token(tmp_path: Path) -> None:
    """``mission-control tail`` needs no flags beside a daemon of the same settings."""
    assert target_of(tmp_path) == Target("ws://127.0.0.1:8700/v1/stream", None)
    found = target_of(tmp_path, MISSION_CONTROL_LISTEN="[::]:9", MISSION_CONTROL_AUTH__TOKEN="t")
    assert found == Target("ws://[::1]:9/v1/stream", Secret("t"))


def test_the_token_that_the_daemon_made_is_found(tmp_path: Path) -> None:
    """A generated token need not be copied by hand."""
    file = tmp_path / "operator-token"
    file.touch(0o600)
    file.write_text("kept\n")
    assert target_of(tmp_path, MISSION_CONTROL_DATA_DIR=str(tmp_path)).token == Secret("kept")


def test_another_daemon_never_gets_the_settings_token(tmp_path: Path) -> None:
    """A URL on the command line gets the token on the command line, or none."""
    flags = TargetFlags(url="https://far.example")
    found = target_of(tmp_path, flags, MISSION_CONTROL_AUTH__TOKEN="t")
    assert found == Target("wss://far.example/v1/stream", None)


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    """Flags show in the list of processes, files do not."""
    (tmp_path / "token").write_text("t\n")
    assert target_of(tmp_path, TargetFlags(token_file="token")).token == Secret("t")
    assert target_of(tmp_path, TargetFlags(token_file="~/token")).token == Secret("t")


@pytest.mark.parametrize(
    "flags",
    [
        TargetFlags(token="t", token_file="t"),
        TargetFlags(token_file="missing"),
        TargetFlags(token="two words"),
        TargetFlags(url="nonsense"),
        TargetFlags(url="http://"),
        TargetFlags(url="ftp://a"),
        TargetFlags(url="http://a:99999"),
        TargetFlags(url="http://u:p@a"),
        TargetFlags(config="missing.toml"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, flags: TargetFlags) -> None:
    """No guess is made about where a token may go."""
    with pytest.raises(ConfigError):
        target_of(tmp_path, flags)


def test_a_port_that_was_chosen_at_the_start_must_be_given(tmp_path: Path) -> None:
    """Settings with port 0 do not say where the daemon is."""
    with pytest.raises(ConfigError, match="--url"):
        target_of(tmp_path, MISSION_CONTROL_LISTEN="127.0.0.1:0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8700", "ws://127.0.0.1:8700/v1/stream"),
        ("http://127.0.0.1:8700/", "ws://127.0.0.1:8700/v1/stream"),
        ("https://mc.example", "wss://mc.example/v1/stream"),
        ("wss://mc.example/behind/a/proxy", "wss://mc.example/behind/a/proxy"),
        ("http://[::1]:1", "ws://[::1]:1/v1/stream"),
    ],
)
def test_the_url_may_be_copied_from_the_browser(text: str, expected: str) -> None:
    """Nobody needs to know the path of the stream."""
    assert stream_url(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("https://mc.example/", "https://mc.example"),
        ("wss://mc.example/v1/stream", "https://mc.example"),
        ("https://mc.example/behind/a/proxy/", "https://mc.example/behind/a/proxy"),
        ("ws://[::1]:1", "http://[::1]:1"),
    ],
)
def test_the_http_interface_is_where_the_stream_is(text: str, expected: str) -> None:
    """One URL is enough for all commands, with TLS where the URL has it."""
    assert Target(stream_url(text), None).http_url == expected
