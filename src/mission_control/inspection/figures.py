"""What the mailboxes say: totals from one answer of the daemon, rates from the difference of two."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import Factory, frozen

from mission_control.core.actor_views import ActorsView, NodeView


@frozen
class Figures:
    """One mailbox's figures, or those of several: counts are summed; peak, oldest and busy are those of the worst.

    ``rate`` (messages handled per second) is None where nothing is known to compare with. ``busy`` (0 to 1) is then the
    mean since the incarnation began.
    """

    depth: int = 0
    capacity: int = 0
    peak: int = 0
    oldest_age_s: float = 0.0
    waiting: int = 0
    handled: int = 0
    dead_lettered: int = 0
    refused: int = 0
    dropped: int = 0
    superseded: int = 0
    rate: float | None = None
    busy: float = 0.0


@frozen
class Since:
    """What was ``elapsed`` seconds ago, to take differences from."""

    elapsed: float
    nodes: Mapping[str, NodeView] = Factory(dict)


def since(before: ActorsView | None, now: ActorsView) -> Since | None:
    """How ``now`` follows on ``before``; None when it does not, as after a restart of the daemon.

    The root's uptime is the clock: that of the wall may be set back.
    """
    if before is None or before.instance != now.instance or before.tree.incarnation != now.tree.incarnation:
        return None
    elapsed = now.tree.uptime_s - before.tree.uptime_s
    return Since(elapsed, {node.path: node for node in nodes(before.tree)}) if elapsed > 0 else None


def nodes(node: NodeView) -> Iterator[NodeView]:
    """This node and all below it."""
    yield node
    for child in node.children:
        yield from nodes(child)


def figures(node: NodeView, past: Since | None) -> Figures | None:
    """The figures of an actor; None for what has no mailbox."""
    mailbox = node.mailbox
    if mailbox is None:
        return None
    rate, busy = _work(node, past)
    return Figures(
        depth=mailbox.depth,
        capacity=mailbox.capacity,
        peak=mailbox.peak,
        oldest_age_s=mailbox.oldest_age_s,
        waiting=mailbox.waiting,
        handled=mailbox.handled,
        dead_lettered=mailbox.dead_lettered,
        refused=mailbox.refused,
        dropped=mailbox.dropped,
        superseded=mailbox.superseded,
        rate=rate,
        busy=busy,
    )


def together(several: Sequence[Figures]) -> Figures:
    """The figures of many as those of one."""
    rates = [one.rate for one in several if one.rate is not None]
    return Figures(
        depth=sum(one.depth for one in several),
        capacity=sum(one.capacity for one in several),
        peak=max((one.peak for one in several), default=0),
        oldest_age_s=max((one.oldest_age_s for one in several), default=0.0),
        waiting=sum(one.waiting for one in several),
        handled=sum(one.handled for one in several),
        dead_lettered=sum(one.dead_lettered for one in several),
        refused=sum(one.refused for one in several),
        dropped=sum(one.dropped for one in several),
        superseded=sum(one.superseded for one in several),
        rate=sum(rates) if rates else None,
        busy=max((one.busy for one in several), default=0.0),
    )


def _work(node: NodeView, past: Since | None) -> tuple[float | None, float]:
    """Messages per second and the busy fraction since then.

    A mailbox outlives incarnations, the busy time does not. A count that fell is that of another actor of this name.
    """
    then = None if past is None else past.nodes.get(node.path)
    if past is None or then is None or then.mailbox is None or node.mailbox is None:
        return None, node.busy_fraction
    handled = node.mailbox.handled - then.mailbox.handled
    busy = node.busy_s - then.busy_s
    if node.incarnation != then.incarnation or busy < 0:
        return None if handled < 0 else handled / past.elapsed, node.busy_fraction
    return None if handled < 0 else handled / past.elapsed, min(1.0, busy / past.elapsed)
