"""A bounded run of `make fuzz`, and whether it would find anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.paths import ROOT
from tests.fuzz.engines import has_atheris
from tests.fuzz.shorten import shortened
from tests.fuzz.targets import TARGETS, target_of

RUNS = {"clawdbot": 500, "openclaw": 300, "envelope": 1_000, "subscriber": 2_000, "client": 1_200}
"""About ten seconds each."""


def fuzzed(findings: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `make fuzz` runs."""
    command = [sys.executable, "-m", "tests.fuzz", "--seed", "7", "--findings", str(findings), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def repeated(output: str) -> list[str]:
    """The arguments with which a finding is repeated, as it says."""
    found = re.search(r'make fuzz ARGS="(.*)"', output)
    assert found is not None, output
    return found[1].split()


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_anyone_says_is_too_much(target: str, tmp_path: Path) -> None:
    """Always the same inputs: the seed is fixed, and so is how many there are."""
    runs = ["--runs", str(RUNS[target]), "--soak", "5000"]
    done = fuzzed(tmp_path, "--target", target, *runs, "--limit", "60")  # the machine may be busy with other things
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{RUNS[target]:,} executions" in done.stdout
    assert "nothing grows" in done.stdout
    if has_atheris():
        covered = re.search(r"coverage ([\d,]+) branches", done.stdout)
        assert covered is not None
        assert int(covered[1].replace(",", "")) > 100


@pytest.mark.parametrize("engine", [["--chance"], []], ids=["chance", "coverage"])
def test_a_crash_is_found_and_can_be_repeated(engine: list[str], tmp_path: Path) -> None:
    """By either engine: where atheris is not to be had, there is but one of them."""
    done = fuzzed(tmp_path, "--target", "planted-crash", "--runs", "5000", *engine)
    assert done.returncode == 1
    assert "ValueError: planted" in done.stdout
    again = fuzzed(tmp_path, *repeated(done.stdout))
    assert again.returncode == 1
    assert "ValueError: planted" in again.stderr


def test_a_finding_is_shortened_to_what_it_needs(tmp_path: Path) -> None:
    """Its steps, and the values within them."""
    frames = [b'frame {"op":"pong","t":1,"server_time":1}', b"after 5"] * 20
    frames[7] = b'frame {"op":"pong","t":1e300,"server_time":1,"more":[1,{"a":2}]}'
    shortest = shortened(target_of("planted-crash"), b"\n".join(frames), limit=10)
    assert shortest == b'frame {"op":"pong","t":1e+300,"server_time":1}'


def test_a_hang_is_found_with_the_line_where_it_hangs(tmp_path: Path) -> None:
    done = fuzzed(tmp_path, "--target", "planted-hang", "--runs", "5000", "--limit", "1")
    assert done.returncode == 1
    assert re.search(r"planted\.py\W*,? line \d+,? in hang", done.stdout)
    again = fuzzed(tmp_path, "--limit", "1", *repeated(done.stdout))
    assert again.returncode == 1
    assert "not done after 1 s" in again.stderr


def test_memory_that_grows_is_found_though_no_input_is_large(tmp_path: Path) -> None:
    """It is seen when inputs are played on and on, and so it is repeated."""
    done = fuzzed(tmp_path, "--target", "planted-leak", "--runs", "50", "--soak", "500")
    assert done.returncode == 1
    assert "Hoarder._notes grows" in done.stdout
    again = fuzzed(tmp_path, *repeated(done.stdout))
    assert again.returncode == 1
    assert "Hoarder._notes grows" in again.stdout


def test_make_fuzz_is_this() -> None:
    """With what ARGS says."""
    made = subprocess.run(["make", "-n", "fuzz", "ARGS=--seed 7"], cwd=ROOT, capture_output=True, text=True)
    assert re.search(r"-m tests\.fuzz --seed 7$", made.stdout, re.MULTILINE)
