"""What drives a target: libFuzzer through atheris, led by coverage; or chance alone, where atheris is not to be had."""

import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from attrs import frozen

LONGEST: Final = 64 * 1024
"""Bytes of an input."""
MEMORY_MB: Final = 1_024
"""And so is one that makes the process larger than this."""
INSTRUMENTED: Final = "mission_control"


@frozen
class Job:
    """A run of one target. It ends after ``runs`` inputs or ``seconds``, if they are set.

    ``corpus`` is a directory of inputs to begin with, and ``findings`` where those are put that fail, which those do
    that take longer than ``limit`` seconds.
    """

    target: str
    corpus: Path
    findings: Path
    seed: int
    runs: int | None
    seconds: int | None
    limit: int


def has_atheris() -> bool:
    return find_spec("atheris") is not None


def led_by_coverage(job: Job) -> NoReturn:
    """Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=[INSTRUMENTED]):
        from tests.fuzz.targets import target_of
    from tests.fuzz.mutator import Mutator

    def bytewise(data: bytes, most: int) -> bytes:
        changed: bytes = atheris.Mutate(data, most)  # which is another function once Fuzz has begun
        return changed

    target = target_of(job.target)
    mutator = Mutator(target.words, target.vocabulary(), bytewise)
    options = {
        "seed": job.seed,
        "runs": -1 if job.runs is None else job.runs,
        "max_total_time": job.seconds or 0,
        "max_len": LONGEST,
        "len_control": 0,
        "timeout": job.limit,
        "rss_limit_mb": MEMORY_MB,
        "artifact_prefix": f"{job.findings}/{job.target}-",
        "print_final_stats": 1,
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(job.corpus)]
    atheris.Setup(arguments, target.play, custom_mutator=mutator)
    atheris.Fuzz()
    raise AssertionError("libFuzzer has ended without ending the process")


def led_by_chance(job: Job) -> int:
    """The same changes to the same inputs, but nothing tells which of them led anywhere new."""
    from tests.fuzz.mutator import Mutator
    from tests.fuzz.targets import target_of

    target = target_of(job.target)
    rng = random.Random(job.seed)
    mutator = Mutator(target.words, target.vocabulary(), lambda data, most: _changed(data, most, rng))
    pool = [path.read_bytes() for path in sorted(job.corpus.iterdir())]
    until = float("inf") if job.seconds is None else time.monotonic() + job.seconds
    runs = 0
    while runs != job.runs and time.monotonic() < until:
        data = pool[runs] if runs < len(pool) else mutator(rng.choice(pool), LONGEST, rng.getrandbits(32))
        runs += 1
        try:
            with limited(job.limit):
                target.play(data)
        except Exception:
            kept = job.findings / f"{job.target}-crash-{sha1(data).hexdigest()}"
            kept.write_bytes(data)
            print(f"Test unit written to {kept}", file=sys.stderr)
            raise
    print(f"stat::number_of_executed_units: {runs}", file=sys.stderr)
    return 0


class TooLong(Exception):
    """An input took longer than it may."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises TooLong in what is done meanwhile for longer than this."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise TooLong(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _changed(data: bytes, most: int, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(changed) + 1)
        changed[place : place + rng.choice((0, 1, 1, 4))] = rng.randbytes(rng.choice((0, 1, 1, 4)))
    return bytes(changed[:most])
