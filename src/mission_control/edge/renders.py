"""What clients report to have measured, gathered for the metrics."""

from collections import deque
from collections.abc import Callable
from typing import Final

from attrs import evolve

from mission_control.edge.services import RenderFigures, RenderReport

REPORTS_KEPT_MS: Final = 300_000
REPORTS_KEPT: Final = 1_000


class RenderReports:
    """What clients measured. ``clock`` gives ms.

    Percentiles of several clients cannot be merged, so the worst of those of the last five minutes stands for all.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._total = RenderFigures()
        self._newest: deque[tuple[int, RenderReport]] = deque(maxlen=REPORTS_KEPT)

    def add(self, report: RenderReport) -> None:
        # A client may say anything, but nothing it says may make a counter go back.
        self._total = RenderFigures(
            count=self._total.count + max(0.0, report.count),
            duplicates=self._total.duplicates + max(0, report.duplicates),
            gaps=self._total.gaps + max(0, report.gaps),
        )
        if report.count > 0:
            self._newest.append((self._clock(), report))

    def figures(self) -> RenderFigures:
        oldest = self._clock() - REPORTS_KEPT_MS
        newest = [report for at, report in self._newest if at > oldest]
        return evolve(
            self._total,
            p50=max((report.p50 for report in newest), default=0.0),
            p95=max((report.p95 for report in newest), default=0.0),
            p99=max((report.p99 for report in newest), default=0.0),
            max=max((report.max for report in newest), default=0.0),
        )
