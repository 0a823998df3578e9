"""What the probes, the observer and the helpers promise to those who test with them."""

import pytest
import trio
import trio.testing

from runtime import Backoff, Crashed, Inbox, RestartIntensityExceeded, Started, State, Stopped, Supervisor
from runtime.testing import DemandedCrash, Events, Probe, When, find, running

AT_ONCE = Backoff(first=0)


def tree(probe: Probe[int]) -> tuple[Supervisor, Events]:
    events = Events()
    return Supervisor("root", [probe.spec(backoff=AT_ONCE)], observer=events), events


async def test_a_probe_that_is_told_to_crash_now_does_so_while_it_waits_for_mail(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """With nothing in hand: no message is to blame."""
    probe = Probe[int]("a")
    root, events = tree(probe)
    async with running(root):
        probe.crash()
        await trio.sleep(1)
        assert (probe.incarnations, probe.live, probe.most_live) == (2, 1, 1)
    [crash] = events.of(Crashed)
    assert isinstance(crash.error, DemandedCrash)
    assert str(crash.error) == "a was told to crash: now"
    assert root.dead_letters() == ()


async def test_a_probe_that_is_told_to_crash_now_does_so_while_it_handles_a_message(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The message is in hand: it comes again, and goes at the second crash."""

    async def forever(message: int) -> None:
        await trio.sleep_forever()

    probe = Probe("a", forever)
    root, _ = tree(probe)
    async with running(root):
        probe.ref.tell(1)
        for _ in range(2):
            await trio.sleep(1)
            probe.crash()
        await trio.sleep(1)
        assert probe.received == [1, 1]
        assert probe.handled == []
        assert len(root.dead_letters()) == 1


@pytest.mark.parametrize(
    ("batch", "when", "received", "handled"),
    [
        (0, When.BEFORE_RECEIVE, [1, 1, 2, 3], [1, 1, 2, 3]),
        (0, When.DURING_RECEIVE, [1, 2, 3], [1, 2, 3]),
        (0, When.AFTER_RECEIVE, [1, 2, 2, 3], [1, 2, 3]),
        (0, When.AFTER_HANDLING, [1, 1, 2, 3], [1, 1, 2, 3]),
        (2, When.BEFORE_RECEIVE, [1, 2, 3], [1, 2, 3]),
        (2, When.DURING_RECEIVE, [1, 2, 3], [1, 2, 3]),
        (2, When.AFTER_RECEIVE, [1, 2, 3, 3], [1, 2, 3]),
        (2, When.AFTER_HANDLING, [1, 2, 1, 2, 3], [1, 1, 2, 3]),
    ],
)
async def test_a_demanded_crash_comes_at_its_moment_once(
    batch: int, when: When, received: list[int], handled: list[int], autojump_clock: trio.testing.MockClock
) -> None:
    """What is in hand at that moment, and only that, comes again."""
    demanded: list[int] = []

    async def demand_at_the_first(message: int) -> None:
        if not demanded:
            demanded.append(message)
            probe.crash(when)

    probe = Probe("a", demand_at_the_first, batch=batch)
    root, events = tree(probe)
    for number in (1, 2, 3):
        probe.ref.tell(number)
    async with running(root):
        await trio.sleep(1)
        assert probe.incarnations == 2
    assert (probe.received, probe.handled) == (received, handled)
    assert [str(event.error) for event in events.of(Crashed)] == [f"a was told to crash: {when.value}"]


def test_a_demanded_crash_says_when_in_words() -> None:
    """A failing test shows them."""
    assert {when.name: when.value for when in When} == {
        "NOW": "now",
        "BEFORE_RECEIVE": "before a receive",
        "DURING_RECEIVE": "during a receive",
        "AFTER_RECEIVE": "after a receive",
        "AFTER_HANDLING": "after handling",
    }


async def test_a_probe_receives_with_get_unless_told_otherwise(autojump_clock: trio.testing.MockClock) -> None:
    """So a message counts as handled when its actor comes for the next one, and not before."""

    async def demand_once(message: int) -> None:
        if probe.incarnations == 1:
            probe.crash(When.BEFORE_RECEIVE)

    probe = Probe("a", demand_once)
    root, _ = tree(probe)
    probe.ref.tell(1)
    async with running(root):
        await trio.sleep(1)
    assert probe.handled == [1, 1]


async def test_a_probe_counts_the_incarnations_that_live_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """That is how a test sees that there never were two."""

    async def forever(message: int) -> None:
        await trio.sleep_forever()

    probe = Probe("a", forever)
    probe.ref.tell(1)
    probe.ref.tell(2)
    spec = probe.spec()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(spec.factory().run, Inbox(probe.ref))
        await trio.testing.wait_all_tasks_blocked()
        assert (probe.live, probe.most_live) == (2, 2)
        nursery.cancel_scope.cancel()
    assert (probe.live, probe.most_live) == (0, 2)


async def test_a_probe_that_waits_for_mail_crashes_within_its_receive(autojump_clock: trio.testing.MockClock) -> None:
    """Demanded while it waits, it crashes there and then."""
    probe = Probe[int]("a")
    root, _ = tree(probe)
    async with running(root):
        await trio.testing.wait_all_tasks_blocked()
        probe.crash(When.DURING_RECEIVE)
        await trio.sleep(1)
        assert probe.incarnations == 2


async def test_demands_queue_up_and_outlast_incarnations(autojump_clock: trio.testing.MockClock) -> None:
    """One crash for each, with the errors that were named, in their order, beginning before the tree runs."""
    probe = Probe[int]("a")
    root, events = tree(probe)
    probe.crash(error=OSError("first"))
    probe.crash(error=OSError("second"))
    async with running(root):
        await trio.sleep(1)
        assert probe.incarnations == 3
        assert find(root.tree(), "root/a").state is State.RUNNING
    assert [str(event.error) for event in events.of(Crashed)] == ["first", "second"]


async def test_waiting_for_what_a_probe_handles(autojump_clock: trio.testing.MockClock) -> None:
    """Every waiter is told, and who comes late need not wait."""

    async def slowly(message: int) -> None:
        await trio.sleep(1)

    probe = Probe("a", slowly)
    root, _ = tree(probe)
    start = trio.current_time()
    times: dict[int, float] = {}

    async def wait_for(count: int) -> None:
        await probe.wait_handled(count)
        times[count] = trio.current_time() - start

    async with running(root), trio.open_nursery() as nursery:
        for count in (3, 1, 2):
            nursery.start_soon(wait_for, count)
            probe.ref.tell(count)
    assert times == {1: 1, 2: 2, 3: 3}
    await probe.wait_handled(3)
    with trio.CancelScope() as scope:
        scope.cancel()
        await probe.wait_handled(3)
    assert scope.cancelled_caught


async def test_waiting_for_events(autojump_clock: trio.testing.MockClock) -> None:
    """By type, path and number, for several at a time; what is there already need not be waited for."""
    probe = Probe[int]("a")
    root, events = tree(probe)
    found: dict[int, int] = {}

    async def wait_for(count: int) -> None:
        found[count] = len(await events.wait_for(Started, "root/a", count=count))

    async with trio.open_nursery() as nursery:
        for count in (1, 2, 3):
            nursery.start_soon(wait_for, count)
        async with running(root):
            for number in (1, 2, 3):
                with trio.fail_after(1):
                    await events.wait_for(Started, "root/a", count=number)
                await trio.sleep(1)
                assert set(found) == set(range(1, number + 1))
                probe.crash()
            await events.wait_for(Crashed, count=3)
    assert found == {1: 1, 2: 2, 3: 3}
    assert [event.path for event in await events.wait_for(Stopped)] == ["root/a", "root"]
    with trio.CancelScope() as scope:
        scope.cancel()
        await events.wait_for(Stopped)
    assert scope.cancelled_caught


async def test_a_running_tree_is_stopped_in_order_when_the_block_fails() -> None:
    """The block's error comes out, and the tree has ended by then."""
    probe = Probe[int]("a")
    root, events = tree(probe)
    with pytest.RaisesGroup(KeyError):
        async with running(root) as same:
            assert same is root
            raise KeyError
    assert probe.live == 0
    assert len(events.of(Stopped)) == 2


async def test_a_running_tree_that_fails_ends_the_block(autojump_clock: trio.testing.MockClock) -> None:
    """A test cannot pass over the ruins."""
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)])
    for _ in range(6):
        probe.crash()
    with pytest.RaisesGroup(RestartIntensityExceeded):
        async with running(root):
            await trio.sleep_forever()


def test_a_path_that_a_snapshot_lacks_is_told() -> None:
    """Not by a neighbour's node, nor by a node above it."""
    root = Supervisor("root", [Supervisor("ab", []), Supervisor("a", [Supervisor("b", [])])])
    assert find(root.tree(), "root/a/b").name == "b"
    assert find(root.tree(), "root").name == "root"
    for path in ("root/abc", "root/a/b/c", "root/x"):
        with pytest.raises(LookupError, match=path):
            find(root.tree(), path)
