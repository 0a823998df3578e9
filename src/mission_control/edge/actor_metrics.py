"""The supervision tree as metrics: each actor by its path; a pool's children all together, since they come and go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import Metric

from mission_control.edge.families import counters, gauges
from mission_control.edge.pool_totals import PoolTotals
from runtime import Kind, MailboxStatistics, State, TreeNode

_COUNTS: Final[Mapping[str, tuple[str, Callable[[MailboxStatistics], float]]]] = {
    "busy_seconds": ("Time not spent waiting for mail.", lambda mailbox: mailbox.busy_s),
    "messages_handled": ("Messages handled.", lambda mailbox: mailbox.handled),
    "messages_dead_lettered": ("Messages set aside after two crashes.", lambda mailbox: mailbox.dead_lettered),
    "messages_refused": ("Messages that found the mailbox full.", lambda mailbox: mailbox.refused),
    "messages_dropped": ("Messages given up for newer ones.", lambda mailbox: mailbox.dropped),
    "messages_superseded": ("Messages replaced by newer ones of their key.", lambda mailbox: mailbox.superseded),
}


def actor_metrics(root: TreeNode, totals: PoolTotals) -> Iterator[Metric]:
    """``totals`` remembers from one scrape to the next."""
    named = list(_named(root))
    yield gauges("actor_running", "1 while it runs.", "actor", {one.path: one.state is State.RUNNING for one in named})
    yield counters("actor_restarts", "Restarts.", "actor", {one.path: one.restarts for one in named})
    yield from _actors({one.path: one.mailbox for one in named if one.mailbox is not None})
    yield from _pools([one for one in named if one.kind is Kind.POOL], totals)


def _named(node: TreeNode) -> Iterator[TreeNode]:
    """The tree, without what is inside pools."""
    yield node
    if node.kind is not Kind.POOL:
        for child in node.children:
            yield from _named(child)


def _actors(mailboxes: Mapping[str, MailboxStatistics]) -> Iterator[Metric]:
    depths = {path: one.depth for path, one in mailboxes.items()}
    yield gauges("actor_mailbox_depth", "Messages waiting.", "actor", depths)
    capacities = {path: one.capacity for path, one in mailboxes.items()}
    yield gauges("actor_mailbox_capacity", "Room for messages.", "actor", capacities)
    ages = {path: one.oldest_age_s for path, one in mailboxes.items()}
    yield gauges("actor_mailbox_oldest_seconds", "Age of the oldest message that waits.", "actor", ages)
    for name, (help_text, count) in _COUNTS.items():
        yield counters(f"actor_{name}", help_text, "actor", {path: count(one) for path, one in mailboxes.items()})


def _pools(pools: Sequence[TreeNode], totals: PoolTotals) -> Iterator[Metric]:
    yield gauges("pool_children", "Children.", "pool", {pool.path: len(pool.children) for pool in pools})
    restarts = {pool.path: sum(child.restarts for child in pool.children) for pool in pools}
    yield gauges("pool_children_restarts", "Restarts of the children that are there now.", "pool", restarts)
    inside = {pool.path: [one.mailbox for one in pool.children if one.mailbox is not None] for pool in pools}
    deepest = {path: max((one.depth for one in several), default=0) for path, several in inside.items()}
    yield gauges("pool_mailbox_depth_max", "Messages waiting for the busiest child.", "pool", deepest)
    total = {path: sum(one.depth for one in several) for path, several in inside.items()}
    yield gauges("pool_mailbox_depth_sum", "Messages waiting for all children.", "pool", total)
    oldest = {path: max((one.oldest_age_s for one in several), default=0.0) for path, several in inside.items()}
    yield gauges("pool_mailbox_oldest_seconds_max", "Age of the oldest message that waits.", "pool", oldest)
    counted = {pool.path: totals.add(pool, _counts(pool)) for pool in pools}
    for name, (help_text, _) in _COUNTS.items():
        sums = {path: counts.get(name, 0) for path, counts in counted.items()}
        yield counters(f"pool_{name}", f"{help_text} By all children.", "pool", sums)


def _counts(pool: TreeNode) -> dict[str, dict[str, float]]:
    return {
        child.path: {name: count(child.mailbox) for name, (_, count) in _COUNTS.items()}
        for child in pool.children
        if child.mailbox is not None
    }
