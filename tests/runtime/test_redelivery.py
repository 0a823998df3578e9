"""What becomes of mail in hand when an incarnation ends."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    Backoff,
    DeadLettered,
    Inbox,
    Intensity,
    Pool,
    Ref,
    Restart,
    Restarting,
    Stopped,
    Supervisor,
)
from runtime.testing import Events, Probe, running

AT_ONCE = Backoff(first=0)
PLENTY = Intensity(restarts=10_000)


class Batches:
    """Takes batches, notes them, fails on negative messages, acknowledges at the end of the batch."""

    def __init__(self, batches: list[list[int]], forgiving: set[int] | None = None) -> None:
        self.batches = batches
        self.forgiving = forgiving

    async def run(self, inbox: Inbox[int]) -> None:
        while True:
            try:
                batch = await inbox.peek(100)
            except trio.EndOfChannel:
                return
            self.batches.append(list(batch))
            for message in batch:
                if message < 0 and (self.forgiving is None or message not in self.forgiving):
                    if self.forgiving is not None:
                        self.forgiving.add(message)
                    raise ValueError(f"cannot digest {message}")
            inbox.drop(len(batch))


async def test_a_batch_that_crashed_comes_again_one_by_one_and_the_guilty_one_is_buried(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """In order, before newer mail; the second crash, alone with the message, tells which one it was."""
    batches: list[list[int]] = []
    events = Events()
    ref = Ref[int]("a")
    root = Supervisor("root", [ActorSpec(ref, lambda: Batches(batches))], observer=events)
    for number in (1, 2, -3, 4):
        ref.tell(number)
    async with running(root):
        await trio.testing.wait_all_tasks_blocked()
        ref.tell(5)
        ref.tell(6)
        await trio.sleep(10)
        assert batches == [[1, 2, -3, 4], [1], [2], [-3], [4], [5, 6]]
        [letter] = root.dead_letters()
        assert (letter.id, letter.path, letter.message) == (1, "root/a", "-3")
        assert (letter.failure.type, letter.failure.message) == ("ValueError", "cannot digest -3")
        assert [event.letter for event in events.of(DeadLettered)] == [letter]
        assert ref.statistics().dead_lettered == 1
        assert ref.statistics().handled == 5


async def test_a_message_that_is_digested_the_second_time_is_not_buried(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One crash is no proof: the actor may have been at fault."""
    batches: list[list[int]] = []
    forgiving: set[int] = set()
    ref = Ref[int]("a")
    root = Supervisor("root", [ActorSpec(ref, lambda: Batches(batches, forgiving))])
    for number in (1, -2, 3):
        ref.tell(number)
    async with running(root):
        await trio.sleep(10)
    assert batches == [[1, -2, 3], [1], [-2], [3]]
    assert root.dead_letters() == ()


async def test_a_message_from_get_is_in_hand_until_the_next_get(autojump_clock: trio.testing.MockClock) -> None:
    """It is delivered again after the first crash and buried after the second; the one before it is not repeated."""

    async def fail(message: int) -> None:
        if message < 0:
            raise ValueError

    probe = Probe[int]("a", fail)
    root = Supervisor("root", [probe.spec()])
    for number in (1, -2, 3):
        probe.ref.tell(number)
    async with running(root):
        await trio.sleep(10)
    assert probe.received == [1, -2, -2, 3]
    assert probe.handled == [1, 3]
    assert [letter.message for letter in root.dead_letters()] == ["-2"]


async def test_a_clean_return_acknowledges_get_but_not_peek(autojump_clock: trio.testing.MockClock) -> None:
    """What peek showed is handled when it is dropped, and only then."""
    seen: list[int] = []

    class Returns:
        async def run(self, inbox: Inbox[int]) -> None:
            seen.append(await inbox.get())

    class Peeks:
        async def run(self, inbox: Inbox[int]) -> None:
            seen.extend(await inbox.peek(2))
            if len(seen) > 2:
                inbox.drop(1)

    ref = Ref[int]("a")
    async with running(Supervisor("root", [ActorSpec(ref, Returns, backoff=AT_ONCE)])):
        ref.tell(1)
        ref.tell(2)
        await trio.sleep(1)
    assert seen == [1, 2]
    seen.clear()
    ref = Ref[int]("a")
    async with running(Supervisor("root", [ActorSpec(ref, Peeks, backoff=AT_ONCE)])):
        ref.tell(1)
        ref.tell(2)
        await trio.sleep(1)
        assert seen == [1, 2, 1, 2, 2, 2][: len(seen)]
        assert ref.statistics().handled >= 1


async def test_what_get_handed_out_before_a_last_return_is_handled(autojump_clock: trio.testing.MockClock) -> None:
    """An actor that returns for good has lost nothing that it took."""
    events = Events()

    class Leaves:
        async def run(self, inbox: Inbox[int]) -> None:
            await inbox.get()
            await inbox.get()

    ref = Ref[int]("a")
    for number in range(3):
        ref.tell(number)
    async with running(Supervisor("root", [ActorSpec(ref, Leaves, Restart.TRANSIENT)], observer=events)):
        await trio.sleep(1)
    assert events.of(Stopped, "root/a")[0].undelivered == 1
    assert ref.statistics().handled == 2


async def test_a_crash_with_nothing_in_hand_blames_no_message(autojump_clock: trio.testing.MockClock) -> None:
    """An actor that cannot even start keeps all its mail, and gets it as a batch when it can."""
    attempts = 0
    batches: list[list[int]] = []

    def factory() -> Batches:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise OSError("database is locked")
        return Batches(batches)

    ref = Ref[int]("a")
    ref.tell(1)
    ref.tell(2)
    root = Supervisor("root", [ActorSpec(ref, factory, backoff=AT_ONCE)])
    async with running(root):
        await trio.sleep(1)
    assert batches == [[1, 2]]
    assert root.dead_letters() == ()


async def test_a_crash_between_the_suspects_buries_nobody(autojump_clock: trio.testing.MockClock) -> None:
    """Only a message that is in hand at the second crash can be guilty."""
    crashes = iter([True, False])
    seen: list[list[int]] = []

    class Odd:
        async def run(self, inbox: Inbox[int]) -> None:
            if len(seen) == 1 and next(crashes):
                raise ValueError("before it took any mail")
            while True:
                try:
                    batch = await inbox.peek(10)
                except trio.EndOfChannel:
                    return
                seen.append(list(batch))
                if len(seen) == 1:
                    raise ValueError("with two in hand")
                inbox.drop(len(batch))

    ref = Ref[int]("a")
    ref.tell(1)
    ref.tell(2)
    root = Supervisor("root", [ActorSpec(ref, Odd, backoff=AT_ONCE)])
    async with running(root):
        await trio.sleep(1)
        ref.tell(3)
        ref.tell(4)
        await trio.sleep(1)
    assert seen == [[1, 2], [1], [2], [3, 4]]
    assert root.dead_letters() == ()


async def test_a_kill_clears_no_suspicion_and_raises_none(autojump_clock: trio.testing.MockClock) -> None:
    """Suspects stay suspects over a kill; the one in hand at the kill is not convicted by it."""
    received: list[tuple[int, ...]] = []

    class Slow:
        async def run(self, inbox: Inbox[int]) -> None:
            while True:
                try:
                    batch = await inbox.peek(10)
                except trio.EndOfChannel:
                    return
                received.append(tuple(batch))
                await trio.sleep(1)
                if len(received) == 1:
                    raise ValueError
                inbox.drop(len(batch))

    ref = Ref[int]("a")
    ref.tell(1)
    ref.tell(2)
    root = Supervisor("root", [ActorSpec(ref, Slow, backoff=AT_ONCE)])
    async with running(root):
        await trio.sleep(1.5)
        root.kill("a")
        await trio.sleep(5)
    assert received == [(1, 2), (1,), (1,), (2,)]
    assert root.dead_letters() == ()


async def test_a_crash_during_a_cancellation_is_not_held_against_the_mail(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """An actor that fails while it is being ended for a sibling's sake may have failed because of that."""
    received: list[int] = []

    class Untidy:
        async def run(self, inbox: Inbox[int]) -> None:
            received.append(await inbox.get())
            try:
                await trio.sleep(1000)
            finally:
                raise ValueError("interrupted")

    ref = Ref[int]("a")
    ref.tell(1)
    root = Supervisor("root", [ActorSpec(ref, Untidy, backoff=AT_ONCE, grace=0)], intensity=PLENTY)
    async with running(root):
        for _ in range(5):
            await trio.sleep(1)
            root.kill("a")
        await trio.sleep(1)
    assert received == [1] * 6
    assert root.dead_letters() == ()


async def test_dead_letters_keep_the_newest_hundred_of_the_whole_tree(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Bounded, in the order of their times, each cut to 300 characters, also when its repr fails."""

    class Unprintable:
        def __repr__(self) -> str:
            raise RuntimeError

    async def fail(message: object) -> None:
        raise ValueError("x" * 1000)

    def spec_for(key: str) -> ActorSpec[object]:
        return Probe[object](key, fail).spec(backoff=AT_ONCE)

    pool = Pool[str, object]("pool", spec_for, intensity=PLENTY)
    static = Probe[object]("static", fail)
    nested = Supervisor("nested", [static.spec(backoff=AT_ONCE)], intensity=PLENTY)
    root = Supervisor("root", [pool, nested])
    async with running(root):
        for number in range(100):
            pool.ensure("p").tell(number)
            await trio.sleep(1)
        static.ref.tell("long" * 1000)
        await trio.sleep(1)
        pool.ensure("p").tell(Unprintable())
        await trio.sleep(1)
        letters = root.dead_letters()
    assert len(letters) == 100
    assert [letter.message for letter in letters[:98]] == [str(number) for number in range(2, 100)]
    assert len(letters[98].message) == len(letters[98].failure.message) == 300
    assert letters[99].message == f"<{Unprintable.__qualname__}: its repr raised RuntimeError>"
    assert [letter.path for letter in letters[97:]] == ["root/pool/p", "root/nested/static", "root/pool/p"]
    assert len(pool.dead_letters()) == 99
    assert len(nested.dead_letters()) == 1


@pytest.mark.parametrize("nested", [False, True])
async def test_mail_told_before_the_tree_runs_and_while_it_restarts_is_delivered(
    nested: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """The address is good from the moment it is made."""
    events = Events()
    probe = Probe[int]("a")
    spec = probe.spec(backoff=Backoff(first=60, ceiling=60))
    root = Supervisor("root", [Supervisor("nested", [spec])] if nested else [spec], observer=events)
    probe.ref.tell(1)
    async with running(root):
        root.kill("a")
        await trio.testing.wait_all_tasks_blocked()
        assert len(events.of(Restarting)) == 1
        probe.ref.tell(2)
        await trio.sleep(100)
    assert probe.handled == [1, 2]
