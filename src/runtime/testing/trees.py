"""Running a tree inside a test, and finding one's way in its snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import trio

from runtime.branch import Branch
from runtime.observe import TreeNode

B = TypeVar("B", bound=Branch)


@asynccontextmanager
async def running(tree: B) -> AsyncIterator[B]:
    """All children of the tree run when the block begins. At its end the tree is stopped and waited for.

    What the tree raises, RestartIntensityExceeded for one, comes out of the block in an exception group.
    """
    async with trio.open_nursery() as nursery:
        await nursery.start(tree.run)
        try:
            yield tree
        finally:
            tree.stop()


def find(node: TreeNode, path: str) -> TreeNode:
    """The node of this path in a snapshot. Raises LookupError."""
    if node.path == path:
        return node
    for child in node.children:
        if f"{path}/".startswith(f"{child.path}/"):
            return find(child, path)
    raise LookupError(f"{node.path!r} has nothing at {path!r}")
