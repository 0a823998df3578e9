"""The real program in processes of its own: a daemon, and commands that talk to it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from attrs import define, frozen

import mission_control

PATIENCE_S = 90
"""For the slowest of machines; each step takes a second or so."""


@define
class Program:
    """A running ``mission-control`` and what it has printed."""

    process: trio.Process
    rest: bytes = b""

    async def line(self) -> str:
        """The next line of standard output."""
        assert self.process.stdout is not None
        while b"\n" not in self.rest:
            self.rest += await self._more(self.process.stdout)
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()

    async def complaint(self) -> str:
        """What comes on standard error next."""
        assert self.process.stderr is not None
        return (await self._more(self.process.stderr)).decode()

    async def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return await self.process.wait()

    async def _more(self, stream: trio.abc.ReceiveStream) -> bytes:
        data = bytes(await stream.receive_some())
        assert data, "the program ended"
        return data


@frozen
class Daemon:
    program: Program
    url: str
    home: Path


async def start(home: Path, *args: str) -> Program:
    return Program(
        await trio.lowlevel.open_process(
            command(*args), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    )


async def finish(home: Path, *args: str) -> tuple[int, str]:
    """The exit code and the standard error of a command that ends by itself."""
    done = await trio.run_process(
        command(*args), env=environment(home), capture_stdout=True, capture_stderr=True, check=False
    )
    return done.returncode, done.stderr.decode()


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "mission_control", *args]


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's settings and gateways."""
    path = str(Path(mission_control.__file__).parents[1])
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": path}


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
            with trio.CancelScope(shield=True):
                program.process.kill()
                await program.process.wait()


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
    code, text = await finish(daemon.home, "tail", "--url", daemon.url)
    assert (code, "--token-file" in text) == (1, True)
    code, text = await finish(daemon.home, "tail", "--url", "http://127.0.0.1:1")
    assert (code, "is it running" in text) == (1, True)
    port = daemon.url.rpartition(":")[2].strip("/")
    args = ("--simulate", "1", "--data-dir", str(daemon.home / "other"), "--listen", f"127.0.0.1:{port}")
    code, text = await finish(daemon.home, "run", *args)
    assert (code, f"127.0.0.1:{port} is in use" in text, "--listen" in text) == (1, True, True)
    assert "Traceback" not in text
