"""Bare trio: a task behind a memory channel, written by hand, supervised by nobody."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, TypeVar

import trio
import trio.testing

from benchmarks.contenders.work import BURST, CAPACITY, NARROW, Gate, put_bursts, repeat, send_bursts

T = TypeVar("T")

Receive = trio.MemoryReceiveChannel
Send = trio.MemorySendChannel


class Question:
    """What a task that asks another sends along: a slot for the answer and an event."""

    __slots__ = ("answer", "answered")

    def __init__(self) -> None:
        self.answered = trio.Event()
        self.answer = 0


async def receive_one_by_one(channel: Receive[int], gate: Gate) -> None:
    left = BURST
    async for _ in channel:
        left -= 1
        if not left:
            left = BURST
            gate.open()


async def receive_drained(channel: Receive[int], gate: Gate) -> None:
    """One ``receive``, then ``receive_nowait`` for as long as there is something."""
    left = BURST
    async for _ in channel:
        left -= 1
        try:
            while left:
                channel.receive_nowait()
                left -= 1
        except trio.WouldBlock:
            continue
        left = BURST
        gate.open()


async def answer(channel: Receive[Question]) -> None:
    async for question in channel:
        question.answer = 1
        question.answered.set()


async def idle(channel: Receive[int]) -> None:
    async for _ in channel:
        pass


def tell_one_by_one(steps: int) -> list[float]:
    gate = Gate()
    return _with_task(
        lambda receive: receive_one_by_one(receive, gate), lambda send: put_bursts(send.send_nowait, gate, steps)
    )


def tell_drained(steps: int) -> list[float]:
    gate = Gate()
    return _with_task(
        lambda receive: receive_drained(receive, gate), lambda send: put_bursts(send.send_nowait, gate, steps)
    )


def send_one_by_one(steps: int) -> list[float]:
    gate = Gate()
    return _with_task(
        lambda receive: receive_one_by_one(receive, gate), lambda send: send_bursts(send.send, gate, steps), NARROW
    )


def ask(steps: int) -> list[float]:
    async def work(send: Send[Question]) -> list[float]:
        async def once(_: int) -> None:
            question = Question()
            await send.send(question)
            await question.answered.wait()

        return await repeat(once, steps)

    return _with_task(answer, work)


def spawn_and_stop(steps: int) -> list[float]:
    """A task with a channel in a nursery, closed and waited for."""

    async def main() -> list[float]:
        async with trio.open_nursery() as nursery:

            async def once(_: int) -> None:
                send, receive = trio.open_memory_channel[int](CAPACITY)
                ended = trio.Event()
                nursery.start_soon(live, receive, ended)
                send.close()
                await ended.wait()

            return await repeat(once, steps)

    return trio.run(main)


async def live(receive: Receive[int], ended: trio.Event) -> None:
    with receive:
        await idle(receive)
    ended.set()


def restart(steps: int) -> list[float]:
    """A loop that opens a nursery for each life: no backoff, no budget, and nobody is told."""
    crashed_at: list[float] = []
    times: list[float] = []

    async def run() -> None:
        now = perf_counter()
        if crashed_at:
            times.append(now - crashed_at.pop())
        await trio.lowlevel.checkpoint()
        crashed_at.append(perf_counter())
        raise RuntimeError("on purpose")

    async def main() -> None:
        while len(times) < steps:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(run)
            except* RuntimeError:
                pass

    trio.run(main)
    return times


def _with_task(
    receiver: Callable[[Receive[Any]], Awaitable[None]],
    work: Callable[[Send[Any]], Awaitable[T]],
    capacity: int = CAPACITY,
) -> T:
    async def main() -> T:
        send, receive = trio.open_memory_channel[Any](capacity)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receiver, receive)
            await trio.testing.wait_all_tasks_blocked()
            result = await work(send)
            send.close()
        return result

    return trio.run(main)
