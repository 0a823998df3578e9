"""Child processes with a line protocol on their standard streams, and what they cost."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import trio
from attrs import frozen

_STOP_SECONDS = 10


class ChildError(Exception):
    """A child process did not do its part; the text ends with what it wrote to its standard error."""


@frozen
class Usage:
    """What a process has used so far: CPU seconds of all its threads, and memory in bytes. None where unknown."""

    cpu_s: float | None
    rss: int | None

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Read from the proc file system of Linux."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except FileNotFoundError:
            return cls(None, None)
        ticks = int(stat[11]) + int(stat[12])
        return cls(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


class Child:
    """A running child process."""

    def __init__(self, name: str, process: trio.Process, errors: Path) -> None:
        self._name = name
        self._process = process
        self._errors = errors
        self._received = b""

    def usage(self) -> Usage:
        return Usage.of(self._process.pid)

    async def line(self, prefix: str = "") -> str:
        """The rest of the next line on its standard output that begins with ``prefix``.

        Raises:
            ChildError: the process ended first.
        """
        assert self._process.stdout is not None
        while True:
            line, ended, rest = self._received.partition(b"\n")
            if ended:
                self._received = rest
                text = line.decode()
                if text.startswith(prefix):
                    return text.removeprefix(prefix).strip()
                continue
            data = await self._process.stdout.receive_some()
            if not data:
                raise ChildError(f"{self._name} ended; it said:\n{self._errors.read_text()[-2000:]}")
            self._received += data

    async def tell(self, text: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(f"{text}\n".encode())


@asynccontextmanager
async def child(name: str, arguments: Sequence[str], directory: Path) -> AsyncIterator[Child]:
    """Run ``python ARGUMENTS``; at the end it is asked to stop, and killed if it does not within 10 s."""
    errors = directory / f"{name}.stderr"
    with errors.open("wb") as sink:
        process = await trio.lowlevel.open_process(
            [sys.executable, *arguments], stdin=PIPE, stdout=PIPE, stderr=sink.fileno()
        )
    try:
        yield Child(name, process, errors)
    finally:
        with trio.CancelScope(shield=True):
            process.terminate()
            with trio.move_on_after(_STOP_SECONDS):
                await process.wait()
            process.kill()
            await process.wait()
