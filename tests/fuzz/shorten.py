"""What is left of a finding's input when everything is taken out of it that the finding does not need."""

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

from attrs import evolve

from tests.fuzz.engines import limited
from tests.fuzz.mutator import at, paths
from tests.fuzz.script import Step, joined, parsed
from tests.fuzz.targets import Target

Failure: TypeAlias = tuple[str, str, int | None]


def shortened(target: Target, data: bytes, limit: int) -> bytes:
    """An input that fails in the same way at the same line of code. Raises ValueError when this one does not fail."""
    failure = _failure(target, data, limit)
    if failure is None:
        raise ValueError("nothing is wrong with it")

    def fails(steps: Sequence[Step]) -> bool:
        return _failure(target, joined(steps), limit) == failure

    steps = _fewer(parsed(data, target.words), fails)
    for place in range(len(steps)):
        steps = _smaller(steps, place, fails)
    return joined(steps)


def _failure(target: Target, data: bytes, limit: int) -> Failure | None:
    try:
        with limited(limit):
            target.play(data)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, last.filename, last.lineno
    return None


def _fewer(steps: list[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """Without the steps that are not needed, taken out by halves, quarters, … and one by one."""
    size = len(steps)
    while size := size // 2:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size :]
            if fewer and fails(fewer):
                steps = fewer
            else:
                place += size
    return steps


def _smaller(steps: list[Step], place: int, fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """Without what is not needed of the JSON of one step."""
    while (smaller := next(filter(fails, _without_one(steps, place)), None)) is not None:
        steps = smaller
    return steps


def _without_one(steps: list[Step], place: int) -> Iterator[list[Step]]:
    """Without each one of its values, the large ones first."""
    try:
        document = json.loads(steps[place].body)
    except (ValueError, RecursionError):
        return
    for path in paths(document)[1:]:
        less: Any = deepcopy(document)
        del at(less, path[:-1])[path[-1]]
        body = json.dumps(less, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        yield [*steps[:place], evolve(steps[place], body=body), *steps[place + 1 :]]
