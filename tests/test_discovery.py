"""Finding a gateway on this machine, and deciding what to watch."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from mission_control import discovery
from mission_control.discovery import SIMULATED_AGENTS, Candidate, choose, discover, listens
from mission_control.settings import GatewaySettings, Secret, Settings


def install(home: Path, program: str, config: object, *, name: str | None = None) -> Path:
    """An installed gateway's configuration; ``config`` is JSON data, or the text of the file."""
    directory = home / f".{program}"
    directory.mkdir(exist_ok=True)
    file = directory / f"{name or program}.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    return file


def gateway(**settings: object) -> dict[str, object]:
    return {"gateway": settings}


def open_at(*urls: str) -> Callable[[str], Awaitable[bool]]:
    """A probe for which only these URLs are served."""

    async def probe(url: str) -> bool:
        await trio.lowlevel.checkpoint()
        return url in urls

    return probe


# --- where a gateway is found ---


def test_nothing_is_found_where_nothing_is_installed(tmp_path: Path) -> None:
    """A machine without a gateway gives no candidate, not even the usual port: something else may listen there."""
    assert discover({}, tmp_path) == discovery.Discovery()


@pytest.mark.parametrize("program", ["clawdbot", "moltbot", "openclaw"])
def test_an_install_is_found_by_its_file(tmp_path: Path, program: str) -> None:
    """An operator with an ordinary install has nothing to configure."""
    file = install(tmp_path, program, gateway(port=19001, auth={"mode": "token", "token": "t"}))
    found = discover({}, tmp_path)
    assert found.candidates == (Candidate("ws://127.0.0.1:19001", Secret("t"), str(file)),)
    assert found.warnings == ()


def test_the_file_may_be_written_by_hand(tmp_path: Path) -> None:
    """The format is JSON5; a file without a port means the usual one."""
    install(tmp_path, "clawdbot", "// mine\n{gateway: {auth: {token: 't',},},}")
    assert discover({}, tmp_path).candidates[0].url == "ws://127.0.0.1:18789"
    assert discover({}, tmp_path).candidates[0].token == Secret("t")


@pytest.mark.parametrize("prefix", ["CLAWDBOT", "MOLTBOT", "OPENCLAW"])
def test_the_environment_wins_over_the_file(tmp_path: Path, prefix: str) -> None:
    """As with the gateway's own command line."""
    file = install(tmp_path, prefix.lower(), gateway(port=1, auth={"token": "file"}))
    environ = {f"{prefix}_GATEWAY_PORT": "2", f"{prefix}_GATEWAY_TOKEN": " environment "}
    (candidate,) = discover(environ, tmp_path).candidates
    assert (candidate.url, candidate.token) == ("ws://127.0.0.1:2", Secret("environment"))
    assert candidate.found == f"{prefix}_GATEWAY_TOKEN, {prefix}_GATEWAY_PORT, {file}"


def test_a_token_in_the_environment_alone_is_enough(tmp_path: Path) -> None:
    """A gateway in a container beside us may have no file that we can see."""
    (candidate,) = discover({"OPENCLAW_GATEWAY_TOKEN": "t"}, tmp_path).candidates
    assert (candidate.url, candidate.token) == ("ws://127.0.0.1:18789", Secret("t"))


def test_the_environment_names_file_and_directory(tmp_path: Path) -> None:
    """An install that was moved is found where it was moved to."""
    file = install(tmp_path, "elsewhere", gateway(port=5), name="clawdbot")
    for environ in ({"CLAWDBOT_CONFIG_PATH": str(file)}, {"CLAWDBOT_STATE_DIR": "~/.elsewhere"}):
        assert discover(environ, tmp_path).candidates[0].url == "ws://127.0.0.1:5"


def test_the_dotenv_file_stands_between_environment_and_file(tmp_path: Path) -> None:
    """Where the gateway keeps its secrets out of its configuration, they are found too."""
    file = install(tmp_path, "clawdbot", gateway(port=1, auth={"token": "file"}))
    file.with_name(".env").write_text("# secrets\nexport CLAWDBOT_GATEWAY_TOKEN='dotenv'\nOTHER = x # y\nnonsense\n")
    assert discover({}, tmp_path).candidates[0].token == Secret("dotenv")
    environ = {"CLAWDBOT_GATEWAY_TOKEN": "environment"}
    assert discover(environ, tmp_path).candidates[0].token == Secret("environment")


def test_variables_in_the_file_are_resolved(tmp_path: Path) -> None:
    """``${NAME}`` is the variable, ``$${NAME}`` the text; a missing one elsewhere in the file does no harm."""
    config = {"models": {"key": "${MISSING}"}, **gateway(auth={"token": "a-${PART}-$${PART}-${lower}"})}
    install(tmp_path, "clawdbot", config)
    (candidate,) = discover({"PART": "b"}, tmp_path).candidates
    assert candidate.token == Secret("a-b-${PART}-${lower}")


def test_a_missing_variable_is_a_warning(tmp_path: Path) -> None:
    """The operator learns which variable the daemon was not given, and sees the gateway refuse, not a simulation."""
    file = install(tmp_path, "clawdbot", gateway(auth={"token": "${THE_TOKEN}"}))
    found = discover({}, tmp_path)
    assert found.candidates[0].token is None
    assert str(file) in found.warnings[0]
    assert "gateway.auth.token" in found.warnings[0]
    assert "THE_TOKEN" in found.warnings[0]


@pytest.mark.parametrize("content", ["{gateway: {port: 1", "[]", "3"])
def test_a_broken_file_is_a_warning_that_names_file_and_problem(tmp_path: Path, content: str) -> None:
    """Another program's typing error does not keep the daemon from starting."""
    file = install(tmp_path, "clawdbot", content)
    found = discover({}, tmp_path)
    assert found.candidates == ()
    assert found.warnings[0].startswith(f"{file}: not ")
    assert "\n" not in found.warnings[0]


def test_a_broken_file_does_not_hide_what_the_environment_says(tmp_path: Path) -> None:
    """The environment alone suffices."""
    install(tmp_path, "clawdbot", "{")
    found = discover({"CLAWDBOT_GATEWAY_TOKEN": "t"}, tmp_path)
    assert found.candidates[0].token == Secret("t")
    assert len(found.warnings) == 1


def test_a_named_file_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    """A wrong path is told."""
    found = discover({"CLAWDBOT_CONFIG_PATH": "/nowhere/clawdbot.json"}, tmp_path)
    assert found.warnings == ("/nowhere/clawdbot.json: No such file or directory",)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"tls": {"enabled": True}}, "wss://127.0.0.1:18789"),
        ({"bind": "lan"}, "ws://127.0.0.1:18789"),
        ({"bind": "custom", "customBindHost": "127.0.0.9"}, "ws://127.0.0.9:18789"),
        ({"bind": "custom", "customBindHost": "nonsense"}, "ws://127.0.0.1:18789"),
        ({"port": "no"}, "ws://127.0.0.1:18789"),
        ({"port": 0}, "ws://127.0.0.1:18789"),
        ({"port": True}, "ws://127.0.0.1:18789"),
    ],
)
def test_the_url_follows_how_the_gateway_listens(tmp_path: Path, settings: dict[str, object], url: str) -> None:
    """TLS and a bound address are honoured; what the gateway ignores, we ignore."""
    install(tmp_path, "clawdbot", gateway(**settings))
    assert discover({}, tmp_path).candidates[0].url == url


def test_a_gateway_on_another_machine_is_not_connected_to_unasked(tmp_path: Path) -> None:
    """Discovery never sends a token off this machine."""
    remote = {"url": "ws://far:1", "token": "t"}
    install(tmp_path, "clawdbot", gateway(mode="remote", remote=remote))
    found = discover({}, tmp_path)
    assert found.candidates == ()
    assert "--gateway" in found.warnings[0]


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        (gateway(auth={"mode": "password", "password": "p"}), "password"),
        (gateway(auth={"token": {"source": "exec", "id": "x"}}), "--gateway-token-file"),
        ({"$include": "./other.json"}, "--gateway-token-file"),
        ({"gateway": {"$include": "./other.json"}}, "--gateway-token-file"),
    ],
)
def test_a_token_that_cannot_be_had_is_a_warning(tmp_path: Path, config: object, hint: str) -> None:
    """The operator learns why the gateway will refuse, before it does."""
    install(tmp_path, "clawdbot", config)
    found = discover({}, tmp_path)
    assert found.candidates[0].token is None
    assert hint in found.warnings[0]


# --- which of several ---


def test_what_the_environment_names_comes_first_then_the_newest_name(tmp_path: Path) -> None:
    """The order is fixed: an upgrade leaves the older directory behind, and a variable is a wish."""
    for port, program in enumerate(("clawdbot", "moltbot", "openclaw"), start=1):
        install(tmp_path, program, gateway(port=port))
    assert ports(tmp_path, {}) == [3, 2, 1]
    assert ports(tmp_path, {"CLAWDBOT_GATEWAY_TOKEN": "t"}) == [1, 3, 2]


def test_an_upgrade_may_keep_the_older_file_name(tmp_path: Path) -> None:
    """The newer program moves the directory and still reads the older name; its own name comes first."""
    install(tmp_path, "openclaw", gateway(port=1), name="clawdbot")
    assert ports(tmp_path, {}) == [1]
    install(tmp_path, "openclaw", gateway(port=2))
    assert ports(tmp_path, {}) == [2]


def test_a_linked_directory_is_one_install(tmp_path: Path) -> None:
    """The upgrade leaves a link under the older name; one gateway is one candidate."""
    install(tmp_path, "openclaw", gateway(port=1))
    (tmp_path / ".clawdbot").symlink_to(tmp_path / ".openclaw")
    (candidate,) = discover({}, tmp_path).candidates
    assert candidate.found == str(tmp_path / ".openclaw" / "openclaw.json")


def ports(home: Path, environ: dict[str, str]) -> list[int]:
    return [int(candidate.url.rpartition(":")[2]) for candidate in discover(environ, home).candidates]


# --- what is watched ---


async def test_configured_gateways_are_watched_whatever_else_there_is(tmp_path: Path) -> None:
    """What the operator wrote is not second-guessed, nor probed."""
    install(tmp_path, "clawdbot", gateway(port=1))
    configured = (GatewaySettings(url="ws://far:1"),)
    choice = await choose(Settings(data_dir=tmp_path, gateways=configured), {}, tmp_path, open_at())
    assert (choice.gateways, choice.simulated, choice.reason) == (configured, 0, "configured")


async def test_a_simulation_that_was_asked_for_is_shown(tmp_path: Path) -> None:
    """``--simulate`` works on a machine with a gateway too."""
    install(tmp_path, "clawdbot", gateway(port=1))
    choice = await choose(Settings(data_dir=tmp_path, simulate=3), {}, tmp_path, open_at("ws://127.0.0.1:1"))
    assert (choice.gateways, choice.simulated) == ((), 3)


async def test_the_first_gateway_that_runs_is_watched(tmp_path: Path) -> None:
    """A leftover install that does not run is passed over."""
    install(tmp_path, "openclaw", gateway(port=1))
    file = install(tmp_path, "clawdbot", gateway(port=2, auth={"token": "t"}))
    choice = await choose(Settings(data_dir=tmp_path), {}, tmp_path, open_at("ws://127.0.0.1:2"))
    assert choice.gateways == (GatewaySettings(url="ws://127.0.0.1:2", token=Secret("t")),)
    assert choice.reason == f"found in {file}"


async def test_without_any_gateway_the_simulation_is_shown_with_the_reason(tmp_path: Path) -> None:
    """The operator learns why what they see is not real."""
    settings = Settings(data_dir=tmp_path)
    choice = await choose(settings, {}, tmp_path, open_at())
    assert (choice.gateways, choice.simulated) == ((), SIMULATED_AGENTS)
    assert "no gateway" in choice.reason
    file = install(tmp_path, "clawdbot", gateway(port=2, auth={"token": "hidden"}))
    choice = await choose(settings, {}, tmp_path, open_at())
    assert choice.reason == f"nothing listens at ws://127.0.0.1:2 (from {file})"
    install(tmp_path, "clawdbot", "{")
    assert (await choose(settings, {}, tmp_path, open_at())).warnings


async def test_a_listening_port_is_told_from_a_closed_one() -> None:
    """The probe is a plain connection, which a gateway does not mind."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    assert await listens(f"ws://127.0.0.1:{port}")
    for listener in listeners:
        await listener.aclose()
    assert not await listens(f"ws://127.0.0.1:{port}")


async def test_a_host_that_does_not_answer_does_not_hold_up_the_start(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filtered port swallows packets; the start goes on within a second."""

    async def swallow(host: str, port: int) -> trio.SocketStream:
        await trio.sleep_forever()

    monkeypatch.setattr(trio, "open_tcp_stream", swallow)
    with trio.fail_after(1):
        assert not await listens("ws://127.0.0.1:1")
