"""The tree as it is at one moment, and what a stop has left behind in it."""

from collections.abc import Iterable, Iterator

from runtime.child import Child
from runtime.observe import State, StopReport, TreeNode


def walk(children: Iterable[Child]) -> Iterator[Child]:
    """These and all below them, parents first."""
    for child in children:
        yield child
        yield from walk(child.children())


def node_of(child: Child) -> TreeNode:
    """This child and all below it."""
    mailbox = child.statistics()
    return TreeNode(
        name=child.name,
        path=child.path,
        kind=child.kind,
        state=child.state,
        incarnation=child.incarnation,
        restarts=max(0, child.incarnation - 1),
        uptime_s=child.uptime,
        busy_s=mailbox.busy_s if mailbox is not None and child.state is State.RUNNING else 0.0,
        last_failure=child.last_failure,
        mailbox=mailbox,
        children=tuple(node_of(below) for below in child.children()),
    )


def report_on(top: Child) -> StopReport:
    """What did not end in order, of this child and all below it."""
    late: list[str] = []
    stuck: list[str] = []
    undelivered: dict[str, int] = {}
    for child in walk((top,)):
        if child.overdue is not None:
            (stuck if child.overdue.stuck else late).append(child.path)
        if child.stopped is not None and child.stopped.undelivered:
            undelivered[child.path] = child.stopped.undelivered
    return StopReport(tuple(late), tuple(stuck), undelivered)
