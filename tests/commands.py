"""The real ``mission-control`` in processes of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import trio
from attrs import define, frozen

import mission_control


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

    async def kill(self) -> None:
        """End it whatever happens."""
        with trio.CancelScope(shield=True):
            self.process.kill()
            await self.process.wait()

    async def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return await self.process.wait()

    async def _more(self, stream: trio.abc.ReceiveStream) -> bytes:
        data = bytes(await stream.receive_some())
        assert data, "the program ended"
        return data


async def start(home: Path, *args: str) -> Program:
    return Program(
        await trio.lowlevel.open_process(
            command(*args), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    )


@frozen
class Finished:
    """A command that has ended: its exit code, its standard output and standard error."""

    code: int
    out: str
    err: str


async def finish(home: Path, *args: str) -> Finished:
    """Run a command that ends by itself."""
    done = await trio.run_process(
        command(*args), env=environment(home), capture_stdout=True, capture_stderr=True, check=False
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "mission_control", *args]


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's settings and gateways."""
    path = str(Path(mission_control.__file__).parents[1])
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": path}
