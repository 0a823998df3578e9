"""``make fuzz``: try the dialects, the daemon's door and the Python client with what nobody would say.

Exits with 1 when something is found. The input that shows it is kept, and the command printed that repeats it.
"""

import argparse
import random
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import Machine
from scripts.paths import ROOT
from tests.fuzz.engines import MEMORY_MB, has_atheris, limited
from tests.fuzz.run import Plan, fuzz, soaked
from tests.fuzz.shorten import shortened
from tests.fuzz.targets import PLANTED, TARGETS, target_of


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, *PLANTED], action="append", help="only this; may be repeated")
    parser.add_argument("--seconds", type=int, default=300, help="for each target (%(default)s)")
    parser.add_argument("--runs", type=int, help="so many inputs for each target instead, however long it takes")
    parser.add_argument("--limit", type=int, default=10, help="seconds that an input may take (%(default)s)")
    parser.add_argument("--seed", type=int, help="else one is drawn, and printed")
    parser.add_argument("--corpus", type=Path, help="begin with the inputs in this directory, and keep new ones there")
    parser.add_argument("--findings", type=Path, default=ROOT / "build" / "fuzz", help="where inputs go that fail")
    parser.add_argument("--soak", type=int, default=100_000, help="steps to play on and on afterwards (%(default)s)")
    parser.add_argument("--chance", action="store_true", help="without atheris, as where it is not to be had")
    parser.add_argument("--input", type=Path, help="repeat what was found: a file, or a directory of a soak")
    parser.add_argument("--shorten", action="store_true", help="find out what of that file is needed")
    options = parser.parse_args(arguments)
    if options.input is not None:
        if len(options.target or ()) != 1:
            parser.error("--input needs the --target that it is for")
        [name] = options.target
        if options.shorten:
            sys.stdout.buffer.write(shortened(target_of(name), options.input.read_bytes(), options.limit) + b"\n")
        return 0 if repeated(name, options.input, options.limit) else 1
    chance = options.chance or not has_atheris()
    seed = random.randrange(1, 2**31) if options.seed is None else options.seed
    print("\n".join(Machine.here("msgspec", *([] if chance else ["atheris"])).report()))
    print(f"seed         {seed}, led by {'chance' if chance else 'coverage'}", flush=True)
    plan = Plan(
        seed=seed,
        seconds=options.seconds,
        runs=options.runs,
        limit=options.limit,
        corpus=options.corpus and options.corpus.resolve(),
        findings=options.findings.resolve(),
        soak=options.soak,
        chance=chance,
    )
    good = [fuzz(name, plan) for name in options.target or TARGETS]
    return 0 if all(good) else 1


def repeated(name: str, path: Path, limit: int) -> bool:
    """Play again what was found, without anything between it and the program. Whether nothing is wrong with it now."""
    if path.is_dir():
        return soaked(name, sorted(path.iterdir()), path.parent)
    try:
        with limited(limit):
            target_of(name).play(path.read_bytes())
    except Exception:
        traceback.print_exc()
        return False
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"nothing is wrong with it; the process had {peak} MB at most")
    return peak <= MEMORY_MB


if __name__ == "__main__":
    sys.exit(main())
