"""Every way to come back to the stream, over both transports: through real sockets, the real application, the real
registry and a journal on disk.

Nothing here waits for time to pass: that nothing else came is shown by the event that comes after it.
"""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from mission_control.core.events import AgentStatus, Clocks, Draft, Heartbeat
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.edge import following, snapshots
from mission_control.stores.journal import Retention
from mission_control.stores.sqlite import SqliteJournal
from tests.edge.daemons import Daemon, daemon
from tests.edge.transports import OverSse, OverWebSocket, StreamEndedError, Transport
from tests.edge.viewers import Viewer, shown, viewing
from tests.edge.world import POLICY
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, chunk, final, status

WEBSOCKET, SSE, SSE_BY_QUERY = OverWebSocket(), OverSse(), OverSse(by_query=True)
ROOMY = evolve(POLICY, max_buffer_bytes=2**24)
"""With which nobody is too slow."""
COMPACT_ALL = Retention(max_age_s=1e9, compact_after_s=0)
ALPHA_ONLY, BETA_ONLY = {"agents": ["alpha"]}, {"agents": ["beta"]}


@pytest.fixture(params=[WEBSOCKET, SSE], ids=["websocket", "sse"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def names(first: int, last: int) -> list[str]:
    """Activities for these offsets, where every event is one."""
    return [f"a{number}" for number in range(first, last + 1)]


async def expect(viewer: Viewer, resume: str, reason: str | None, event_ids: Sequence[str], *, last: str) -> None:
    """The one answer to a return, and exactly these events after it, of which ``last`` is the last."""
    await viewer.until(last)
    assert (viewer.welcome["resume"], viewer.welcome["reason"]) == (resume, reason)
    assert viewer.reasons == ([] if reason is None else [reason])
    assert viewer.event_ids == event_ids


# -- the client continues ---------------------------------------------------------------------------------------------


async def test_zero_events_since(transport: Transport, path: Path) -> None:
    """Who missed nothing gets nothing: the next event is the first thing after the welcome."""
    async with daemon(path) as one:
        async with viewing(transport, one.port) as viewer:
            await one.commit(*names(1, 3))
            await viewer.until("a3")
        async with viewing(transport, one.port, viewer.cursor) as back:
            await one.commit("news")
            assert (await back.take())["op"] == "events"
            await expect(back, "continued", None, ["news"], last="news")


async def test_some_events_since(transport: Transport, path: Path) -> None:
    """Each event that was missed comes, once and in order, and then the news."""
    async with daemon(path) as one:
        async with viewing(transport, one.port) as viewer:
            await one.commit(*names(1, 3))
            await viewer.until("a3")
        await one.commit(*names(4, 9))
        async with viewing(transport, one.port, viewer.cursor) as back:
            await one.commit("news")
            await expect(back, "continued", None, [*names(4, 9), "news"], last="news")


async def test_more_events_since_than_the_registry_remembers(transport: Transport, path: Path) -> None:
    """What was journaled before the registry began comes from the journal, in pages, and the join repeats nothing."""
    async with daemon(path) as one:
        await one.commit(*names(1, 1_200))
    async with daemon(path) as one, viewing(transport, one.port, one.at(100)) as back:
        await one.commit("news")
        await expect(back, "continued", None, [*names(101, 1_200), "news"], last="news")


async def test_exactly_at_head(transport: Transport, path: Path) -> None:
    """A cursor that was not had from this stream, as that of a snapshot over HTTP, is as good as any."""
    async with daemon(path) as one:
        await one.commit(*names(1, 5))
        async with viewing(transport, one.port, one.at(5)) as back:
            await one.commit("news")
            await expect(back, "continued", None, ["news"], last="news")


async def test_offset_zero_of_an_empty_journal(transport: Transport, path: Path) -> None:
    """The cursor that a client of a new journal has is one to continue from: nothing is missing before it."""
    async with daemon(path) as one:
        async with viewing(transport, one.port) as viewer:
            assert viewer.cursor == one.at(0)
        async with viewing(transport, one.port, viewer.cursor) as back:
            await one.commit("first")
            await expect(back, "continued", None, ["first"], last="first")
        async with viewing(transport, one.port, viewer.cursor) as late:
            await expect(late, "continued", None, ["first"], last="first")


async def test_exactly_at_the_replay_limit(transport: Transport, path: Path) -> None:
    """As many events as the limit says are replayed; the limit is the last that is."""
    async with daemon(path, replay_limit=5) as one:
        await one.commit(*names(1, 9))
        async with viewing(transport, one.port, one.at(4)) as back:
            await expect(back, "continued", None, names(5, 9), last="a9")


async def test_the_filter_changed_while_away(transport: Transport, path: Path) -> None:
    """From the cursor on the new filter holds, and only from there: a continuation does not look back."""
    async with daemon(path) as one:
        await one.commit("alpha-1")
        await one.commit("beta-1", of=BETA)
        async with viewing(transport, one.port, select=ALPHA_ONLY) as viewer:
            pass
        await one.commit("alpha-2")
        await one.commit("beta-2", of=BETA)
        async with viewing(transport, one.port, viewer.cursor, BETA_ONLY) as back:
            await one.commit("alpha-3")
            await one.commit("beta-3", of=BETA)
            await expect(back, "continued", None, ["beta-2", "beta-3"], last="beta-3")


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
async def test_a_filter_that_hides_all_that_happened(transport: Transport, path: Path, far: bool) -> None:
    """The cursor moves on all the same: whoever watches a quiet agent must not end up beyond the replay limit."""
    hidden = following.REACH + 10 if far else 3
    async with daemon(path, ping_s=0.1) as one:
        await one.commit(*names(1, hidden), of=BETA)
        async with viewing(transport, one.port, one.at(0), ALPHA_ONLY) as back:
            while back.cursor.offset < hidden:
                assert (await back.take())["events"] == []
        assert back.reasons == []


async def test_two_tabs_with_one_cursor(transport: Transport, path: Path) -> None:
    """A cursor is used up by nobody: each of two clients with the same one gets everything, once."""
    async with daemon(path) as one:
        async with viewing(transport, one.port) as viewer:
            await one.commit("a1")
            await viewer.until("a1")
        await one.commit(*names(2, 4))
        async with (
            viewing(transport, one.port, viewer.cursor) as left,
            viewing(transport, one.port, viewer.cursor) as right,
        ):
            await one.commit("news")
            for tab in (left, right):
                await expect(tab, "continued", None, [*names(2, 4), "news"], last="news")


# -- the client starts over -------------------------------------------------------------------------------------------


async def test_no_cursor(transport: Transport, path: Path) -> None:
    """The first visit begins with the state so far."""
    async with daemon(path) as one:
        await one.commit(*names(1, 3))
        async with viewing(transport, one.port) as viewer:
            assert [event["event_id"] for event in viewer.snapshot["feed"]] == names(1, 3)
            await one.commit("news")
            await expect(viewer, "snapshot", "first", ["news"], last="news")


@pytest.mark.parametrize("beyond", [1, 1_000_000])
async def test_ahead_of_head(transport: Transport, path: Path, beyond: int) -> None:
    """As after a journal was restored from a backup: what the client has seen is not what happened here."""
    async with daemon(path) as one:
        await one.commit(*names(1, 3))
        async with viewing(transport, one.port, one.at(3 + beyond)) as back:
            assert back.cursor == one.at(3)
            await one.commit("news")
            await expect(back, "snapshot", "ahead", ["news"], last="news")


async def test_another_epoch(transport: Transport, path: Path) -> None:
    """Offsets of another journal mean nothing here, however plausible they look."""
    async with daemon(path) as one:
        await one.commit(*names(1, 3))
        async with viewing(transport, one.port, Cursor("elsewhere", 2)) as back:
            await one.commit("news")
            await expect(back, "snapshot", "epoch_changed", ["news"], last="news")


async def test_expired_beyond_the_replay_limit(transport: Transport, path: Path) -> None:
    """One event more than the limit, and the snapshot is cheaper; it is never older than the cursor it replaces."""
    async with daemon(path, replay_limit=5) as one:
        async with viewing(transport, one.port):  # which makes a snapshot that could be shared
            await one.commit(*names(1, 9))
            async with viewing(transport, one.port, one.at(3)) as back:
                assert back.cursor.offset >= 3
                await one.commit("news")
                await back.until("news")
        assert (back.reasons, back.offsets[-1]) == (["expired"], 10)


async def test_expired_beyond_retention(transport: Transport, path: Path) -> None:
    """Events that are no longer kept cannot be replayed; the oldest that are can."""
    async with daemon(path) as one:
        await one.commit(*names(1, 9))
        await one.there.journal.retain(Retention(max_events=4), one.there.services.clock())
        async with viewing(transport, one.port, one.at(4)) as back:
            await one.commit("news")
            await expect(back, "snapshot", "expired", ["news"], last="news")
        async with viewing(transport, one.port, one.at(5)) as back:
            await expect(back, "continued", None, [*names(6, 9), "news"], last="news")


async def test_a_cursor_in_a_compacted_range(transport: Transport, path: Path) -> None:
    """Chunks that are gone would be a hole in the stream: their message comes whole, in the snapshot."""
    async with daemon(path) as one:
        await one.there.commit(*(chunk("m", index) for index in range(4)), final("m", "word " * 4))
        await one.commit("after")
        await one.there.journal.retain(COMPACT_ALL, one.there.services.clock())
        floor = one.there.journal.bounds().floor
        assert 2 < floor < 6
        async with viewing(transport, one.port, one.at(2)) as back:
            assert [message["text"] for message in back.snapshot["messages"]] == ["word " * 4]
            await one.commit("news")
            await expect(back, "snapshot", "expired", ["news"], last="news")
        async with viewing(transport, one.port, one.at(floor)) as back:
            await back.until("news")
            assert back.offsets == list(range(floor + 1, 8))


async def test_expired_in_the_middle_of_a_replay(
    transport: Transport, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent stands, the rest comes as a snapshot: compaction meanwhile makes no hole and no repetition."""
    monkeypatch.setattr(following, "PAGE", 100)
    async with daemon(path) as one:
        await one.there.commit(*(chunk("m", index) for index in range(300)), final("m", "word " * 300))

    async def compact(journal: SqliteJournal) -> None:
        await journal.retain(COMPACT_ALL, FakeClock()())

    async with daemon(path, between=compact) as one, viewing(transport, one.port, one.at(0)) as back:
        assert back.welcome["resume"] == "continued"
        while not back.reasons:
            before = back.offsets
            await back.take()
        assert before == list(range(1, 101))
        assert (back.reasons, back.cursor) == (["expired"], one.at(301))
        assert [message["state"] for message in back.snapshot["messages"]] == ["complete"]
        await one.commit("news")
        await back.until("news")
        assert back.event_ids == ["news"]


# -- the daemon restarts ----------------------------------------------------------------------------------------------


async def test_the_daemon_restarted_between(transport: Transport, path: Path) -> None:
    """The stream ends in order, and the next daemon on this journal goes on from the very cursor."""
    async with daemon(path) as one, viewing(transport, one.port) as viewer:
        await one.commit(*names(1, 3))
        await viewer.until("a3")
        one.there.services.shutdown.begun.set()
        while not viewer.error:
            await viewer.take()
        assert viewer.error["code"] == "restarting"
        with pytest.raises(StreamEndedError):
            await viewer.take()
        await one.there.services.shutdown.wait_left()
        await one.commit(*names(4, 6))  # what its actors had still in hand
    async with daemon(path) as one, viewing(transport, one.port, viewer.cursor) as back:
        assert one.at(3) == viewer.cursor
        await one.commit("news")
        await expect(back, "continued", None, [*names(4, 6), "news"], last="news")


async def test_the_journal_was_lost_between(transport: Transport, path: Path) -> None:
    """A new journal counts from one again, so the old cursor must not be taken for one of its own."""
    async with daemon(path) as one, viewing(transport, one.port) as viewer:
        await one.commit(*names(1, 3))
        await viewer.until("a3")
    for file in path.parent.iterdir():
        file.unlink()
    async with daemon(path) as one:
        await one.commit(*(f"new-{name}" for name in names(1, 5)))
        async with viewing(transport, one.port, viewer.cursor) as back:
            assert back.cursor.epoch != viewer.cursor.epoch
            await one.commit("news")
            await expect(back, "snapshot", "epoch_changed", ["news"], last="news")


# -- the client is slow -----------------------------------------------------------------------------------------------


async def test_a_slow_consumer(transport: Transport, path: Path) -> None:
    """It is told that it was too slow and misses nothing by it, nor gets anything twice; nobody else notices."""
    policy = evolve(POLICY, max_buffer_bytes=2**20)
    serial = count(1)
    async with (
        daemon(path, policy=policy) as one,
        viewing(transport, one.port) as slow,
        viewing(transport, one.port) as quick,
    ):
        while one.there.services.subscribers.statistics().overflows == 0:
            name = f"m{next(serial)}"
            await one.there.commit(final(name, "x" * 400_000))
            await quick.until(f"{name}#final")
        last = next(serial) - 1
        await one.commit("news")
        await quick.until("news")
        assert quick.offsets == list(range(1, last + 2))
        assert quick.reasons == ["first"]
        while slow.reasons == ["first"]:
            before = slow.offsets
            await slow.take()
        assert before == list(range(1, len(before) + 1))
        assert len(before) < last
        assert slow.reasons == ["first", "slow_consumer"]
        assert slow.cursor.offset >= last
        await one.commit("end")
        await slow.until("end")
        assert slow.offsets == list(range(slow.snapshot["cursor"]["offset"] + 1, last + 3))
        assert slow.state() == shown(await one.there.journal.snapshot(EVERYTHING))


# -- in the middle of a burst -----------------------------------------------------------------------------------------


STATUSES: Sequence[AgentStatus] = ("online", "degraded", "offline")


def alive(serial: int) -> list[Draft]:
    """An agent's changes of status, and after each its beats, with which only clocks move."""
    state = STATUSES[serial // 5 % 3]
    said = Heartbeat(state, STATUSES[serial // 5 % 3 - 1], f"it is {state}", Clocks(transport_at=serial))
    drafts = [Draft(f"beat-{serial}", serial, *ALPHA, said, ephemeral=True)]
    return [Draft(f"change-{serial}", serial, *ALPHA, said), *drafts] if serial % 5 == 0 else drafts


def happenings(serial: int) -> list[Draft]:
    """A little of everything; messages stay open for a while, and the one that is ``long`` for ever."""
    agent = (ALPHA, BETA, OTHER)[serial % 3]
    message = f"m{serial // 12}-{serial % 3}"
    drafts = [chunk(message, serial % 12 // 3, f"{serial} ", of=agent), *alive(serial)]
    if serial % 12 >= 9:
        drafts.append(final(message, of=agent))
    if serial % 10 == 0:
        drafts.append(chunk("long", serial // 10, f"{serial} "))
    if serial % 7 == 0:
        drafts += [activity(f"a{serial}", of=agent), status(f"s{serial}", timestamp=serial)]
    return drafts


async def burst(one: Daemon, enough: trio.Event, task_status: trio.TaskStatus[None]) -> None:
    """Commit without a pause until it is ``enough``; it has begun when some of it is there."""
    for serial in count():
        await one.there.commit(*happenings(serial))
        if serial == 40:
            task_status.started()
        if enough.is_set():
            break
    opened = (chunk(f"open-{number}", 0, f"still {number}") for number in range(3))
    await one.there.commit(*opened, activity("end of beta", of=BETA), activity("end"))


async def test_a_snapshot_is_atomic_at_its_cursor(
    transport: Transport, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever one comes, with messages open and commits under way: with the events after it, a client's state is
    that of one who saw everything from the start, and the journal's. Only of clocks, which move with ephemeral
    events, it may have missed the newest.
    """
    monkeypatch.setattr(snapshots, "MAX_AGE_S", 0)  # each has its own
    enough = trio.Event()
    began: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []

    async def come(port: int, task_status: trio.TaskStatus[None]) -> None:
        async with viewing(transport, port) as late:
            began.append(late.snapshot)
            task_status.started()
            await late.until("end")
            assert late.offsets == list(range(late.snapshot["cursor"]["offset"] + 1, late.cursor.offset + 1))
            states.append(timeless(late.state()))

    async with daemon(path, policy=ROOMY) as one, viewing(transport, one.port, one.at(0)) as witness:
        async with trio.open_nursery() as nursery:
            await nursery.start(burst, one, enough)
            for _ in range(6):
                await nursery.start(come, one.port)
                await witness.take()
            enough.set()
            await witness.until("end")
        assert witness.offsets == list(range(1, witness.cursor.offset + 1))
        expected = shown(await one.there.journal.snapshot(EVERYTHING))
        assert witness.state() == expected
        assert states == [timeless(expected)] * 6
        assert len({snapshot["cursor"]["offset"] for snapshot in began}) > 1
        assert all(any(message["state"] == "streaming" for message in one["messages"]) for one in began)


def timeless(state: dict[str, Any]) -> dict[str, Any]:
    """A state without its agents' clocks."""
    agents = [{name: value for name, value in agent.items() if name != "clocks"} for agent in state["agents"]]
    return {**state, "agents": agents}


async def journaled(one: Daemon, select: Filter, after: int) -> list[int]:
    """The offsets after ``after`` that a filter admits, from the journal itself."""
    page = await one.there.journal.read(after, 10_000, select)
    return [event.offset or 0 for event in page.events]


async def test_a_filter_change_in_the_middle_of_a_burst(path: Path) -> None:
    """Over the WebSocket: after the snapshot with the request's id exactly what the new filter admits follows."""
    enough = trio.Event()
    async with daemon(path, policy=ROOMY) as one, trio.open_nursery() as nursery:
        async with WEBSOCKET.open(one.port, ALPHA_ONLY, None) as frames:
            viewer = Viewer(frames)
            await nursery.start(burst, one, enough)
            while not viewer.offsets:
                await viewer.take()
            await frames.link.send('{"op":"filter","id":"f1","filter":{"agents":["beta"]}}')
            while "filter" not in viewer.reasons:
                old, first = viewer.offsets, viewer.welcome["cursor"]["offset"]
                await viewer.take()
            enough.set()
            changed = viewer.snapshot["cursor"]["offset"]
            assert viewer.snapshot["id"] == "f1"
            await viewer.until("end of beta")
        admitted = await journaled(one, Filter(agents=frozenset({"alpha"})), first)
        assert old == admitted[: len(old)]
        new = await journaled(one, Filter(agents=frozenset({"beta"})), changed)
        assert viewer.offsets == [offset for offset in new if offset <= viewer.cursor.offset]


@pytest.mark.parametrize("transport", [SSE, SSE_BY_QUERY], ids=["header", "query"])
async def test_a_filter_change_by_reconnecting_in_the_middle_of_a_burst(transport: Transport, path: Path) -> None:
    """Over Server-Sent Events a new filter is a new connection: from its cursor on exactly the new filter holds."""
    enough = trio.Event()
    async with daemon(path, policy=ROOMY) as one, trio.open_nursery() as nursery:
        async with viewing(transport, one.port, select=ALPHA_ONLY) as viewer:
            await nursery.start(burst, one, enough)
            while len(viewer.offsets) < 20:
                await viewer.take()
        async with viewing(transport, one.port, viewer.cursor, BETA_ONLY) as back:
            enough.set()
            await back.until("end of beta")
        first = viewer.snapshot["cursor"]["offset"]
        old = await journaled(one, Filter(agents=frozenset({"alpha"})), first)
        assert viewer.offsets == [offset for offset in old if offset <= viewer.cursor.offset]
        assert (back.welcome["resume"], back.reasons) == ("continued", [])
        new = await journaled(one, Filter(agents=frozenset({"beta"})), viewer.cursor.offset)
        assert back.offsets == [offset for offset in new if offset <= back.cursor.offset]
