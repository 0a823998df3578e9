"""Mistakes: all of them told, each with its place, none guessed at."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.config import ConfigError, Flags, load
from mission_control.config.schema import schema, variable
from tests.config.loading import refusal, settings_of


def test_all_mistakes_are_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    """Nobody has to start the daemon once per typing error."""
    file = """
        listen = "here"
        [journal]
        durability = "ful"
        max_age = "7 fortnights"
        max_evnts = 5
        [[gateways]]
        id = "a"
    """
    error = refusal(tmp_path, file, {"MISSION_CONTROL_STREAM__REPLAY_LIMIT": "-1"}, Flags(assign=("log_levl=debug",)))
    path = tmp_path / "mission-control.toml"
    assert {problem.where for problem in error.problems} == {
        f"{path}: listen",
        f"{path}: journal.durability",
        f"{path}: journal.max_age",
        f"{path}: journal.max_evnts",
        f"{path}: gateways[0].url",
        "environment variable MISSION_CONTROL_STREAM__REPLAY_LIMIT",
        "--set log_levl",
    }
    by_place = {problem.where.rpartition(" ")[2]: problem for problem in error.problems}
    assert by_place["journal.max_evnts"].found == 'no setting of that name; did you mean "max_events"?'
    assert by_place["log_levl"].found == 'no setting of that name; did you mean "log_level"?'
    assert by_place["journal.durability"].allowed == '"full" or "normal"'
    assert by_place["journal.durability"].found == '"ful"'
    assert "here" in by_place["listen"].found


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("auth = 3", "auth"),
        ('gateways = "ws://a"', "gateways"),
        ("gateways = [1]", "gateways"),
        ("simulate = true", "simulate"),
        ('simulate = "3"', "simulate"),
        ("simulate = -1", "simulate"),
        ("simulate = 1.5", "simulate"),
        ("log_level = 3", "log_level"),
        ("data_dir = 3", "data_dir"),
        ('data_dir = ""', "data_dir"),
        ('auth.allowed_hosts = "a"', "auth.allowed_hosts"),
        ('auth.allowed_hosts = ["a/b"]', "auth.allowed_hosts"),
        ("auth.allowed_hosts = [3]", "auth.allowed_hosts"),
        ('auth.allowed_origins = ["a.example"]', "auth.allowed_origins"),
        ('auth.allowed_origins = ["https://a.example/x"]', "auth.allowed_origins"),
        ('auth.allowed_origins = ["*"]', "auth.allowed_origins"),
        ("journal.max_age = nan", "journal.max_age"),
        ("journal.max_age = inf", "journal.max_age"),
        ("journal.max_age = 2020-01-01", "journal.max_age"),
        ('journal.max_bytes = "2GiBs"', "journal.max_bytes"),
        ('journal.max_bytes = "1000000 PiB"', "journal.max_bytes"),
        ("stream.flush_interval_ms = 0", "stream.flush_interval_ms"),
        ('stream.flush_interval_ms = "2s"', "stream.flush_interval_ms"),
        ("liveness.offline_after_s = 1", "liveness.offline_after_s"),
        ("reconnect.ceiling_s = 0.1", "reconnect.ceiling_s"),
        ('listen = "127.0.0.1"', "listen"),
        ('listen = ":8700"', "listen"),
        ('listen = "127.0.0.1:70000"', "listen"),
        ('listen = "127.0.0.1:"', "listen"),
        ('listen = "::1:8700"', "listen"),
        ('listen = "[127.0.0.1]:8700"', "listen"),
        ('listen = "http://127.0.0.1:8700"', "listen"),
        ('gateways = [{url = "http://a"}]', "gateways[0].url"),
        ('gateways = [{url = "ws://"}]', "gateways[0].url"),
        ('gateways = [{url = "ws://a", id = "a b"}]', "gateways[0].id"),
        ('gateways = [{url = "ws://a", kind = "irc"}]', "gateways[0].kind"),
        ('gateways = [{url = "ws://a", tokn = "x"}]', "gateways[0].tokn"),
        ("[[gateway]]\nurl = 1", "gateway"),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, file: str, key: str) -> None:
    """No value is silently replaced, cut or taken for something else."""
    error = refusal(tmp_path, file)
    assert [problem.where for problem in error.problems] == [f"{tmp_path / 'mission-control.toml'}: {key}"]
    assert all(problem.allowed and problem.found for problem in error.problems)


def test_a_file_that_is_no_toml_is_told_with_the_place(tmp_path: Path) -> None:
    """The line is in the message; a missing or binary file is told too."""
    assert "line 2" in str(refusal(tmp_path, "simulate = 1\nlisten = = 2"))
    assert "no such file" in str(refusal(tmp_path, flags=Flags(config="nowhere.toml")))
    (tmp_path / "binary").write_bytes(b"\xff")
    assert "UTF-8" in str(refusal(tmp_path, flags=Flags(config="binary")))
    assert "directory" in str(refusal(tmp_path, flags=Flags(config=".")))


def test_a_file_without_a_setting_in_it_is_no_mistake(tmp_path: Path) -> None:
    """One whose every line is a comment, such as a copy of the example."""
    assert settings_of(tmp_path, "# listen = 3\n") == settings_of(tmp_path)


@given(text=st.text(max_size=200))
def test_any_text_in_a_variable_is_a_value_or_a_told_mistake(text: str) -> None:
    """No input makes the loader itself fail."""
    for path in schema():
        if path[-1] == "token_file" or "\0" in text:
            continue
        with suppress(ConfigError):
            load(Flags(), {"HOME": "/nowhere", variable(path): text}, Path("/nowhere"))
