"""Our daemon, started as its user starts it: the installed `mission-control` command."""

import os
import re
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, field

from scripts.paths import VENV_BIN
from tests.e2e.gateway import RealGateway
from tests.e2e.program import Program

START_LIMIT_S = 30.0

ANNOUNCEMENT = re.compile(r"dashboard\s+(http://\S+)")


@define
class Daemon:
    """One daemon process. `start` after `stop` or `kill` brings it back with the same data and port.

    `options` are added to the command line of `mission-control run`; `bin` is where that command is installed.
    """

    data: Path
    gateway: RealGateway | None = None
    options: tuple[str, ...] = ()
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
        address = self.url.removeprefix("http://").rstrip("/") or "127.0.0.1:0"
        command: list[str | Path] = [self.bin / "mission-control", "run", *self.options]
        command += ["--listen", address, "--data-dir", self.data]
        if self.gateway is not None:
            command += ["--gateway", self.gateway.url, "--gateway-token", self.gateway.token]
        self.program.start(command, cwd=self.data, env=self.environment())
        line = self.program.wait_line(lambda line: ANNOUNCEMENT.search(line) is not None, seen, START_LIMIT_S)
        announced = ANNOUNCEMENT.search(line)
        assert announced is not None
        self.url = announced[1]

    def stop(self) -> int:
        """End it as a service manager would (SIGTERM); returns its exit code."""
        return self.program.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a warning (SIGKILL)."""
        self.program.end(signal.SIGKILL)

    def environment(self) -> dict[str, str]:
        """A closed environment, with an empty home: it must not find the developer's own gateway or settings."""
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.data), "LANG": "C.UTF-8"}
