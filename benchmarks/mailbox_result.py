"""The figures of :mod:`benchmarks.mailbox`: as text, as JSON, and whether the goals hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from attrs import asdict, frozen

from benchmarks.crowd import CrowdCost
from benchmarks.machine import Machine
from benchmarks.rounds import Figures, Measure

BY_HAND = "trio channel, receive"
ONE_BY_ONE = "runtime, get"
BATCHED = "runtime, peek and drop"
PYKKA = "Pykka"

KIB = 1024

NAMES = {"supervisor": "runtime, supervisor", "pool": "runtime, pool", "trio": "trio task, channel", "pykka": PYKKA}


@frozen
class Goal:
    text: str
    measured: str
    holds: bool


@frozen
class Crowds:
    """Costs by kind and count, one of each round; what could not live, and why."""

    costs: Mapping[str, Mapping[int, Sequence[CrowdCost]]]
    failures: Mapping[str, str]

    def medians(self, kind: str) -> Iterator[CrowdCost]:
        """Of each size: the middle of each figure."""
        for count, lives in self.costs.get(kind, {}).items():
            yield CrowdCost(
                count,
                median(life.start_s for life in lives),
                median(life.stop_s for life in lives),
                median(life.cpu_s for life in lives),
                _median([life.resident for life in lives]),
                _median([life.traced for life in lives]),
            )


def _median(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return median(known) if known else None


@frozen
class Result:
    """``busy_before``, ``busy_after``: the machine's load averages; ``figures``: by the title of the measure."""

    machine: Machine
    busy_before: tuple[float, float, float]
    busy_after: tuple[float, float, float]
    rounds: int
    figures: Mapping[str, tuple[Measure, Mapping[str, Figures]]]
    crowds: Crowds

    def goals(self) -> list[Goal]:
        told = next(iter(self.figures.values()))[1]
        weights = [
            weight
            for kind in ("supervisor", "pool")
            for cost in self.crowds.medians(kind)
            for weight in (cost.resident, cost.traced)
            if weight is not None
        ]
        largest = list(self.crowds.medians("supervisor"))[-1]
        return [
            _ratio("batched receive at least 5 x a trio channel's receive loop", told[BATCHED], 5),
            _ratio("one by one at least 0.8 x that loop", told[ONE_BY_ONE], 0.8),
            Goal("an idle actor at most 8 KiB", f"{max(weights) / KIB:.1f} KiB at most", max(weights) <= 8 * KIB),
            Goal(
                f"{largest.count:,} actors start and stop in order in under 5 s",
                f"{largest.seconds:.2f} s",
                largest.seconds < 5,
            ),
        ]

    def report(self) -> Iterator[str]:
        yield from self.machine.report()
        before, after = (" ".join(f"{mean:.2f}" for mean in means) for means in (self.busy_before, self.busy_after))
        yield f"load         {before} before, {after} after"
        yield f"rounds       {self.rounds}, the contenders in turns and in changing order; the median round counts"
        yield "gc           on, with Python's default thresholds, as in the daemon; a full collection before each turn"
        for title, (measure, figures) in self.figures.items():
            yield from _table(title, measure, figures)
        yield from self._crowds()
        yield ""
        for goal in self.goals():
            yield f"{'holds ' if goal.holds else 'MISSED'} {goal.text}: {goal.measured}"

    def _crowds(self) -> Iterator[str]:
        yield ""
        yield "idle actors, each crowd in a fresh process: one life timed and weighed, another traced by tracemalloc"
        heads = f"{'B each, resident':>18}{'traced':>12}{'s to start':>14}{'s to stop':>12}{'s CPU':>9}"
        yield f"  {'':<20}{'actors':>8}{heads}"
        for kind in self.crowds.costs:
            for cost in self.crowds.medians(kind):
                yield (
                    f"  {NAMES[kind]:<20}{cost.count:>8,}{_bytes(cost.resident):>18}{_bytes(cost.traced):>12}"
                    f"{cost.start_s:>14.3f}{cost.stop_s:>12.3f}{cost.cpu_s:>9.3f}"
                )
        for who, why in self.crowds.failures.items():
            yield f"  {who}: {why}"

    def json(self) -> str:
        """One object: machine, load averages, figures by measure and contender, crowds by kind and size, goals."""
        fields: dict[str, Any] = {
            "machine": asdict(self.machine),
            "load": {"before": self.busy_before, "after": self.busy_after},
            "rounds": self.rounds,
            "gc": "on",
            "measures": {
                title: {label: asdict(each) for label, each in figures.items()}
                for title, (_, figures) in self.figures.items()
            },
            "crowds": {kind: [asdict(cost) for cost in self.crowds.medians(kind)] for kind in self.crowds.costs},
            "failures": self.crowds.failures,
            "goals": [asdict(goal) for goal in self.goals()],
        }
        return json.dumps(fields, indent=2)


def _table(title: str, measure: Measure, figures: Mapping[str, Figures]) -> Iterator[str]:
    step = f"µs a burst of {measure.per_step}" if measure.per_step > 1 else "µs each"
    yield ""
    yield f"{title}, {measure.steps:,} a round"
    heads = f"{measure.unit + '/s':>14}{'slowest':>11}{'fastest':>11}{'ratio':>7}{'µs CPU':>9}{'ratio':>7}"
    yield f"  {'':<28}{heads}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>9} {step}"
    for label, each in figures.items():
        rates = f"{each.rate:>14,.0f}{each.slowest:>11,.0f}{each.fastest:>11,.0f}{each.ratio:>7.2f}"
        steps = "".join(f"{seconds * 1e6:>8,.0f}" for seconds in (each.p50, each.p95, each.p99))
        cpu = f"{each.cpu * 1e6:>9.2f}{each.cpu_ratio:>7.2f}"
        yield f"  {label:<28}{rates}{cpu}{steps}{each.worst * 1e6:>9,.0f}"


def _ratio(text: str, figures: Figures, least: float) -> Goal:
    """Judged by CPU time: a neighbour on the machine must neither make a goal nor break it."""
    measured = f"{figures.cpu_ratio:.2f} x by CPU time, {figures.ratio:.2f} x by rate"
    return Goal(text, measured, figures.cpu_ratio >= least)


def _bytes(weight: float | None) -> str:
    return "-" if weight is None else f"{weight:,.0f}"
