"""Counts of pools for metrics. A pool's children come and go, and a sum over those that are there falls when one goes,
which Prometheus takes for a restart and makes a leap of. So what each child adds is added up from scrape to scrape.
"""

from collections.abc import Mapping

from runtime import TreeNode

Counts = Mapping[str, float]
"""By the name of what is counted."""


class PoolTotals:
    """Never fall while the daemon lives. What a child did after the last scrape that saw it is not in them."""

    def __init__(self) -> None:
        self._totals: dict[str, dict[str, float]] = {}
        self._seen: dict[str, dict[str, Counts]] = {}

    def add(self, pool: TreeNode, children: Mapping[str, Counts]) -> Counts:
        """The totals of ``pool``, after its children, by their paths, were found with these counts of their own."""
        seen, totals = self._seen.get(pool.path, {}), self._totals.setdefault(pool.path, {})
        for path, counts in children.items():
            before = seen.get(path, {})
            for name, count in counts.items():
                totals[name] = totals.get(name, 0) + _growth(before.get(name, 0), count)
        self._seen[pool.path] = dict(children)
        return totals


def _growth(before: float, now: float) -> float:
    """A count that fell began anew: a restarted actor's busy time, or another actor of that name."""
    return now - before if now >= before else now
