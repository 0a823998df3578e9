"""``doctor`` in processes of its own: beside a daemon, without one, and where something is wrong."""

import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.clock import wall_clock
from mission_control.simulate import Fleet, serve_simulation
from tests.actors.fake_gateway import FakeGateway
from tests.commands import Finished, finish, start

PATIENCE_S = 90
"""For the slowest of machines; each step takes a second or so."""


@pytest.fixture(autouse=True)
async def patience() -> AsyncIterator[None]:
    with trio.fail_after(PATIENCE_S):
        yield


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def configure(home: Path, text: str) -> None:
    file = home / ".config/mission-control/mission-control.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


@asynccontextmanager
async def daemon(home: Path) -> AsyncIterator[None]:
    """One of these settings, until it says where its dashboard is."""
    program = await start(home, "run")
    try:
        while not (await program.line()).startswith("dashboard"):
            pass
        yield
    finally:
        await program.kill()


def lines(done: Finished, level: str) -> list[str]:
    """Those of a level, without it."""
    return [line.removeprefix(level).strip() for line in done.out.splitlines() if line.startswith(level)]


async def document(home: Path, *args: str) -> dict[str, Any]:
    done = await finish(home, "doctor", "--json", *args)
    assert len(done.out.splitlines()) == 1
    told: dict[str, Any] = json.loads(done.out)
    assert done.code == (1 if told["problems"] else 0)
    return told


async def test_a_daemon_that_runs_is_asked(tmp_path: Path) -> None:
    """It is found by its settings, and so is its token, which is in no line. Its gateway is told of from inside."""
    configure(tmp_path, f'simulate = 2\nlisten = "127.0.0.1:{free_port()}"\n[auth]\nmode = "token"\n')
    async with daemon(tmp_path):
        done = await finish(tmp_path, "doctor")
        told = await document(tmp_path)
    assert (done.code, done.err) == (0, "")
    assert lines(done, "problem") == []
    ok = "\n".join(lines(done, "ok"))
    for part in ("port: Mission Control", "protocol 3, granted operator.read", "connect 1", "no odd frames"):
        assert part in ok
    assert lines(done, "warning") == ["daemon: what it shows is simulated"]
    (gateway,) = told["diagnostics"]["gateways"]
    assert (gateway["state"], gateway["protocol"], gateway["requests"]["connect"]["total"]) == ("connected", 3, 1)
    token = (tmp_path / ".local/share/mission-control/operator-token").read_text().strip()
    assert token not in done.out + json.dumps(told)


class Asked(FakeGateway):
    """``asked`` is set when the history of a run is asked for, and all that was said before it has been read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = trio.Event()

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] == "chat.history":
            self.asked.set()
        return super()._answer(asked)


async def test_what_a_gateway_said_that_was_odd_is_shown_without_its_words(tmp_path: Path) -> None:
    """From the wire to the terminal: whoever pastes it gives nothing away."""
    gateway = Asked()
    async with gateway.serving():
        listen = f"127.0.0.1:{free_port()}"
        configure(tmp_path, f'listen = "{listen}"\n[[gateways]]\nurl = "{gateway.url}"\ntoken = "hidden-token"\n')
        async with daemon(tmp_path):
            await gateway.connected.wait()
            await gateway.say("voicewake.changed", {"text": "the patient's name"})
            await gateway.say("agent", {"runId": "r", "stream": "assistant", "ts": "the patient's name"})
            await gateway.run("alpha", "run").start("ask")
            await gateway.asked.wait()
            told = await document(tmp_path)
            done = await finish(tmp_path, "doctor", "--url", f"http://{listen}")
    assert (done.code, lines(done, "problem")) == (0, [])
    unknown = [line for line in lines(done, "warning") if "unknown event: voicewake.changed (1 time" in line]
    assert len(unknown) == 1
    assert '"payload":{"text":"<18 characters>"}' in unknown[0]
    assert [line for line in lines(done, "warning") if "agent: not as expected: Expected `int`, got `str`" in line]
    assert "patient" not in done.out + json.dumps(told)
    assert "hidden-token" not in done.out + json.dumps(told)


async def test_a_wrong_token_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    configure(tmp_path, f'simulate = 1\nlisten = "127.0.0.1:{free_port()}"\n[auth]\nmode = "token"\n')
    (tmp_path / "wrong").write_text("wrong-token\n")
    async with daemon(tmp_path):
        done = await finish(tmp_path, "doctor", "--token-file", str(tmp_path / "wrong"))
    assert done.code == 1
    (problem,) = lines(done, "problem")
    assert "not the operator token of this daemon" in problem
    assert "give the operator token with --token-file" in done.out
    assert "wrong-token" not in done.out


async def test_without_a_daemon_the_gateway_is_greeted(tmp_path: Path) -> None:
    """What a start would meet is known before it; nothing is made, and the port stays free."""
    async with trio.open_nursery() as nursery:
        simulation = partial(serve_simulation, Fleet(agents=1), clock=wall_clock, token="gateway-token")
        address = await nursery.start(simulation)
        listen = ("--listen", f"127.0.0.1:{free_port()}")
        right, wrong = tmp_path / "right", tmp_path / "wrong"
        right.write_text("gateway-token\n")
        wrong.write_text("another-token\n")
        flags = (*listen, "--gateway", address.url, "--gateway-token-file")
        good = await finish(tmp_path, "doctor", *flags, str(right))
        bad = await finish(tmp_path, "doctor", *flags, str(wrong))
        nursery.cancel_scope.cancel()
    assert (good.code, lines(good, "problem"), lines(good, "warning")) == (0, [], [])
    assert any("protocol 3, granted operator.read" in line for line in lines(good, "ok"))
    assert bad.code == 1
    assert len(lines(bad, "problem")) == 1
    assert "--gateway-token" in bad.out
    for token in ("gateway-token\n", "another-token"):
        assert token not in good.out + bad.out
    assert set(os.listdir(tmp_path)) == {"right", "wrong"}


async def test_a_gateway_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    told = await document(tmp_path, "--listen", f"127.0.0.1:{free_port()}", "--gateway", "ws://127.0.0.1:1")
    (problem,) = [finding for finding in told["findings"] if finding["level"] == "problem"]
    assert problem["text"] == "nothing listens on 127.0.0.1:1"
    assert problem["remedy"]
    assert told["diagnostics"] is None


class Telltale(FakeGateway):
    """It says which token it was shown."""

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = f"unauthorized: token {asked['params']['auth']['token']} is not known"
        return {"type": "res", "id": asked["id"], "ok": False, "error": {"message": message}}


@pytest.mark.parametrize("flags", [(), ("--json",)])
async def test_a_token_that_a_gateway_repeats_is_not_shown(flags: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever others say, what is printed can be pasted."""
    gateway = Telltale()
    async with gateway.serving():
        configure(tmp_path, f'[[gateways]]\nurl = "{gateway.url}"\ntoken = "hidden-token"\n')
        done = await finish(tmp_path, "doctor", "--listen", f"127.0.0.1:{free_port()}", *flags)
    assert (done.code, "token ******** is not known" in done.out) == (1, True)
    assert "hidden-token" not in done.out + done.err


async def test_settings_that_cannot_be_used_are_findings(tmp_path: Path) -> None:
    """All of them, with what is allowed; and flags that make no sense are still wrong usage."""
    configure(tmp_path, 'listen = "nowhere"\n[journal]\ndurability = "some"\n')
    done = await finish(tmp_path, "doctor")
    assert (done.code, len(lines(done, "problem"))) == (1, 2)
    assert done.out.count("allowed: ") == 2
    assert done.err == ""
    for flags in (("--url", "nonsense"), ("--token", "a", "--token-file", "b"), ("--nosuch",)):
        assert (await finish(tmp_path, "doctor", *flags)).code == 2


async def test_a_port_that_another_program_has_is_a_problem(tmp_path: Path) -> None:
    """The start would fail over it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hang_up, taken)
            done = await finish(tmp_path, "doctor", "--simulate", "1", "--listen", f"127.0.0.1:{port}")
            nursery.cancel_scope.cancel()
    assert done.code == 1
    (problem,) = lines(done, "problem")
    assert f"127.0.0.1:{port} is in use" in problem
    assert "(process " in problem


async def _hang_up(taken: socket.socket) -> None:
    """Accept, and end it."""
    listener = trio.socket.from_stdlib_socket(taken)
    while True:
        connection, _ = await listener.accept()
        connection.close()
