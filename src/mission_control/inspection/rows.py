"""The tree as rows from top to bottom. Pools with many children are summed up, with the worst few of them shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from mission_control.core.actor_views import FailureView, NodeView
from mission_control.inspection.figures import Figures, Since, figures, together
from mission_control.inspection.wording import number, several

FEW: Final = 8
"""A pool with no more children than this is listed like any other part."""
WORST: Final = 5
"""How many children of a larger one are shown."""

_SEVERITY: Final = ("gave_up", "restarting", "stopping", "starting", "idle", "running", "stopped")
"""States, the worst first. Those that are not known here count as worst of all."""


@frozen
class Row:
    """One line of the tree.

    ``trunk`` tells for each level, the row's own last, whether more siblings follow below; the root's is empty.
    ``node`` is None in rows that stand for several children, which have ``note`` instead.
    """

    trunk: tuple[bool, ...]
    name: str
    node: NodeView | None
    figures: Figures | None
    note: str = ""
    restarts: int = 0

    @property
    def failure(self) -> FailureView | None:
        return None if self.node is None else self.node.last_failure


def rows(root: NodeView, past: Since | None, *, everything: bool) -> Iterator[Row]:
    """Every row of the tree; all children of all pools with ``everything``."""
    return _below(root, (), past, everything)


def _below(node: NodeView, trunk: tuple[bool, ...], past: Since | None, everything: bool) -> Iterator[Row]:
    yield Row(trunk, node.name, node, figures(node, past), restarts=node.restarts)
    if node.kind == "pool" and len(node.children) > FEW and not everything:
        yield from _pool(node, trunk, past)
        return
    for place, child in enumerate(node.children, 1):
        yield from _below(child, (*trunk, place < len(node.children)), past, everything)


def _pool(pool: NodeView, trunk: tuple[bool, ...], past: Since | None) -> Iterator[Row]:
    measured = [(child, figures(child, past)) for child in pool.children]
    total = together([one for _, one in measured if one is not None])
    restarts = sum(child.restarts for child in pool.children)
    yield Row((*trunk, True), f"all {number(len(measured))}", None, total, states(pool.children), restarts)
    measured.sort(key=lambda pair: _badness(*pair))
    for child, one in measured[:WORST]:
        yield Row((*trunk, True), child.name, child, one, restarts=child.restarts)
    rest = len(measured) - WORST
    yield Row((*trunk, False), several(rest, "more", "more"), None, None, "see --all")


def states(nodes: Sequence[NodeView]) -> str:
    """How many are in which state, the worst first."""
    counts = Counter(node.state for node in nodes)
    return ", ".join(
        f"{number(counts[state])} {state.replace('_', ' ')}"
        for state in sorted(counts, key=lambda state: (_severity(state), state))
    )


def _severity(state: str) -> int:
    return _SEVERITY.index(state) if state in _SEVERITY else -1


def _badness(node: NodeView, measured: Figures | None) -> tuple[object, ...]:
    """Sorts the worst first, and equals by name, so that a picture that is drawn anew stays where it was."""
    one = measured or Figures()
    full = one.depth / one.capacity if one.capacity else 0.0
    lost = one.dead_lettered + one.dropped + one.refused
    return _severity(node.state), -round(full, 2), -round(one.oldest_age_s), -lost, -node.restarts, node.name
