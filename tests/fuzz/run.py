"""The run of one target: a corpus, a worker process that fuzzes, and a soak with the inputs that it kept."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from scripts.paths import ROOT
from tests.fuzz.script import Step, parsed
from tests.fuzz.soak import soak
from tests.fuzz.targets import Target, target_of

LAPS: Final = 2
"""How often a soak plays everything before it measures, and again before it measures once more."""
_NOISE: Final = re.compile(r"#\d+\s|INFO: |WARNING: |stat::|={2}\d+={2} |MS: |artifact_prefix|Done \d+ runs")


@frozen
class Plan:
    """What is wanted of each target. ``runs`` counts inputs; if it is None, ``seconds`` counts.

    ``limit``: how many seconds an input may take. ``corpus``: where the inputs are kept that lead somewhere new, or
    nowhere. ``soak``: about how many steps that takes.
    """

    seed: int
    seconds: int
    runs: int | None
    limit: int
    corpus: Path | None
    findings: Path
    soak: int
    chance: bool


@frozen
class Outcome:
    """How a worker ended: what it did, in one line, and what it said of what it found, if it did."""

    figures: str
    found: str | None = None
    kept: Path | None = None
    """The input that shows it."""


def fuzz(name: str, plan: Plan) -> bool:
    """Run a target, and print what becomes of it. Whether nothing was found."""
    target = target_of(name)
    print(f"{name:<15}{target.about}", flush=True)
    plan.findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        corpus = Path(temporary) if plan.corpus is None else plan.corpus / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed-{number:03}").write_bytes(seed)
        outcome = _work(name, corpus, plan)
        print(f"{'':15}{outcome.figures}", flush=True)
        if outcome.found is not None:
            print(f"\n{outcome.found}\n\nFOUND in {name}. {_repeat(name, outcome.kept)}", flush=True)
            return False
        return soaked(name, _sample(target, corpus, plan.soak), plan.findings)


def soaked(name: str, inputs: Sequence[Path], findings: Path) -> bool:
    """Whether memory stays as it is while these inputs are played on and on, and whatever else must hold does."""
    target = target_of(name)
    try:
        steps = soak(target.follow(), [_read(target, path) for path in inputs], LAPS)
    except Exception:
        kept = findings / f"{name}-soak"
        if inputs[0].parent != kept:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for path in inputs:
                shutil.copy(path, kept)
        print(f"\n{traceback.format_exc()}\nFOUND in {name}. {_repeat(name, kept)}", flush=True)
        return False
    print(f"{'':15}soaked: {steps:,} steps of {len(inputs):,} inputs; nothing grows", flush=True)
    return True


def _work(name: str, corpus: Path, plan: Plan) -> Outcome:
    command = [sys.executable, "-m", "tests.fuzz.worker", name, "--corpus", str(corpus)]
    command += ["--findings", str(plan.findings), "--seed", str(plan.seed), "--limit", str(plan.limit)]
    command += ["--seconds", str(plan.seconds)] if plan.runs is None else ["--runs", str(plan.runs)]
    command += ["--chance"] if plan.chance else []
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT)))
    # Sets must have the same order in each run of the same seed.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace")
    log = done.stdout + done.stderr
    figures = _figures(log, time.monotonic() - began)
    if done.returncode == 0:
        return Outcome(figures)
    kept = re.search(r"Test unit written to (\S+)", log)
    said = [line for line in log.splitlines() if not _NOISE.match(line)]
    return Outcome(figures, "\n".join(said[-60:]).strip(), None if kept is None else Path(kept[1]))


def _figures(log: str, seconds: float) -> str:
    executed = re.search(r"number_of_executed_units:\s*(\d+)", log)
    parts = [f"{int(executed[1]) if executed else 0:,} executions in {seconds:.0f} s"]
    if covered := re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log):
        branches, features, inputs = map(int, covered[-1])
        parts.append(f"coverage {branches:,} branches, {features:,} features, by {inputs:,} inputs")
    else:
        parts.append("coverage not measured")
    if peak := re.search(r"peak_rss_mb:\s*(\d+)", log):
        parts.append(f"{peak[1]} MB")
    return "; ".join(parts)


def _repeat(name: str, kept: Path | None) -> str:
    if kept is None:
        return "No input was kept: its process could not start, or was ended from outside."
    kept = kept.resolve()
    shown = kept.relative_to(ROOT) if kept.is_relative_to(ROOT) else kept
    return f'To repeat it:\n  make fuzz ARGS="--target {name} --input {shown}"'


def _sample(target: Target, corpus: Path, most: int) -> list[Path]:
    """As many inputs, from all over the corpus, as can be played in about so many steps."""
    paths = sorted(corpus.iterdir())
    room = most // (2 * LAPS)
    every = max(1, -(-sum(len(_read(target, path)) for path in paths) // room))
    return paths[::every]


def _read(target: Target, path: Path) -> list[Step]:
    return parsed(path.read_bytes(), target.words)
