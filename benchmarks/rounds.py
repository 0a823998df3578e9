"""Several contenders with the same work, in turns: on a shared machine only what ran close together compares."""

import gc
from collections.abc import Mapping, Sequence
from statistics import median

from attrs import frozen

from benchmarks.contenders.work import Way


@frozen
class Measure:
    """``per_step`` things (``unit``) are done in one of the ``steps`` of each way. Ratios are to ``reference``."""

    title: str
    unit: str
    ways: Mapping[str, Way]
    reference: str
    steps: int
    per_step: int = 1


@frozen
class Figures:
    """What came of one way: rates a second, the median round's and its range; seconds of a step, over all rounds."""

    rate: float
    slowest: float
    fastest: float
    ratio: float
    p50: float
    p95: float
    p99: float
    worst: float


def compete(measure: Measure, rounds: int) -> dict[str, Figures]:
    """Run every way once in each round, each time in another order, after one step of each that doesn't count.

    The garbage collector runs before each, and is on as usual while it is timed.
    """
    for way in measure.ways.values():
        way(1)
    taken: dict[str, list[list[float]]] = {label: [] for label in measure.ways}
    labels = list(measure.ways)
    for turn in range(rounds):
        for label in rotated(labels, turn):
            gc.collect()
            taken[label].append(measure.ways[label](measure.steps))
    rates = {label: [measure.per_step * len(times) / sum(times) for times in turns] for label, turns in taken.items()}
    reference = median(rates[measure.reference])
    return {label: _figures(rates[label], taken[label], reference) for label in labels}


def rotated(labels: Sequence[str], turn: int) -> list[str]:
    first = turn % len(labels)
    return [*labels[first:], *labels[:first]]


def _figures(rates: Sequence[float], turns: Sequence[Sequence[float]], reference: float) -> Figures:
    steps = sorted(seconds for times in turns for seconds in times)
    middle = median(rates)
    picks = [quantile(steps, share) for share in (0.5, 0.95, 0.99, 1.0)]
    return Figures(middle, min(rates), max(rates), middle / reference, *picks)


def quantile(ordered: Sequence[float], share: float) -> float:
    """By nearest rank."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
