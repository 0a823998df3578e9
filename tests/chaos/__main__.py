"""`make chaos`: trials for as long as you like, each with a seed of its own, which is printed.

make chaos                                        a minute, 200 agents
make chaos ARGS="--seconds 600 --trouble crashes --trouble clock"
make chaos ARGS="--seed 7 --trials 5"             seeds 7 to 11
"""

import argparse
import sys
import tempfile
from pathlib import Path
from secrets import randbits
from typing import get_args

import trio

from tests.chaos.plan import FAULTS, Plan, Trouble
from tests.chaos.trial import tried


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="decides what goes wrong; without it, another one each time")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=2.0, help="events a second of each agent")
    parser.add_argument("--profile", default="tools", choices=("chat", "burst", "tools"))
    parser.add_argument("--dialect", default="clawdbot", choices=("clawdbot", "envelope"))
    parser.add_argument("--faults", default=FAULTS, help="the gateway's, see docs/chaos.md")
    parser.add_argument("--trouble", action="append", choices=get_args(Trouble), help="the daemon's; default: crashes")
    parser.add_argument("--keep", type=Path, help="a directory for the data of each trial")
    options = parser.parse_args()
    first = randbits(31) if options.seed is None else options.seed
    clean = True
    for seed in range(first, first + options.trials):
        trouble: frozenset[Trouble] = frozenset(options.trouble or ["crashes"])
        plan = Plan(
            seed=seed,
            seconds=options.seconds,
            agents=options.agents,
            rate=options.rate,
            profile=options.profile,
            dialect=options.dialect,
            faults=options.faults,
            trouble=trouble,
        )
        print(f"seed {seed}: {plan}", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch) if options.keep is None else options.keep / str(seed)
            home.mkdir(parents=True, exist_ok=options.keep is None)
            verdict = trio.run(tried, plan, home)
        print("\n".join(verdict.lines()), flush=True)
        clean = clean and verdict.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
