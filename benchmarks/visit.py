"""What came of a visit to a view of the dashboard: its figures beside what they should be, and whether it was exact."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from statistics import median

from attrs import frozen

SLOW_FRAME_MS = 1000 / 30
SETTLED_SECONDS = 60
"""From here on the heap should stay as it is; before, the page fills what it keeps."""
_MIB = 1024 * 1024


@frozen
class Visit:
    """What :mod:`benchmarks.visitor` found. Times are in ms unless they say otherwise.

    intervals: between animation frames.
    long: each long task's start and duration.
    slow: each slow frame's duration, and what that time went into.
    latency: p50, p95, p99 and the longest way from emission to paint of the newest 8,192 events, each second.
    received: from the receipt of each frame of the stream to its paint: the part of the way that is the page's own.
    events: how many events of the journal the page took while it was measured.
    weights: seconds since the beginning, then after a forced collection the bytes of the JavaScript heap, DOM nodes
        (also those that are no longer in the document), and elements of the document.
    paints: first contentful paint of each load that had nothing cached.
    named, later: bytes of the scripts as transferred: those that the page's HTML names, and those asked for by scripts.
    cpu_s: CPU seconds while it was measured, by kind of the browser's processes.
    offset: up to where the page came; ``head`` is that of the journal.
    """

    intervals: Sequence[float]
    long: Sequence[tuple[float, float]]
    slow: Sequence[tuple[float, Mapping[str, float]]]
    latency: Sequence[tuple[float, float, float, float]]
    received: Sequence[float]
    events: int
    weights: Sequence[tuple[float, int, int, int]]
    paints: Sequence[float]
    named: Sequence[int]
    later: Sequence[int]
    cpu_s: Mapping[str, float]
    complaints: Sequence[str]
    browser: str
    duplicates: int
    gaps: int
    malformed: int
    offset: int
    head: int

    def failures(self) -> Iterator[str]:
        """What must not be, whatever the machine: one line each."""
        for name, count in (("duplicates", self.duplicates), ("gaps", self.gaps), ("malformed", self.malformed)):
            if count:
                yield f"{count} {name}"
        if self.offset != self.head:
            yield f"the page came to offset {self.offset:,}, and the journal's head is {self.head:,}"
        if not self.latency:
            yield "nothing was painted"
        for complaint in self.complaints:
            yield f"the page complained: {complaint}"

    def paint(self, which: int) -> float | None:
        """Of every second's percentile ``which`` of event to paint the median one."""
        return median(each[which] for each in self.latency) if self.latency else None

    def worst_p95(self) -> float | None:
        return max((p95 for _, p95, _, _ in self.latency), default=None)

    def in_page(self, share: float) -> float | None:
        """The percentile ``share`` of receipt to paint, by nearest rank."""
        ordered = sorted(self.received)
        return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None

    def page_cpu(self) -> float | None:
        """CPU time of the page's process for 1,000 events, in ms: hardly the neighbours' matter."""
        spent = self.cpu_s.get("renderer")
        return None if spent is None or not self.events else spent / self.events * 1_000_000

    def tasks_over(self, ms: float) -> int:
        return sum(duration > ms for _, duration in self.long)

    def longest_task(self) -> float:
        return max((duration for _, duration in self.long), default=0.0)

    def frames_per_second(self) -> float | None:
        return 1000 * len(self.intervals) / sum(self.intervals) if self.intervals else None

    def slow_frames(self) -> float | None:
        """The share of frames that came later than at 30 a second, in per cent."""
        if not self.intervals:
            return None
        return 100 * sum(interval > SLOW_FRAME_MS for interval in self.intervals) / len(self.intervals)

    def heaps(self) -> list[float]:
        """Each weighed heap in MiB."""
        return [heap / _MIB for _, heap, _, _ in self.weights]

    def drift(self) -> float | None:
        """What the heap changed most, in MiB, from what it was when the first minute was over."""
        settled = [heap / _MIB for at, heap, _, _ in self.weights if at >= SETTLED_SECONDS]
        return max((heap - settled[0] for heap in settled[1:]), key=abs, default=None)

    def javascript(self) -> float:
        """What the page's HTML names, in kB as transferred."""
        return sum(self.named) / 1000

    def blame(self) -> list[tuple[str, float]]:
        """What the slow frames' time went into, the most first."""
        parts: Counter[str] = Counter()
        for _, each in self.slow:
            parts.update(each)
        return [(name, ms) for name, ms in parts.most_common() if ms >= 1]


Figure = Callable[[Visit], float | None]


@frozen
class Line:
    """A line of the table. ``goal``: what it should be, in words, and whether a figure is that."""

    name: str
    figure: Figure
    form: str
    goal: tuple[str, Callable[[float], bool]] | None = None

    def cell(self, visit: Visit) -> str:
        figure = self.figure(visit)
        if figure is None:
            return "-"
        missed = self.goal is not None and not self.goal[1](figure)
        return f"{figure:{self.form}}{'!' if missed else ' '}"


def _last(which: int) -> Figure:
    return lambda visit: visit.weights[-1][which] if visit.weights else None


def _first_paint(visit: Visit) -> float | None:
    return median(visit.paints) if visit.paints else None


def _heap(place: int) -> Figure:
    return lambda visit: visit.heaps()[place] if visit.weights else None


LINES = (
    Line("event to paint, p50 (ms)", lambda visit: visit.paint(0), ",.0f"),
    Line("event to paint, p95 (ms)", lambda visit: visit.paint(1), ",.0f", ("< 100", lambda ms: ms < 100)),
    Line("event to paint, p99 (ms)", lambda visit: visit.paint(2), ",.0f"),
    Line("  p95 of the worst second (ms)", Visit.worst_p95, ",.0f"),
    Line("receipt to paint, p50 (ms)", lambda visit: visit.in_page(0.5), ",.0f"),
    Line("receipt to paint, p95 (ms)", lambda visit: visit.in_page(0.95), ",.0f"),
    Line("receipt to paint, p99 (ms)", lambda visit: visit.in_page(0.99), ",.0f"),
    Line("CPU per 1,000 events (ms)", Visit.page_cpu, ",.0f"),
    Line("tasks over 50 ms", lambda visit: visit.tasks_over(50), ",.0f"),
    Line("tasks over 100 ms", lambda visit: visit.tasks_over(100), ",.0f", ("none", lambda count: count == 0)),
    Line("  the longest (ms)", Visit.longest_task, ",.0f"),
    Line("frames a second", Visit.frames_per_second, ".1f", (">= 50", lambda rate: rate >= 50)),
    Line("  frames over 33 ms (%)", Visit.slow_frames, ".1f"),
    Line("heap at first (MiB)", _heap(0), ".1f"),
    Line("heap at last (MiB)", _heap(-1), ".1f"),
    Line("  since the first minute (MiB)", Visit.drift, "+.1f", ("within 10", lambda mib: abs(mib) <= 10)),
    Line("elements", _last(3), ",.0f"),
    Line("nodes", _last(2), ",.0f"),
    Line("first paint (ms)", _first_paint, ",.0f", ("< 1,000", lambda ms: ms < 1000)),
    Line("JavaScript at first load (kB)", Visit.javascript, ",.0f", ("< 250", lambda kb: kb < 250)),
    Line("  loaded when needed (kB)", lambda visit: sum(visit.later) / 1000, ",.0f"),
)

_NAME, _GOAL, _CELL = 32, 11, 12


def table(visits: Mapping[str, Visit]) -> Iterator[str]:
    """Every view's figures side by side. What is not as it should be has an exclamation mark."""
    yield f"{'':<{_NAME}}{'should be':<{_GOAL}}" + "".join(f"{name:>{_CELL}} " for name in visits)
    for line in LINES:
        goal = "" if line.goal is None else line.goal[0]
        cells = "".join(f"{line.cell(visit):>{_CELL + 1}}" for visit in visits.values())
        yield f"{line.name:<{_NAME}}{goal:<{_GOAL}}{cells}".rstrip()


def details(name: str, visit: Visit, seconds: float) -> Iterator[str]:
    """What stands behind a view's figures."""
    heaps = ", ".join(f"{heap:.1f}" for heap in visit.heaps())
    yield f"{name:<12} heap {heaps} MiB, every {seconds / max(1, len(visit.weights) - 1):.0f} s"
    shares = [f"{kind} {spent / seconds:.0%}" for kind, spent in visit.cpu_s.items()]
    yield f"{'':<12} processor: {', '.join(shares)} of a core"
    if visit.slow:
        spent = ", ".join(f"{what} {ms:,.0f} ms" for what, ms in visit.blame()[:6])
        yield f"{'':<12} {len(visit.slow)} frames of 50 ms or more: {spent}"
    yield (
        f"{'':<12} {visit.duplicates} duplicates, {visit.gaps} gaps, {visit.malformed} malformed; "
        f"at offset {visit.offset:,} of {visit.head:,}"
    )
