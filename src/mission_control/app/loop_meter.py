"""How long the event loop was kept from its other tasks."""

import time

import trio
from trio.lowlevel import Task


class LoopMeter(trio.abc.Instrument):
    """Measures every step of every task: while one runs, nothing else does.

    ``worst_s`` is the longest step so far in seconds and ``worst_task`` whose it was. A step is also long when the
    machine has no core to spare, which is nobody's fault here: ``worst_cpu_s`` is the most that all steps between two
    polls computed together (measured per poll, since asking for CPU time is a system call).
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.worst_task = ""
        self.worst_cpu_s = 0.0
        self._started = 0.0
        self._polled_cpu = 0.0

    def before_task_step(self, task: Task) -> None:
        self._started = time.perf_counter()

    def after_task_step(self, task: Task) -> None:
        took = time.perf_counter() - self._started
        if took > self.worst_s:
            self.worst_s, self.worst_task = took, task.name

    def before_io_wait(self, timeout: float) -> None:
        now = time.thread_time()
        if self._polled_cpu:
            self.worst_cpu_s = max(self.worst_cpu_s, now - self._polled_cpu)
        self._polled_cpu = now
