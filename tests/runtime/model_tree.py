"""A reference model of supervision, without tasks: what becomes of a tree when its children crash, return, are killed,
and time passes. It says at once what the runtime takes many steps for, so it can be read beside docs/runtime.md.
"""

from collections.abc import Iterator, Sequence

import attrs

from runtime import AutoShutdown, Restart, State, Strategy

FIRST, FACTOR, CEILING, RESET_AFTER = 1.0, 2.0, 4.0, 8.0
"""The backoff of every child; its jitter is held at the bound."""


@attrs.frozen
class LeafPlan:
    restart: Restart
    significant: bool = False


@attrs.frozen
class PoolPlan:
    """``child``: the restart type of its children; ``budget``: that of each of them"""

    child: Restart
    budget: float
    within: float
    restart: Restart = Restart.TRANSIENT
    significant: bool = False


@attrs.frozen
class SupervisorPlan:
    children: tuple["Plan", ...]
    strategy: Strategy
    budget: float
    within: float
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    restart: Restart = Restart.TRANSIENT
    significant: bool = False


Plan = LeafPlan | PoolPlan | SupervisorPlan
Event = tuple[str, str]  # the kernel's name of it, and the path it is about
Seen = tuple[State, int, float, str | None]  # of one child: its incarnation, its uptime, its latest failure


@attrs.define(eq=False)
class Budget:
    restarts: float
    within: float
    spent: list[float] = attrs.field(factory=list)

    def admits(self, now: float) -> bool:
        self.spent = [time for time in self.spent if time > now - self.within] + [now]
        return len(self.spent) <= self.restarts


@attrs.define(eq=False)
class Recovery:
    """Children that start again, in order, at a time."""

    due: float
    group: list["Node"]


@attrs.define(eq=False)
class Node:
    """One child: a leaf as it is."""

    world: "World" = attrs.field(repr=False)
    path: str
    restart: Restart
    parent: "Branch | None" = attrs.field(repr=False)
    state: State = State.IDLE
    incarnation: int = 0
    attempt: int = 0
    started_at: float = 0.0
    healthy: bool = False
    failure: str | None = None  # the latest

    @property
    def alive(self) -> bool:
        return self.state is State.RUNNING

    @property
    def over(self) -> bool:
        return self.state in (State.STOPPED, State.GAVE_UP)

    def tell(self, event: str) -> None:
        self.world.told.append((event, self.path))

    def below(self) -> Sequence["Node"]:
        return ()

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.below():
            yield from child.walk()

    def start(self) -> None:
        self.state = State.RUNNING
        self.incarnation += 1
        self.started_at = self.world.now
        self.healthy = False
        self.tell("Started")

    def lose(self) -> None:
        """The living incarnation ends, and with it all below; more may come."""
        for child in self.below():
            if child.alive:
                child.lose()
        if self.healthy or self.world.now - self.started_at >= RESET_AFTER:
            self.attempt = 0
        self.state = State.RESTARTING

    def delay(self) -> float:
        self.attempt += 1
        return min(CEILING, FIRST * FACTOR ** (self.attempt - 1))

    def crash(self, failure: str) -> None:
        """By its own doing, or killed."""
        self.failure = failure
        self.tell("Crashed")
        self.lose()
        self.end(crashed=True)

    def leave(self) -> None:
        """By returning."""
        self.lose()
        self.end(crashed=False)

    def end(self, *, crashed: bool) -> None:
        """It has ended by itself: the parent decides."""
        wanted = self.restart is Restart.PERMANENT or (crashed and self.restart is Restart.TRANSIENT)
        if self.parent is None:
            self.world.failed = crashed
            self.finish()
        else:
            self.parent.hear(self, wanted=wanted)

    def finish(self, state: State = State.STOPPED) -> None:
        """Stop for good: all below in reverse order, then this one."""
        for child in reversed(self.below()):
            child.finish()
        if not self.over:
            self.state = state
            self.tell("Stopped")


@attrs.define(eq=False)
class Branch(Node):
    """What supervisors and pools have in common."""

    recoveries: list[Recovery] = attrs.field(factory=list)

    def start(self) -> None:
        self.recoveries = []
        for child in self.below():
            if not child.over:
                child.start()
        Node.start(self)

    def hear(self, child: Node, *, wanted: bool) -> None:
        raise NotImplementedError

    def recover(self, dead: Node, group: list[Node]) -> None:
        self.recoveries = [recovery for recovery in self.recoveries if not set(recovery.group) & set(group)]
        self.recoveries.append(Recovery(self.world.now + dead.delay(), group))
        for child in group:
            child.tell("Restarting")

    def resume(self, recovery: Recovery) -> None:
        self.recoveries.remove(recovery)
        for child in recovery.group:
            child.start()


@attrs.define(eq=False)
class Supervisor(Branch):
    plan: SupervisorPlan = attrs.field(kw_only=True)
    children: list[Node] = attrs.field(factory=list)
    significant: set[Node] = attrs.field(factory=set)
    budget: Budget = attrs.field(kw_only=True)

    def below(self) -> Sequence[Node]:
        return self.children

    def start(self) -> None:
        self.budget = Budget(self.plan.budget, self.plan.within)
        Branch.start(self)

    def hear(self, child: Node, *, wanted: bool) -> None:
        if not wanted:
            self.lay_to_rest(child)
        elif self.budget.admits(self.world.now):
            self.restart_group(child)
        else:
            self.escalate()

    def restart_group(self, dead: Node) -> None:
        place = self.children.index(dead)
        first, last = {
            Strategy.ONE_FOR_ONE: (place, place + 1),
            Strategy.REST_FOR_ONE: (place, len(self.children)),
            Strategy.ONE_FOR_ALL: (0, len(self.children)),
        }[self.plan.strategy]
        affected = [child for child in self.children[first:last] if not child.over]
        leavers = [child for child in affected if child.restart is Restart.TEMPORARY]
        for child in affected:
            if child.alive:
                child.lose()
        self.recover(dead, [child for child in affected if child not in leavers])
        for child in leavers:
            self.lay_to_rest(child)

    def lay_to_rest(self, child: Node) -> None:
        """It has ended for good, and perhaps all the work with it."""
        child.finish()
        if child in self.significant and self.alive:
            self.significant.remove(child)
            if self.plan.auto_shutdown is AutoShutdown.ANY or not self.significant:
                self.tell("ShuttingDown")
                self.finish_children()
                self.end(crashed=False)

    def escalate(self) -> None:
        self.tell("Escalated")
        if self.parent is None or self.restart is Restart.TEMPORARY:
            self.finish_children()
        self.crash("RestartIntensityExceeded")

    def finish_children(self) -> None:
        self.recoveries = []
        for child in reversed(self.children):
            child.finish()


@attrs.define(eq=False)
class Pool(Branch):
    plan: PoolPlan = attrs.field(kw_only=True)
    children: dict[str, Node] = attrs.field(factory=dict)
    budgets: dict[Node, Budget] = attrs.field(factory=dict)

    def below(self) -> Sequence[Node]:
        return tuple(self.children.values())

    def hear(self, child: Node, *, wanted: bool) -> None:
        if not wanted:
            self.forget(child)
        elif self.budgets[child].admits(self.world.now):
            self.recover(child, [child])
        else:
            child.tell("GaveUp")
            child.finish(State.GAVE_UP)

    def ensure(self, key: str) -> None:
        child = self.children.get(key)
        if child is None or child.over:
            child = self.children[key] = Node(self.world, f"{self.path}/{key}", self.plan.child, self)
            self.budgets[child] = Budget(self.plan.budget, self.plan.within)
            if self.alive:
                child.start()

    def remove(self, key: str) -> None:
        if key in self.children:
            self.forget(self.children[key])

    def forget(self, child: Node) -> None:
        child.finish()
        self.recoveries = [recovery for recovery in self.recoveries if recovery.group != [child]]
        self.children = {key: other for key, other in self.children.items() if other is not child}


class World:
    """The tree, its time, and what it has told since the last look."""

    def __init__(self, plan: SupervisorPlan) -> None:
        self.now = 0.0
        self.failed = False
        self.told: list[Event] = []
        self.root = self._place(plan, "root", None)

    def _place(self, plan: Plan, path: str, parent: Branch | None) -> Node:
        match plan:
            case LeafPlan(restart):
                return Node(self, path, restart, parent)
            case PoolPlan():
                return Pool(self, path, plan.restart, parent, plan=plan)
            case SupervisorPlan():
                budget = Budget(plan.budget, plan.within)
                supervisor = Supervisor(self, path, plan.restart, parent, plan=plan, budget=budget)
                for place, below in enumerate(plan.children):
                    child = self._place(below, f"{path}/{place}", supervisor)
                    supervisor.children.append(child)
                    if below.significant:
                        supervisor.significant.add(child)
                return supervisor

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (recovery := self._next()) is not None and recovery[1].due <= until:
            self.now = recovery[1].due
            recovery[0].resume(recovery[1])
        self.now = until

    def _next(self) -> tuple[Branch, Recovery] | None:
        under_way = [
            (branch, recovery)
            for branch in self.root.walk()
            if isinstance(branch, Branch) and branch.alive
            for recovery in branch.recoveries
        ]
        return min(under_way, key=lambda pair: pair[1].due, default=None)

    def seen(self) -> dict[str, Seen]:
        return {node.path: self._look_at(node) for node in self.root.walk()}

    def _look_at(self, node: Node) -> Seen:
        uptime = self.now - node.started_at if node.alive else 0.0
        return node.state, node.incarnation, uptime, node.failure

    def listen(self) -> list[Event]:
        told, self.told = self.told, []
        return told
