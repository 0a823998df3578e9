"""A scheduler whose choices come from a seed: the only file that touches what trio keeps private.

Trio runs what can run in passes, each task of a pass one step, up to its next checkpoint. When
``_ALLOW_DETERMINISTIC_SCHEDULING`` is set, it puts the tasks of a pass into the order in which they were made and lets
its random numbers ``_r`` shuffle them: its hook for Hypothesis. Here ``_r`` is replaced by one of our own, for a while.

Shuffling alone keeps all tasks in step: one that needs three checkpoints never loses a race against one that needs two.
So a shuffle here also *holds back* some of the pass for the next one. Each task gets a laziness of its own, often none,
sometimes nearly complete; so slow tasks, fast tasks and odd delays all come up within some tens of seeds. Trio
promises no order between tasks: a program that breaks by this relies on more than trio promises.
"""

import random
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trio._core import _run as trio_run
from trio.lowlevel import Task

# How likely a task is to be held back for one pass, drawn for each task when it is first seen. The last makes it about
# as slow as forty checkpoints of its neighbours.
LAZINESS = (0.0, 0.0, 0.0, 0.5, 0.9, 0.975)


class _Order(random.Random):
    """Stands in for trio's random numbers, of which ``shuffle`` is called with each pass."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        self._laziness: weakref.WeakKeyDictionary[Task, float] = weakref.WeakKeyDictionary()

    def shuffle(self, x: Any) -> None:
        super().shuffle(x)
        now: list[Task] = []
        later: list[Task] = []
        for task in x:
            (later if self._holds_back(task) else now).append(task)
        if now:
            x[:] = now
            trio_run.GLOBAL_RUN_CONTEXT.runner.runq.extend(later)

    def _holds_back(self, task: Task) -> bool:
        laziness = self._laziness.get(task)
        if laziness is None:
            laziness = self._laziness[task] = self.choice(LAZINESS)
        return laziness > 0 and self.random() < laziness


@contextmanager
def seeded_scheduler(seed: int | str) -> Iterator[None]:
    """Within the block, ``trio.run`` chooses what runs next by this seed, and nothing else.

    The same program with the same seed, a mock clock, and no input from outside (sockets, threads, unseeded random
    numbers) takes the same steps. Not for two threads at once: it sets trio's module-wide state.
    """
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = _Order(seed), True  # type: ignore[misc]
    try:
        yield
    finally:
        trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]
