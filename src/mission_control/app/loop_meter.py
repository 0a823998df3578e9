"""How long the event loop was kept from its other tasks."""

import time

import trio
from trio.lowlevel import Task


class LoopMeter(trio.abc.Instrument):
    """Measures every step of every task: while one runs, nothing else does.

    ``worst_s`` is the longest step so far in seconds, ``worst_task`` whose it was, ``busy_s`` the time spent in steps.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.worst_task = ""
        self.busy_s = 0.0
        self._started = 0.0

    def before_task_step(self, task: Task) -> None:
        self._started = time.perf_counter()

    def after_task_step(self, task: Task) -> None:
        took = time.perf_counter() - self._started
        self.busy_s += took
        if took > self.worst_s:
            self.worst_s, self.worst_task = took, task.name
