"""The daemon under trial: a process that can be killed and comes back at the same address, with the same data."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import trio
from attrs import define, field

from tests.commands import command, environment


@define
class Daemon:
    """``clock_seed``: its clock steps, in a way that follows from this.

    ``kills``, ``shortages``: how often it died, and how often it could not write.
    """

    home: Path
    config: Path
    port: int
    clock_seed: int | None = None
    kills: int = 0
    shortages: int = 0
    _process: trio.Process | None = field(init=False, default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """And return when it listens."""
        where = ("--data-dir", str(self.home / "data"), "--listen", f"127.0.0.1:{self.port}")
        words = ("run", "--config", str(self.config), *where)
        run = command(*words)
        if self.clock_seed is not None:
            run = [sys.executable, "-m", "tests.chaos.stepping", str(self.clock_seed), *words]
        with (self.home / "daemon.log").open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                run, env=environment(self.home) | self._paths(), stdout=subprocess.PIPE, stderr=log
            )
        said = b""
        while b"dashboard" not in said:
            assert self._process.stdout is not None
            more = bytes(await self._process.stdout.receive_some())
            if not more:
                raise RuntimeError(f"the daemon did not start:\n{said.decode()}\n{self.tail()}")
            said += more

    async def kill(self) -> None:
        """Without a warning."""
        self.kills += 1
        await self.end()

    async def end(self) -> None:
        if self._process is not None:
            with trio.CancelScope(shield=True):
                self._process.kill()
                await self._process.wait()
            self._process = None

    async def revive(self) -> None:
        """See to it that it runs, and may write."""
        if self._process is None:
            await self.start()
        self.limit_files(resource.RLIM_INFINITY)

    def limit_files(self, size: int) -> None:
        """Bytes beyond which none of its files may be written."""
        if self._process is not None:
            _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def tail(self) -> str:
        """The end of what it had to say."""
        return "\n".join((self.home / "daemon.log").read_text().splitlines()[-20:])

    def _paths(self) -> dict[str, str]:
        here = str(Path(__file__).parents[2])
        return {"PYTHONPATH": os.pathsep.join((environment(self.home)["PYTHONPATH"], here))}
