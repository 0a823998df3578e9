"""The mirror: the newest state and whether it is current, on trio and on asyncio; and both ways on a real daemon."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import anyio
import anyio.to_thread
import pytest
import trio
from attrs import define

from mission_control.client import Backoff, Cursor, Filter, Jump, Mirror, RefusedError, mirror, subscribe
from mission_control.core.events import Draft
from mission_control.core.views import Snapshot
from tests.client.fake_daemon import fake_daemon, happened, on_both, run, snapshot, welcome
from tests.client.test_view import plain, told
from tests.edge.test_stream import streaming
from tests.edge.world import World, world
from tests.stores.samples import ALPHA, BETA, activity, beat, chunk, final, status

AT_ONCE = Backoff(first=0, ceiling=0)


async def reaches(live: Mirror, offset: int) -> None:
    """Wait until the view stands there."""
    while live.cursor is None or live.cursor.offset < offset:
        await live.changed()


@on_both
def test_the_state_and_how_old_it_is(backend: str) -> None:
    """What was last known stays in sight, and is seen to be old, while the connection is lost and made anew."""

    async def main() -> None:
        async with fake_daemon() as daemon, mirror(daemon.url, backoff=AT_ONCE) as live:
            assert (live.state, live.fresh_at, live.view.whole) == ("connecting", None, False)
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot(), happened(11, 12))
            await reaches(live, 12)
            assert (live.state, live.view.whole, live.problem) == ("connected", True, None)
            fresh_at = live.fresh_at
            assert fresh_at is not None
            await peer.cut()
            while live.state == "connected":
                await live.changed()
            assert (live.state, live.attempt, live.problem) == ("reconnecting", 1, "the connection was lost")
            assert [event.offset for event in live.view.feed] == [11, 12]
            assert live.fresh_at is not None
            assert abs(live.fresh_at - fresh_at) < 1_000
            again = await daemon.connection()
            await again.say(welcome("continued", 12), happened(13))
            await reaches(live, 13)
            assert [event.offset for event in live.view.feed] == [11, 12, 13]
            notice = {"op": "notice", "level": "error", "code": "persistence_stalled", "message": "The disk is full."}
            await again.say(notice)
            while not live.notices:
                await live.changed()
            assert live.notices[0].message == "The disk is full."

    run(backend, main)


@on_both
def test_a_refusal_is_raised_to_whoever_waits(backend: str) -> None:
    """Each time, since nothing will change any more."""

    async def main() -> None:
        async with fake_daemon() as daemon, mirror(daemon.url) as live:
            peer = await daemon.connection()
            await peer.close(4401, "The operator token is missing.")
            for _ in range(3):
                with pytest.raises(RefusedError, match="token is missing"):
                    await live.changed()
            assert live.state == "disconnected"

    run(backend, main)


@on_both
def test_nobody_has_to_look(backend: str) -> None:
    """However much happens: the view stays current, and who looks late sees the newest state at once."""

    async def main() -> None:
        async with fake_daemon() as daemon, mirror(daemon.url) as live:
            peer = await daemon.connection()
            await peer.say(welcome(), snapshot())
            for offset in range(11, 300):
                await peer.say(happened(offset))
            await peer.heard("ping")
            await reaches(live, 299)
            looks = 0
            with anyio.move_on_after(0):
                while True:
                    await live.changed()
                    looks += 1
            assert looks == 0

    run(backend, main)


@define
class RealDaemon:
    """The daemon's edge and journal on a trio loop of their own, in another thread."""

    port: int
    there: World
    token: trio.lowlevel.TrioToken

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    async def commit(self, *drafts: Draft) -> None:
        await anyio.to_thread.run_sync(lambda: trio.from_thread.run(self.there.commit, *drafts, trio_token=self.token))

    async def snapshot(self) -> Snapshot:
        return await anyio.to_thread.run_sync(
            lambda: trio.from_thread.run(told, self.there.journal, trio_token=self.token)
        )


@contextmanager
def real_daemon(happening: Callable[[int], list[Draft]] | None = None) -> Iterator[RealDaemon]:
    """It runs until it is left. Meanwhile ``happening`` says what is committed, again and again."""
    ready = threading.Event()
    stop = trio.Event()
    made: list[RealDaemon] = []

    async def serve() -> None:
        async with world() as there, streaming(there) as port:
            made.append(RealDaemon(port, there, trio.lowlevel.current_trio_token()))
            ready.set()
            for serial in count():
                if happening is not None:
                    await there.commit(*happening(serial))
                with trio.move_on_after(0.01):
                    await stop.wait()
                    break

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    assert ready.wait(20)
    try:
        yield made[0]
    finally:
        made[0].token.run_sync_soon(stop.set)
        thread.join(20)
        assert not thread.is_alive()


@on_both
def test_a_real_daemon_is_followed(backend: str) -> None:
    """Events from a cursor on, a change of the filter, and a mirror that is the daemon's own state."""

    async def main() -> None:
        with real_daemon() as daemon:
            await daemon.commit(status("s1"), *(chunk("m", index) for index in range(3)), activity("a1", of=BETA))
            jumps: list[Jump] = []
            async with (
                subscribe(daemon.url, cursor=Cursor("memory", 0), on_jump=jumps.append) as stream,
                mirror(daemon.url) as live,
            ):
                assert [(await anext(stream)).offset for _ in range(5)] == [1, 2, 3, 4, 5]
                await daemon.commit(final("m"), beat("b1", ephemeral=False), activity("a2", "run.started"))
                assert [(await anext(stream)).event_id for _ in range(3)] == ["m#final", "b1", "a2"]
                assert (stream.cursor, jumps) == (Cursor("memory", 8), [])
                there = await daemon.snapshot()
                await reaches(live, there.cursor.offset)
                assert plain(live.view.snapshot(there.cursor)) == plain(there)
                assert (live.duplicates, live.gaps, live.malformed) == (0, 0, 0)

    run(backend, main)


@on_both
def test_a_real_daemon_changes_the_filter_in_the_middle_of_a_burst(backend: str) -> None:
    """Each event once, in order: by the old filter up to the jump, by the new one after it, none missing."""

    def burst(serial: int) -> list[Draft]:
        return [activity(f"a{serial}-{index}", of=BETA if index % 2 else ALPHA) for index in range(50)]

    async def main() -> None:
        jumps: list[Jump] = []
        before: list[int] = []
        after: list[int] = []
        with real_daemon(burst) as daemon:
            async with subscribe(daemon.url, cursor=Cursor("memory", 0), on_jump=jumps.append) as stream:
                while len(before) < 333:
                    before.append((await anext(stream)).offset or 0)
                await stream.refilter(Filter(agents=frozenset({"beta"})))
                while len(after) < 100:
                    event = await anext(stream)
                    (after if jumps else before).append(event.offset or 0)
                    assert (stream.filter == Filter()) == (not jumps)
        (jump,) = jumps
        assert before == list(range(1, len(before) + 1))
        assert jump == Jump("filter", Cursor("memory", before[-1]), jump.after)
        start = jump.after.offset + 1
        assert after == list(range(start + start % 2, start + start % 2 + 200, 2))

    run(backend, main)
