"""The runner of mutants: which it makes, that one takes the place of its module, and which tests it meets."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.mutants.__main__ import left_by
from scripts.mutants.accepted import guards, stands_for
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


@pytest.mark.parametrize(
    ("file", "change", "test"),
    [
        ("policy.py", "RestartLog.admit: self._times.append(now) → pass", "test_policy.py"),
        (
            "testing/pytest_plugin.py",
            'pytest_report_header: return f"scheduler seed: {config.stash[SEED]}" → return None',
            "test_testing_plugin.py",
        ),
    ],
)
def test_a_mutant_takes_the_place_of_its_module(file: str, change: str, test: str, tmp_path: Path) -> None:
    """In a process of its own, whose test then fails; without it the same test passes. Also one that pytest loads."""
    program = """
import os, sys
from pathlib import Path
from scripts.mutants.__main__ import files, label, module_name
from scripts.mutants.arena import fork_tests, judge
from scripts.mutants.mutations import mutants_of
output, name, change, test = sys.argv[1:]
[file] = files([name])
every = mutants_of(file, module_name(file), label(file))
[mutant] = [mutant for mutant in every if mutant.name == f"{name} {change}"]
for candidate in (None, mutant):
    _, status = os.waitpid(fork_tests([f"tests/runtime/{test}"], Path(output), candidate, 60), 0)
    print(judge(status, 0, Path(output)).how)
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(tmp_path / "output"), file, change, test]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["survived", "killed"]


def test_a_process_that_was_killed_was_endless(tmp_path: Path) -> None:
    """By the limit of its time, or because it stood still."""
    assert judge(9, 1.0, tmp_path / "none").how == "endless"


def test_those_that_were_left_are_judged_again(tmp_path: Path) -> None:
    """By the log of the run that left them: what survived, and what no test executes."""
    log = tmp_path / "log.txt"
    log.write_text(
        "killed      1.4 s  a.py f: x = 8 → x = None  FAILED tests/runtime/test_a.py::test_a\n"
        "survived   12.3 s  a.py f: x = 8 → x = 9  \n"
        "endless     0.0 s  a.py f: while x → while not (x)  \n"
        "unseen      0.0 s  a.py g: y() → pass  \n"
    )
    assert left_by(log) == {"a.py f: x = 8 → x = 9", "a.py g: y() → pass"}


def test_a_reason_is_for_one_mutant_or_for_a_family() -> None:
    """A name that ends in … stands for all that begin so."""
    assert stands_for("a.py f: x = 8 → x = 9", "a.py f: x = 8 → x = 9")
    assert not stands_for("a.py f: x = 8 → x = 9", "a.py f: x = 8 → x = 99")
    assert stands_for("a.py f: x = 8 → …", "a.py f: x = 8 → x = 9")
    assert not stands_for("a.py f: x = 8 → …", "a.py f: x = 7 → x = 9")


def test_the_page_has_a_guard_for_every_invariant() -> None:
    """Each names a test that exists."""
    named = guards()
    assert len(named) > 25
    for guard in named:
        file, _, test = guard.test.partition("::")
        source = (Path(__file__).parents[1] / "runtime" / file).read_text()
        assert not test or f"def {test}(" in source
