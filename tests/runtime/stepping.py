"""Trio a step at a time, for Hypothesis' state machines: their rules are plain functions, and between two of them the
program under test must stand still, time included."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import outcome
import trio
import trio.testing

from runtime.testing import seeded_scheduler

T = TypeVar("T")


class SteppedTrio:
    """A trio run as the guest of whoever calls ``call``: it moves only within that.

    The clock jumps when all tasks wait and a call is still under way, so ``call(trio.sleep, 5)`` lets 5 s pass. The
    seed chooses the interleaving, as in ``runtime.testing.run``.
    """

    nursery: trio.Nursery
    """For tasks that go on between the calls."""

    def __init__(self, seed: int) -> None:
        self._ready: deque[Callable[[], object]] = deque()
        self._seeded = ExitStack()
        self._seeded.enter_context(seeded_scheduler(seed))
        self._ended: outcome.Outcome[None] | None = None
        self._request: Callable[[], Awaitable[None]] | None = None
        trio.lowlevel.start_guest_run(
            self._serve,
            run_sync_soon_threadsafe=self._ready.append,
            done_callback=self._end,
            clock=trio.testing.MockClock(autojump_threshold=0),
            host_uses_signal_set_wakeup_fd=True,
        )
        self._pump(lambda: hasattr(self, "nursery"))

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run an async function within trio; returns what it returns, as soon as it does."""
        answers: list[outcome.Outcome[T]] = []

        async def answer() -> None:
            answers.append(await outcome.acapture(function, *args))

        self._request = answer
        self._pump(lambda: bool(answers))
        return answers[0].unwrap()

    def close(self) -> None:
        """Cancel what is left, and raise what it raised."""
        try:
            self.call(self._cancel)
            self._pump(lambda: self._ended is not None)
        finally:
            self._seeded.close()
        assert self._ended is not None
        self._ended.unwrap()

    def _pump(self, done: Callable[[], bool]) -> None:
        while not done():
            if self._ended is not None:
                self._ended.unwrap()
            self._ready.popleft()()

    async def _serve(self) -> None:
        async with trio.open_nursery() as self.nursery:
            while True:
                await trio.lowlevel.checkpoint()  # as long as something can run, time stands still
                if self._request is not None:
                    request, self._request = self._request, None
                    await request()

    async def _cancel(self) -> None:
        self.nursery.cancel_scope.cancel()

    def _end(self, ended: outcome.Outcome[None]) -> None:
        self._ended = ended
