"""Thousands of idle actors of each contender: made, started in order, weighed, and stopped in reverse order."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter, process_time
from typing import Protocol

import trio
import trio.testing
from attrs import define, frozen

from benchmarks.contenders import channels, ours, pykka_threads
from benchmarks.contenders.work import CAPACITY
from runtime import ActorSpec, Pool, Ref, RuntimeEvent, Started, Stopped, Supervisor

GRACE = 300.0
"""Far beyond what stopping may take, so that nothing is cut short."""


class Scales(Protocol):
    def tare(self) -> None:
        """What there is now is not counted."""

    def weigh(self) -> None:
        """Take down what has come since."""


@frozen
class Life:
    """Seconds until all were made and running, and until all had stopped, and what all threads computed meanwhile,
    without the weighing."""

    start_s: float
    stop_s: float
    cpu_s: float


class Phases:
    """Times one life of a crowd, and has it weighed when all are idle."""

    def __init__(self, scales: Scales) -> None:
        self._scales = scales
        self._watch = _Stopwatch()
        self._start_s = self._start_cpu_s = 0.0

    def begin(self) -> None:
        self._scales.tare()
        self._watch = _Stopwatch()

    def idle(self) -> None:
        self._start_s, self._start_cpu_s = self._watch.read()
        self._scales.weigh()
        self._watch = _Stopwatch()

    def ended(self) -> Life:
        stop_s, stop_cpu_s = self._watch.read()
        return Life(self._start_s, stop_s, self._start_cpu_s + stop_cpu_s)


class _Stopwatch:
    def __init__(self) -> None:
        self._began, self._computed = perf_counter(), process_time()

    def read(self) -> tuple[float, float]:
        """The seconds since, and those that all threads computed."""
        return perf_counter() - self._began, process_time() - self._computed


@define
class Order:
    """An observer to whom starts in another order than the names', or stops in another than its reverse, are a bug.

    It keeps one name, whatever it is told, so that it weighs nothing.
    """

    _latest: str = ""
    ordered: bool = True

    def __call__(self, event: RuntimeEvent) -> None:
        path = event.path
        match event:
            case Started():
                self._note(path, path > self._latest)
            case Stopped():
                self._note(path, path <= self._latest)  # the last one started is the first to stop

    def _note(self, path: str, ordered: bool) -> None:
        if "/" in path:
            self.ordered = self.ordered and ordered
            self._latest = path


def name(number: int) -> str:
    """Names whose order as text is the order of their numbers."""
    return f"actor-{number:06}"


def supervised(count: int, scales: Scales) -> Life:
    """Under one supervisor: each begins to run before the next is started, and has ended before the next is stopped."""

    def make() -> Supervisor:
        return Supervisor(
            "root", [ActorSpec(Ref(name(number)), ours.Idle) for number in range(count)], grace=GRACE, observer=order
        )

    order = Order()
    life = _tree(make, scales)
    assert order.ordered
    return life


def pooled(count: int, scales: Scales) -> Life:
    """In one pool, which starts and stops all at once."""

    def make() -> Pool[int, int]:
        pool = Pool[int, int]("root", lambda key: ActorSpec(Ref(name(key)), ours.Idle), grace=GRACE)
        for number in range(count):
            pool.ensure(number)
        return pool

    return _tree(make, scales)


def _tree(make: Callable[[], Supervisor | Pool[int, int]], scales: Scales) -> Life:
    async def main(life: Phases) -> None:
        async with trio.open_nursery() as nursery:
            life.begin()
            root = make()
            await nursery.start(root.run)
            await _idle(life)
            root.stop()

    return _live(main, scales)


def tasks(count: int, scales: Scales) -> Life:
    """Trio tasks with a memory channel each, by ``nursery.start``; each is closed and waited for before the next."""

    async def live(receive: channels.Receive[int], ended: trio.Event, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await channels.live(receive, ended)

    async def main(life: Phases) -> None:
        async with trio.open_nursery() as nursery:
            life.begin()
            crowd = []
            for number in range(count):
                send, receive = trio.open_memory_channel[int](CAPACITY)
                ended = trio.Event()
                await nursery.start(live, receive, ended, name=name(number))
                crowd.append((send, ended))
            await _idle(life)
            while crowd:
                send, ended = crowd.pop()
                send.close()
                await ended.wait()

    return _live(main, scales)


def _live(main: Callable[[Phases], Awaitable[None]], scales: Scales) -> Life:
    life = Phases(scales)
    trio.run(main, life)
    return life.ended()


async def _idle(life: Phases) -> None:
    await trio.testing.wait_all_tasks_blocked()
    life.idle()


def threads(count: int, scales: Scales) -> Life:
    """Pykka's: ``start`` and a blocking ``stop`` for each."""
    life = Phases(scales)
    life.begin()
    crowd = [pykka_threads.Idle.start() for _ in range(count)]
    for ref in crowd[-1:]:
        ref.ask(0)
    life.idle()
    while crowd:
        crowd.pop().stop()
    return life.ended()


CROWDS: Mapping[str, Callable[[int, Scales], Life]] = {
    "supervisor": supervised,
    "pool": pooled,
    "trio": tasks,
    "pykka": threads,
}
