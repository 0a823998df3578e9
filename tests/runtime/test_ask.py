"""Every ask ends."""

from collections.abc import Callable

import attrs
import pytest
import trio
import trio.testing

from runtime import (
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Backoff,
    Inbox,
    Ref,
    Reply,
    Restart,
    Supervisor,
    WaitsForItself,
)
from runtime.testing import Probe, running


@attrs.frozen(eq=False)
class Question:
    reply: Reply[int]
    number: int = 0


def question(number: int = 0) -> Callable[[Reply[int]], Question]:
    return lambda reply: Question(reply, number)


async def double(message: Question) -> None:
    message.reply.set(2 * message.number)


async def test_an_answer_comes_back(autojump_clock: trio.testing.MockClock) -> None:
    """Each asker gets its own."""
    probe = Probe[Question]("a", double)
    async with running(Supervisor("root", [probe.spec()])):
        assert [await probe.ref.ask(question(number)) for number in range(3)] == [0, 2, 4]


async def test_a_failure_comes_back_as_it_was_given(autojump_clock: trio.testing.MockClock) -> None:
    """The actor goes on."""

    async def refuse(message: Question) -> None:
        message.reply.fail(KeyError("no such run"))

    probe = Probe[Question]("a", refuse)
    async with running(Supervisor("root", [probe.spec()])):
        with pytest.raises(KeyError):
            await probe.ref.ask(question())
        assert probe.incarnations == 1


async def test_only_the_first_answer_counts_and_none_ever_raises(autojump_clock: trio.testing.MockClock) -> None:
    """Also when the asker has gone."""

    async def chatter(message: Question) -> None:
        await trio.sleep(1)
        message.reply.set(1)
        message.reply.set(2)
        message.reply.fail(ValueError())

    probe = Probe[Question]("a", chatter)
    async with running(Supervisor("root", [probe.spec()])):
        with trio.move_on_after(0.5) as scope:
            await probe.ref.ask(question())
        assert scope.cancelled_caught
        assert await probe.ref.ask(question()) == 1
        assert probe.incarnations == 1
        assert len(probe.handled) == 2


async def test_a_request_that_waits_through_a_crash_is_answered_by_the_next_incarnation(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """So is the one in hand at its first crash, and the one whose asker still waits for room."""
    crashes: list[Question] = []

    async def once(message: Question) -> None:
        await trio.sleep(1)
        if not crashes:
            crashes.append(message)
            raise ValueError
        await double(message)

    probe = Probe[Question]("a", once, capacity=2)
    answers = {}

    async def ask(number: int) -> None:
        answers[number] = await probe.ref.ask(question(number))

    async with running(Supervisor("root", [probe.spec()])), trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(ask, number)
    assert answers == {0: 0, 1: 2, 2: 4}
    assert probe.incarnations == 2


async def test_a_request_that_goes_to_the_dead_letters_ends_with_the_crash(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """ActorCrashed, with the exception as its cause."""

    async def fail(message: Question) -> None:
        if message.number < 0:
            raise ValueError("poison")
        await double(message)

    probe = Probe[Question]("a", fail)
    async with running(Supervisor("root", [probe.spec()])):
        with pytest.raises(ActorCrashed, match="'a' ended before it answered") as caught:
            await probe.ref.ask(question(-1))
        assert isinstance(caught.value.__cause__, ValueError)
        assert await probe.ref.ask(question(4)) == 8


@pytest.mark.parametrize("end", ["crash", "return", "kill"])
async def test_a_request_that_was_acknowledged_ends_with_its_incarnation(
    end: str, autojump_clock: trio.testing.MockClock
) -> None:
    """An actor that keeps the Reply for later takes it along when it goes; queued requests are not touched by that."""

    class Keeps:
        async def run(self, inbox: Inbox[Question]) -> None:
            kept = await inbox.get()
            if kept.number:
                await double(kept)
                return
            await inbox.peek(1)
            await trio.sleep(1)
            if end == "crash":
                raise ValueError
            if end == "kill":
                await trio.sleep_forever()

    ref = Ref[Question]("a")
    root = Supervisor("root", [ActorSpec(ref, Keeps)])
    outcomes = []

    async def ask_and_lose() -> None:
        with pytest.raises(ActorCrashed):
            await ref.ask(question(0))
        outcomes.append(trio.current_time())

    async with running(root):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_and_lose)
            await trio.testing.wait_all_tasks_blocked()

            @nursery.start_soon
            async def ask_later() -> None:
                assert await ref.ask(question(1)) == 2

            await trio.sleep(2)
            if end == "kill":
                root.kill("a")
        assert outcomes == [2 if end == "kill" else 1]


async def test_a_stop_for_good_ends_every_ask(autojump_clock: trio.testing.MockClock) -> None:
    """ActorStopped for the request that was kept, the one in hand, the queued, and the one that waits for room."""
    stopped = []

    class Keeps:
        async def run(self, inbox: Inbox[Question]) -> None:
            await inbox.get()
            await inbox.get()
            await trio.sleep_forever()

    ref = Ref[Question]("a", capacity=2)
    root = Supervisor("root", [ActorSpec(ref, Keeps, grace=1)])

    async def ask(number: int) -> None:
        with pytest.raises(ActorStopped):
            await ref.ask(question(number))
        stopped.append(number)

    async with trio.open_nursery() as nursery:
        await nursery.start(root.run)
        for number in range(4):
            nursery.start_soon(ask, number)
            await trio.testing.wait_all_tasks_blocked()
        assert ref.statistics().waiting == 1
        root.stop()
    assert sorted(stopped) == [0, 1, 2, 3]
    with pytest.raises(ActorStopped):
        await ref.ask(question())


@pytest.mark.parametrize("restart", [Restart.TRANSIENT, Restart.TEMPORARY])
async def test_a_child_that_returns_for_good_ends_the_asks_it_leaves(
    restart: Restart, autojump_clock: trio.testing.MockClock
) -> None:
    """With ActorStopped: there is nobody left to ask."""

    class Leaves:
        async def run(self, inbox: Inbox[Question]) -> None:
            await inbox.get()

    ref = Ref[Question]("a")
    async with running(Supervisor("root", [ActorSpec(ref, Leaves, restart)])), trio.open_nursery() as nursery:
        for _ in range(2):

            @nursery.start_soon
            async def ask() -> None:
                with pytest.raises(ActorStopped):
                    await ref.ask(question())


async def test_a_cancelled_ask_that_waited_for_room_left_nothing_behind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The actor never sees it."""
    probe = Probe[Question]("a", double, capacity=1)
    with trio.CancelScope() as before:
        before.cancel()
        await probe.ref.ask(question(8))
    probe.ref.tell(Question(Reply()))
    with trio.move_on_after(1):
        await probe.ref.ask(question(9))
    async with running(Supervisor("root", [probe.spec(backoff=Backoff())])):
        assert await probe.ref.ask(question(1)) == 2
    assert [message.number for message in probe.handled] == [0, 1]


async def test_an_answer_that_is_there_is_not_taken_away_by_a_cancellation() -> None:
    """The actor answers and the asker's deadline passes in the same step: the asker has the answer."""
    ref = Ref[Question]("a", capacity=1)
    inbox = Inbox(ref)
    ref.tell(Question(Reply()))
    answers = []
    scope = trio.CancelScope()

    async def ask() -> None:
        with scope:
            answers.append(await ref.ask(question(4)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await inbox.get()
        inbox.drop(1)  # the asker is let in, and has not run yet
        await double(inbox.peek_nowait(1)[0])
        scope.cancel()
    assert answers == [8]


@pytest.mark.parametrize(("how", "capacity"), [("ask", 2), ("ask", 1), ("send", 1)])
async def test_an_actor_that_would_wait_for_itself_is_told_so(
    how: str, capacity: int, autojump_clock: trio.testing.MockClock
) -> None:
    """Nobody would be left to answer, or to make room. It crashes with a clear error instead of standing still."""

    class Narcissus:
        async def run(self, inbox: Inbox[Question]) -> None:
            await inbox.get()
            if how == "ask":
                await ref.ask(question(1))
            else:
                await ref.send(Question(Reply()))

    ref = Ref[Question]("a", capacity=capacity)
    ref.tell(Question(Reply()))
    root = Supervisor("root", [ActorSpec(ref, Narcissus, Restart.TEMPORARY)])
    async with running(root):
        await trio.sleep(1)
        failure = root.tree().children[0].last_failure
    assert failure is not None
    assert failure.type == WaitsForItself.__name__
    assert "'a' would wait for itself" in failure.message


async def test_an_actor_may_send_to_itself_while_there_is_room(autojump_clock: trio.testing.MockClock) -> None:
    """And tell, and ask from another task than the one that reads."""
    seen: list[int] = []

    class Talks:
        async def run(self, inbox: Inbox[Question]) -> None:
            async with trio.open_nursery() as nursery:
                async for message in inbox:
                    seen.append(message.number)
                    if message.number == 1:
                        await ref.send(Question(Reply(), 2))
                        ref.tell(Question(Reply(), 3))
                        nursery.start_soon(self.ask)
                    await double(message)

        async def ask(self) -> None:
            assert await ref.ask(question(4)) == 8

    ref = Ref[Question]("a", capacity=4)
    async with running(Supervisor("root", [ActorSpec(ref, Talks)])):
        ref.tell(Question(Reply(), 1))
        await trio.sleep(1)
    assert seen == [1, 2, 3, 4]


async def test_the_reader_of_a_past_incarnation_may_ask() -> None:
    """Only the one that reads now would wait for itself."""
    ref = Ref[Question]("a")
    Inbox(ref).peek_nowait(1)
    ref._mailbox.release_clean()
    with trio.move_on_after(0) as scope:
        await ref.ask(question())
    assert scope.cancelled_caught
