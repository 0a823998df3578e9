"""One run of one target, in a process of its own: ``python -m tests.fuzz.worker`` (``__main__.py`` starts it)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.engines import Job, has_atheris, led_by_chance, led_by_coverage


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz.worker")
    parser.add_argument("target")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--chance", action="store_true")
    options = vars(parser.parse_args(arguments))
    chance = options.pop("chance")
    job = Job(**options)
    if has_atheris() and not chance:
        led_by_coverage(job)
    return led_by_chance(job)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
