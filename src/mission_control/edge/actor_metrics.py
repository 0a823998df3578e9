"""The supervision tree as metrics: each actor by its path; a pool's children all together, since they come and go."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from mission_control.edge.families import counters, gauges
from runtime import Kind, State, TreeNode


def actor_metrics(root: TreeNode) -> Iterator[Metric]:
    named, pools = [], []
    for node in _named(root):
        named.append(node)
        if node.kind is Kind.POOL:
            pools.append(node)
    mailboxes = {node.path: node.mailbox for node in named if node.mailbox is not None}
    running = {node.path: node.state is State.RUNNING for node in named}
    yield gauges("actor_running", "1 while it runs.", "actor", running)
    yield counters("actor_restarts", "Restarts.", "actor", {node.path: node.restarts for node in named})
    depths = {path: mailbox.depth for path, mailbox in mailboxes.items()}
    yield gauges("actor_mailbox_depth", "Messages waiting.", "actor", depths)
    capacities = {path: mailbox.capacity for path, mailbox in mailboxes.items()}
    yield gauges("actor_mailbox_capacity", "Room for messages.", "actor", capacities)
    waiting = {pool.path: [one.mailbox.depth for one in pool.children if one.mailbox is not None] for pool in pools}
    yield gauges("pool_children", "Children.", "pool", {pool.path: len(pool.children) for pool in pools})
    deepest = {path: max(depths, default=0) for path, depths in waiting.items()}
    yield gauges("pool_mailbox_depth_max", "Messages waiting for the busiest child.", "pool", deepest)
    total = {path: sum(depths) for path, depths in waiting.items()}
    yield gauges("pool_mailbox_depth_sum", "Messages waiting for all children.", "pool", total)
    restarts = {pool.path: sum(child.restarts for child in pool.children) for pool in pools}
    yield gauges("pool_children_restarts", "Restarts of the children that are there now.", "pool", restarts)


def _named(node: TreeNode) -> Iterator[TreeNode]:
    """The tree, without what is inside pools."""
    yield node
    if node.kind is not Kind.POOL:
        for child in node.children:
            yield from _named(child)
