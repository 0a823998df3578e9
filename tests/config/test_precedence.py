"""Which of several places a setting is taken from."""

from pathlib import Path

import pytest

from mission_control.config import Flags, resolve
from mission_control.config.describe import value_at
from mission_control.config.layers import CONFIG_VARIABLE
from mission_control.config.schema import dotted, schema, variable
from mission_control.settings import Address, GatewaySettings, Settings
from tests.config.loading import settings_of

SAMPLES = {
    "data_dir": "/elsewhere",
    "listen": "127.0.0.1:1",
    "log_level": "debug",
    "log_format": "json",
    "simulate": "7",
    "gateways[0].url": "ws://other:1",
    "gateways[0].id": "other",
    "gateways[0].kind": "clawdbot",
    "gateways[0].token": "other",
    "gateways[0].token_file": "token",
    "auth.mode": "token",
    "auth.token": "other",
    "auth.token_file": "token",
    "auth.allowed_origins": "https://a.example,http://b.example:81",
    "auth.allowed_hosts": "a.example,b.example:81",
    "journal.durability": "normal",
    "journal.max_age": "2d",
    "journal.max_events": "5000",
    "journal.max_bytes": "3GiB",
    "journal.compact_after": "0",
    "stream.flush_interval_ms": "20",
    "stream.ping_interval_ms": "5s",
    "stream.max_buffer_bytes": "1MiB",
    "stream.replay_limit": "10",
    "liveness.degraded_after_s": "3",
    "liveness.offline_after_s": "100",
    "liveness.stall_after_s": "5m",
    "reconnect.first_s": "500ms",
    "reconnect.ceiling_s": "20",
}


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    """An operator who configures nothing gets a daemon for this machine alone."""
    settings = settings_of(tmp_path)
    assert settings == Settings(data_dir=tmp_path / ".local/share/mission-control")
    assert settings.listen.is_loopback


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    """The closer a setting is to the moment of starting, the stronger it is."""
    file = 'listen = "127.0.0.1:1"\nlog_level = "debug"\nsimulate = 1'
    environ = {"MISSION_CONTROL_LISTEN": "127.0.0.1:2", "MISSION_CONTROL_LOG_LEVEL": "error"}
    settings = settings_of(tmp_path, file, environ, Flags(listen="127.0.0.1:3"))
    assert (settings.listen.port, settings.log_level, settings.simulate) == (3, "error", 1)


def test_every_setting_can_be_set_in_the_environment(tmp_path: Path) -> None:
    """No setting exists only in the file, and a variable's name follows from the setting's path."""
    (tmp_path / "token").write_text("other")
    assert set(SAMPLES) == {dotted(path) for path in schema()}
    for path in schema():
        environ = {"HOME": str(tmp_path), variable(path): SAMPLES[dotted(path)]}
        if path[0] == "gateways":
            environ.setdefault("MISSION_CONTROL_GATEWAYS__0__URL", "ws://host:1")
        loaded = resolve(Flags(), environ, tmp_path)
        assert str(loaded.sources[path]) == f"environment variable {variable(path)}"
        if path[-1] != "kind":
            assert value_at(loaded.settings, path) != value_at(
                Settings(data_dir=tmp_path, gateways=(GatewaySettings(url="ws://x"),)), path
            )


def test_every_setting_can_be_set_with_a_flag(tmp_path: Path) -> None:
    """``--set`` takes whatever has no flag of its own."""
    (tmp_path / "token").write_text("other")
    for path in schema():
        key = dotted(path)
        pairs = [f"{key}={SAMPLES[key]}"]
        if path[0] == "gateways" and path[-1] != "url":
            pairs.append("gateways[0].url=ws://host:1")
        loaded = resolve(Flags(assign=tuple(pairs)), {"HOME": str(tmp_path)}, tmp_path)
        assert str(loaded.sources[path]) == f"--set {key}"


def test_a_file_is_looked_for_where_it_is_expected(tmp_path: Path) -> None:
    """A named file, else the working directory's, else the user's; never two of them mixed."""
    user = tmp_path / "user" / "mission-control"
    user.mkdir(parents=True)
    (user / "mission-control.toml").write_text('log_level = "error"\nsimulate = 3')
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "user")}
    assert settings_of(tmp_path, environ=environ).log_level == "error"
    assert settings_of(tmp_path, 'log_level = "debug"', environ).simulate == 0
    (tmp_path / "named.toml").write_text("simulate = 9")
    assert settings_of(tmp_path, environ={**environ, CONFIG_VARIABLE: "named.toml"}).simulate == 9
    assert settings_of(tmp_path, environ={CONFIG_VARIABLE: "no.toml"}, flags=Flags(config="~/named.toml")).simulate == 9


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    """Compose files pass variables on that nobody has set."""
    assert settings_of(tmp_path, environ={"MISSION_CONTROL_LISTEN": ""}).listen == Address("127.0.0.1", 8700)


def test_variables_of_kubernetes_are_no_mistakes(tmp_path: Path) -> None:
    """A Service named mission-control must not keep the daemon in its pod from starting."""
    environ = {
        "MISSION_CONTROL_SERVICE_HOST": "10.0.0.1",
        "MISSION_CONTROL_SERVICE_PORT_HTTP": "80",
        "MISSION_CONTROL_PORT": "tcp://10.0.0.1:80",
        "MISSION_CONTROL_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert settings_of(tmp_path, environ=environ) == settings_of(tmp_path)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, ".local/share/mission-control"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/mission-control"),
        ("darwin", {}, "Library/Application Support/mission-control"),
    ],
)
def test_data_lies_where_the_system_keeps_it(
    tmp_path: Path, platform: str, environ: dict[str, str], expected: str
) -> None:
    """Nothing is written to unexpected places."""
    loaded = resolve(Flags(), {"HOME": str(tmp_path), **environ}, tmp_path, platform)
    assert loaded.settings.data_dir == tmp_path / expected


def test_paths_begin_where_they_are_written(tmp_path: Path) -> None:
    """A path in a file is relative to that file, one in a flag to the working directory, ``~`` is home."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "mc.toml").write_text('data_dir = "data"')
    assert settings_of(tmp_path, flags=Flags(config="etc/mc.toml")).data_dir == tmp_path / "etc" / "data"
    assert settings_of(tmp_path, flags=Flags(data_dir="data")).data_dir == tmp_path / "data"
    assert settings_of(tmp_path, flags=Flags(data_dir="~/data")).data_dir == tmp_path / "data"
