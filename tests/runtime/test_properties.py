"""Random trees under random interleavings: the invariants that must hold whatever happens.

Hypothesis draws the tree, what is done to it and how long each message takes; it also seeds trio's scheduler, so a
failing interleaving replays.
"""

import random
from collections.abc import Awaitable, Callable, Sequence

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import (
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Backoff,
    Intensity,
    MailboxFull,
    Pool,
    Reply,
    Started,
    Stopped,
    StoppedLate,
    Strategy,
    Supervisor,
)
from runtime.testing import Events, Probe

PLENTY = Intensity(restarts=1_000_000)
GRACE = 5.0
NAMES = ("a", "b", "c", "inner.a", "inner.b", "pooled.a", "pooled.b")

Action = tuple[str, str, str, float]  # what, to which actor, with which kind of message, seconds


@attrs.frozen(eq=False)
class Message:
    """kind: "plain"; "flaky" crashes its actor when it is first seen; "poison" always"""

    number: int
    kind: str
    sender: str
    reply: Reply[int] | None = None

    def __repr__(self) -> str:
        return f"{self.kind} {self.number}"


@attrs.define
class Account:
    """What was sent to one actor, and what came of it."""

    probe: Probe[Message]
    batched: bool
    accepted: set[int] = attrs.field(factory=set)
    asked: int = 0
    ended: int = 0


class World:
    """A tree of three static children, a nested supervisor with two, and a pool with two."""

    def __init__(self, strategies: Sequence[Strategy], batches: Sequence[bool], seed: int) -> None:
        self.rng = random.Random(seed)
        self.events = Events()
        self.accounts = {
            name: Account(Probe(name, self._handler(), batch=3 if batched else 0, capacity=4), batched)
            for name, batched in zip(NAMES, batches, strict=True)
        }
        self.senders = {name: trio.open_memory_channel[tuple[str, float]](100) for name in NAMES}
        self.numbers = iter(range(1_000_000))
        inner = Supervisor(
            "inner", [self._spec("inner.a"), self._spec("inner.b")], strategy=strategies[1], intensity=PLENTY
        )
        pool = Pool[str, Message]("pool", self._spec, intensity=PLENTY)
        self.root = Supervisor(
            "root",
            [self._spec("a"), self._spec("b"), inner, pool, self._spec("c")],
            strategy=strategies[0],
            intensity=PLENTY,
            rng=self.rng,
            observer=self.events,
        )
        pool.ensure("pooled.a")
        pool.ensure("pooled.b")

    def _spec(self, name: str) -> ActorSpec[Message]:
        return self.accounts[name].probe.spec(grace=GRACE, backoff=Backoff(first=0.5, ceiling=2))

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

    def message(self, kind: str, sender: str) -> Message:
        return Message(next(self.numbers), kind, sender)

    def tell(self, name: str, kind: str) -> None:
        account = self.accounts[name]
        message = self.message(kind, "teller")
        try:
            account.probe.ref.tell(message)
        except MailboxFull:
            return
        account.accepted.add(message.number)

    async def keep_sending(self, name: str) -> None:
        """One sender, one message after the other; each is given up after so many seconds."""
        account = self.accounts[name]
        async for kind, patience in self.senders[name][1]:
            message = self.message(kind, "sender")
            with trio.move_on_after(patience):
                try:
                    await account.probe.ref.send(message)
                except ActorStopped:
                    return
                account.accepted.add(message.number)

    async def ask(self, name: str, kind: str) -> None:
        account = self.accounts[name]
        number = next(self.numbers)
        account.asked += 1

        def make(reply: Reply[int]) -> Message:
            return Message(number, kind, "asker", reply)

        try:
            answer = await account.probe.ref.ask(make)
            assert answer == number
            assert kind != "poison"
        except ActorCrashed:
            assert kind == "poison" or (kind == "flaky" and account.batched)
        except ActorStopped:
            pass
        account.ended += 1

    async def act(self, nursery: trio.Nursery, action: Action) -> None:
        what, name, kind, seconds = action
        match what:
            case "tell":
                self.tell(name, kind)
            case "send":
                self.senders[name][0].send_nowait((kind, seconds))
            case "ask":
                nursery.start_soon(self.ask, name, kind)
            case "kill":
                self.root.kill(name)
            case "kill branch":
                self.root.kill("inner" if name < "c" else "pool")
            case "sleep":
                await trio.sleep(seconds)


ACTIONS = st.tuples(
    st.sampled_from(["tell", "tell", "send", "send", "ask", "kill", "kill branch", "sleep", "sleep"]),
    st.sampled_from(NAMES),
    st.sampled_from(["plain", "plain", "plain", "flaky", "poison"]),
    st.sampled_from([0.0, 0.05, 0.2, 1.0, 3.0]),
)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(st.sampled_from(Strategy), st.sampled_from(Strategy)),
    st.lists(st.booleans(), min_size=len(NAMES), max_size=len(NAMES)),
    st.lists(ACTIONS, max_size=60),
    st.sampled_from(["stop", "stop when quiet", "cancel"]),
    st.integers(0, 2**32),
)
def test_whatever_happens_nothing_accepted_is_lost_repeated_or_reordered(
    strategies: tuple[Strategy, Strategy], batches: list[bool], script: list[Action], end: str, seed: int
) -> None:
    """FIFO per sender, one live incarnation per name, every ask ends, stops are bounded, only the guilty are buried."""

    async def main() -> None:
        world = World(strategies, batches, seed)
        async with trio.open_nursery() as nursery:
            await nursery.start(world.root.run)
            for name in NAMES:
                nursery.start_soon(world.keep_sending, name)
            for action in script:
                await world.act(nursery, action)
            for sender, _ in world.senders.values():
                sender.close()
            if end == "stop when quiet":
                await trio.sleep(1000)
            begin = trio.current_time()
            if end == "cancel":
                nursery.cancel_scope.cancel()
            else:
                world.root.stop()
        assert trio.current_time() - begin <= len(NAMES) * GRACE
        check(world, end)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def check(world: World, end: str) -> None:
    undelivered = {event.path.rsplit("/", 1)[-1]: event.undelivered for event in world.events.of(Stopped)}
    buried = {name: set[int]() for name in NAMES}
    for letter in world.root.dead_letters():
        name = letter.path.rsplit("/", 1)[-1]
        kind, number = letter.message.split()
        assert kind == "poison" or (kind == "flaky" and world.accounts[name].batched)
        buried[name].add(int(number))
    for name, account in world.accounts.items():
        check_mail(account, buried[name], undelivered[name])
        if end == "stop when quiet":
            assert undelivered[name] == 0
        if end != "cancel":
            assert account.ended == account.asked
        started = [event.incarnation for event in world.events.of(Started) if event.path.endswith(f"/{name}")]
        assert started == list(range(1, len(started) + 1))
        assert account.probe.most_live <= 1
        assert account.probe.live == 0
    assert not any(event.stuck for event in world.events.of(StoppedLate))


def check_mail(account: Account, buried: set[int], undelivered: int) -> None:
    probe = account.probe
    first_handlings = list({message.number: message for message in probe.handled}.values())
    handled = [message.number for message in first_handlings]
    assert account.batched or len(handled) == len(probe.handled), "handled twice"
    assert not buried & set(handled) or account.batched
    assert len(account.accepted - set(handled) - buried) <= undelivered
    for sender in ("teller", "sender"):
        numbers = [message.number for message in first_handlings if message.sender == sender]
        assert set(numbers) <= account.accepted
        assert numbers == sorted(numbers), "out of order"
    statistics = probe.ref.statistics()
    assert statistics.dead_lettered == len(buried)
    assert account.batched or statistics.handled == len(handled)
    assert statistics.depth == 0
    with pytest.raises(ActorStopped):
        probe.ref.tell(Message(0, "plain", "late"))
