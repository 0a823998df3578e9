"""The runner of mutants: which it makes, that one takes the place of its module, and which tests it meets."""

import subprocess
import sys
from pathlib import Path

from scripts.mutants.accepted import guards
from scripts.mutants.arena import judge
from scripts.mutants.mutations import mutants_of
from scripts.mutants.tracing import IMPORT, Trace

SOURCE = '''
"""A docstring."""
from typing import TypeVar

__slots__ = ("a",)
M = TypeVar("M")


class Counter:
    @property
    def total(self) -> int:
        """Another."""
        assert self.counted >= 0
        if self.counted > 3:  # why
            self.tell("many")
        return self.counted
'''


def made(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "counter.py"
    file.write_text(SOURCE)
    return {mutant.name: mutant.source() for mutant in mutants_of(file, "counter", "counter.py")}


def test_every_mutant_changes_one_statement_and_names_it(tmp_path: Path) -> None:
    """Decorated functions are not left out; what says nothing at run time is."""
    assert set(made(tmp_path)) == {
        "counter.py Counter.total: if self.counted > 3 → if not (self.counted > 3)",
        "counter.py Counter.total: if self.counted > 3 → if self.counted >= 3",
        "counter.py Counter.total: if self.counted > 3 → if self.counted > 4",
        'counter.py Counter.total: self.tell("many") → pass',
        'counter.py Counter.total: self.tell("many") → self.tell(None)',
        'counter.py Counter.total: self.tell("many") → self.tell("XXmanyXX")',
        "counter.py Counter.total: return self.counted → return None",
    }


def test_a_mutant_is_the_source_with_that_change(tmp_path: Path) -> None:
    source = made(tmp_path)["counter.py Counter.total: if self.counted > 3 → if self.counted >= 3"]
    assert source == SOURCE.replace("self.counted > 3", "self.counted >= 3")


def test_a_line_meets_the_tests_that_execute_it_the_quickest_first() -> None:
    """A line of a module's import is executed for all."""
    path = Path("counter.py")
    trace = Trace({"slow": 3.0, "quick": 1.0, "other": 2.0})
    trace.tests["counter.py", 10] |= {"slow", "quick"}
    trace.tests["counter.py", 1] |= {IMPORT}
    assert trace.tests_of(path, [10]) == ["quick", "slow"]
    assert trace.tests_of(path, [1]) == ["quick", "other", "slow"]
    assert trace.tests_of(path, [11]) == []


def test_a_mutant_takes_the_place_of_its_module(tmp_path: Path) -> None:
    """In a process of its own, whose test then fails; without it the same test passes."""
    program = """
import os, sys
from pathlib import Path
from scripts.mutants.__main__ import files, label, module_name
from scripts.mutants.arena import fork_tests, judge
from scripts.mutants.mutations import mutants_of
[file] = files(["policy.py"])
name = "policy.py RestartLog.admit: self._times.append(now) → pass"
[mutant] = [mutant for mutant in mutants_of(file, module_name(file), label(file)) if mutant.name == name]
for candidate in (None, mutant):
    output = Path(sys.argv[1])
    _, status = os.waitpid(fork_tests(["tests/runtime/test_policy.py"], output, candidate, 60), 0)
    print(judge(status, 0, output).how)
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(tmp_path / "output")]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["survived", "killed"]


def test_a_process_that_was_killed_was_endless(tmp_path: Path) -> None:
    """By the limit of its time, or because it stood still."""
    assert judge(9, 1.0, tmp_path / "none").how == "endless"


def test_the_page_has_a_guard_for_every_invariant() -> None:
    """Each names a test that exists."""
    named = guards()
    assert len(named) > 25
    for guard in named:
        file, _, test = guard.test.partition("::")
        source = (Path(__file__).parents[1] / "runtime" / file).read_text()
        assert not test or f"def {test}(" in source
