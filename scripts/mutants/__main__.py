"""`make mutants`: how many defects of src/runtime/ the tests notice, and which they do not.

Exits with 1 when fewer than 85 % are noticed (but for --again: of those that were left once, there is no saying how
many should be), when a survivor has no reason in docs/mutation.md, or when a reason there is for a mutant that does not
survive.
"""

import argparse
import gc
import os
import pickle
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from scripts.mutants.accepted import accepted_survivors, guards, row, stands_for
from scripts.mutants.arena import Outcome, fork_tests, judge
from scripts.mutants.mutations import Mutant, mutants_of
from scripts.mutants.tracing import Trace, Tracer

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
TESTS = "tests/runtime"
GOAL = 0.85
GUARD_SECONDS = 60.0  # of work, for the tests of one invariant
QUICK = 8  # tests: enough to kill most mutants, few enough to be collected at once


@attrs.frozen(eq=False)
class Bout:
    """A mutant, the tests that it is to meet now, and those that it is to meet if it passes them."""

    mutant: Mutant
    tests: Sequence[str]
    later: Sequence[str]


def files(wanted: Sequence[str]) -> list[Path]:
    """Those of the runtime whose path contains any of the words."""
    found = sorted((SOURCE / "runtime").rglob("*.py"))
    return [file for file in found if not wanted or any(word in label(file) for word in wanted)]


def label(file: Path) -> str:
    return file.relative_to(SOURCE / "runtime").as_posix()


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def left_by(log: Path) -> set[str]:
    """The names of those that no test noticed in an earlier run, by its --log."""
    return set(re.findall(r"^(?:survived|unseen) +[\d.]+ s  (.+)  $", log.read_text(), flags=re.MULTILINE))


def trace_tests(targets: Sequence[Path], directory: Path) -> Trace:
    """One run of all tests, which must pass."""
    result, output = directory / "trace", directory / "trace.txt"
    _, status = os.waitpid(fork_tests([TESTS], output, plugin=Tracer(targets, result)), 0)
    if status:
        sys.exit(f"the tests fail without any mutant:\n{output.read_text()}")
    trace: Trace = pickle.loads(result.read_bytes())
    return trace


def fight(mutants: Sequence[Mutant], trace: Trace, jobs: int, directory: Path) -> Iterator[tuple[Mutant, Outcome]]:
    """Let the tests loose on each mutant, so many mutants at a time: a few quick tests first, then all others."""
    waiting: list[Bout] = []
    for mutant in reversed(mutants):
        tests = trace.tests_of(mutant.path, range(mutant.lines[0], mutant.lines[1] + 1))
        if tests:
            waiting.append(Bout(mutant, tests[:QUICK], tests[QUICK:]))
        else:
            yield mutant, Outcome(True, "unseen", 0.0, "")
    running: dict[int, Bout] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            bout = waiting.pop()
            seconds = 3 + 1.5 * sum(trace.seconds[test] for test in bout.tests)  # traced, they took far longer
            running[fork_tests(bout.tests, directory / f"{id(bout)}", bout.mutant, seconds)] = bout
        process, status, usage = os.wait3(0)
        bout = running.pop(process)
        output = directory / f"{id(bout)}"
        outcome = judge(status, usage.ru_utime + usage.ru_stime, output)
        output.unlink(missing_ok=True)
        if outcome.passed and bout.later:
            waiting.append(Bout(bout.mutant, bout.later, ()))
        else:
            yield bout.mutant, outcome


def report(outcomes: dict[Mutant, Outcome], known: set[str], goal: float) -> bool:
    """Print the figures and the survivors. True when all is well. ``known``: the names of all there are."""
    print(f"\n{'file':24}{'mutants':>8}{'killed':>8}{'broken':>8}{'endless':>8}{'left':>8}{'score':>8}")
    by_file: dict[str, Counter[str]] = {}
    for mutant, outcome in outcomes.items():
        by_file.setdefault(label(mutant.path), Counter())[outcome.how] += 1
    total = sum(by_file.values(), Counter[str]())
    for name, counts in [*by_file.items(), ("all", total)]:
        left = counts["survived"] + counts["unseen"]
        figures = [counts.total(), counts["killed"], counts["broken"], counts["endless"], left]
        print(f"{name:24}" + "".join(f"{figure:8}" for figure in figures) + f"{1 - left / counts.total():8.1%}")
    score = 1 - (total["survived"] + total["unseen"]) / max(1, total.total())
    return report_survivors(outcomes, known) and score >= goal


def report_survivors(outcomes: dict[Mutant, Outcome], known: set[str]) -> bool:
    reasons = accepted_survivors()
    survivors = {mutant.name for mutant, outcome in outcomes.items() if outcome.passed}
    killed = {mutant.name for mutant, outcome in outcomes.items() if not outcome.passed}
    unexplained = [name for name in survivors if not any(stands_for(accepted, name) for accepted in reasons)]
    if unexplained:
        print("\nSurvivors without a reason in docs/mutation.md:\n" + "\n".join(sorted(map(row, unexplained))))
    noticed = [(accepted, name) for accepted in reasons for name in killed if stands_for(accepted, name)]
    for _, name in noticed:
        print(f"\nExplained in docs/mutation.md, but killed: {name}")
    gone = [accepted for accepted in reasons if not any(stands_for(accepted, name) for name in known)]
    for accepted in gone:
        print(f"\nExplained in docs/mutation.md, but no mutant any more: {accepted}")
    return not (unexplained or noticed or gone)


def check_guards(mutants: Sequence[Mutant], directory: Path) -> bool:
    """Whether each line that keeps an invariant has its test: it passes as the line is, and fails when it is broken."""
    by_name = {mutant.name: mutant for mutant in mutants}
    all_is_well = True
    for guard in guards():
        mutant = by_name.get(guard.mutant)
        output = directory / "guard"
        tests = [f"{TESTS}/{guard.test}"]
        verdicts = []
        for candidate in (None, mutant):
            process = fork_tests(tests, output, candidate, GUARD_SECONDS)
            _, status = os.waitpid(process, 0)
            verdicts.append(judge(status, 0.0, output).how)
        well = mutant is not None and verdicts[0] == "survived" and verdicts[1] in ("killed", "endless")
        all_is_well &= well
        print(f"{'ok' if well else 'NOT SEEN':9} {guard.invariant}  ({guard.test})")
    return all_is_well


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="only files of src/runtime/ whose path contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: each Nth mutant")
    parser.add_argument("--again", type=Path, metavar="LOG", help="only those that were left by the run of this --log")
    parser.add_argument("--log", type=Path, help="write each mutant and how it fared to this file, as it is known")
    parser.add_argument("--invariants", action="store_true", help="only see that each invariant has its guard")
    options = parser.parse_args()
    os.chdir(ROOT)
    every = [mutant for file in files([]) for mutant in mutants_of(file, module_name(file), label(file))]
    targets = set(files(options.files))
    chosen = [mutant for mutant in every if mutant.path in targets and options.only in mutant.name][:: options.every]
    if options.again:
        left = left_by(options.again)
        chosen = [mutant for mutant in chosen if mutant.name in left]
    outcomes: dict[Mutant, Outcome] = {}
    with tempfile.TemporaryDirectory() as name, open(options.log or os.devnull, "w") as log:
        directory = Path(name)
        if options.invariants:
            return 0 if check_guards(every, directory) else 1
        trace = trace_tests(sorted(targets), directory)
        print(f"{len(chosen)} mutants of {len(targets)} files against {len(trace.seconds)} tests")
        gc.freeze()  # else each fork's collections would walk, and so copy, all that is there already
        for mutant, outcome in fight(chosen, trace, options.jobs, directory):
            outcomes[mutant] = outcome
            culprit = next((line for line in outcome.output.splitlines() if line.startswith("FAILED")), "")
            log.write(f"{outcome.how:9}{outcome.seconds:6.1f} s  {mutant.name}  {culprit}\n")
            log.flush()
    return 0 if report(outcomes, {mutant.name for mutant in every}, 0.0 if options.again else GOAL) else 1


if __name__ == "__main__":
    sys.exit(main())
