"""The real program in processes of its own: a daemon, and commands that talk to it."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from attrs import frozen

from tests.commands import Program, finish, start

PATIENCE_S = 90
"""For the slowest of machines; each step takes a second or so."""


@frozen
class Daemon:
    program: Program
    url: str
    home: Path


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """A daemon with simulated agents that wants its operator token."""
    args = ("--listen", "127.0.0.1:0", "--simulate", "2", "--set", "auth.mode=token")
    with trio.fail_after(PATIENCE_S):
        program = await start(tmp_path, "run", *args)
        try:
            lines = [await program.line() for _ in range(2)]
            assert lines[1].startswith("dashboard"), lines
            yield Daemon(program, lines[1].split()[-1], tmp_path)
        finally:
            await program.kill()


async def test_events_are_followed_until_an_interrupt_and_over_the_end_of_the_daemon(daemon: Daemon) -> None:
    """Each line is one envelope; a lost daemon is told and waited for; every end has its exit code."""
    token_file = daemon.home / ".local/share/mission-control/operator-token"
    tail = await start(daemon.home, "tail", "--json", "--url", daemon.url, "--token-file", str(token_file))
    envelopes = [json.loads(await tail.line()) for _ in range(5)]
    assert all(envelope["gateway"] == "simulated" and envelope["event_id"] for envelope in envelopes)
    assert await daemon.program.stop(signal.SIGTERM) == 0
    assert "reconnecting" in await tail.complaint()
    assert await tail.stop(signal.SIGINT) == 130


async def test_a_reader_that_has_enough_ends_the_command_quietly(daemon: Daemon) -> None:
    """``mission-control tail | head`` prints no complaint about the closed pipe."""
    token_file = daemon.home / ".local/share/mission-control/operator-token"
    tail = await start(daemon.home, "tail", "--url", daemon.url, "--token-file", str(token_file))
    await tail.line()
    assert tail.process.stdout is not None
    assert tail.process.stderr is not None
    await tail.process.stdout.aclose()
    assert await tail.process.wait() == 0
    assert await tail.process.stderr.receive_some() == b""


async def test_what_an_operator_can_mend_is_told(daemon: Daemon) -> None:
    """A missing token, a daemon that is not there and a taken port end with 1 and the remedy, without a traceback."""
    for command in ("tail", "actors", "dead-letters"):
        done = await finish(daemon.home, command, "--url", daemon.url)
        assert (done.code, "--token-file" in done.err) == (1, True), done
        done = await finish(daemon.home, command, "--url", "http://127.0.0.1:1")
        assert (done.code, "is it running" in done.err) == (1, True), done
        assert "Traceback" not in done.err
    port = daemon.url.rpartition(":")[2].strip("/")
    args = ("--simulate", "1", "--data-dir", str(daemon.home / "other"), "--listen", f"127.0.0.1:{port}")
    done = await finish(daemon.home, "run", *args)
    assert (done.code, f"127.0.0.1:{port} is in use" in done.err, "--listen" in done.err) == (1, True, True)
    assert "Traceback" not in done.err


async def test_the_actors_of_a_running_daemon_are_shown(daemon: Daemon) -> None:
    """The whole program at work: its tree, its agents, their mail, plain into a pipe."""
    token_file = daemon.home / ".local/share/mission-control/operator-token"
    done = await finish(daemon.home, "actors", "--url", daemon.url, "--token-file", str(token_file))
    assert (done.code, done.err) == (0, "")
    for name in ("root", "subscribers", "persistence", "agents", "gateway simulated", "edge"):
        assert f"● {name} " in done.out
    assert "\x1b" not in done.out
