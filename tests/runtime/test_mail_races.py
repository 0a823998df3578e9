"""Senders and a reader at the same time, in any interleaving: what must hold of mail under each overflow policy."""

import random
from collections import Counter

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import ActorError, ActorStopped, Inbox, KeepLatest, MailboxFull, Overflow, OverflowPolicy, Ref, Reply
from runtime.testing import run

SENDERS = 3
EACH = 12


@attrs.frozen(eq=False)
class Message:
    sender: int
    number: int
    key: int
    reply: Reply[int] | None = None


POLICIES: dict[str, OverflowPolicy[Message]] = {
    "wait": Overflow.WAIT,
    "refuse": Overflow.REFUSE,
    "drop_oldest": Overflow.DROP_OLDEST,
    "keep_latest": KeepLatest(lambda message: (message.sender, message.key)),
}


class Post:
    """One mailbox with its senders and its reader, who do as the dice say."""

    def __init__(self, policy: str, capacity: int, seed: int) -> None:
        self.policy = policy
        self.rng = random.Random(seed)
        self.ref: Ref[Message] = Ref("a", capacity=capacity, overflow=POLICIES[policy])
        self.accepted: list[Message] = []
        self.turned_away: list[Message] = []
        self.seen: set[Message] = set()
        self.acknowledged: list[Message] = []
        self.buried: list[Message] = []
        self.asks = 0
        self.ended: Counter[str] = Counter()

    async def main(self) -> None:
        with trio.fail_after(10_000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.read)
                async with trio.open_nursery() as sending:
                    for sender in range(SENDERS):
                        sending.start_soon(self.send_all, sending, sender)
                    if self.rng.random() < 0.3:
                        await self.pause()
                        self.ref._mailbox.close()
                self.ref._mailbox.close()
            self.ref._close_for_good()

    async def pause(self) -> None:
        await trio.sleep(self.rng.choice([0, 0, 0, 1, 2, 5]))

    # Senders

    async def send_all(self, nursery: trio.Nursery, sender: int) -> None:
        for number in range(EACH):
            key = self.rng.randrange(3)
            message = Message(sender, number, key)
            match self.rng.choice(["tell", "send", "send in time", "ask"]):
                case "tell":
                    self.tell(message)
                case "send":
                    await self.send(message, 10_000)
                case "send in time":
                    await self.send(message, self.rng.choice([0, 0.5, 3]))
                case "ask":
                    self.asks += 1
                    nursery.start_soon(self.ask, SENDERS + self.asks, key)
            if self.rng.random() < 0.3:
                await self.pause()

    def tell(self, message: Message) -> None:
        try:
            self.ref.tell(message)
            self.accepted.append(message)
        except (MailboxFull, ActorStopped):
            self.turned_away.append(message)

    async def send(self, message: Message, patience: float) -> None:
        with trio.move_on_after(patience) as scope:
            try:
                await self.ref.send(message)
                self.accepted.append(message)
            except (MailboxFull, ActorStopped):
                self.turned_away.append(message)
        if scope.cancelled_caught:
            self.turned_away.append(message)

    async def ask(self, sender: int, key: int) -> None:
        try:
            answer: int = await self.ref.ask(lambda reply: Message(sender, 0, key, reply))
            assert answer == sender
            self.ended["answered"] += 1
        except ActorError as error:
            self.ended[type(error).__name__] += 1

    # The reader

    async def read(self) -> None:
        inbox = Inbox(self.ref)
        hand: list[Message] = []
        while True:
            await self.pause()
            if self.rng.random() < 0.2:
                self.end_incarnation()
                inbox, hand = Inbox(self.ref), []
            with trio.move_on_at(trio.current_time() + self.rng.choice([0, 1, 10_000])):
                try:
                    hand = list(await inbox.peek(self.rng.randint(1, 4)))
                except trio.EndOfChannel:
                    return
            self.seen.update(hand)
            done = hand[: self.rng.randint(0, len(hand))]
            for message in done:
                if message.reply is not None:
                    message.reply.set(message.sender)
            inbox.drop(len(done))
            self.acknowledged += done
            hand = hand[len(done) :]

    def end_incarnation(self) -> None:
        mailbox = self.ref._mailbox
        match self.rng.choice(["crash", "kill", "return"]):
            case "crash":
                self.buried += mailbox.release_crashed()
            case "kill":
                mailbox.release_interrupted()
            case "return":
                mailbox.release_clean()
        self.ref._fail_lost_asks(None)

    # Afterwards

    def check(self) -> None:
        statistics = self.ref.statistics()
        told = [message for message in self.acknowledged if message.reply is None]
        assert len(set(self.acknowledged)) == len(self.acknowledged), "acknowledged twice"
        assert set(told) <= set(self.accepted)
        assert not self.seen & set(self.turned_away), "a sender was turned away, and its message arrived"
        missing = set(self.accepted) - set(told) - set(self.buried)
        assert len(missing) <= statistics.dropped + statistics.superseded, "accepted, and lost"
        if self.policy in ("wait", "refuse"):
            assert statistics.dropped + statistics.superseded == 0
        assert not missing & self.seen, "dropped out of a reader's hand"
        for sender in range(SENDERS):
            for keys in [{0}, {1}, {2}] if self.policy == "keep_latest" else [{0, 1, 2}]:
                numbers = [message.number for message in told if message.sender == sender and message.key in keys]
                assert numbers == sorted(numbers), "out of order"
        assert self.ended.total() == self.asks
        assert (statistics.handled, statistics.dead_lettered) == (len(self.acknowledged), len(self.buried))
        assert (statistics.depth, statistics.waiting) == (0, 0)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=100)
@given(capacity=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_whatever_the_interleaving_mail_is_kept_or_counted_and_in_order(policy: str, capacity: int, seed: int) -> None:
    """Nothing acknowledged twice, lost uncounted, out of order, dropped from a hand; each ask and each task ends."""
    post = Post(policy, capacity, seed)
    run(post.main, seed=seed)
    post.check()
