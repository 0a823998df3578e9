"""Random trees against the reference model: whatever crashes, returns, is killed or stopped, in whatever order and
interleaving, every child has the state and the incarnation that model_tree.py says, and each event is told.

A state machine, because what can be done depends on what is left: its rules draw from the children that live. Each rule
acts, waits until all is quiet, and compares. A failure prints the tree, the scheduler's seed and the rules, shrunk.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

import attrs
import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runtime import (
    ActorSpec,
    ActorStopped,
    AutoShutdown,
    Backoff,
    ChildSpec,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    RestartIntensityExceeded,
    RuntimeEvent,
    Strategy,
    Supervisor,
    TreeNode,
)
from runtime.testing import Events
from tests.runtime import model_tree as model
from tests.runtime.stepping import SteppedTrio

BACKOFF = Backoff(model.FIRST, model.FACTOR, model.CEILING, model.RESET_AFTER)
KEYS = ("x", "y", "z")

N = TypeVar("N", bound=model.Node)

restarts = st.sampled_from(Restart)
branch_restarts = st.sampled_from([Restart.TRANSIENT, Restart.TEMPORARY])
budgets = st.sampled_from([math.inf, math.inf, 5, 2, 1, 0])
windows = st.sampled_from([64.0, 4.0])
seeds = st.integers(0, 2**32 - 1)


def supervisors(children: st.SearchStrategy[model.Plan]) -> st.SearchStrategy[model.SupervisorPlan]:
    """Over these children, of which some that may end are significant exactly if it shuts down by itself."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> model.SupervisorPlan:
        below = draw(st.lists(children, min_size=1, max_size=4))
        may_end = [place for place, child in enumerate(below) if child.restart is not Restart.PERMANENT]
        chosen = draw(st.sets(st.sampled_from(may_end))) if may_end else set()
        below = [
            attrs.evolve(child, significant=True) if place in chosen else child for place, child in enumerate(below)
        ]
        shutdown = draw(st.sampled_from([AutoShutdown.ANY, AutoShutdown.ALL])) if chosen else AutoShutdown.NEVER
        return model.SupervisorPlan(
            tuple(below), draw(st.sampled_from(Strategy)), draw(budgets), draw(windows), shutdown, draw(branch_restarts)
        )

    return draw_one()


leaves = st.builds(model.LeafPlan, restarts)
pools = st.builds(model.PoolPlan, restarts, budgets, windows, branch_restarts)
trees = supervisors(st.recursive(leaves | pools, supervisors, max_leaves=6))


class Bound(random.Random):
    """No jitter: the longest delay each time."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Puppet:
    """Does what it is told: each order is acknowledged first, so that none comes twice."""

    async def run(self, inbox: Inbox[str]) -> None:
        while True:
            try:
                [order] = await inbox.peek(1)
            except trio.EndOfChannel:
                return
            inbox.drop(1)
            match order:
                case "crash":
                    raise ValueError("told to")
                case "return":
                    return
                case "feel well":
                    inbox.healthy()


class TreeMachine(RuleBasedStateMachine):
    """What happens to the tree happens to the model, and the two are compared after each step."""

    @initialize(plan=trees, seed=seeds)
    def plant(self, plan: model.SupervisorPlan, seed: int) -> None:
        self.world = model.World(plan)
        self.events = Events()
        self.refs: dict[str, Ref[str]] = {}
        self.pools: dict[str, Pool[str, str]] = {}
        self.followed: dict[str, list[RuntimeEvent]] = {}
        self.observed: dict[str, list[RuntimeEvent]] = {}
        self.exceeded = False
        self.watching = ExitStack()
        self.trio = SteppedTrio(seed)
        self.root = self._supervisor(plan, "root", "root", rng=Bound(), observer=self.events)
        self.trio.call(self._begin)
        self.world.root.start()
        self._listen(in_order=True)

    # The same tree

    def _spec(self, plan: model.Plan, path: str, name: str) -> ChildSpec:
        match plan:
            case model.LeafPlan(restart, significant):
                return self._leaf(path, name, restart, significant=significant)
            case model.PoolPlan(child, budget, within, restart, significant):
                pool = self.pools[path] = Pool(
                    name,
                    lambda key: self._leaf(f"{path}/{key}", key, child),
                    intensity=Intensity(budget, within),
                    restart=restart,
                    backoff=BACKOFF,
                    significant=significant,
                )
                self._follow(path, pool)
                return pool
            case model.SupervisorPlan():
                return self._supervisor(plan, path, name)

    def _leaf(self, path: str, name: str, restart: Restart, *, significant: bool = False) -> ActorSpec[str]:
        ref = self.refs[path] = Ref(name)
        self._follow(path, ref)
        return ActorSpec(ref, Puppet, restart, backoff=BACKOFF, significant=significant)

    def _supervisor(self, plan: model.SupervisorPlan, path: str, name: str, **options: object) -> Supervisor:
        supervisor = Supervisor(
            name,
            [self._spec(child, f"{path}/{place}", str(place)) for place, child in enumerate(plan.children)],
            strategy=plan.strategy,
            intensity=Intensity(plan.budget, plan.within),
            auto_shutdown=plan.auto_shutdown,
            restart=plan.restart,
            backoff=BACKOFF,
            significant=plan.significant,
            **options,  # type: ignore[arg-type]
        )
        self._follow(path, supervisor)
        return supervisor

    def _follow(self, path: str, what: "Ref[str] | Supervisor | Pool[str, str]") -> None:
        told: list[RuntimeEvent] = []
        self.followed[path], self.observed[path] = told, []
        self.watching.enter_context(what.watch(told.append))

    async def _begin(self) -> None:
        self.trio.nursery.start_soon(self._run)
        await trio.testing.wait_all_tasks_blocked()

    async def _run(self) -> None:
        try:
            await self.root.run()
        except RestartIntensityExceeded:
            self.exceeded = True

    # What may happen

    def _do(self, action: Callable[[], object]) -> None:
        """Act, and wait until all is quiet."""

        async def act() -> None:
            action()
            await trio.testing.wait_all_tasks_blocked()

        self.trio.call(act)

    def _living(self) -> list[model.Node]:
        return [node for node in self.world.root.walk() if node.alive]

    def _living_leaves(self) -> list[model.Node]:
        return [node for node in self._living() if not isinstance(node, model.Branch)]

    def _choose(self, data: st.DataObject, among: Sequence[N]) -> N:
        path = data.draw(st.sampled_from([node.path for node in among]))
        return next(node for node in among if node.path == path)

    @precondition(lambda self: self._living_leaves())
    @rule(data=st.data(), order=st.sampled_from(["crash", "crash", "return", "feel well"]))
    def tell(self, data: st.DataObject, order: str) -> None:
        leaf = self._choose(data, self._living_leaves())
        self._do(lambda: self.refs[leaf.path].tell(order))
        match order:
            case "crash":
                leaf.crash("ValueError")
            case "return":
                leaf.leave()
            case "feel well":
                leaf.healthy = True

    @precondition(lambda self: len(self._living()) > 1)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Anything below the root."""
        node = self._choose(data, self._living()[1:])
        self._do(lambda: self.root.kill(node.path))
        node.crash("ActorKilled")

    @precondition(lambda self: self.pools)
    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def ensure(self, data: st.DataObject, key: str) -> None:
        pool = self._choose(data, [node for node in self.world.root.walk() if isinstance(node, model.Pool)])
        if pool.over:
            self._do(lambda: self._is_refused(pool.path, key))
        else:
            self._do(lambda: self.pools[pool.path].ensure(key))
            pool.ensure(key)
            assert self.pools[pool.path].get(key) is self.refs[f"{pool.path}/{key}"]

    def _is_refused(self, path: str, key: str) -> None:
        try:
            self.pools[path].ensure(key)
        except ActorStopped:
            return
        raise AssertionError("a pool that has stopped takes no more children")

    @precondition(lambda self: self.pools)
    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def remove(self, data: st.DataObject, key: str) -> None:
        pool = self._choose(data, [node for node in self.world.root.walk() if isinstance(node, model.Pool)])
        self.trio.call(self.pools[pool.path].remove, key)
        pool.remove(key)
        assert self.pools[pool.path].get(key) is None

    @rule(seconds=st.sampled_from([0.5, 1, 2, 4, 8, 64]))
    def wait(self, seconds: float) -> None:
        self.trio.call(trio.sleep, seconds)
        self.trio.call(trio.testing.wait_all_tasks_blocked)
        self.world.pass_time(seconds)
        self._listen()

    # What must hold

    @invariant()
    def every_child_is_as_the_model_says(self) -> None:
        """State, incarnation, uptime and latest failure, of exactly those children."""
        assert seen(self.root.tree()) == self.world.seen()
        assert self.exceeded == self.world.failed
        self._listen()

    def _listen(self, *, in_order: bool = False) -> None:
        """What was told since the last time is what the model tells; who follows a child is told the same of it."""
        events, self.events.all = self.events.all, []
        told = [(type(event).__name__, event.path) for event in events]
        expected = self.world.listen()
        assert Counter(told) == Counter(expected)
        assert told == expected or not in_order
        for event in events:
            self.observed[event.path].append(event)
        assert self.followed == self.observed

    def teardown(self) -> None:
        """Whenever it comes, the end is orderly: in reverse order, and without waiting for any backoff."""
        if not hasattr(self, "trio"):
            return
        try:
            was_over = self.world.root.over
            self._do(self.root.stop)
            self.world.root.finish()
            assert seen(self.root.tree()) == self.world.seen()
            self._listen(in_order=not self.pools and not was_over)
            assert self.root.report().clean
            for path, ref in self.refs.items():
                assert self.trio.call(ref.wait_stopped) is self.followed[path][-1]
        finally:
            self.watching.close()
            self.trio.close()


def seen(node: TreeNode) -> dict[str, model.Seen]:
    failure = None if node.last_failure is None else node.last_failure.type
    found: dict[str, model.Seen] = {node.path: (node.state, node.incarnation, node.uptime_s, failure)}
    for child in node.children:
        found |= seen(child)
    return found


TestTrees = TreeMachine.TestCase
TestTrees.settings = settings(max_examples=100, stateful_step_count=30)
