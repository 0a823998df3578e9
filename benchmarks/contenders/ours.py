"""The actor runtime of this repository."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import trio

from benchmarks.contenders.work import BURST, CAPACITY, NARROW, Gate, put_bursts, repeat, send_bursts
from runtime import Actor, ActorSpec, Backoff, Inbox, Intensity, Pool, Ref, Reply, Supervisor

T = TypeVar("T")


class OneByOne:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def run(self, inbox: Inbox[int]) -> None:
        left = BURST
        async for _ in inbox:
            left -= 1
            if not left:
                left = BURST
                self._gate.open()


class Batched:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def run(self, inbox: Inbox[int]) -> None:
        left = BURST
        while True:
            try:
                batch = await inbox.peek(BURST)
            except trio.EndOfChannel:
                return
            for _ in batch:
                left -= 1
                if not left:
                    left = BURST
                    self._gate.open()
            inbox.drop(len(batch))


class Answering:
    async def run(self, inbox: Inbox[Reply[int]]) -> None:
        async for reply in inbox:
            reply.set(1)


class Idle:
    async def run(self, inbox: Inbox[int]) -> None:
        async for _ in inbox:
            pass


class Crashing:
    """Crashes as soon as it runs, until it has come back as often as it should."""

    def __init__(self, crashed_at: list[float], times: list[float], steps: int, over: trio.Event) -> None:
        self._crashed_at = crashed_at
        self._times = times
        self._steps = steps
        self._over = over

    async def run(self, inbox: Inbox[int]) -> None:
        now = perf_counter()
        if self._crashed_at:
            self._times.append(now - self._crashed_at.pop())
        if len(self._times) == self._steps:
            self._over.set()
            async for _ in inbox:
                pass
            return
        await trio.lowlevel.checkpoint()
        self._crashed_at.append(perf_counter())
        raise RuntimeError("on purpose")


def tell_one_by_one(steps: int) -> list[float]:
    gate = Gate()
    return _with_actor(lambda: OneByOne(gate), lambda ref: put_bursts(ref.tell, gate, steps))


def tell_batched(steps: int) -> list[float]:
    gate = Gate()
    return _with_actor(lambda: Batched(gate), lambda ref: put_bursts(ref.tell, gate, steps))


def send_one_by_one(steps: int) -> list[float]:
    gate = Gate()
    return _with_actor(lambda: OneByOne(gate), lambda ref: send_bursts(ref.send, gate, steps), NARROW)


def send_batched(steps: int) -> list[float]:
    gate = Gate()
    return _with_actor(lambda: Batched(gate), lambda ref: send_bursts(ref.send, gate, steps), NARROW)


def ask(steps: int) -> list[float]:
    def request(reply: Reply[int]) -> Reply[int]:
        return reply

    return _with_actor(Answering, lambda ref: repeat(lambda _: ref.ask(request), steps))


def spawn_and_stop(steps: int) -> list[float]:
    pool = Pool[int, int]("pool", lambda key: ActorSpec(Ref(str(key)), Idle))

    async def once(step: int) -> None:
        pool.ensure(step)
        await pool.remove(step)

    return _within(pool, lambda: repeat(once, steps))


def restart(steps: int) -> list[float]:
    """Seconds from the raise to the next incarnation's first line, with a budget that is never exceeded."""
    times: list[float] = []
    over = trio.Event()
    crashing = partial(Crashing, [], times, steps, over)
    spec = ActorSpec(Ref[int]("crashing"), crashing, backoff=Backoff(first=0, ceiling=0))
    root = Supervisor("root", [spec], intensity=Intensity(restarts=steps, within=0.001))
    _within(root, over.wait)
    return times


def _with_actor(
    factory: Callable[[], Actor[Any]], work: Callable[[Ref[Any]], Awaitable[T]], capacity: int = CAPACITY
) -> T:
    ref = Ref[Any]("reader", capacity=capacity)
    return _within(Supervisor("root", [ActorSpec(ref, factory)]), lambda: work(ref))


def _within(root: Supervisor | Pool[Any, Any], work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        async with trio.open_nursery() as nursery:
            await nursery.start(root.run)
            result = await work()
            root.stop()
        return result

    return trio.run(main)
