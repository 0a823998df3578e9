"""Each overflow policy against the model, under random mail, receives, crashes and cancellations."""

from collections.abc import Awaitable, Callable, Sequence

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import (
    ActorCrashed,
    ActorStopped,
    Inbox,
    KeepLatest,
    MailboxFull,
    Overflow,
    OverflowPolicy,
    Ref,
    Reply,
    RequestDropped,
)
from runtime.ages import FINENESS
from tests.runtime.mail_model import Entry, MailModel

POLICIES = ("wait", "refuse", "drop_oldest", "keep_latest")
DONE = ("accepted", "full", "stopped", "given up", "answered", "crashed", "dropped", "superseded")

Operation = tuple[str, int]


@attrs.frozen(eq=False)
class Message:
    number: int
    key: int
    reply: Reply[int] | None = None


def policy_named(name: str) -> OverflowPolicy[Message]:
    return KeepLatest(lambda message: message.key) if name == "keep_latest" else Overflow(name)


class Run:
    """The real mailbox and the model, side by side. ``ends``: what has become of each send and ask."""

    def __init__(self, policy: str, capacity: int, nursery: trio.Nursery) -> None:
        self.model = MailModel(policy, capacity)
        self.ref: Ref[Message] = Ref("a", capacity=capacity, overflow=policy_named(policy))
        self.inbox = Inbox(self.ref)
        self.nursery = nursery
        self.messages: dict[int, Message] = {}
        self.scopes: dict[int, trio.CancelScope] = {}
        self.ends: dict[int, str] = {}
        self.expected: dict[int, str] = {}
        self.asked: set[int] = set()
        self.began = trio.current_time()
        self.receives: list[float] = []

    # The senders

    def entry(self, key: int) -> Entry:
        return Entry(len(self.messages), key, trio.current_time())

    def message(self, entry: Entry, reply: Reply[int] | None = None) -> Message:
        self.messages[entry.number] = Message(entry.number, entry.key, reply)
        return self.messages[entry.number]

    def tell(self, key: int) -> None:
        entry = self.entry(key)
        message = self.message(entry)
        try:
            self.ref.tell(message)
            told = "accepted"
        except MailboxFull:
            told = "full"
        except ActorStopped:
            told = "stopped"
        assert told == self.model.tell(entry)

    def send(self, key: int) -> None:
        entry = self.entry(key)
        message = self.message(entry)
        self.nursery.start_soon(self.follow, entry.number, lambda: self.ref.send(message), "accepted")
        self.expected[entry.number] = self.model.send(entry)

    def ask(self, key: int) -> None:
        entry = self.entry(key)
        self.messages[entry.number] = Message(entry.number, entry.key)

        async def ask() -> None:
            await self.ref.ask(lambda reply: self.message(entry, reply))

        self.nursery.start_soon(self.follow, entry.number, ask, "answered")
        self.expected[entry.number] = self.model.send(entry)
        if self.expected[entry.number] == "accepted":
            self.expected[entry.number] = "asked"
        self.asked.add(entry.number)

    async def follow(self, number: int, wait: Callable[[], Awaitable[None]], success: str) -> None:
        with trio.CancelScope() as scope:
            self.scopes[number] = scope
            try:
                await wait()
                self.ends[number] = success
            except MailboxFull:
                self.ends[number] = "full"
            except ActorStopped:
                self.ends[number] = "stopped"
            except ActorCrashed:
                self.ends[number] = "crashed"
            except RequestDropped as lost:
                self.ends[number] = "superseded" if lost.superseded else "dropped"
        if scope.cancelled_caught:
            self.ends[number] = "given up"

    def give_up(self, which: int) -> None:
        waiting = [number for number, end in self.expected.items() if end in ("waiting", "asked")]
        if waiting:
            number = waiting[which % len(waiting)]
            self.scopes[number].cancel()
            self.model.senders = [entry for entry in self.model.senders if entry.number != number]
            self.expected[number] = "given up"

    # The reader

    async def receive(self, limit: int, *, cancelled: bool) -> None:
        """limit: 0 for get"""
        now = trio.current_time()
        self.model.come(now)
        with trio.CancelScope() as scope:
            if cancelled or not (self.model.queue or self.model.closed):
                scope.cancel()
            try:
                if limit:
                    received = [message.number for message in await self.inbox.peek(limit)]
                    assert received == self.model.hand_out(limit, now)
                else:
                    received = [(await self.inbox.get()).number]
                    assert received == [self.model.get(now)]
            except trio.EndOfChannel:
                assert self.model.closed
                assert not self.model.queue
            else:
                self.receives.append(now)
                for number in received:
                    self.answer(number)

    def answer(self, number: int) -> None:
        """A third of the requests is answered, the rest kept without an answer."""
        reply = self.messages[number].reply
        if number % 3 == 0 and reply is not None:
            reply.set(number)
            self.end_ask(number, "answered")

    def drop(self, count: int) -> None:
        count = min(count, self.model.in_hand)
        self.inbox.drop(count)
        self.model.acknowledge(count, trio.current_time())

    # The kernel

    def end_incarnation(self, how: str) -> None:
        mailbox = self.ref._mailbox
        now = trio.current_time()
        match how:
            case "crash":
                before = len(self.model.buried)
                self.model.crash(now)
                assert [message.number for message in mailbox.release_crashed()] == self.model.buried[before:]
            case "kill":
                mailbox.release_interrupted()
                self.model.kill()
            case "return":
                mailbox.release_clean()
                self.model.come(now)
                self.model.kill()
        self.ref._fail_lost_asks(None)
        there = {entry.number for entry in (*self.model.queue, *self.model.senders)}
        for number in self.asked - there:
            self.end_ask(number, "crashed")
        self.inbox = Inbox(self.ref)

    def close(self) -> None:
        self.ref._mailbox.close()
        for number in self.model.close():
            self.expected[number] = "stopped"

    def end_ask(self, number: int, end: str) -> None:
        if self.expected.get(number) in ("asked", "waiting") and number in self.asked:
            self.expected[number] = end

    # Both

    def check(self) -> None:
        model = self.model
        there = {entry.number for entry in model.queue}
        for number, end in self.expected.items():
            if end == "waiting" and number not in {entry.number for entry in model.senders}:
                self.expected[number] = "asked" if number in self.asked else "accepted"
        for number in model.dropped:
            self.end_ask(number, "dropped")
        for number in model.superseded:
            self.end_ask(number, "superseded")
        assert self.ends == {number: end for number, end in self.expected.items() if end in DONE}
        assert [message.number for message in self.ref._mailbox.messages] == [entry.number for entry in model.queue]
        statistics = self.ref.statistics()
        assert (statistics.depth, statistics.in_hand) == (len(there), model.in_hand)
        assert (statistics.handled, statistics.dead_lettered) == (len(model.handled), len(model.buried))
        assert (statistics.dropped, statistics.superseded) == (len(model.dropped), len(model.superseded))
        assert (statistics.refused, statistics.waiting) == (model.refused, len(model.senders))
        assert statistics.depth <= model.capacity * (2 if model.lossy else 1)
        self.check_age(statistics.oldest_age_s)

    def check_age(self, told: float) -> None:
        """Never too small, and at most one receive too large."""
        if not self.model.queue:
            assert told == 0
            return
        if self.model.capacity * (2 if self.model.lossy else 1) > FINENESS:
            return  # not each receive is worth a mark
        since = self.model.queue[0].since
        now = trio.current_time()
        assert now - since <= told + 1e-9
        assert told - 1e-9 <= now - max((time for time in self.receives if time < since), default=self.began)

    async def do(self, operation: Operation) -> None:
        what, number = operation
        match what:
            case "tell":
                self.tell(number)
            case "send":
                self.send(number)
            case "ask":
                self.ask(number)
            case "give-up":
                self.give_up(number)
            case "get" | "cancelled-get":
                await self.receive(0, cancelled=what != "get")
            case "peek" | "cancelled-peek":
                await self.receive(1 + number, cancelled=what != "peek")
            case "drop":
                self.drop(number)
            case "sleep":
                await trio.sleep(number)
            case "close":
                self.close()
            case _:
                self.end_incarnation(what)


SENDING = ("tell", "tell", "send", "send", "ask", "ask", "give-up")
RECEIVING = ("get", "get", "peek", "peek", "drop", "drop", "cancelled-get", "cancelled-peek")
ENDING = ("crash", "kill", "return")
OPERATION = st.tuples(st.sampled_from([*SENDING, *RECEIVING, *ENDING, "sleep"]), st.integers(0, 4))
OPERATIONS = st.lists(OPERATION, max_size=10) | st.lists(OPERATION, min_size=20, max_size=50)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=150)
@given(
    capacity=st.sampled_from([1, 2, 3, 8]),
    operations=OPERATIONS,
    closing=st.lists(st.sampled_from(["tell", "send", "get"])),
)
def test_mail_is_as_the_model_says(
    policy: str, capacity: int, operations: Sequence[Operation], closing: Sequence[str]
) -> None:
    """Order, hand-out, redelivery, suspects, dead letters, losses, refusals, counters, ages, the end of each ask."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            run = Run(policy, capacity, nursery)
            for operation in (*operations, ("close", 0), *((what, 0) for what in closing)):
                await run.do(operation)
                await trio.testing.wait_all_tasks_blocked()
                run.check()
            left = len(run.model.queue) - run.model.in_hand
            assert run.ref._close_for_good() == left
            for number in run.asked:
                run.end_ask(number, "stopped")
            await trio.testing.wait_all_tasks_blocked()
            assert run.ends == run.expected

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
