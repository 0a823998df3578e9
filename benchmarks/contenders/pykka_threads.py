"""Pykka: an actor is a thread, its mailbox an unbounded queue. It neither batches nor restarts."""

import threading
from time import perf_counter

import pykka

from benchmarks.contenders.work import BURST


class Counting(pykka.ThreadingActor):
    def __init__(self, gate: threading.Semaphore) -> None:
        super().__init__()
        self._gate = gate
        self._left = BURST

    def on_receive(self, message: int) -> None:
        self._left -= 1
        if not self._left:
            self._left = BURST
            self._gate.release()


class Answering(pykka.ThreadingActor):
    def on_receive(self, message: int) -> int:
        return 1


class Idle(pykka.ThreadingActor):
    def on_receive(self, message: int) -> None:
        pass


def tell_one_by_one(steps: int) -> list[float]:
    gate = threading.Semaphore(0)
    ref = Counting.start(gate)
    times = []
    for _ in range(steps):
        began = perf_counter()
        for number in range(BURST):
            ref.tell(number)
        gate.acquire()
        times.append(perf_counter() - began)
    ref.stop()
    return times


def ask(steps: int) -> list[float]:
    ref = Answering.start()
    times = []
    for step in range(steps):
        began = perf_counter()
        ref.ask(step)
        times.append(perf_counter() - began)
    ref.stop()
    return times


def spawn_and_stop(steps: int) -> list[float]:
    times = []
    for _ in range(steps):
        began = perf_counter()
        Idle.start().stop()
        times.append(perf_counter() - began)
    return times
