"""Which tests execute which lines of the code under mutation, and how long each test takes."""

import pickle
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import pytest

IMPORT = ""
"""Stands for no test: the line is executed when its module is imported, by whichever test comes first."""

Line = tuple[str, int]  # a file and a line of it


@attrs.define
class Trace:
    """seconds: by the test's id; tests: who executes a line"""

    seconds: dict[str, float] = attrs.field(factory=dict)
    tests: dict[Line, set[str]] = attrs.field(factory=lambda: defaultdict[Line, set[str]](set))

    def tests_of(self, path: Path, lines: Iterable[int]) -> list[str]:
        """Those that execute any of the lines, the quickest first; all of them for a line of a module's import."""
        found: set[str] = set().union(*(self.tests.get((str(path), line), ()) for line in lines))
        chosen = self.seconds if IMPORT in found else found
        return sorted(chosen, key=self.seconds.__getitem__)


class Tracer:
    """A pytest plugin that fills a Trace. Slow: for one run, whose results serve all mutants."""

    def __init__(self, files: Iterable[Path], result: Path) -> None:
        self.trace = Trace()
        self._result = result
        self._files = {str(file) for file in files}
        self._test = IMPORT

    def pytest_load_initial_conftests(self) -> None:
        sys.settrace(self._on_call)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._test = item.nodeid
        begun = time.perf_counter()
        sys.settrace(self._on_call)
        try:
            return (yield)
        finally:
            self.trace.seconds[item.nodeid] = time.perf_counter() - begun
            self._test = IMPORT

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)
        self._result.write_bytes(pickle.dumps(self.trace))

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._on_line if frame.f_code.co_filename in self._files else None

    def _on_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.trace.tests[frame.f_code.co_filename, frame.f_lineno].add(self._test)
        return self._on_line
