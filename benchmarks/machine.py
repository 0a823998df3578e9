"""What a benchmark ran on."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from attrs import frozen


@frozen
class Machine:
    """``hardware``: the system and its processors; ``versions``: of Python and of the packages that matter."""

    hardware: str
    versions: dict[str, str]

    @classmethod
    def here(cls, *packages: str) -> "Machine":
        return cls(
            f"{platform.system()} {platform.machine()}, {_processors()}",
            {"Python": platform.python_version(), **{name: version(name) for name in packages}},
        )

    def report(self) -> list[str]:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [f"machine      {self.hardware}", f"versions     {versions}"]


def busy() -> tuple[float, float, float]:
    """How many processes wanted to run, as ``uptime`` says it: the means of 1, 5 and 15 minutes."""
    return os.getloadavg()


def _processors() -> str:
    """How many processors there are and what they are called."""
    try:
        names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except FileNotFoundError:
        names = []
    return f"{len(names)} x {names[0]}" if names else platform.processor()
