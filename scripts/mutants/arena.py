"""Runs tests in a forked process, with one module's source exchanged in memory.

The parent imports what all need (pytest, hypothesis, trio) and nothing of ours, so that a fork begins with a clean
slate and without their start-up time.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType, ModuleType

import attrs
import hypothesis
import pytest
import trio.testing

from scripts.mutants.mutations import Mutant

IDLE_SECONDS = 15.0  # without a twentieth of a second of work: it waits for what will never come
MEMORY_BYTES = 4 * 2**30

BROKEN = 70

PROFILE = "mutants"
hypothesis.settings.register_profile(
    PROFILE,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a failure need not be shrunk
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _leave_as_it_is(module: ModuleType) -> None:
    """Pytest can't rewrite its asserts any more, and would complain."""
    module.__doc__ = f"{module.__doc__}\nPYTEST_DONT_REWRITE"


for early in ("hypothesis", "_hypothesis_globals"):
    _leave_as_it_is(sys.modules[early])
assert trio.testing  # imported for the forks

OPTIONS = [
    "--quiet",
    "--no-header",
    "--tb=short",
    "-p",
    "no:cacheprovider",
    f"--hypothesis-profile={PROFILE}",
    "--scheduler-seed=0",
]


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, with another source. A plugin of pytest, to be asked before pytest's own finder, which would
    load the module as it is when that is a plugin itself."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        file = self._mutant.path
        places = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Loader(self._mutant)
        return importlib.util.spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=places)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        sys.meta_path.insert(0, self)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._source = mutant.source()

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._source, self.path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _leave_as_it_is(module)


@attrs.frozen
class Outcome:
    """passed: all tests; how: in a word; seconds: of processor time; output: what pytest said"""

    passed: bool
    how: str
    seconds: float
    output: str


def fork_tests(
    tests: Sequence[str],
    output: Path,
    mutant: Mutant | None = None,
    cpu_seconds: float = math.inf,
    plugin: object = None,
) -> int:
    """Start pytest in a process of its own, which stops at the first failure. Returns the process's id.

    cpu_seconds: of work, after which a mutant is taken to go round in circles
    """
    child = os.fork()
    if child:
        return child
    plugins = [plugin] if plugin else []
    try:
        os.nice(10)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        if mutant is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(cpu_seconds), math.ceil(cpu_seconds)))
            _die_when_idle()
            plugins.append(_Finder(mutant))
        status = pytest.main([*OPTIONS, "--exitfirst", *tests], plugins=plugins)
    except BaseException:
        traceback.print_exc()
        status = BROKEN
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(status))


def _die_when_idle() -> None:
    worked = 0.0

    def look(signum: int, frame: FrameType | None) -> None:
        nonlocal worked
        if time.process_time() < worked + 0.05:
            os.kill(os.getpid(), signal.SIGKILL)
        worked = time.process_time()

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, IDLE_SECONDS, IDLE_SECONDS)


def judge(status: int, seconds: float, output: Path) -> Outcome:
    """What the end of such a process says."""
    if os.WIFSIGNALED(status):
        return Outcome(False, "endless", seconds, "")
    code = os.WEXITSTATUS(status)
    how = {0: "survived", 1: "killed"}.get(code, "broken")
    return Outcome(code == 0, how, seconds, output.read_text(errors="replace"))
