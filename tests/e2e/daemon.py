"""Our daemon, started as its user starts it: the installed `mission-control` command."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from attrs import define, field

from scripts.paths import VENV_BIN
from tests.e2e.program import STOP_LIMIT_S, Program

START_LIMIT_S = 30.0

ANNOUNCEMENT = re.compile(r"dashboard\s+(http://\S+)")


class Gateway(Protocol):
    """What a daemon is told of a gateway."""

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> str: ...


@define
class Daemon:
    """One daemon process. `start` after `stop` or `kill` brings it back with the same data and port.

    `options` are added to the command line of `mission-control run`, `variables` to its environment; `bin` is where
    that command is installed. `listen` is where it listens at first: port 0 is any free one.
    """

    data: Path
    gateway: Gateway | None = None
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(factory=dict)
    listen: str = "127.0.0.1:0"
    bin: Path = VENV_BIN
    url: str = ""
    program: Program = field(factory=lambda: Program("the daemon"))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.end_if_running()

    def start(self) -> None:
        """Start it and return once it has printed where its dashboard is."""
        self.data.mkdir(parents=True, exist_ok=True)
        seen = len(self.program.log)
        address = self.url.removeprefix("http://").rstrip("/") or self.listen
        command = [*self.command(), "--listen", address]
        self.program.start(command, cwd=self.data, env=self.environment())
        line = self.program.wait_line(lambda line: ANNOUNCEMENT.search(line) is not None, seen, START_LIMIT_S)
        announced = ANNOUNCEMENT.search(line)
        assert announced is not None
        self.url = announced[1]

    def refusal(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Start it with these options too, which it is expected to refuse; returns how it did."""
        self.data.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [*self.command(), *options],
            cwd=self.data,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
        )

    def said(self, text: str) -> str:
        """The line of its output that has this in it; waits for it."""
        return self.program.wait_line(lambda line: text in line, 0, START_LIMIT_S)

    def stop(self, within: float = STOP_LIMIT_S) -> int:
        """End it as a service manager would (SIGTERM); returns its exit code."""
        return self.program.end(signal.SIGTERM, within)

    def kill(self) -> None:
        """End it without a warning (SIGKILL)."""
        self.program.end(signal.SIGKILL)

    def command(self) -> list[str | Path]:
        command: list[str | Path] = [self.bin / "mission-control", "run", "--data-dir", self.data, *self.options]
        if self.gateway is not None:
            command += ["--gateway", self.gateway.url, "--gateway-token", self.gateway.token]
        return command

    def environment(self) -> dict[str, str]:
        """A closed environment, with an empty home: it must not find the developer's own gateway or settings."""
        closed = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.data), "LANG": "C.UTF-8"}
        return {**closed, **self.variables}


@define
class Daemons:
    """The daemons of one test, each with a data directory of its own unless it is told otherwise."""

    directory: Path
    made: list[Daemon] = field(factory=list)

    def make(self, gateway: Gateway | None = None, *options: str, **attributes: Any) -> Daemon:
        """A daemon that is not started yet. See `Daemon` for the `attributes`."""
        attributes.setdefault("data", self.directory / f"daemon-{len(self.made)}")
        daemon = Daemon(gateway=gateway, options=options, **attributes)
        self.made.append(daemon)
        return daemon

    def start(self, gateway: Gateway | None = None, *options: str, **attributes: Any) -> Daemon:
        daemon = self.make(gateway, *options, **attributes)
        daemon.start()
        return daemon
