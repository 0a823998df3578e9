"""What the tests of trees share."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from runtime import TreeNode
from runtime.branch import Branch


@asynccontextmanager
async def running(branch: Branch) -> AsyncIterator[None]:
    """The tree runs inside the block, and is stopped at its end."""
    async with trio.open_nursery() as nursery:
        await nursery.start(branch.run)
        try:
            yield
        finally:
            branch.stop()


def find(node: TreeNode, path: str) -> TreeNode:
    """The node with this path."""
    if node.path == path:
        return node
    return find(next(child for child in node.children if f"{path}/".startswith(f"{child.path}/")), path)


def seeded() -> random.Random:
    """The same randomness in each run."""
    return random.Random(20)
