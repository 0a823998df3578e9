"""What many idle actors cost, each crowd in a process of its own: ``python -m benchmarks.crowd KIND COUNT``.

The first life of the crowd is timed, and weighed by the process's resident memory. A second one is weighed by
``tracemalloc``, which slows everything down; of threads only the first, since their stacks lie outside Python's heap.
Prints a line of JSON.
"""

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from benchmarks.contenders.crowds import CROWDS
from benchmarks.processes import Usage

ROOT = Path(__file__).parent.parent


class CrowdError(Exception):
    """The process of a crowd failed; the text is the last line of its standard error."""


@frozen
class CrowdCost:
    """Seconds of one life, and of computing in it; bytes for each of ``count`` actors when all are idle, None where
    that can't be known."""

    count: int
    start_s: float
    stop_s: float
    cpu_s: float
    resident: float | None
    traced: float | None

    @property
    def seconds(self) -> float:
        return self.start_s + self.stop_s


def crowd(kind: str, count: int) -> CrowdCost:
    """Let a crowd live in a fresh process. Raises CrowdError, as when the system has no thread left."""
    command = [sys.executable, "-m", "benchmarks.crowd", kind, str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise CrowdError(ended.stderr.strip().rpartition("\n")[2])
    fields: dict[str, Any] = json.loads(ended.stdout)
    return CrowdCost(**fields)


class ResidentScales:
    """Weighs by the pages of the process that are in memory."""

    def __init__(self) -> None:
        self._before: int | None = None
        self.weight: int | None = None

    def tare(self) -> None:
        self._before = Usage.of(os.getpid()).rss

    def weigh(self) -> None:
        after = Usage.of(os.getpid()).rss
        self.weight = None if after is None or self._before is None else after - self._before


class TracingScales:
    """Weighs by the bytes that Python has allocated and not freed."""

    def __init__(self) -> None:
        self.weight = 0

    def tare(self) -> None:
        gc.collect()
        tracemalloc.start()

    def weigh(self) -> None:
        gc.collect()
        self.weight, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()


def measure(kind: str, count: int) -> CrowdCost:
    """In this process."""
    live = CROWDS[kind]
    resident, tracing = ResidentScales(), TracingScales()
    gc.collect()
    life = live(count, resident)
    traced = None
    if kind != "pykka":
        live(count, tracing)
        traced = tracing.weight / count
    each = None if resident.weight is None else resident.weight / count
    return CrowdCost(count, life.start_s, life.stop_s, life.cpu_s, each, traced)


def main(arguments: Sequence[str]) -> None:
    kind, count = arguments
    print(json.dumps(asdict(measure(kind, int(count)))))


if __name__ == "__main__":
    main(sys.argv[1:])
