"""The scheduler's seed: it reaches what shuffling cannot, replays it, and says when trio takes its hook away."""

import random
import threading
from typing import Any

import pytest
import trio
import trio.testing
from trio._core import _run as trio_run

from runtime.testing import run, seeded_scheduler

Step = tuple[str, int]


async def race(steps: list[Step]) -> None:
    """Three tasks of six steps each."""

    async def walk(name: str) -> None:
        for number in range(6):
            steps.append((name, number))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for name in "abc":
            nursery.start_soon(walk, name)


def steps_under(seed: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    run(race, steps, seed=seed)
    return tuple(steps)


class Till:
    """A racy example: the price is read before the checkpoint and written after it."""

    def __init__(self) -> None:
        self.total = 0
        self.trace: list[str] = []

    async def add(self, name: str, hesitation: int) -> None:
        for _ in range(hesitation):
            await trio.lowlevel.checkpoint()
        total = self.total
        self.trace.append(f"{name} reads {total}")
        await trio.lowlevel.checkpoint()
        self.total = total + 1
        self.trace.append(f"{name} writes {self.total}")


async def ring_up(till: Till) -> None:
    """In step, the second is always done before the first begins: only a task that is late shows the race."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(till.add, "first", 8)
        nursery.start_soon(till.add, "second", 0)
    assert till.total == 2


def failing_seeds(seeds: range) -> dict[int, list[str]]:
    """Those under which the example fails, each with what happened."""
    failing = {}
    for seed in seeds:
        till = Till()
        try:
            run(ring_up, till, seed=seed)
        except AssertionError:
            failing[seed] = till.trace
    return failing


def test_a_race_shows_under_some_seeds_and_replays_under_each_of_them() -> None:
    """The same steps, to the same failure."""
    failing = failing_seeds(range(100))
    assert 0 < len(failing) < 100
    assert failing_seeds(range(100)) == failing


def test_a_race_that_needs_a_late_task_never_shows_while_all_keep_in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why tasks are held back: shuffling alone finds nothing here."""
    for seed in range(100):
        monkeypatch.setattr(trio_run, "_r", random.Random(seed))
        trio.run(ring_up, Till())


def test_one_seed_takes_one_course_and_others_take_others() -> None:
    """Nearly all of them, among three times six steps."""
    courses = [steps_under(seed) for seed in range(100)]
    assert [steps_under(seed) for seed in range(100)] == courses
    assert len(set(courses)) > 90


def test_every_task_may_come_first_or_last_or_run_to_its_end_while_others_wait() -> None:
    """No order of two tasks is out of reach."""
    courses = {steps_under(seed) for seed in range(300)}
    for name in "abc":
        assert any(course[0][0] == name for course in courses)
        assert any(course[-1][0] == name for course in courses)
        others = [other for other in "abc" if other != name]
        assert any(course.index((name, 5)) < min(course.index((other, 1)) for other in others) for course in courses)


def test_a_task_that_is_held_back_can_run_so_time_stands_still() -> None:
    """The clock jumps, and wait_all_tasks_blocked returns, only when nothing could run."""

    async def main() -> None:
        async def work() -> None:
            for _ in range(20):
                await trio.lowlevel.checkpoint()
            done.append(trio.current_time())

        done: list[float] = []
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(work)
            await trio.testing.wait_all_tasks_blocked()
            assert done == [start] * 5
            await trio.sleep(1)

    for seed in range(50):
        run(main, seed=seed)


@pytest.mark.parametrize("seed", range(60))
def test_every_task_has_its_turn_though_another_never_waits(seed: int) -> None:
    """A task is late, never starved: what trio would run, a seed runs in the end."""

    async def main() -> None:
        done = False

        async def work() -> None:
            nonlocal done
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            done = True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            for _ in range(2000):
                await trio.lowlevel.checkpoint()
            assert done

    run(main, seed=seed)


def test_no_two_runs_draw_the_same_seed() -> None:
    """A suite that runs each day would else see the same few interleavings again and again. They have 32 bits."""

    async def main() -> None:
        raise LookupError

    seeds: set[int] = set()
    for _ in range(100):
        with pytest.raises(LookupError) as caught:
            run(main)
        seeds.add(int(caught.value.__notes__[0].removeprefix("scheduler seed: ")))
    assert len(seeds) > 90
    assert max(seeds) < 2**32


def test_what_fails_under_a_random_seed_says_which_it_was() -> None:
    """The note is enough to replay it."""

    async def main() -> None:
        raise LookupError

    with pytest.raises(LookupError) as caught:
        run(main)
    [note] = caught.value.__notes__
    assert note.startswith("scheduler seed: ")
    assert int(note.rpartition(" ")[2]) < 2**32
    with pytest.raises(LookupError) as caught:
        run(main, seed=7)
    assert caught.value.__notes__ == ["scheduler seed: 7"]


def test_run_returns_what_the_scenario_returns_in_virtual_time() -> None:
    """An hour passes at once."""

    async def main(hours: int) -> float:
        before = trio.current_time()
        await trio.sleep(hours * 3600)
        return trio.current_time() - before

    assert run(main, 2) == 7200


def test_the_seed_holds_within_the_block_only() -> None:
    """Trio's own randomness is back afterwards, also after a failure."""
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    with seeded_scheduler(1):
        assert trio_run._r is not before[0]
    with pytest.raises(ZeroDivisionError), seeded_scheduler(1):
        _ = 1 / 0
    assert (trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING) == before


def test_a_run_in_another_thread_goes_on_undisturbed() -> None:
    """Holding back a task concerns the run that it belongs to."""
    ended: list[int] = []

    def elsewhere() -> None:
        steps: list[Step] = []
        trio.run(race, steps)
        ended.append(len(steps))

    async def main() -> None:
        await trio.to_thread.run_sync(elsewhere)
        await race(steps)

    steps: list[Step] = []
    with seeded_scheduler(3):
        trio.run(main)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        trio.run(race, [])
        thread.join()
    assert ended == [18, 18]
    assert len(steps) == 18


def test_trio_still_has_what_the_seed_relies_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """When trio changes its hook for Hypothesis, this says so before any replay goes wrong."""
    calls: list[list[trio.lowlevel.Task]] = []

    class Watch(random.Random):
        def shuffle(self, x: Any) -> None:
            calls.append(list(x))
            assert not trio_run.GLOBAL_RUN_CONTEXT.runner.runq, "the pass has been taken off the queue"

    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    monkeypatch.setattr(trio_run, "_r", Watch())
    trio.run(race, [])
    tasks = [task for batch in calls for task in batch]
    assert len(tasks) > 18
    assert all(isinstance(task, trio.lowlevel.Task) for task in tasks)
    assert all(batch == sorted(batch, key=lambda task: task._counter) for batch in calls)
