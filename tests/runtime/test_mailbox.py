"""The mailbox, without a supervisor: order, capacity, closing, and what a cancellation may not lose."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from runtime import ActorStopped, Inbox, MailboxFull, Ref
from runtime.testing import run


def pair(capacity: int = 1024) -> tuple[Ref[int], Inbox[int]]:
    ref: Ref[int] = Ref("a", capacity=capacity)
    return ref, Inbox(ref)


async def test_a_get_reader_gets_everything_in_order() -> None:
    """What is told arrives, once, in order, and the iteration ends when the mailbox is closed and drained."""
    ref, inbox = pair()
    for number in range(5):
        ref.tell(number)
    ref._mailbox.close()
    assert [message async for message in inbox] == [0, 1, 2, 3, 4]
    with pytest.raises(trio.EndOfChannel):
        await inbox.get()
    with pytest.raises(trio.EndOfChannel):
        await inbox.peek(1)


async def test_peek_waits_for_one_then_returns_everything_queued_up_to_the_limit() -> None:
    """One wake-up serves the whole batch; nothing is removed until it is dropped."""
    ref, inbox = pair()
    batches = []

    async def reader() -> None:
        batches.append(list(await inbox.peek(3)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(5):
            ref.tell(number)
    assert batches == [[0, 1, 2]]
    assert list(await inbox.peek(10)) == [0, 1, 2, 3, 4]
    inbox.drop(2)
    assert list(inbox.peek_nowait(10)) == [2, 3, 4]
    inbox.drop(3)
    assert list(inbox.peek_nowait(10)) == []


async def test_a_narrower_peek_takes_nothing_out_of_hand() -> None:
    """What was seen can be acknowledged, whatever was looked at last."""
    ref, inbox = pair()
    for number in range(3):
        ref.tell(number)
    await inbox.peek(3)
    assert list(await inbox.peek(1)) == [0]
    inbox.drop(3)
    assert ref.statistics().handled == 3


async def test_get_acknowledges_at_the_next_receive() -> None:
    """A message handed out by get stays accepted and unhandled until its reader comes back for more."""
    ref, inbox = pair()
    ref.tell(1)
    ref.tell(2)
    assert await inbox.get() == 1
    assert (ref.statistics().depth, ref.statistics().in_hand, ref.statistics().handled) == (2, 1, 0)
    assert list(await inbox.peek(10)) == [2]
    assert (ref.statistics().depth, ref.statistics().in_hand, ref.statistics().handled) == (1, 1, 1)
    assert list(inbox.peek_nowait(10)) == [2]
    assert await inbox.get() == 2
    assert list(inbox.peek_nowait(10)) == []
    assert ref.statistics().handled == 2


async def test_only_what_is_in_hand_can_be_acknowledged() -> None:
    """A drop of messages that nobody has seen would lose them: it is refused and changes nothing."""
    ref, inbox = pair()
    for number in range(3):
        ref.tell(number)
    await inbox.peek(2)
    for count in (3, -1):
        with pytest.raises(ValueError, match="2 are in hand"):
            inbox.drop(count)
    assert list(inbox.peek_nowait(9)) == [0, 1, 2]


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_below_one_is_an_error(limit: int) -> None:
    """A batch of nothing would be a busy loop."""
    ref, inbox = pair()
    ref.tell(1)
    with pytest.raises(ValueError, match="limit"):
        await inbox.peek(limit)


async def test_a_full_mailbox_refuses_tell_and_counts_it() -> None:
    """The capacity bounds what is accepted and not handled, the message in hand included."""
    ref, inbox = pair(capacity=2)
    ref.tell(1)
    ref.tell(2)
    await inbox.get()
    with pytest.raises(MailboxFull) as caught:
        ref.tell(3)
    assert (caught.value.name, caught.value.capacity) == ("a", 2)
    assert str(caught.value) == "the mailbox of 'a' holds 2 messages and is full"
    assert ref.statistics().refused == 1
    assert await inbox.get() == 2
    ref.tell(4)
    assert await inbox.get() == 4


def test_a_mailbox_needs_room_and_a_name() -> None:
    """A capacity below 1 and an empty name are refused where they are written."""
    with pytest.raises(ValueError, match="capacity"):
        Ref("a", capacity=0)
    with pytest.raises(ValueError, match="name"):
        Ref("")


async def test_waiting_senders_are_served_in_their_order_and_none_overtakes() -> None:
    """Room goes to the sender that has waited longest: a later tell cannot take it."""
    ref, inbox = pair(capacity=1)
    ref.tell(0)
    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(ref.send, number)
            await trio.testing.wait_all_tasks_blocked()
        assert ref.statistics().waiting == 3
        assert await inbox.get() == 0
        inbox.drop(1)
        with pytest.raises(MailboxFull):
            ref.tell(9)
        assert (ref.statistics().depth, ref.statistics().waiting) == (1, 2)
        assert [await inbox.get() for _ in range(3)] == [1, 2, 3]
    assert ref.statistics().waiting == 0


async def test_a_cancelled_send_accepted_nothing() -> None:
    """Whether it waited for room or was cancelled beforehand."""
    ref, inbox = pair(capacity=1)
    with trio.CancelScope() as before:
        before.cancel()
        await ref.send(1)
    assert before.cancelled_caught
    ref.tell(2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ref.send, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert ref.statistics().waiting == 1
        nursery.cancel_scope.cancel()
    assert ref.statistics().waiting == 0
    ref._mailbox.close()
    assert [message async for message in inbox] == [2]


async def test_a_send_that_was_accepted_is_not_reported_as_cancelled() -> None:
    """Room and cancellation in the same instant: the message is in, and the sender hears that."""
    ref, inbox = pair(capacity=1)
    ref.tell(0)
    sent = []
    scope = trio.CancelScope()

    async def sender() -> None:
        with scope:
            await ref.send(1)
            sent.append(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender)
        await trio.testing.wait_all_tasks_blocked()
        await inbox.get()
        inbox.drop(1)
        scope.cancel()
    assert sent == [1]
    assert await inbox.get() == 1


async def test_closing_refuses_new_mail_and_keeps_what_was_accepted() -> None:
    """Senders that wait for room are told; readers drain; a waiting reader meets the end."""
    ref, inbox = pair(capacity=1)
    ref.tell(0)
    refused = []

    async def sender() -> None:
        with pytest.raises(ActorStopped, match="'a' has stopped"):
            await ref.send(1)
        refused.append(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender)
        await trio.testing.wait_all_tasks_blocked()
        ref._mailbox.close()
        ref._mailbox.close()
    assert refused == [1]
    with pytest.raises(ActorStopped):
        ref.tell(2)
    with pytest.raises(ActorStopped):
        await ref.send(2)
    assert [message async for message in inbox] == [0]
    assert ref.statistics().closed


async def test_closing_refuses_new_mail_also_where_there_is_plenty_of_room() -> None:
    """Whether it is empty or not, before and after a receive."""
    ref, inbox = pair(capacity=100)
    for number in range(3):
        ref.tell(number)
    ref._mailbox.close()
    for _ in range(4):
        with pytest.raises(ActorStopped):
            ref.tell(9)
        with pytest.raises(ActorStopped):
            await ref.send(9)
        inbox.peek_nowait(1)
        inbox.drop(min(1, ref.statistics().depth))
    assert ref.statistics().handled == 3


async def test_a_reader_that_waits_meets_the_end_when_the_mailbox_closes() -> None:
    """Closing wakes the reader."""
    ref, inbox = pair()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def reader() -> None:
            with pytest.raises(trio.EndOfChannel):
                await inbox.get()

        await trio.testing.wait_all_tasks_blocked()
        ref._mailbox.close()


async def test_two_tasks_that_read_one_inbox_are_told_so() -> None:
    """Order and acknowledgement mean nothing between two readers."""
    _, inbox = pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(inbox.get)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError, match="'a'"):
            await inbox.get()
        with pytest.raises(trio.BusyResourceError, match="'a'"):
            inbox.peek_nowait(1)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(20))
def test_two_tasks_that_meet_at_an_inbox_are_told_so(seed: int) -> None:
    """Both saw the one message; whoever finds it gone must not take the place of the one that waits for the next."""

    async def main() -> None:
        ref, inbox = pair()
        ref.tell(1)
        ended: list[str] = []

        async def read() -> None:
            try:
                await inbox.get()
                await inbox.get()
            except trio.BusyResourceError:
                ended.append("refused")
                ref._mailbox.close()
            except trio.EndOfChannel:
                ended.append("waited")

        with trio.fail_after(1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                nursery.start_soon(read)
        assert ended == ["refused", "waited"]

    run(main, seed=seed)


async def test_receiving_from_a_full_mailbox_lets_others_run() -> None:
    """A reader that never runs dry must not freeze the program, and can be cancelled."""
    ref, inbox = pair()
    for number in range(100):
        ref.tell(number)
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.peek(1)
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.get()
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        async for _ in inbox:
            raise AssertionError("it never let go")
    assert scope.cancelled_caught
    assert ref.statistics().in_hand == 0
    assert await inbox.get() == 0


async def test_high_water_is_told_once_per_crossing() -> None:
    """At 80 % on the way up, and again only after the mailbox has been down to half."""
    ref, inbox = pair(capacity=10)
    told: list[int] = []
    ref._mailbox.on_high_water = told.append
    for number in range(10):
        ref.tell(number)
    assert told == [8]
    await inbox.peek(4)
    inbox.drop(4)
    ref.tell(0)
    ref.tell(0)
    assert told == [8]
    await inbox.peek(3)
    inbox.drop(3)
    for number in range(3):
        ref.tell(number)
    assert told == [8, 8]


async def test_high_water_of_the_smallest_mailbox_is_its_one_message() -> None:
    """Each time it is filled."""
    ref, inbox = pair(capacity=1)
    told: list[int] = []
    ref._mailbox.on_high_water = told.append
    for _ in range(3):
        ref.tell(0)
        await inbox.peek(1)
        inbox.drop(1)
    assert told == [1, 1, 1]


async def test_statistics_tell_the_deepest_the_mailbox_has_been() -> None:
    """The peak survives the mail that made it."""
    ref, inbox = pair()
    for number in range(7):
        ref.tell(number)
    assert ref.statistics().peak == 7
    await inbox.peek(7)
    inbox.drop(7)
    assert (ref.statistics().depth, ref.statistics().peak, ref.statistics().handled) == (0, 7, 7)
    ref.tell(8)
    await inbox.peek(1)
    inbox.drop(1)
    assert ref.statistics().peak == 7


async def test_the_peak_survives_a_burial_and_a_stop() -> None:
    """However the mail that made it left."""
    ref, inbox = pair()
    for number in range(3):
        ref.tell(number)
    for _ in range(2):
        await inbox.get()
        ref._mailbox.release_crashed()
    assert (ref.statistics().dead_lettered, ref.statistics().peak) == (1, 3)
    ref.tell(3)
    ref.tell(4)
    ref._mailbox.discard()
    assert (ref.statistics().depth, ref.statistics().peak) == (0, 4)


async def test_the_oldest_message_has_an_age(autojump_clock: trio.testing.MockClock) -> None:
    """Exact for the first message of an empty mailbox and the first after a receive, in hand or not; 0 without mail."""
    ref, inbox = pair()
    assert ref.statistics().oldest_age_s == 0
    await trio.sleep(5)
    ref.tell(1)
    await trio.sleep(2)
    assert ref.statistics().oldest_age_s == 2
    await inbox.get()
    await trio.sleep(1)
    ref.tell(2)
    await trio.sleep(4)
    assert ref.statistics().oldest_age_s == 7
    await inbox.get()
    assert ref.statistics().oldest_age_s == 4
    assert list(inbox.peek_nowait(1)) == []
    assert ref.statistics().oldest_age_s == 0


async def test_an_age_is_exact_after_a_batch(autojump_clock: trio.testing.MockClock) -> None:
    """The first message to come while a batch is in hand is not taken for as old as the batch."""
    ref, inbox = pair()
    ref.tell(1)
    ref.tell(2)
    await inbox.peek(9)
    await trio.sleep(5)
    ref.tell(3)
    inbox.drop(2)
    await trio.sleep(1)
    assert ref.statistics().oldest_age_s == 1


async def test_a_reader_wakes_after_a_batch_during_which_more_came(autojump_clock: trio.testing.MockClock) -> None:
    """And was acknowledged with it: the mailbox is empty again, and the next message its first."""
    ref, inbox = pair()
    ref.tell(1)
    await inbox.peek(9)
    ref.tell(2)
    assert list(await inbox.peek(9)) == [1, 2]
    ref.tell(3)
    assert list(await inbox.peek(9)) == [1, 2, 3]
    ref.tell(4)
    inbox.peek_nowait(9)
    inbox.drop(4)
    got = []

    async def reader() -> None:
        got.append(await inbox.get())

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader)
            await trio.testing.wait_all_tasks_blocked()
            ref.tell(5)
    assert got == [5]


async def test_a_reader_wakes_after_it_has_worked_off_a_backlog(autojump_clock: trio.testing.MockClock) -> None:
    """However long it was: the next message is the first of an empty mailbox."""
    ref, inbox = pair()
    for number in range(800):
        ref.tell(number)
    await inbox.peek(1)
    ref.tell(800)
    inbox.drop(len(await inbox.peek(1000)))
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.get)
            await trio.testing.wait_all_tasks_blocked()
            ref.tell(801)


async def test_mail_ages_also_before_its_actor_runs(autojump_clock: trio.testing.MockClock) -> None:
    """An actor that does not come up shows in the age of its mail."""
    ref = Ref[int]("a")
    ref.tell(1)
    await trio.sleep(5)
    assert ref.statistics().oldest_age_s == 5


async def test_a_reader_that_cleans_up_is_busy(autojump_clock: trio.testing.MockClock) -> None:
    """From the moment that its mailbox closes."""
    ref, inbox = pair()
    assert Ref[int]("b").statistics().busy_s == 0

    async def reader() -> None:
        with pytest.raises(trio.EndOfChannel):
            await inbox.get()
        await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.sleep(2)
        ref._mailbox.close()
    assert ref.statistics().busy_s == 3


async def test_an_age_is_exact_after_a_backlog(autojump_clock: trio.testing.MockClock) -> None:
    """A burst that took long to drain does not make what came last look as old as the burst."""
    ref, inbox = pair()
    for number in range(100):
        ref.tell(number)
    for _ in range(99):
        await inbox.get()
        await trio.sleep(1)
    ref.tell(100)
    await trio.sleep(1)
    await inbox.get()
    assert ref.statistics().oldest_age_s == 100
    await inbox.get()
    assert ref.statistics().oldest_age_s == 1


async def test_an_age_is_never_told_too_small_and_little_too_large_in_a_deep_mailbox(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A slow reader of a steady stream: within an eighth of the queue, over its whole life."""
    ref, inbox = pair()
    for number in range(400):
        ref.tell(number)
        await trio.sleep(1)
        if number % 2:
            await inbox.get()
            depth = ref.statistics().depth
            age = trio.current_time() - ref._mailbox.messages[0]
            assert age <= ref.statistics().oldest_age_s <= age + depth / 8 + 2


def test_mail_told_before_a_clock_runs_ages_from_the_first_incarnation_on() -> None:
    """Nobody could have noted its time; what is told later has an age of its own."""
    ref: Ref[int] = Ref("a")
    ref.tell(1)
    assert ref.statistics().oldest_age_s == 0

    async def main() -> None:
        await trio.sleep(5)
        inbox = Inbox(ref)
        await trio.sleep(2)
        assert ref.statistics().oldest_age_s == 2
        await inbox.get()
        ref.tell(2)
        await trio.sleep(1)
        await inbox.get()
        assert ref.statistics().oldest_age_s == 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize(("depth", "most"), [(10, 20), (1000, 80)])
async def test_ages_cost_no_memory_for_each_message(depth: int, most: int) -> None:
    """Whatever has passed through a mailbox, and however full it stays, it remembers few times."""
    ref, inbox = pair(capacity=2000)
    for number in range(depth):
        ref.tell(number)
        ref.tell(number)
        await inbox.get()
    for number in range(3000):
        ref.tell(number)
        await inbox.get()
    assert len(ref._mailbox._queue.ages._marks) <= most


@pytest.mark.parametrize("end", ["release_clean", "release_interrupted", "release_crashed"])
async def test_a_reader_is_busy_when_it_does_not_wait_for_mail(
    end: str, autojump_clock: trio.testing.MockClock
) -> None:
    """From the receive to the next wait, counted for one incarnation; it stays as it was between two."""
    ref, inbox = pair()
    busy = []

    async def reader() -> None:
        for _ in range(2):
            await inbox.get()
            await trio.sleep(3)
        with trio.move_on_after(10):
            await inbox.get()
        await trio.sleep(1)
        busy.append(ref.statistics().busy_s)
        await inbox.get()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.sleep(5)
        assert ref.statistics().busy_s == 0
        ref.tell(1)
        ref.tell(2)
        await trio.sleep(2)
        assert ref.statistics().busy_s == 2
        await trio.sleep(50)
        nursery.cancel_scope.cancel()
    assert busy == [7]
    getattr(ref._mailbox, end)()
    await trio.sleep(100)
    assert ref.statistics().busy_s == 7
    Inbox(ref)
    await trio.sleep(1)
    assert ref.statistics().busy_s == 1


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.just(0)),
        st.tuples(st.sampled_from(["get", "peek", "cancelled get", "cancelled peek"]), st.integers(1, 4)),
        st.tuples(st.just("drop"), st.integers(0, 4)),
        st.tuples(st.just("new incarnation"), st.just(0)),
    ),
    max_size=60,
)


@given(OPERATIONS)
async def test_no_receive_cancel_or_restart_loses_repeats_or_reorders(operations: list[tuple[str, int]]) -> None:
    """Acknowledged messages are a prefix of what was accepted, whatever readers do and whenever they are cut off."""
    ref, inbox = pair()
    mailbox = ref._mailbox
    accepted: list[int] = []
    acknowledged = 0
    in_hand = 0
    got = False
    for operation, count in operations:
        depth = len(accepted) - acknowledged
        if operation == "tell":
            ref.tell(len(accepted))
            accepted.append(len(accepted))
            continue
        if operation == "drop":
            count = min(count, in_hand)
            inbox.drop(count)
            acknowledged, in_hand, got = acknowledged + count, in_hand - count, False
            continue
        if operation == "new incarnation":
            mailbox.release_interrupted()
            inbox, in_hand, got = Inbox(ref), 0, False
            continue
        if got:
            acknowledged, in_hand, got, depth = acknowledged + 1, in_hand - 1, False, depth - 1
        with trio.CancelScope() as scope:
            if operation.startswith("cancelled") or depth == 0:
                scope.cancel()
            if operation.endswith("get"):
                assert await inbox.get() == accepted[acknowledged]
                got, in_hand = True, max(in_hand, 1)
            else:
                assert list(await inbox.peek(count)) == accepted[acknowledged : acknowledged + count]
                in_hand = max(in_hand, min(count, depth))
    statistics = ref.statistics()
    assert (statistics.handled, statistics.depth, statistics.in_hand) == (
        acknowledged,
        len(accepted) - acknowledged,
        in_hand,
    )
    mailbox.release_interrupted()
    assert list(Inbox(ref).peek_nowait(1000)) == accepted[acknowledged:]
