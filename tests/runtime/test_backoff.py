"""How soon a child comes back: ever more slowly, until it is well."""

import math
import random

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    Backoff,
    ChildSpec,
    Crashed,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restarting,
    RestartIntensityExceeded,
    Strategy,
    Supervisor,
)
from runtime.testing import Events, Probe, running


class Longest(random.Random):
    """No jitter: each delay is the longest possible."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Patient:
    """Says that it is healthy when it is told a true word; crashes on a false one."""

    async def run(self, inbox: Inbox[bool]) -> None:
        async for well in inbox:
            if not well:
                raise ValueError
            inbox.healthy()


def delays(events: Events, path: str) -> list[float]:
    return [event.delay for event in events.of(Restarting, path)]


@pytest.mark.parametrize(
    ("reset_after", "lives", "expected"),
    [
        (30.0, ["", "", ""], [1, 2, 4]),
        (30.0, ["", "_", ""], [1, 1, 2]),
        (30.0, ["", "+", ""], [1, 1, 2]),
        (30.0, ["+", "+", "+"], [1, 1, 1]),
        (math.inf, ["", "_", "_"], [1, 2, 4]),
        (math.inf, ["", "_+", "_"], [1, 1, 2]),
        (0.0, ["", "", ""], [1, 1, 1]),
    ],
)
async def test_a_backoff_starts_over_when_its_actor_is_well(
    reset_after: float, lives: list[str], expected: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    """After a quiet time, or when it says so; with an endless quiet time, only when it says so."""
    events = Events()
    ref = Ref[bool]("a")
    spec = ActorSpec(ref, Patient, backoff=Backoff(first=1, ceiling=100, reset_after=reset_after))
    root = Supervisor("root", [spec], intensity=Intensity.unlimited(), rng=Longest(), observer=events)
    async with running(root):
        for life in lives:
            for deed in life:
                if deed == "+":
                    ref.tell(True)
                    await trio.testing.wait_all_tasks_blocked()
                else:
                    await trio.sleep(3600)
            root.kill("a")
            await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(delays(events, "root/a")[-1])
            await trio.testing.wait_all_tasks_blocked()
    assert delays(events, "root/a") == expected


@pytest.mark.parametrize("well", [True, False])
async def test_a_sibling_cannot_take_back_that_one_was_well(well: bool, autojump_clock: trio.testing.MockClock) -> None:
    """Being restarted for a sibling between its good time and its next crash changes nothing."""
    events = Events()
    ref, sibling = Ref[bool]("a"), Probe[int]("sibling")
    specs: list[ChildSpec] = [ActorSpec(ref, Patient, backoff=Backoff(first=1)), sibling.spec(backoff=Backoff(first=0))]
    root = Supervisor("root", specs, strategy=Strategy.ONE_FOR_ALL, rng=Longest(), observer=events)
    async with running(root):
        for name in ("a", "a", "sibling", "a"):
            if name == "sibling" and well:
                ref.tell(True)
                await trio.testing.wait_all_tasks_blocked()
            root.kill(name)
            await trio.sleep(5)
    own = [event.delay for event in events.of(Restarting, "root/a") if event.because == "root/a"]
    assert own == ([1, 2, 1] if well else [1, 2, 4])


async def test_being_healthy_saves_no_restarts(autojump_clock: trio.testing.MockClock) -> None:
    """The budget counts all of them."""
    ref = Ref[bool]("a")
    spec = ActorSpec(ref, Patient, backoff=Backoff(first=0))
    for word in (True, False, True):
        ref.tell(word)
    with pytest.raises(RestartIntensityExceeded):
        await Supervisor("root", [spec], intensity=Intensity(restarts=1)).run()


async def test_an_unlimited_budget_is_never_exceeded(autojump_clock: trio.testing.MockClock) -> None:
    """What keeps failing comes back ever more slowly, up to its ceiling, and harms nobody around it."""

    class Broken:
        async def run(self, inbox: Inbox[int]) -> None:
            raise OSError("no such device")

    def broken(name: str) -> ActorSpec[int]:
        return ActorSpec(Ref(name), Broken, backoff=Backoff(first=1, ceiling=10))

    events = Events()
    pool = Pool[str, int]("pool", broken, intensity=Intensity.unlimited())
    pool.ensure("p")
    extension = Supervisor("extension", [broken("x")], intensity=Intensity(restarts=1), backoff=Backoff(ceiling=10))
    steady = Probe[int]("steady")
    root = Supervisor(
        "root",
        [broken("a"), pool, extension, steady.spec()],
        intensity=Intensity.unlimited(),
        rng=Longest(),
        observer=events,
    )
    async with running(root):
        await trio.sleep(1000)
        for path in ("root/a", "root/pool/p"):
            assert delays(events, path)[:6] == [1, 2, 4, 8, 10, 10]
            assert len(events.of(Crashed, path)) == 103
        assert delays(events, "root/extension")[-1] == 10
        assert steady.incarnations == 1
