"""The Python subscriber, against the real stream on loopback."""

import random

import pytest
import trio

from mission_control.client import Backoff, EventStream, Jump, RefusedError, subscribe
from mission_control.core.events import Event
from mission_control.core.subscription import Cursor, Filter
from mission_control.edge.services import Access
from mission_control.stores.memory import MemoryJournal
from tests.edge.test_stream import streaming
from tests.edge.world import world
from tests.stores.samples import BETA, FakeClock, activity, beat

AT_ONCE = Backoff(first=0, ceiling=0)


def url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/v1/stream"


async def take(stream: EventStream, count: int) -> list[Event]:
    return [await anext(stream) for _ in range(count)]


def names(events: list[Event]) -> list[str]:
    return [event.event_id for event in events]


async def test_events_from_now_on() -> None:
    """Without a cursor the stream begins at the head; ephemeral events come too and move no cursor."""
    async with world() as there, streaming(there) as port:
        await there.commit(activity("old"))
        connected = trio.Event()
        async with subscribe(url(port), on_state=lambda *_: connected.set()) as stream:
            await connected.wait()
            await there.commit(activity("a1"))
            # What is ephemeral comes only to who is there; the first event shows that the subscriber is.
            events = await take(stream, 1)
            await there.commit(beat("b1"), activity("a2"))
            events += await take(stream, 2)
            assert names(events) == ["a1", "b1", "a2"]
            assert [event.offset for event in events] == [2, None, 3]
            assert stream.cursor == Cursor("memory", 3)
            assert stream.state == "connected"


async def test_a_cursor_goes_on_where_it_was_taken() -> None:
    """Whatever was iterated over before, and nothing else, is not delivered again."""
    async with world() as there, streaming(there) as port:
        await there.commit(*(activity(f"a{serial}") for serial in range(6)))
        async with subscribe(url(port), cursor=Cursor("memory", 0)) as stream:
            assert names(await take(stream, 4)) == ["a0", "a1", "a2", "a3"]
            cursor = stream.cursor
        assert cursor == Cursor("memory", 4)
        async with subscribe(url(port), cursor=cursor) as stream:
            assert names(await take(stream, 2)) == ["a4", "a5"]


async def test_a_restart_of_the_daemon_costs_nothing() -> None:
    """The stream goes on by itself: every event once, in order, also those from while it was away."""
    states: list[str] = []
    changed = trio.Event()
    jumps: list[Jump] = []
    journal = MemoryJournal(FakeClock())

    def on_state(state: str, why: str) -> None:
        states.append(state)
        changed.set()

    async with world(journal) as there:
        async with streaming(there) as port:
            pass  # a port that is free, and stays so
        async with subscribe(
            url(port),
            cursor=Cursor("memory", 0),
            backoff=Backoff(first=0.01, ceiling=0.01),
            rng=random.Random(1),
            on_state=on_state,
            on_jump=jumps.append,
        ) as stream:
            await changed.wait()
            assert states == ["reconnecting"]
            for incarnation in range(4):
                async with world(journal) as anew, streaming(anew, port):
                    if incarnation > 0:
                        assert names(await take(stream, 1)) == [f"down-{incarnation}"]
                    await anew.commit(activity(f"up-{incarnation}"))
                    assert names(await take(stream, 1)) == [f"up-{incarnation}"]
                    anew.services.shutdown.begun.set()
                    await anew.services.shutdown.wait_left()
                await journal.append([activity(f"down-{incarnation + 1}")])
    assert jumps == []
    assert states.count("connected") == 4


async def test_a_jump_is_told() -> None:
    """Where the daemon cannot continue, the reader learns which events it missed, before the next event."""
    order: list[Jump | Event] = []
    jumped = trio.Event()

    def on_jump(jump: Jump) -> None:
        order.append(jump)
        jumped.set()

    async def read(stream: EventStream, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        order.extend(await take(stream, 1))

    async with world() as there, streaming(there) as port:
        await there.commit(activity("a1"))
        async with (
            subscribe(url(port), cursor=Cursor("another", 7), on_jump=on_jump) as stream,
            trio.open_nursery() as nursery,
        ):
            await nursery.start(read, stream)
            await jumped.wait()
            await there.commit(activity("a2"))
    jump, event = order
    assert jump == Jump("epoch_changed", Cursor("another", 7), Cursor("memory", 1))
    assert isinstance(event, Event)
    assert event.event_id == "a2"


async def test_the_filter_is_the_daemon_s() -> None:
    """Only what was asked for travels."""
    async with world() as there, streaming(there) as port:
        await there.commit(activity("a1"), activity("b1", of=BETA))
        select = Filter(agents=frozenset({"beta"}))
        async with subscribe(url(port), filter=select, cursor=Cursor("memory", 0)) as stream:
            assert names(await take(stream, 1)) == ["b1"]


@pytest.mark.parametrize(("token", "close_code"), [("wrong", 4401), (None, 4401)])
async def test_a_refusal_ends_the_iteration(token: str | None, close_code: int) -> None:
    """Trying again with the same token is no use: the error says what is wrong, plainly and not in a group."""
    states: list[str] = []
    async with world(access=Access(token="right", loopback_only=True)) as there, streaming(there) as port:
        with pytest.raises(RefusedError, match="operator token") as refused:
            async with subscribe(url(port), token=token, on_state=lambda state, _: states.append(state)) as stream:
                await anext(stream)
    assert (refused.value.close_code, refused.value.code) == (close_code, "unauthenticated")
    assert states == ["disconnected"]


async def test_the_token_opens() -> None:
    """The operator's token is what the daemon wants to hear."""
    async with world(access=Access(token="right", loopback_only=True)) as there, streaming(there) as port:
        await there.commit(activity("a1"))
        async with subscribe(url(port), token="right", cursor=Cursor("memory", 0)) as stream:
            assert names(await take(stream, 1)) == ["a1"]


async def test_a_daemon_that_falls_silent_is_left() -> None:
    """A link that hangs is given up after two ping intervals, and a new one is made."""
    told: list[str] = []
    lost = trio.Event()

    async def deaf(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await trio.sleep_forever()

    def on_state(state: str, why: str) -> None:
        told.append(why)
        lost.set()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, deaf, listeners)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mission_control.client.session.DEFAULT_PING_INTERVAL_MS", 50)
            async with subscribe(url(port), backoff=AT_ONCE, on_state=on_state):
                with trio.fail_after(10):
                    await lost.wait()
        nursery.cancel_scope.cancel()
    assert told[0] == "nothing was heard from the daemon"


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    """Leaving the stream by an exception does not wrap it in a group."""
    async with world() as there, streaming(there) as port:
        with pytest.raises(LookupError, match="mine"):
            async with subscribe(url(port)):
                raise LookupError("mine")
