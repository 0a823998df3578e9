"""Percentiles of what was measured: what an operator is told of durations."""

from collections.abc import Iterable

from attrs import frozen


@frozen
class Percentiles:
    """Of ``count`` measurements, in their unit. Each is one that was measured, none is interpolated."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float


def percentiles(measured: Iterable[float]) -> Percentiles | None:
    """None when nothing was measured: zero would be a splendid latency."""
    ordered = sorted(measured)
    if not ordered:
        return None

    def at(part: float) -> float:
        return ordered[int(part * (len(ordered) - 1))]

    return Percentiles(len(ordered), at(0.5), at(0.95), at(0.99), ordered[-1])
