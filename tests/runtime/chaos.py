"""A tree of any shape and the people who trouble it: what they sent, and what they heard of it."""

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress

import attrs
import trio
import trio.testing

from runtime import (
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Backoff,
    ChildSpec,
    Intensity,
    KeepLatest,
    MailboxFull,
    Overflow,
    OverflowPolicy,
    Pool,
    Reply,
    RequestDropped,
    Restart,
    RestartIntensityExceeded,
    RuntimeEvent,
    Stopped,
    Strategy,
    Supervisor,
    TreeNode,
)
from runtime.testing import Events, Probe, When


@attrs.frozen(eq=False)
class Message:
    """kind: "plain"; "flaky" crashes its actor when it is first seen; "poison" always. key: for KeepLatest"""

    number: int
    kind: str
    sender: str
    reply: Reply[int] | None = None

    @property
    def key(self) -> int:
        return self.number % 3

    def __repr__(self) -> str:
        return f"{self.kind} {self.number}"


POLICIES: dict[str, OverflowPolicy[Message]] = {
    "wait": Overflow.WAIT,
    "refuse": Overflow.REFUSE,
    "drop_oldest": Overflow.DROP_OLDEST,
    "keep_latest": KeepLatest(lambda message: message.key),
}


@attrs.frozen
class ActorShape:
    policy: str
    capacity: int
    batch: int
    grace: float
    restart: Restart


@attrs.frozen
class PoolShape:
    child: ActorShape
    budget: float


@attrs.frozen
class SupervisorShape:
    children: tuple["Shape", ...]
    strategy: Strategy
    budget: float
    grace: float


Shape = ActorShape | PoolShape | SupervisorShape
Action = tuple[str, int, str, float]  # what, to whom (by number), with which kind of message, seconds


@attrs.define(eq=False)
class Account:
    """One address: what was sent there, and what came of it. A pool's key has one after the other."""

    path: str
    shape: ActorShape
    probe: Probe[Message]
    accepted: list[Message] = attrs.field(factory=list)  # of tells and sends, in the order of each sender
    asked: int = 0
    answers: list[str] = attrs.field(factory=list)
    crashed_on_demand: bool = False
    retried: list[int] = attrs.field(factory=list)
    told: list[RuntimeEvent] = attrs.field(factory=list)
    end: Stopped | None = None
    outlets: dict[str, trio.MemorySendChannel[tuple[Message, float]]] = attrs.field(factory=dict)


class World:
    """Builds the tree, and does to it what the script says."""

    def __init__(self, shape: SupervisorShape, seed: int) -> None:
        self.rng = random.Random(seed)
        self.events = Events()
        self.accounts: list[Account] = []
        self.living: dict[str, Account] = {}  # by path, the one that has it now
        self.pools: dict[str, Pool[str, Message]] = {}
        self._numbers = iter(range(1_000_000))
        self.root = self._supervisor(shape, "root", "root", rng=self.rng, observer=self.events)
        self._nursery: trio.Nursery
        self._watching: ExitStack

    # The tree

    def _child(self, shape: Shape, path: str, name: str) -> ChildSpec:
        match shape:
            case ActorShape():
                return self._actor(shape, path, name)
            case PoolShape(child, budget):
                pool = self.pools[path] = Pool(
                    name, lambda key: self._actor(child, f"{path}/{key}", key), intensity=Intensity(budget)
                )
                return pool
            case SupervisorShape():
                return self._supervisor(shape, path, name)

    def _supervisor(self, shape: SupervisorShape, path: str, name: str, **options: object) -> Supervisor:
        return Supervisor(
            name,
            [self._child(child, f"{path}/{place}", str(place)) for place, child in enumerate(shape.children)],
            strategy=shape.strategy,
            intensity=Intensity(shape.budget),
            grace=shape.grace,
            **options,  # type: ignore[arg-type]
        )

    def _actor(self, shape: ActorShape, path: str, name: str) -> ActorSpec[Message]:
        probe = Probe(
            name, self._handler(), batch=shape.batch, capacity=shape.capacity, overflow=POLICIES[shape.policy]
        )
        account = self.living[path] = Account(path, shape, probe)
        self.accounts.append(account)
        if hasattr(self, "_nursery"):
            self._follow(account)
        return probe.spec(restart=shape.restart, grace=shape.grace, backoff=Backoff(first=0.5, ceiling=2))

    def _handler(self) -> Callable[[Message], Awaitable[None]]:
        seen: set[int] = set()

        async def handle(message: Message) -> None:
            if self.rng.random() < 0.5:
                await trio.sleep(self.rng.choice([0, 0, 0.1, 0.3]))
            if message.kind == "poison" or (message.kind == "flaky" and message.number not in seen):
                seen.add(message.number)
                raise ValueError(message.kind)
            if message.reply is not None:
                message.reply.set(message.number)

        return handle

    # Its life

    async def live(self, script: list[Action], end: str) -> float:
        """Run the tree through the script to its end. Returns how long the end took, in seconds."""
        with ExitStack() as self._watching:
            async with trio.open_nursery() as self._nursery:
                return await self._play(script, end)

    async def _play(self, script: list[Action], end: str) -> float:
        for account in self.accounts:
            self._follow(account)
        await self._nursery.start(self._run)
        for action in script:
            await self._act(*action)
        if end == "stop when quiet":
            await trio.sleep(1000)
        begin = trio.current_time()
        if end == "cancel":
            self._scope.cancel()
        else:
            self.root.stop()
        await self.root.wait_stopped()
        took = trio.current_time() - begin
        await trio.testing.wait_all_tasks_blocked()
        self._nursery.cancel_scope.cancel()
        return took

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        with trio.CancelScope() as self._scope, suppress(RestartIntensityExceeded):
            await self.root.run(task_status=task_status)

    def _follow(self, account: Account) -> None:
        """Somebody watches it, somebody waits for its end, and two send to it."""
        self._watching.enter_context(account.probe.ref.watch(account.told.append))
        self._nursery.start_soon(self._wait_stopped, account)
        for sender in ("sender 1", "sender 2"):
            account.outlets[sender], letters = trio.open_memory_channel(1000)
            self._nursery.start_soon(self._keep_sending, account, letters)

    async def _wait_stopped(self, account: Account) -> None:
        account.end = await account.probe.ref.wait_stopped()

    async def _keep_sending(self, account: Account, letters: trio.MemoryReceiveChannel[tuple[Message, float]]) -> None:
        """One message after the other; each is given up after so many seconds."""
        async for message, patience in letters:
            with trio.move_on_after(patience):
                with suppress(MailboxFull, ActorStopped):
                    await account.probe.ref.send(message)
                    account.accepted.append(message)

    async def _ask(self, account: Account, kind: str, patience: float) -> None:
        number = next(self._numbers)
        account.asked += 1
        outcome = "cancelled"
        with trio.move_on_after(patience):
            try:
                answer: int = await account.probe.ref.ask(lambda reply: Message(number, kind, "asker", reply))
                outcome = "answered" if answer == number and kind != "poison" else "wrong"
            except (ActorCrashed, ActorStopped, MailboxFull, RequestDropped) as error:
                outcome = type(error).__name__
        account.answers.append(outcome)

    # What may be done to it

    async def _act(self, what: str, whom: int, kind: str, seconds: float) -> None:
        account = list(self.living.values())[whom % len(self.living)]
        match what:
            case "tell":
                self._tell(account, kind)
            case "send":
                sender = list(account.outlets)[whom % 2]
                message = Message(next(self._numbers), kind, sender)
                account.outlets[sender].send_nowait((message, seconds))
            case "ask":
                self._nursery.start_soon(self._ask, account, kind, seconds or 1000)
            case "crash":
                account.crashed_on_demand = True
                account.probe.crash(list(When)[whom % len(When)])
            case "kill":
                below = list(paths(self.root.tree()))[1:]
                if below:
                    self.root.kill(below[whom % len(below)])
            case "retry":
                self._retry(whom)
            case "discard":
                letters = self.root.dead_letters()
                if letters:
                    self.root.discard(letters[whom % len(letters)].id)
            case "ensure" | "remove":
                await self._change_pool(what, whom)
            case "sleep":
                await trio.sleep(seconds)

    def _tell(self, account: Account, kind: str) -> None:
        message = Message(next(self._numbers), kind, "teller")
        try:
            account.probe.ref.tell(message)
        except (MailboxFull, ActorStopped):
            return
        account.accepted.append(message)

    def _retry(self, which: int) -> None:
        letters = self.root.dead_letters()
        if not letters:
            return
        letter = letters[which % len(letters)]
        try:
            self.root.retry(letter.id)
        except (MailboxFull, ActorStopped):
            assert letter in self.root.dead_letters()
        else:
            self.living[letter.path].retried.append(int(letter.message.split()[1]))

    async def _change_pool(self, what: str, whom: int) -> None:
        if not self.pools:
            return
        pool = list(self.pools.values())[whom % len(self.pools)]
        key = "xy"[whom % 2]
        if what == "remove":
            self._nursery.start_soon(pool.remove, key)
            return
        with suppress(ActorStopped):
            pool.ensure(key)


def paths(node: TreeNode) -> Iterator[str]:
    yield node.path
    for child in node.children:
        yield from paths(child)
