"""The client on the network, on trio and on asyncio, before a daemon that does what the test says."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mission_control.client import Backoff, Cursor, EventStream, Filter, Jump, RefusedError, mirror, subscribe
from tests.client.fake_daemon import FakeDaemon, fake_daemon, happened, on_both, run, snapshot, welcome

AT_ONCE = Backoff(first=0, ceiling=0)


async def take(stream: EventStream, count: int) -> list[int | None]:
    return [(await anext(stream)).offset for _ in range(count)]


def running() -> list[str]:
    """The client's tasks on this event loop."""
    return [task.name for task in anyio.get_running_tasks() if task.name and "mission_control.client" in task.name]


@on_both
def test_a_cut_connection_goes_on_where_it_was(backend: str) -> None:
    """Wherever the connection breaks, each event comes once, in order, and the next hello says what was received."""

    async def main() -> None:
        async with fake_daemon() as daemon, subscribe(daemon.url, backoff=AT_ONCE) as stream:
            peer = await daemon.connection()
            assert "cursor" not in await peer.heard("hello")
            await peer.say(welcome(), snapshot(), happened(11, 12))
            assert await take(stream, 2) == [11, 12]
            for offset in range(12, 20):
                await peer.cut()
                peer = await daemon.connection()
                assert (await peer.heard("hello"))["cursor"] == {"epoch": "e", "offset": offset}
                await peer.say(welcome("continued", offset), happened(offset + 1))
                assert await take(stream, 1) == [offset + 1]
            assert (stream.cursor, stream.duplicates, stream.gaps) == (Cursor("e", 20), 0, 0)

    run(backend, main)


@on_both
def test_what_was_not_received_is_asked_for_again(backend: str) -> None:
    """A frame that is cut off in the middle was never there."""

    async def main() -> None:
        async with fake_daemon() as daemon, subscribe(daemon.url, backoff=AT_ONCE) as stream:
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot(), happened(11))
            assert await take(stream, 1) == [11]
            whole = json.dumps(happened(12, 13)).encode()
            await peer._stream.send(b"\x81\x7e" + len(whole).to_bytes(2, "big") + whole[:-20])
            await peer.cut()
            again = await daemon.connection()
            assert (await again.heard("hello"))["cursor"]["offset"] == 11
            await again.say(welcome("continued", 11), happened(12, 13))
            assert await take(stream, 2) == [12, 13]

    run(backend, main)


@on_both
def test_a_wrong_token_is_refused_at_once(backend: str) -> None:
    """The error comes out of the iteration as it is, names the remedy, and no second attempt is made."""

    async def main() -> None:
        states: list[str] = []
        async with (
            fake_daemon() as daemon,
            subscribe(daemon.url, token="wrong", on_state=lambda state, _: states.append(state)) as stream,
        ):
            peer = await daemon.connection()
            assert (await peer.heard("hello"))["token"] == "wrong"
            error = {"op": "error", "code": "unauthenticated", "message": "This is not the operator token."}
            await peer.say(error)
            await peer.close(4401)
            for _ in range(2):
                with pytest.raises(RefusedError, match="not the operator token") as refused:
                    await anext(stream)
            assert stream.state == "disconnected"
        assert (refused.value.close_code, refused.value.code) == (4401, "unauthenticated")
        assert states == ["disconnected"]

    run(backend, main)


@on_both
def test_a_filter_is_changed_in_the_middle_of_a_burst(backend: str) -> None:
    """Before the jump come events by the old filter, after it by the new one, and ``filter`` says which."""

    async def main() -> None:
        seen: list[tuple[int | None, Filter]] = []
        jumps: list[Jump] = []
        other = Filter(agents=frozenset({"beta"}))
        async with fake_daemon() as daemon, subscribe(daemon.url, on_jump=jumps.append) as stream:
            peer = await daemon.connection()
            assert (await peer.heard("hello"))["filter"] == {}
            await peer.say(welcome(), snapshot(), happened(11, 12), happened(13))
            seen.append(((await anext(stream)).offset, stream.filter))
            await stream.refilter(other)
            asked = await peer.heard("filter")
            assert asked["filter"] == {"agents": ["beta"]}
            await peer.say(happened(14), snapshot(15, "filter", id=asked["id"]), happened(16))
            seen += [((await anext(stream)).offset, stream.filter) for _ in range(4)]
        everything = Filter()
        assert seen == [(11, everything), (12, everything), (13, everything), (14, everything), (16, other)]
        assert jumps[1:] == [Jump("filter", Cursor("e", 14), Cursor("e", 15))]

    run(backend, main)


@on_both
def test_a_silent_daemon_is_left(backend: str) -> None:
    """Two ping intervals without a word, and the client connects anew, where it was."""

    async def main() -> None:
        told: list[tuple[str, str]] = []
        async with (
            fake_daemon() as daemon,
            subscribe(daemon.url, backoff=AT_ONCE, on_state=lambda *said: told.append(said)) as stream,
        ):
            peer = await daemon.connection()
            await peer.say(welcome(ping_interval_ms=200), snapshot(), happened(11))
            assert await take(stream, 1) == [11]
            again = await daemon.connection()
            assert (await again.heard("hello"))["cursor"]["offset"] == 11
        assert told == [("connected", "first"), ("reconnecting", "nothing was heard from the daemon")]

    run(backend, main)


@on_both
def test_a_slow_reader_is_no_silence(backend: str) -> None:
    """While events wait to be iterated over, the link is kept, and the daemon hears pings."""

    async def main() -> None:
        states: list[str] = []
        async with (
            fake_daemon() as daemon,
            subscribe(daemon.url, on_state=lambda state, _: states.append(state)) as stream,
        ):
            peer = await daemon.connection()
            await peer.say(welcome(ping_interval_ms=100), snapshot(), happened(11), happened(12))
            assert await take(stream, 1) == [11]
            for _ in range(4):
                await peer.heard("ping")
            assert await take(stream, 1) == [12]
        assert states == ["connected"]

    run(backend, main)


async def test_a_gap_that_a_slow_reader_has_not_come_to(autojump_clock: object) -> None:
    """What was there before it is still handed over, however long that takes; then the fresh copy is a jump."""

    def said(offset: int, index: int, start: int) -> dict[str, Any]:
        part = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant", "delta": "text"}
        event: dict[str, Any] = happened(offset)["events"][0]
        return event | {"type": "conversation.chunk", "payload": {**part, "index": index, "start": start}}

    jumps: list[Jump] = []
    states: list[str] = []
    async with (
        fake_daemon() as daemon,
        subscribe(
            daemon.url, backoff=AT_ONCE, on_jump=jumps.append, on_state=lambda state, _: states.append(state)
        ) as stream,
    ):
        peer = await daemon.connection()
        await peer.say(welcome(), snapshot(), happened(11))
        assert await take(stream, 1) == [11]
        await peer.say({"op": "events", "events": [said(12, 0, 0), said(14, 2, 8)], "offset": 14})
        await anyio.sleep(60)  # several ping intervals, of which each could end the connection
        assert states == ["connected"]
        assert await take(stream, 1) == [12]
        again = await daemon.connection()
        assert "cursor" not in await again.heard("hello")
        await again.say(welcome(offset=20), snapshot(20), happened(21))
        assert await take(stream, 1) == [21]
    assert jumps[1:] == [Jump("gap", Cursor("e", 12), Cursor("e", 20))]
    assert (states, stream.gaps) == (["connected", "reconnecting", "connected"], 1)


@on_both
def test_what_cannot_be_read_is_counted_and_costs_nothing_else(backend: str) -> None:
    """Malformed frames and events are left out, the connection and the rest of the stream stay."""

    async def main() -> None:
        async with fake_daemon() as daemon, subscribe(daemon.url) as stream:
            peer = await daemon.connection()
            broken: dict[str, Any] = happened(12, 13)
            del broken["events"][0]["payload"]
            await peer.say(welcome(), snapshot(), "{", happened(11), "[]", broken, '{"op":"fanfare"}', happened(14))
            assert await take(stream, 3) == [11, 13, 14]
            assert (stream.malformed, stream.duplicates, stream.gaps) == (3, 0, 0)

    run(backend, main)


@on_both
def test_a_restarting_daemon_is_returned_to_after_a_random_wait(backend: str) -> None:
    """Many subscribers that lost one daemon must not come back in one moment."""

    async def main() -> None:
        lost = anyio.Event()
        slowly = Backoff(first=60, ceiling=60)

        def on_state(state: str, why: str) -> None:
            if state == "reconnecting":
                lost.set()

        async with (
            fake_daemon() as daemon,
            subscribe(daemon.url, backoff=slowly, rng=random.Random(3), on_state=on_state) as stream,
        ):
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot(), happened(11))
            assert await take(stream, 1) == [11]
            await peer.say({"op": "error", "code": "restarting", "message": "The daemon restarts."})
            await peer.close(1012)
            await lost.wait()
            assert (stream.state, stream.attempt, stream.problem) == ("reconnecting", 1, "The daemon restarts.")
            assert stream.retry_at is not None
            assert stream.fresh_at is not None
            expected = 60_000 * random.Random(3).random()
            assert abs(stream.retry_at - stream.fresh_at - expected) < 5_000

    run(backend, main)


@on_both
def test_cancelling_a_wait_loses_no_event(backend: str) -> None:
    """Who waits for the next event with a timeout, again and again, gets each of them."""

    async def main() -> None:
        async with (
            fake_daemon() as daemon,
            subscribe(daemon.url) as stream,
            anyio.create_task_group() as tasks,
        ):
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot())

            async def speak() -> None:
                for offset in range(11, 111):
                    await peer.say(happened(offset))
                    await anyio.lowlevel.checkpoint()

            tasks.start_soon(speak)
            seen: list[int | None] = []
            patience = random.Random(1)
            while len(seen) < 100:
                with anyio.move_on_after(patience.choice([0, 0, 0.0005])):
                    seen.append((await anext(stream)).offset)
            assert seen == list(range(11, 111))

    run(backend, main)


@on_both
@pytest.mark.parametrize("follow", [subscribe, mirror])
def test_cancelling_at_any_point_leaves_no_task(backend: str, follow: Any) -> None:
    """Wherever it is in connecting, greeting, reading or waiting: leaving ends it, at once and whole."""

    async def serve(daemon: FakeDaemon) -> None:
        while True:
            peer = await daemon.connection()
            with suppress(anyio.BrokenResourceError):  # the client has left
                await peer.say(welcome(), snapshot(), happened(11, 12), happened(13))
                await peer.close(1012)
            peer.over.set()

    async def follow_on(daemon: FakeDaemon) -> None:
        async with follow(daemon.url, backoff=AT_ONCE) as one:
            while True:
                await (one.changed() if follow is mirror else anext(one))

    async def main() -> None:
        async with fake_daemon() as daemon, anyio.create_task_group() as tasks:
            tasks.start_soon(serve, daemon)
            await anyio.wait_all_tasks_blocked()
            for steps in range(60):
                with anyio.CancelScope() as scope:
                    async with anyio.create_task_group() as inner:
                        inner.start_soon(follow_on, daemon)
                        for _ in range(steps):
                            await anyio.lowlevel.checkpoint()
                        scope.cancel()
                assert scope.cancelled_caught
            assert running() == []
            tasks.cancel_scope.cancel()

    run(backend, main)


def test_asyncio_s_own_ways_of_cancelling() -> None:
    """``wait_for`` around the next event loses none, and a task that is cancelled leaves nothing behind."""

    async def main() -> None:
        async with fake_daemon() as daemon:
            seen: list[int | None] = []
            all_seen = asyncio.Event()

            async def follow() -> None:
                async with subscribe(daemon.url) as stream:
                    while True:
                        with suppress(TimeoutError):
                            seen.append((await asyncio.wait_for(anext(stream), 0.001)).offset)
                        if len(seen) == 50:
                            all_seen.set()

            task = asyncio.create_task(follow())
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot())
            for offset in range(11, 61):
                await peer.say(happened(offset))
                await asyncio.sleep(random.Random(offset).choice([0, 0.001]))
            await all_seen.wait()
            assert running() != []
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert seen == list(range(11, 61))
            with pytest.raises(anyio.EndOfStream):
                await peer.heard("more")
            assert running() == []

    run("asyncio", main)


@on_both
def test_after_leaving_nothing_comes(backend: str) -> None:
    """An error rather than a wait without end."""

    async def main() -> None:
        async with fake_daemon() as daemon:
            async with subscribe(daemon.url) as stream, mirror(daemon.url) as live:
                pass
            with pytest.raises(anyio.ClosedResourceError):
                await anext(stream)
            with pytest.raises(anyio.ClosedResourceError):
                await live.changed()

    run(backend, main)


@on_both
def test_what_the_body_raises_comes_out_as_it_is(backend: str) -> None:
    """Leaving by an exception does not wrap it in a group."""

    async def main() -> None:
        async with fake_daemon() as daemon:
            with pytest.raises(LookupError, match="mine"):
                async with subscribe(daemon.url):
                    raise LookupError("mine")
            with pytest.raises(LookupError, match="mine"):
                async with mirror(daemon.url):
                    raise LookupError("mine")

    run(backend, main)


@on_both
def test_an_address_that_is_none_is_refused_where_it_was_given(backend: str) -> None:
    """It cannot get better by trying again; the text says how an address looks."""

    async def main() -> None:
        for url in ("http://127.0.0.1:8700/v1/stream", "ws://", "ws://h:port/", "ws://me:secret@h/"):
            with pytest.raises(ValueError, match=r"ws://HOST:PORT/v1/stream|operator token") as wrong:
                async with subscribe(url):
                    pass
            assert "secret" not in str(wrong.value)

    run(backend, main)
