"""What the tests of trees share."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from runtime import TreeNode
from runtime.branch import Branch
from runtime.testing import Probe


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


def crash_once() -> Callable[[int], Awaitable[None]]:
    """A negative message crashes its actor when it is seen for the first time."""
    seen = set()

    async def handle(message: int) -> None:
        if message < 0 and message not in seen:
            seen.add(message)
            raise ValueError(message)

    return handle


def probes(names: str) -> list[Probe[int]]:
    """One for each letter."""
    return [Probe(name, crash_once()) for name in names]
