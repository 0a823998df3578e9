"""Whatever happens to a tree, whoever watches a part of it hears exactly what the observer hears of it."""

import random
from collections.abc import Sequence
from contextlib import ExitStack

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import (
    ActorSpec,
    ActorStopped,
    AutoShutdown,
    Backoff,
    DeadLetterDiscarded,
    Inbox,
    Intensity,
    MailboxFull,
    Pool,
    Ref,
    Restart,
    RestartIntensityExceeded,
    RuntimeEvent,
    Started,
    Stopped,
    StoppedLate,
    Strategy,
    Supervisor,
    Watched,
)
from runtime.testing import Events, run

Step = tuple[str, str]

STATIC = ("a", "b", "work")
KEYS = ("x", "y")
BRANCHES = ("nested", "pool")


class Moody:
    """Does as it is told: crashes, returns, or takes its time."""

    async def run(self, inbox: Inbox[str]) -> None:
        async for message in inbox:
            match message:
                case "crash":
                    raise ValueError(message)
                case "return":
                    return
                case "linger":
                    with trio.CancelScope(shield=True):
                        await trio.sleep(2.5)


class World:
    """Two static actors, one of them in a supervisor that ends with its work, and a pool; everything is watched."""

    def __init__(self, strategies: Sequence[Strategy], restarts: int, rng: random.Random, watches: ExitStack) -> None:
        self.watches = watches
        self.events = Events()
        self.heard: list[tuple[Watched, list[RuntimeEvent]]] = []
        self.refs = {name: Ref[str](name, capacity=4) for name in STATIC}
        intensity = Intensity(restarts=restarts, within=10)
        self.pool = Pool[str, str]("pool", lambda key: self.spec(Ref(key, capacity=4)), intensity=intensity)
        self.nested = Supervisor(
            "nested",
            [self.spec(self.refs["b"]), self.spec(self.refs["work"], Restart.TRANSIENT, significant=True)],
            strategy=strategies[0],
            intensity=intensity,
            auto_shutdown=AutoShutdown.ANY,
            backoff=Backoff(first=0.5),
        )
        self.root = Supervisor(
            "root",
            [self.spec(self.refs["a"]), self.nested, self.pool],
            strategy=strategies[1],
            intensity=intensity,
            rng=rng,
            observer=self.events,
        )
        for watched in (*self.refs.values(), self.nested, self.pool, self.root):
            self.watch(watched)

    def spec(self, ref: Ref[str], restart: Restart = Restart.PERMANENT, *, significant: bool = False) -> ActorSpec[str]:
        return ActorSpec(ref, Moody, restart, grace=1, backoff=Backoff(first=0.5), significant=significant)

    def watch(self, watched: Watched) -> None:
        events: list[RuntimeEvent] = []
        self.heard.append((watched, events))
        self.watches.enter_context(watched.watch(events.append))

    def ensure(self, key: str) -> Ref[str] | None:
        known = self.pool.get(key)
        try:
            ref = self.pool.ensure(key)
        except ActorStopped:
            return None
        if ref is not known:
            self.watch(ref)
        return ref

    async def act(self, nursery: trio.Nursery, step: Step) -> None:
        what, name = step
        match what:
            case "sleep":
                await trio.sleep(float(name))
            case "remove":
                nursery.start_soon(self.pool.remove, name)
            case "stop":
                {"nested": self.nested, "pool": self.pool}[name].stop()
            case "kill":
                try:
                    self.root.kill(name)
                except LookupError:
                    assert name in KEYS
            case message:
                ref = self.ensure(name) if name in KEYS else self.refs[name]
                try:
                    if ref is not None:
                        ref.tell(message)
                except (MailboxFull, ActorStopped):
                    return


MEMBERS = st.sampled_from([*STATIC, *KEYS])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["crash", "crash", "linger", "work"]), MEMBERS),
    st.tuples(st.just("return"), st.sampled_from(["a", "b", *KEYS])),
    st.tuples(st.just("kill"), st.sampled_from([*STATIC, *KEYS, *BRANCHES])),
    st.tuples(st.just("remove"), st.sampled_from(KEYS)),
    st.tuples(st.just("sleep"), st.sampled_from(["0", "0.1", "1", "4"])),
)
RARE = st.one_of(st.tuples(st.just("return"), st.just("work")), st.tuples(st.just("stop"), st.sampled_from(BRANCHES)))


@settings(max_examples=150, deadline=None)
@given(
    strategies=st.tuples(st.sampled_from(Strategy), st.sampled_from(Strategy)),
    restarts=st.sampled_from([0, 2, 1000]),
    steps=st.lists(st.one_of(STEPS, STEPS, STEPS, RARE), max_size=40),
    end=st.sampled_from(["stop", "cancel"]),
    seed=st.integers(0, 2**32),
)
def test_a_watcher_hears_what_the_observer_hears(
    strategies: Sequence[Strategy], restarts: int, steps: Sequence[Step], end: str, seed: int
) -> None:
    """All of it, in the same order, from the first incarnation to the end, and nothing after it; whoever waits for
    an end is told the one that was observed."""
    run(_play, strategies, restarts, steps, end, seed, seed=seed)


async def _play(strategies: Sequence[Strategy], restarts: int, steps: Sequence[Step], end: str, seed: int) -> None:
    with ExitStack() as watches:
        world = World(strategies, restarts, random.Random(seed), watches)
        ended: dict[Watched, Stopped] = {}

        async def wait(watched: Watched) -> None:
            ended[watched] = await watched.wait_stopped()

        async def run_tree() -> None:
            with tree_scope:
                try:
                    await world.root.run()
                except RestartIntensityExceeded:
                    assert restarts < 1000

        tree_scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            for watched, _ in tuple(world.heard):
                nursery.start_soon(wait, watched)
            nursery.start_soon(run_tree)
            for step in steps:
                await world.act(nursery, step)
            if end == "stop":
                world.root.stop()
            else:
                tree_scope.cancel()
        for watched, _ in world.heard:
            with trio.fail_after(1):
                await wait(watched)
    check(world, ended)


def check(world: World, ended: dict[Watched, Stopped]) -> None:
    order = {id(event): index for index, event in enumerate(world.events.all)}
    told: set[int] = set()
    for watched, events in world.heard:
        assert ended[watched] is events[-1]
        assert not any(isinstance(event, Stopped) for event in events[:-1])
        incarnations = [event.incarnation for event in events if isinstance(event, Started)]
        assert incarnations == list(range(1, len(incarnations) + 1))
        assert {event.path for event in events} == {ended[watched].path}
        observed = [order[id(event)] for event in events]
        assert observed == sorted(observed)
        assert told.isdisjoint(observed)
        told.update(observed)
    missed = [event for event in world.events.all if order[id(event)] not in told]
    assert all(isinstance(event, DeadLetterDiscarded) for event in missed)  # its actor may be long gone
    stuck = {event.path for event in world.events.of(StoppedLate)}
    report = world.root.report()
    assert {*report.late, *report.stuck} <= stuck
    with pytest.raises(ActorStopped):
        world.pool.ensure("z")
