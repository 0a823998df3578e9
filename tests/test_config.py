"""Settings from all their places: what wins, what is refused, and that no secret gets out."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.config import ConfigError, Flags, load, resolve
from mission_control.config.describe import describe, value_at
from mission_control.config.layers import CONFIG_VARIABLE, from_file
from mission_control.config.schema import dotted, schema, variable
from mission_control.config.units import BYTES_IN, SECONDS_IN, quantity, show_bytes, show_duration
from mission_control.settings import Address, GatewaySettings, Secret, Settings

ROOT = Path(__file__).parent.parent

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


def settings_of(
    cwd: Path, file: str = "", environ: Mapping[str, str] | None = None, flags: Flags | None = None
) -> Settings:
    """The settings for a configuration file in ``cwd``, variables and flags; the home directory is ``cwd`` too."""
    if file:
        (cwd / "mission-control.toml").write_text(file)
    return load(flags or Flags(), {"HOME": str(cwd), **(environ or {})}, cwd)


def refusal(
    cwd: Path, file: str = "", environ: Mapping[str, str] | None = None, flags: Flags | None = None
) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        settings_of(cwd, file, environ, flags)
    return caught.value


# --- what wins ---


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


# --- gateways and the simulation ---


def test_a_url_from_outside_never_gets_a_token_from_the_file(tmp_path: Path) -> None:
    """Pointing the daemon at another gateway must not send it the first one's token."""
    file = '[[gateways]]\nurl = "ws://mine:1"\ntoken = "mine"\n[[gateways]]\nurl = "ws://mine:2"\nid = "b"'
    settings = settings_of(tmp_path, file, {"MISSION_CONTROL_GATEWAY_URL": "ws://yours:1"})
    assert settings.gateways == (GatewaySettings(url="ws://yours:1"),)
    assert settings_of(tmp_path, file, flags=Flags(gateway="ws://yours:1")).gateways[0].token is None


def test_a_token_alone_belongs_to_the_only_gateway(tmp_path: Path) -> None:
    """The file may hold everything but the secret."""
    environ = {"MISSION_CONTROL_GATEWAY_TOKEN": "secret"}
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://mine:1"\nid = "a"', environ)
    assert settings.gateways == (GatewaySettings(url="ws://mine:1", id="a", token=Secret("secret")),)


def test_a_token_alone_without_a_gateway_means_the_usual_address(tmp_path: Path) -> None:
    """``--gateway-token`` is all that a gateway on its default port needs."""
    assert settings_of(tmp_path, flags=Flags(gateway_token="t")).gateways[0].url == "ws://127.0.0.1:18789"


def test_a_token_alone_for_two_gateways_is_refused(tmp_path: Path) -> None:
    """Nobody's token is sent to a gateway by guess."""
    file = '[[gateways]]\nurl = "ws://a"\nid = "a"\n[[gateways]]\nurl = "ws://b"\nid = "b"'
    error = refusal(tmp_path, file, {"MISSION_CONTROL_GATEWAY_TOKEN": "t"})
    assert "MISSION_CONTROL_GATEWAY_TOKEN" in str(error)
    assert "2 gateways" in str(error)


def test_variables_reach_each_gateway_of_the_file(tmp_path: Path) -> None:
    """Tokens of several gateways can come from the environment, and a gateway more."""
    file = '[[gateways]]\nurl = "ws://a"\nid = "a"'
    environ = {
        "MISSION_CONTROL_GATEWAYS__0__TOKEN": "ta",
        "MISSION_CONTROL_GATEWAYS__1__URL": "ws://b",
        "MISSION_CONTROL_GATEWAYS__1__ID": "b",
    }
    first, second = settings_of(tmp_path, file, environ).gateways
    assert (first.url, first.token) == ("ws://a", Secret("ta"))
    assert (second.url, second.token) == ("ws://b", None)


def test_gateways_are_counted_without_a_gap(tmp_path: Path) -> None:
    """A wrong number is told instead of making a gateway without a URL."""
    error = refusal(tmp_path, environ={"MISSION_CONTROL_GATEWAYS__3__TOKEN": "t"})
    assert "MISSION_CONTROL_GATEWAYS__3__TOKEN" in str(error)


def test_the_stronger_of_simulation_and_gateway_wins(tmp_path: Path) -> None:
    """``--simulate`` works in spite of a file with gateways, and ``--gateway`` in spite of one with ``simulate``."""
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://a"', flags=Flags(simulate="3"))
    assert (settings.gateways, settings.simulate) == ((), 3)
    settings = settings_of(tmp_path, "simulate = 3", flags=Flags(gateway="ws://a"))
    assert (len(settings.gateways), settings.simulate) == (1, 0)
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://a"', flags=Flags(simulate="0"))
    assert (len(settings.gateways), settings.simulate) == (1, 0)


def test_simulation_and_gateway_in_one_place_are_refused(tmp_path: Path) -> None:
    """Two wishes that exclude each other are not settled silently."""
    error = refusal(tmp_path, flags=Flags(gateway="ws://a", simulate="3"))
    assert "--simulate" in str(error)
    assert "also --gateway" in str(error)


def test_two_gateways_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their events could not be told apart."""
    error = refusal(tmp_path, '[[gateways]]\nurl = "ws://a"\n[[gateways]]\nurl = "ws://b"')
    assert '"clawdbot" for a second time' in str(error)


# --- access ---


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "example.com", "[2001:db8::1]"])
def test_an_open_address_without_authentication_is_refused_with_the_remedy(tmp_path: Path, host: str) -> None:
    """Nobody shows their agents to the network by accident."""
    text = str(refusal(tmp_path, flags=Flags(listen=f"{host}:8700")))
    assert "--listen" in text
    assert "auth.mode" in text
    assert settings_of(tmp_path, flags=Flags(listen=f"{host}:8700", assign=("auth.mode=token",))).auth.mode == "token"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_loopback_needs_no_authentication(tmp_path: Path, host: str) -> None:
    """The first run on one's own machine asks for nothing."""
    assert settings_of(tmp_path, flags=Flags(listen=f"{host}:0")).auth.mode == "none"


def test_a_configured_operator_token_turns_authentication_on(tmp_path: Path) -> None:
    """A token that guards nothing would be a trap."""
    settings = settings_of(tmp_path, environ={"MISSION_CONTROL_AUTH__TOKEN": "s3cret"})
    assert (settings.auth.mode, settings.auth.token) == ("token", Secret("s3cret"))
    assert "although" in str(refusal(tmp_path, '[auth]\nmode = "none"\ntoken = "s3cret"'))


def test_origins_and_hosts_are_compared_as_browsers_write_them(tmp_path: Path) -> None:
    """Upper case and default ports would never match a header."""
    file = '[auth]\nallowed_origins = ["HTTPS://Mc.Example.com:443", "http://b:81"]\nallowed_hosts = ["Mc.Example.com"]'
    auth = settings_of(tmp_path, file).auth
    assert auth.allowed_origins == ("https://mc.example.com", "http://b:81")
    assert auth.allowed_hosts == ("mc.example.com",)


# --- secrets ---


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    """Editors end files with a newline, which is not part of a token."""
    (tmp_path / "token").write_text("s3cret\n")
    auth = settings_of(tmp_path, '[auth]\ntoken_file = "token"').auth
    assert (auth.token, auth.token_file, auth.mode) == (Secret("s3cret"), tmp_path / "token", "token")


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_used_is_told_without_its_content(tmp_path: Path, content: bytes | None) -> None:
    """A missing or wrong file stops the start: the daemon would otherwise run without the token it was given."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    text = str(refusal(tmp_path, '[[gateways]]\nurl = "ws://a"\ntoken_file = "token"'))
    assert "gateways[0].token_file" in text
    assert str(tmp_path / "token") in text
    assert "two words" not in text


def test_the_stronger_of_token_and_token_file_wins(tmp_path: Path) -> None:
    """A token from the environment replaces the file's ``token_file``; both in one place are refused."""
    file = '[auth]\ntoken_file = "missing"'
    auth = settings_of(tmp_path, file, {"MISSION_CONTROL_AUTH__TOKEN": "t"}).auth
    assert (auth.token, auth.token_file) == (Secret("t"), None)
    assert "one of the two" in str(refusal(tmp_path, '[auth]\ntoken_file = "a"\ntoken = "b"'))


@given(secret=st.from_regex(r"[A-Za-z0-9]{12,40}", fullmatch=True))
def test_no_secret_is_ever_shown(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    """Whether a configuration works or not, what it prints can be pasted into a bug report."""
    cwd = tmp_path_factory.mktemp("cwd")
    environ = {"HOME": str(cwd), "MISSION_CONTROL_AUTH__TOKEN": secret, "MISSION_CONTROL_GATEWAY_TOKEN": secret}
    loaded = resolve(Flags(), environ, cwd)
    assert loaded.settings.auth.token is not None
    assert loaded.settings.auth.token.reveal() == secret
    shown = [repr(loaded), str(loaded.settings), f"{loaded.settings.auth.token}", *describe(loaded)]
    wrong = [
        f'[auth]\ntoken = ["{secret}"]',
        f'[auth]\ntoken = "{secret} x"',
        f'[auth]\ntokn = "{secret}"',
        f'[auth]\ntoken = "{secret}"\ntoken_file = "x"',
        f'[auth]\nallowed_origins = ["https://u:{secret}@host"]',
        f'[[gateways]]\nurl = "ws://u:{secret}@host:1"',
        f'[[gateways]]\nurl = "ws://host:1?token={secret}"',
        f'[[gateways]]\nurl = "ws://u:{secret}@host:99999"',
        f'tokn = "{secret}"',
    ]
    assert not [text for text in shown if secret in text]
    assert not [file for file in wrong if secret in str(refusal(cwd, file))]
    assert secret not in str(refusal(cwd, environ={"MISSION_CONTROL_TOKEN": secret}))


# --- mistakes ---


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


@given(text=st.text(max_size=200))
def test_any_text_in_a_variable_is_a_value_or_a_told_mistake(text: str) -> None:
    """No input makes the loader itself fail."""
    for path in schema():
        if path[-1] == "token_file" or "\0" in text:
            continue
        with suppress(ConfigError):
            load(Flags(), {"HOME": "/nowhere", variable(path): text}, Path("/nowhere"))


# --- units ---


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("250ms", 0.25), ("10m", 600), ("1.5h", 5400), ("7d", 604800), ("2 W", 1209600)]
)
def test_durations(text: str, seconds: float) -> None:
    """Durations mean what they say, bare ones seconds."""
    assert quantity(text, SECONDS_IN) == pytest.approx(seconds)


@given(milliseconds=st.integers(0, 10**10))
def test_a_shown_duration_is_the_same_duration(milliseconds: int) -> None:
    """What ``check-config`` prints can be put back into the file."""
    assert quantity(show_duration(milliseconds / 1000), SECONDS_IN) == pytest.approx(milliseconds / 1000, rel=1e-9)


@given(count=st.integers(0, 2**53))
def test_a_shown_size_is_the_same_size(count: int) -> None:
    """What ``check-config`` prints can be put back into the file."""
    assert quantity(show_bytes(count), BYTES_IN) == count


def test_described_settings_can_be_loaded_again(tmp_path: Path) -> None:
    """``check-config`` output is a valid way to write the same settings."""
    loaded = resolve(Flags(gateway="ws://a:1", listen="[::1]:9"), {"HOME": str(tmp_path)}, tmp_path)
    lines = [line.rpartition("  # ")[0].rstrip() for line in describe(loaded)]
    pairs = tuple(line.replace(" = ", "=", 1).replace('"', "") for line in lines if not line.endswith(("(none)", "[]")))
    assert load(Flags(assign=pairs), {"HOME": "/other"}, Path("/other")) == loaded.settings


# --- the documentation ---


def test_the_documentation_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Nobody looks for a setting that is missing from the page, or sets one that is gone."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `([A-Z_0-9]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert {key: name for key, name, _ in rows} == {dotted(path): variable(path) for path in schema()}
    documented = {key: default.partition("`")[2].partition("`")[0].strip('"') for key, _, default in rows}
    assert {key for key, default in documented.items() if not default} == {
        "gateways[0].url",
        "gateways[0].token",
        "gateways[0].token_file",
        "auth.token",
        "auth.token_file",
    }
    plain = settings_of(tmp_path, flags=Flags(gateway="ws://a"))
    pairs = tuple(f"{key}={text}" for key, text in documented.items() if text not in ("", "[]"))
    assert settings_of(tmp_path, flags=Flags(gateway="ws://a", assign=pairs)) == plain
    assert {key for key, text in documented.items() if text == "[]"} == {
        dotted(path) for path in schema() if value_at(plain, path) == ()
    }


def test_the_example_file_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Uncommenting a line changes nothing until its value is changed."""
    example = (ROOT / "mission-control.example.toml").read_text()
    everything = tmp_path / "everything.toml"
    everything.write_text(re.sub(r"^# (?=(\[\[)?[a-z_]+( = |]]$))", "", example, flags=re.MULTILINE))
    assert {leaf.path for leaf in from_file(everything).leaves} == set(schema())
    without_tokens = re.sub(r"^token.*$", "", everything.read_text(), flags=re.MULTILINE)
    assert settings_of(tmp_path, without_tokens) == Settings(
        data_dir=tmp_path / ".local/share/mission-control", gateways=(GatewaySettings(url="ws://127.0.0.1:18789"),)
    )
    assert settings_of(tmp_path, example) == settings_of(tmp_path)
