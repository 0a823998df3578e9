"""The simulated gateway in a process of its own: much more load than a real one can be brought to here."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, field

from scripts.paths import VENV_BIN
from tests.e2e.program import Program

START_LIMIT_S = 30.0


@define
class SimulatedGateway:
    """Started as a context manager; then it has the `url` and `token` that a daemon is told of a gateway."""

    directory: Path
    agents: int
    rate: float
    seed: int
    url: str = ""
    token: str = ""
    program: Program = field(factory=lambda: Program("the simulated gateway"))

    def __enter__(self) -> Self:
        file = self.directory / "gateway-token"
        words: list[str | Path] = [
            "--agents",
            str(self.agents),
            "--rate",
            str(self.rate),
            "--seed",
            str(self.seed),
            "--token-file",
            file,
        ]
        command: list[str | Path] = [VENV_BIN / "mission-control", "simulate", *words]
        self.program.start(command, cwd=self.directory, env={"PATH": os.environ.get("PATH", os.defpath)})
        line = self.program.wait_line(lambda line: line.startswith("gateway"), 0, START_LIMIT_S)
        self.url, self.token = line.split()[-1], file.read_text().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.end_if_running()
