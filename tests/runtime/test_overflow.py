"""What becomes of mail that finds its mailbox full, policy by policy. (test_mail_model.py has the random histories.)"""

import signal

import attrs
import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    ActorStopped,
    Backoff,
    Inbox,
    KeepLatest,
    MailboxFull,
    Overflow,
    OverflowPolicy,
    Ref,
    Reply,
    RequestDropped,
    Stopped,
    Supervisor,
)
from runtime.overflow import KeepLatestQueue
from runtime.testing import Events, Probe, running

Report = tuple[str, int]  # what it is about, and its state


def latest(capacity: int = 4) -> tuple[Ref[Report], Inbox[Report]]:
    ref: Ref[Report] = Ref("a", capacity=capacity, overflow=KeepLatest(lambda report: report[0]))
    return ref, Inbox(ref)


def dropping(capacity: int = 3) -> tuple[Ref[int], Inbox[int]]:
    ref: Ref[int] = Ref("a", capacity=capacity, overflow=Overflow.DROP_OLDEST)
    return ref, Inbox(ref)


@attrs.frozen(eq=False)
class Question:
    about: str
    reply: Reply[int]


@pytest.mark.parametrize(
    ("overflow", "name"),
    [
        (Overflow.WAIT, "wait"),
        (Overflow.REFUSE, "refuse"),
        (Overflow.DROP_OLDEST, "drop_oldest"),
        (KeepLatest(str), "keep_latest"),
    ],
)
def test_statistics_name_the_policy(overflow: OverflowPolicy[int], name: str) -> None:
    """An operator who sees drops or refusals sees why."""
    assert Ref[int]("a", overflow=overflow).statistics().overflow == name


def test_an_address_waits_unless_told_otherwise() -> None:
    """Losing mail is never the default."""
    assert Ref[int]("a").statistics().overflow == "wait"


@pytest.mark.parametrize("overflow", ["wait", None, KeepLatest])
def test_a_policy_that_is_none_is_refused_where_it_is_written(overflow: OverflowPolicy[int]) -> None:
    """The error names the option and what it may be."""
    with pytest.raises(ValueError, match=r"overflow of Ref 'a' must be an Overflow or KeepLatest\(key\)"):
        Ref[int]("a", overflow=overflow)


def test_a_key_must_be_a_function() -> None:
    """KeepLatest("name") is found before any mail comes."""
    with pytest.raises(ValueError, match="key of KeepLatest must be callable"):
        KeepLatest("name")  # type: ignore[arg-type]


# REFUSE


async def test_refuse_never_waits() -> None:
    """Each way of sending to a full mailbox is refused at once, leaves nothing behind and is counted."""
    ref: Ref[object] = Ref("a", capacity=1, overflow=Overflow.REFUSE)
    await ref.send(1)
    with pytest.raises(MailboxFull):
        ref.tell(2)
    with pytest.raises(MailboxFull):
        await ref.send(2)
    with pytest.raises(MailboxFull):
        await ref.ask(lambda reply: reply)
    statistics = ref.statistics()
    assert (statistics.depth, statistics.refused, statistics.waiting) == (1, 3, 0)
    assert list(Inbox(ref).peek_nowait(9)) == [1]


# DROP_OLDEST


async def test_the_oldest_goes_for_the_newest() -> None:
    """All is accepted, the newest are there, in order, and what went is counted."""
    ref, inbox = dropping()
    for number in range(5):
        ref.tell(number)
    await ref.send(5)
    assert ref.statistics().dropped == 3
    assert list(inbox.peek_nowait(9)) == [3, 4, 5]


async def test_what_is_in_hand_is_never_dropped_and_takes_no_room() -> None:
    """A reader that is slow with a batch keeps it, while the newest mail waits behind."""
    ref, inbox = dropping()
    ref.tell(0)
    ref.tell(1)
    assert list(await inbox.peek(2)) == [0, 1]
    for number in range(2, 7):
        ref.tell(number)
    assert list(ref._mailbox.messages) == [0, 1, 4, 5, 6]
    assert (ref.statistics().dropped, ref.statistics().depth) == (2, 5)
    inbox.drop(2)
    assert list(inbox.peek_nowait(9)) == [4, 5, 6]


async def test_a_reader_of_a_lossy_mailbox_holds_no_more_than_its_capacity() -> None:
    """Else peeking again and again would take all news in hand, and the mailbox grow without bound."""
    ref, inbox = dropping()
    for number in range(3):
        ref.tell(number)
    assert list(inbox.peek_nowait(9)) == [0, 1, 2]
    for number in range(3, 9):
        ref.tell(number)
    assert list(inbox.peek_nowait(9)) == [0, 1, 2]
    assert list(ref._mailbox.messages) == [0, 1, 2, 6, 7, 8]


@pytest.mark.parametrize("end", ["release_interrupted", "release_clean", "release_crashed"])
async def test_what_was_in_hand_once_is_never_dropped(end: str) -> None:
    """It may be half done: the next incarnation gets it, however much has come since."""
    ref, inbox = dropping()
    for number in range(3):
        ref.tell(number)
    await inbox.peek(2)
    getattr(ref._mailbox, end)()
    for number in range(3, 9):
        ref.tell(number)
    assert list(ref._mailbox.messages) == [0, 1, 6, 7, 8]


async def test_what_came_again_and_is_past_spares_nothing_any_more() -> None:
    """Once it is handled the capacity holds for what is left, as before."""
    ref, inbox = dropping()
    for number in range(3):
        ref.tell(number)
    await inbox.peek(3)
    ref._mailbox.release_crashed()
    for _ in range(3):
        await inbox.get()
    assert list(inbox.peek_nowait(1)) == []
    for number in range(3, 9):
        ref.tell(number)
    assert list(ref._mailbox.messages) == [6, 7, 8]


@pytest.mark.parametrize("capacity", [2, 100])
async def test_a_flood_that_nobody_reads_does_not_age(capacity: int, autojump_clock: trio.testing.MockClock) -> None:
    """The oldest message is as old as the flood takes to fill the mailbox, not as old as the flood."""
    ref, inbox = dropping(capacity)
    ref.tell(-1)
    await inbox.get()
    for number in range(1000):
        ref.tell(number)
        await trio.sleep(1)
    assert ref.statistics().oldest_age_s == 1000
    inbox.drop(1)
    assert capacity <= ref.statistics().oldest_age_s <= capacity * 9 / 8


async def test_suspects_come_one_by_one_and_the_guilty_is_buried_while_mail_is_dropped(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A flood during the restarts neither hides the message that crashes the actor nor makes an innocent one pay."""

    async def fail(message: int) -> None:
        if message < 0:
            flood()
            raise ValueError

    def flood() -> None:
        for number in range(10):
            probe.ref.tell(number)

    probe = Probe[int]("a", fail, batch=10, capacity=3, overflow=Overflow.DROP_OLDEST)
    for number in (100, -1, 101):
        probe.ref.tell(number)
    root = Supervisor("root", [probe.spec(backoff=Backoff(first=0))])
    async with running(root):
        await trio.sleep(1)
        assert [letter.message for letter in root.dead_letters()] == ["-1"]
    assert probe.handled == [100, 100, 101, 7, 8, 9]


@pytest.mark.parametrize("superseded", [False, True])
async def test_an_ask_ends_when_its_request_is_taken_out(superseded: bool) -> None:
    """With an error that says why; other askers wait on."""
    overflow: OverflowPolicy[Question] = (
        KeepLatest(lambda question: question.about) if superseded else Overflow.DROP_OLDEST
    )
    ref: Ref[Question] = Ref("a", capacity=2, overflow=overflow)
    ends: dict[int, object] = {}

    async def ask(number: int, about: str) -> None:
        try:
            answer: int = await ref.ask(lambda reply: Question(about, reply))
            ends[number] = answer
        except RequestDropped as dropped:
            ends[number] = dropped

    async with trio.open_nursery() as nursery:
        for number, about in enumerate(("x", "y", "x")):
            nursery.start_soon(ask, number, about)
            await trio.testing.wait_all_tasks_blocked()
        dropped = ends.pop(0)
        assert isinstance(dropped, RequestDropped)
        assert (dropped.name, dropped.superseded) == ("a", superseded)
        assert ends == {}
        for question in Inbox(ref).peek_nowait(2):
            question.reply.set(7)
    assert ends == {1: 7, 2: 7}


# KEEP_LATEST


async def test_the_latest_takes_the_place_of_the_one_before() -> None:
    """A state that changes all the time is still delivered when its turn comes, and is the newest then."""
    ref, inbox = latest()
    for report in (("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3)):
        ref.tell(report)
    assert list(inbox.peek_nowait(9)) == [("a", 3), ("b", 1), ("c", 1)]
    assert ref.statistics().superseded == 2


async def test_what_is_in_hand_is_not_superseded() -> None:
    """The reader may have looked at it: news of the same key come behind it, and supersede each other there."""
    ref, inbox = latest()
    ref.tell(("a", 1))
    ref.tell(("b", 1))
    assert await inbox.get() == ("a", 1)
    ref.tell(("a", 2))
    ref.tell(("a", 3))
    assert await inbox.get() == ("b", 1)
    assert await inbox.get() == ("a", 3)
    ref._mailbox.release_interrupted()
    ref.tell(("a", 4))
    assert list(Inbox(ref).peek_nowait(9)) == [("a", 3), ("a", 4)]


async def test_a_new_key_waits_for_room_and_a_known_one_needs_none() -> None:
    """As with WAIT: tell is refused, send waits; room comes when the reader takes mail in hand."""
    ref, inbox = latest(capacity=2)
    ref.tell(("a", 1))
    ref.tell(("b", 1))
    with pytest.raises(MailboxFull):
        ref.tell(("c", 1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ref.send, ("c", 2))
        await trio.testing.wait_all_tasks_blocked()
        assert ref.statistics().waiting == 1
        await ref.send(("a", 2))
        assert await inbox.get() == ("a", 2)
        with pytest.raises(MailboxFull):
            ref.tell(("d", 1))
    assert ref.statistics().refused == 2
    assert list(inbox.peek_nowait(9)) == [("b", 1), ("c", 2)]


async def test_a_sender_that_waited_is_superseded_like_any_other() -> None:
    """Two that wait with the same key take one place, the later of them keeps it."""
    ref, inbox = latest(capacity=1)
    ref.tell(("a", 1))
    async with trio.open_nursery() as nursery:
        for state in (1, 2):
            nursery.start_soon(ref.send, ("b", state))
            await trio.testing.wait_all_tasks_blocked()
        await inbox.get()
    assert await inbox.get() == ("b", 2)
    assert ref.statistics().superseded == 1


@pytest.mark.parametrize("key", [lambda report: report[5], lambda report: [report]])
async def test_a_key_function_that_fails_hits_the_sender(key: object) -> None:
    """Its message is not accepted, and the mailbox is as before."""
    ref: Ref[Report] = Ref("a", overflow=KeepLatest(key))  # type: ignore[arg-type]
    with pytest.raises((IndexError, TypeError)):
        ref.tell(("a", 1))
    with pytest.raises((IndexError, TypeError)):
        await ref.send(("a", 1))
    assert ref.statistics().depth == 0


async def test_a_key_function_that_fails_late_hits_the_sender_that_waited() -> None:
    """Not the reader that made the room."""

    def key(report: Report) -> str:
        if fails and report[0] == "b":
            raise LookupError("b")
        return report[0]

    fails: list[bool] = []
    ref: Ref[Report] = Ref("a", capacity=1, overflow=KeepLatest(key))
    inbox = Inbox(ref)
    ref.tell(("a", 1))

    async def sender() -> None:
        with pytest.raises(LookupError):
            await ref.send(("b", 1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ref.send, ("c", 1))
        await trio.testing.wait_all_tasks_blocked()
        fails.append(True)
        assert await inbox.get() == ("a", 1)
    assert await inbox.get() == ("c", 1)


async def test_keys_of_the_past_are_forgotten() -> None:
    """A mailbox that has seen a million keys remembers about as many as it can hold."""
    ref, inbox = latest(capacity=4)
    for number in range(1000):
        ref.tell((str(number), number))
        ref.tell(("always", number))
        assert list(inbox.peek_nowait(9)) == [(str(number), number), ("always", number)]
        inbox.drop(2)
    queue = ref._mailbox._queue
    assert isinstance(queue, KeepLatestQueue)
    assert len(queue._numbers) <= 8


# All


@pytest.mark.parametrize("overflow", [Overflow.REFUSE, Overflow.DROP_OLDEST, KeepLatest(abs)])
async def test_no_policy_takes_mail_after_the_end(overflow: OverflowPolicy[int]) -> None:
    """Whether there is room, a place to take over, or an older message to push out."""
    ref: Ref[int] = Ref("a", capacity=2, overflow=overflow)
    inbox = Inbox(ref)
    ref.tell(1)
    ref.tell(2)
    ref._mailbox.close()
    with pytest.raises(ActorStopped):
        ref.tell(1)
    with pytest.raises(ActorStopped):
        await ref.send(-1)
    assert [message async for message in inbox] == [1, 2]


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, KeepLatest(abs)])
async def test_a_lossy_mailbox_tells_its_high_water_once(overflow: OverflowPolicy[int]) -> None:
    """That losses are near is told before they begin, and again only after it has been down to half."""
    ref: Ref[int] = Ref("a", capacity=5, overflow=overflow)
    inbox = Inbox(ref)
    told: list[int] = []
    ref._mailbox.on_high_water = told.append
    for number in (1, 2, 3, 4, 5, 5, -5, 5):
        ref.tell(number)
    assert told == [4]
    inbox.peek_nowait(3)
    inbox.drop(3)
    for number in (6, 7):
        ref.tell(number)
    assert told == [4, 4]


async def test_dropped_mail_is_not_undelivered(autojump_clock: trio.testing.MockClock) -> None:
    """The report of a stop counts what was still there."""
    events = Events()

    class Deaf:
        async def run(self, inbox: Inbox[int]) -> None:
            await trio.sleep_forever()

    ref: Ref[int] = Ref("a", capacity=3, overflow=Overflow.DROP_OLDEST)
    async with running(Supervisor("root", [ActorSpec(ref, Deaf, grace=0)], observer=events)):
        for number in range(10):
            ref.tell(number)
    assert events.of(Stopped, "root/a")[0].undelivered == 3
    assert ref.statistics().dropped == 7


def test_control_c_never_tears_a_mailbox() -> None:
    """It is delivered where the program waits, not in the middle of a change."""

    def key(message: int) -> int:
        if message == 2:
            signal.raise_signal(signal.SIGINT)
        return message

    ref: Ref[int] = Ref("a", overflow=KeepLatest(key))

    async def main() -> None:
        ref.tell(1)
        ref.tell(2)
        await trio.sleep(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            trio.run(main)
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(ref._mailbox.messages) == [1, 2]
