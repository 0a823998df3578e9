"""Several contenders with the same work, in turns: on a shared machine only what ran close together compares."""

import gc
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import median
from time import process_time

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
    """What came of one way: rates a second, the median round's and their range; seconds of a step, over all rounds.

    ratio: of the rate to the reference's; cpu: seconds that all threads computed for one thing, in the median round;
    cpu_ratio: how many times fewer than the reference. On a core of its own a task that never idles has both ratios the
        same; where others compute too, they stretch the rates, and hardly this.
    """

    rate: float
    slowest: float
    fastest: float
    ratio: float
    cpu: float
    cpu_ratio: float
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
    computed: dict[str, list[float]] = {label: [] for label in measure.ways}
    labels = list(measure.ways)
    for turn in range(rounds):
        for label in rotated(labels, turn):
            gc.collect()
            before = process_time()
            taken[label].append(measure.ways[label](measure.steps))
            computed[label].append((process_time() - before) / (measure.steps * measure.per_step))
    rates = {label: [measure.per_step * len(times) / sum(times) for times in turns] for label, turns in taken.items()}
    rate, cpu = median(rates[measure.reference]), median(computed[measure.reference])
    return {
        label: Figures(
            rate=median(rates[label]),
            slowest=min(rates[label]),
            fastest=max(rates[label]),
            ratio=median(rates[label]) / rate,
            cpu=median(computed[label]),
            cpu_ratio=cpu / median(computed[label]),
            p50=quantile(steps, 0.5),
            p95=quantile(steps, 0.95),
            p99=quantile(steps, 0.99),
            worst=steps[-1],
        )
        for label, steps in ((label, sorted(chain(*taken[label]))) for label in labels)
    }


def rotated(labels: Sequence[str], turn: int) -> list[str]:
    first = turn % len(labels)
    return [*labels[first:], *labels[:first]]


def quantile(ordered: Sequence[float], share: float) -> float:
    """By nearest rank."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
