"""The simulated gateway in a process of its own: much more load than a real one can be brought to here."""

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, field

from scripts.paths import ROOT
from tests.e2e.program import Program

START_LIMIT_S = 30.0


@define
class SimulatedGateway:
    """Started as a context manager; then it has the `url` and `token` that a daemon is told of a gateway."""

    agents: int
    rate: float
    seed: int
    url: str = ""
    token: str = ""
    program: Program = field(factory=lambda: Program("the simulated gateway"))

    def __enter__(self) -> Self:
        words = [str(self.agents), str(self.rate), str(self.seed)]
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.simulator", *words]
        self.program.start(command, cwd=ROOT, env={"PATH": os.environ.get("PATH", os.defpath)})
        line = self.program.wait_line(lambda line: line.startswith("{"), 0, START_LIMIT_S)
        address = json.loads(line)
        self.url, self.token = address["url"], address["token"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.end_if_running()
