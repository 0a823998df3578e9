"""One subscriber's connection, without a socket; time is the tests' own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve
from trio.testing import MockClock

from actors.outbox import Outbox
from actors.subscribers import Announce, Joined, TooFarBehind
from mission_control.core.frames import Notice
from mission_control.core.subscription import Filter
from mission_control.core.system_views import ClientView, SubscriberView
from mission_control.core.views import Snapshot
from mission_control.edge import replay
from mission_control.edge.services import Access, RenderReport
from mission_control.edge.subscriber import GOODBYE_S, HELLO_S, MAX_UNANSWERED
from mission_control.stores.journal import JournalUnavailableError, Retention
from mission_control.stores.memory import MemoryJournal
from runtime import ActorCrashed, ActorStopped
from tests.edge.world import PING_S, FakePeer, World, subscribed, world
from tests.stores.samples import BETA, FakeClock, activity, beat, chunk, final, status

HELLO = '{"op":"hello"}'


def hello(**fields: Any) -> str:
    return json.dumps({"op": "hello", **fields})


def ops(peer: FakePeer) -> list[str]:
    return [json.loads(frame)["op"] for frame in peer.frames]


def frame(peer: FakePeer, index: int) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(peer.frames[index])
    return decoded


async def settle() -> None:
    """Let everything happen that happens without waiting, and the registry flush once."""
    await trio.sleep(0.1)
    await trio.testing.wait_all_tasks_blocked()


async def welcomed(there: World, peer: FakePeer, **fields: Any) -> None:
    peer.say(hello(**fields))
    await settle()
    assert ops(peer)[0] == "welcome"


# -- the opening ------------------------------------------------------------------------------------------------------


async def test_the_first_visit(autojump_clock: MockClock) -> None:
    """Welcome, then the snapshot with the state so far, then what happens from there."""
    async with world() as there:
        await there.commit(activity("a1"), chunk("m", 0))
        async with subscribed(there) as peer:
            await welcomed(there, peer)
            await there.commit(chunk("m", 1), beat("b"))
            await settle()
    welcome, snapshot, events = (json.loads(one) for one in peer.frames)
    assert welcome["protocol"] == 1
    assert (welcome["resume"], welcome["reason"]) == ("snapshot", "first")
    assert welcome["cursor"] == snapshot["cursor"] == {"epoch": "memory", "offset": 2}
    assert welcome["policy"]["ping_interval_ms"] == PING_S * 1000
    assert welcome["source"] == "simulated"
    assert (snapshot["op"], snapshot["reason"], "id" in snapshot) == ("snapshot", "first", False)
    assert [(one["text"], one["next_index"]) for one in snapshot["messages"]] == [("word ", 1)]
    assert [one["event_id"] for one in snapshot["feed"]] == ["a1"]
    assert [(one["event_id"], one["offset"]) for one in events["events"]] == [("m#1", 3), ("b", None)]
    assert events["offset"] == 3


async def test_a_return_without_news(autojump_clock: MockClock) -> None:
    """Zero missed events is a continuation: no snapshot, and no events frame before there are events."""
    async with world() as there:
        await there.commit(activity("a1"))
        async with subscribed(there) as peer:
            await welcomed(there, peer, cursor={"epoch": "memory", "offset": 1})
    assert ops(peer) == ["welcome"]
    assert frame(peer, 0)["resume"] == "continued"
    assert frame(peer, 0)["reason"] is None
    assert frame(peer, 0)["cursor"] == {"epoch": "memory", "offset": 1}


async def test_a_return_to_a_registry_that_has_forgotten(autojump_clock: MockClock) -> None:
    """What the registry no longer remembers comes from the journal, page by page, and nothing twice."""
    journal = MemoryJournal(FakeClock())
    await journal.append([activity(f"a{serial}") for serial in range(1_700)])
    async with world(journal) as there, subscribed(there) as peer:
        await welcomed(there, peer, cursor={"epoch": "memory", "offset": 100})
        await there.commit(activity("new"))
        await settle()
    frames = [json.loads(one) for one in peer.frames[1:]]
    offsets = [event["offset"] for one in frames for event in one["events"]]
    assert offsets == list(range(101, 1_702))
    assert all(one["offset"] == one["events"][-1]["offset"] for one in frames)


async def test_a_replay_comes_in_frames_of_bounded_size(autojump_clock: MockClock) -> None:
    """A long absence must not end in one frame of many megabytes."""
    journal = MemoryJournal(FakeClock())
    await journal.append([final(f"m{serial}", "x" * 50_000) for serial in range(40)])
    async with world(journal) as there, subscribed(there) as peer:
        await welcomed(there, peer, cursor={"epoch": "memory", "offset": 0})
    assert len(peer.frames) > 5
    assert max(len(one) for one in peer.frames) < 2 * replay.FRAME_BYTES
    assert frame(peer, -1)["offset"] == 40


async def test_compaction_behind_a_reader_s_back(autojump_clock: MockClock) -> None:
    """When the journal drops what was still to be replayed, the stream says so instead of showing the hole."""
    journal = MemoryJournal(FakeClock())
    await journal.append([*(chunk("m", index) for index in range(1_500)), final("m", "word " * 1_500)])
    async with world(journal) as there, subscribed(there) as peer:
        peer.stall()
        peer.say(hello(cursor={"epoch": "memory", "offset": 0}))
        await settle()
        await journal.retain(Retention(compact_after_s=0), 2_000_000)
        peer.gate.set()
        await settle()
    assert frame(peer, 0)["resume"] == "continued"
    assert ops(peer)[-1] == "snapshot"
    assert frame(peer, -1)["reason"] == "expired"
    assert frame(peer, -1)["messages"][0]["state"] == "complete"


async def test_a_thundering_herd_shares_one_snapshot(autojump_clock: MockClock) -> None:
    """When all dashboards come back at once, the journal is asked once, and each still gets an exact stream."""
    asked = 0

    class Counting(MemoryJournal):
        async def snapshot(self, select: Filter) -> Snapshot:
            nonlocal asked
            asked += 1
            return await super().snapshot(select)

    async with world(Counting(FakeClock())) as there, trio.open_nursery() as nursery:
        peers: list[FakePeer] = []

        async def one() -> None:
            async with subscribed(there) as peer:
                peers.append(peer)
                peer.say(HELLO)
                await there.commit(activity(f"a{len(peers)}"))
                await trio.sleep(1)

        for _ in range(50):
            nursery.start_soon(one)
        await trio.sleep(0.9)
        for peer in peers:
            offset = frame(peer, 1)["cursor"]["offset"]
            seen = [event["offset"] for one in peer.frames[2:] for event in json.loads(one)["events"]]
            assert seen == list(range(offset + 1, 51))
    assert asked == 1


async def test_a_shared_snapshot_sends_nobody_back_in_time(autojump_clock: MockClock) -> None:
    """Whoever has seen more than the snapshot that was just made for others gets a newer one."""
    async with world(replay_limit=5) as there, subscribed(there) as early, subscribed(there) as late:
        await welcomed(there, early)
        await there.commit(*(activity(f"a{serial}") for serial in range(50)))
        late.say(hello(cursor={"epoch": "memory", "offset": 10}))
        await trio.testing.wait_all_tasks_blocked()
    assert frame(early, 1)["cursor"]["offset"] == 0
    assert (frame(late, 1)["reason"], frame(late, 1)["cursor"]["offset"]) == ("expired", 50)


async def test_what_cannot_go_through_the_journal_is_told_on_arrival(autojump_clock: MockClock) -> None:
    """Whoever connects while nothing can be stored learns it like those who were there."""
    notice = Notice("error", "persistence_stalled", "the disk is full")
    async with world(notices=lambda: [notice]) as there, subscribed(there) as peer:
        await welcomed(there, peer)
    assert ops(peer) == ["welcome", "snapshot", "notice"]


async def test_what_is_announced_is_told_once_whatever_its_client_is_doing(autojump_clock: MockClock) -> None:
    """While it catches up, or is slow, or has just joined: nobody is left to think that nothing is stored."""
    stalled = Notice("error", "persistence_stalled", "the disk is full")
    recovered = Notice("info", "persistence_recovered", "again")
    notices: list[Notice] = []
    journal = MemoryJournal(FakeClock())
    await journal.append([final(f"m{serial}", "x" * 20_000) for serial in range(40)])
    async with world(journal, notices=lambda: tuple(notices)) as there, subscribed(there) as peer:
        peer.stall()
        peer.say(hello(cursor={"epoch": "memory", "offset": 0}))
        await settle()
        for word in (stalled, recovered, stalled, recovered):
            notices[:] = [word]
            there.registry.tell(Announce())
            await settle()
            peer.gate.set()
            await settle()
            peer.stall()
            for serial in range(10):
                await there.commit(final(f"{word.code}-{len(peer.frames)}-{serial}", "x" * 20_000))
                await settle()
        peer.gate.set()
        await settle()
    assert "slow_consumer" in {frame(peer, index).get("reason") for index in range(len(peer.frames))}
    told = [frame(peer, index)["code"] for index, op in enumerate(ops(peer)) if op == "notice"]
    assert told == ["persistence_stalled", "persistence_recovered"] * 2


async def test_who_comes_later_is_not_told_that_all_is_well(autojump_clock: MockClock) -> None:
    """A recovery is news only to those who knew of the failure."""
    recovered = Notice("info", "persistence_recovered", "again")
    async with world(notices=lambda: [recovered]) as there, subscribed(there) as peer:
        await welcomed(there, peer)
    assert ops(peer) == ["welcome", "snapshot"]


# -- while it lasts ---------------------------------------------------------------------------------------------------


async def test_a_change_of_filter(autojump_clock: MockClock) -> None:
    """Answered with its id; nothing of the old filter comes after it, and nothing of the new one is missing."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer, filter={"agents": ["alpha"]})
        await there.commit(activity("alpha-1"), activity("beta-1", of=BETA))
        peer.say('{"op":"filter","id":{"any":"thing"},"filter":{"agents":["beta"]}}')
        await settle()
        await there.commit(activity("alpha-2"), activity("beta-2", of=BETA))
        await settle()
    changed = ops(peer).index("snapshot", 2)
    snapshot = frame(peer, changed)
    assert (snapshot["reason"], snapshot["id"]) == ("filter", {"any": "thing"})
    assert [one["event_id"] for one in snapshot["feed"]] == ["beta-1"]
    after = [event["event_id"] for one in peer.frames[changed + 1 :] for event in json.loads(one)["events"]]
    assert after == ["beta-2"]


async def test_every_filter_request_is_answered_in_turn(autojump_clock: MockClock) -> None:
    """A client that changes its mind quickly can still tell which answer belongs to which request."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        for serial in range(5):
            peer.say(json.dumps({"op": "filter", "id": serial, "filter": {}}))
        await settle()
    assert [frame(peer, index)["id"] for index in range(2, 7)] == [0, 1, 2, 3, 4]


async def test_pings_are_answered(autojump_clock: MockClock) -> None:
    """The pong has the ping's own t, whatever it is."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.say('{"op":"ping","t":123.25}')
        await settle()
    assert frame(peer, -1) == {"op": "pong", "t": 123.25, "server_time": there.services.clock()}


async def test_a_quiet_stream_is_heard_all_the_same(autojump_clock: MockClock) -> None:
    """A client hears from the server in every ping interval, and its cursor moves past what its filter hides."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer, filter={"agents": ["alpha"]})
        await there.commit(activity("hidden", of=BETA))
        for _ in range(3):
            await trio.sleep(PING_S)
            peer.say('{"op":"ping"}')
        await settle()
    beats = [json.loads(one) for one in peer.frames[2:] if '"events"' in one]
    assert len(beats) >= 3
    assert all(one == {"op": "events", "events": [], "offset": 1} for one in beats)


async def test_measurements_go_where_they_are_gathered(autojump_clock: MockClock) -> None:
    """What a client reports arrives, and is not answered."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.say('{"op":"report","render_ms":{"count":1,"p50":2,"p95":3,"p99":4,"max":5},"duplicates":0,"gaps":0}')
        await settle()
    assert there.reports == [RenderReport(1, 2, 3, 4, 5)]
    assert ops(peer) == ["welcome", "snapshot"]


async def test_a_slow_subscriber_gets_a_snapshot_and_costs_nobody_anything(autojump_clock: MockClock) -> None:
    """Its backlog is dropped whole; the snapshot has every final, and the others never waited."""
    async with world() as there, subscribed(there) as slow, subscribed(there) as quick:
        await welcomed(there, slow)
        await welcomed(there, quick)
        slow.stall()
        for serial in range(20):
            await there.commit(final(f"m{serial}", "x" * 20_000))
            await settle()
        assert sum(len(json.loads(one)["events"]) for one in quick.frames[2:]) == 20
        slow.gate.set()
        await settle()
        await there.commit(activity("after"))
        await settle()
    recovered = ops(slow).index("snapshot", 2)
    assert frame(slow, recovered)["reason"] == "slow_consumer"
    assert len(frame(slow, recovered)["messages"]) == 20
    assert [event["event_id"] for event in frame(slow, recovered + 1)["events"]] == ["after"]


async def test_memory_of_a_stalled_subscriber_is_bounded(autojump_clock: MockClock) -> None:
    """However long it stalls, what waits for it stays under the policy's bound and the one batch in hand."""
    outboxes: list[Outbox] = []
    async with world() as there:
        real = there.services.subscribers

        class Spying:
            async def join(self, outbox: Outbox, select: Filter, after: int) -> Joined | TooFarBehind:
                outboxes.append(outbox)
                return await real.join(outbox, select, after)

            leave = staticmethod(real.leave)
            position = staticmethod(real.position)
            statistics = staticmethod(real.statistics)

        there.services = evolve(there.services, subscribers=Spying())
        async with subscribed(there) as peer:
            await welcomed(there, peer)
            peer.stall()
            for serial in range(50):
                await there.commit(final(f"m{serial}", "x" * 20_000))
                await settle()
                assert sum(one.statistics().bytes for one in outboxes) <= there.services.policy.max_buffer_bytes


# -- the end ----------------------------------------------------------------------------------------------------------


async def closed_by(there: World, say: Callable[[FakePeer], None]) -> FakePeer:
    async with subscribed(there) as peer:
        say(peer)
        await trio.sleep(60)
    assert ops(peer)[-1] == "error"
    assert peer.closed is not None
    assert frame(peer, -1)["message"] == peer.closed[1]
    return peer


@pytest.mark.parametrize(
    ("frames", "code", "word"),
    [
        ([], 4408, "no_hello"),
        (["nonsense"], 4400, "bad_request"),
        (['{"op":"ping"}'], 4400, "bad_request"),
        (['{"op":"hello","filter":{"types":["nope"]}}'], 4400, "bad_request"),
        ([HELLO, HELLO], 4400, "bad_request"),
        ([HELLO, b"bytes"], 4400, "bad_request"),
        ([HELLO, " " * 70_000], 4413, "frame_too_large"),
        ([HELLO], 4429, "silent"),
    ],
)
async def test_why_a_client_is_sent_away(
    autojump_clock: MockClock, frames: list[str | bytes], code: int, word: str
) -> None:
    """Each way to misbehave has its close code, and the error frame before it says what was wrong."""

    def say(peer: FakePeer) -> None:
        for one in frames:
            peer.say(one)

    async with world() as there:
        peer = await closed_by(there, say)
    assert peer.closed is not None
    assert peer.closed[0] == code
    assert frame(peer, -1)["code"] == word


async def test_requests_do_not_pile_up(autojump_clock: MockClock) -> None:
    """A client that asks faster than it takes the answers is sent away, not queued for without end."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.stall()
        for _ in range(MAX_UNANSWERED + 2):
            peer.say('{"op":"ping"}')
        await settle()
        peer.gate.set()
        await settle()
    assert peer.closed is not None
    assert (peer.closed[0], frame(peer, -1)["code"]) == (4429, "too_many_requests")


async def test_a_wrong_token_gets_nothing_but_the_reason(autojump_clock: MockClock) -> None:
    """Not even the welcome is sent to someone who may not look."""
    async with world(access=Access(token="right", loopback_only=False)) as there:
        peer = await closed_by(there, lambda peer: peer.say(hello(token="wrong")))
    assert ops(peer) == ["error"]
    assert peer.closed is not None
    assert peer.closed[0] == 4401


async def test_hello_has_five_seconds(autojump_clock: MockClock) -> None:
    """A client on a slow link may take nearly all of them."""
    async with world() as there, subscribed(there) as peer:
        await trio.sleep(HELLO_S - 0.5)
        await welcomed(there, peer)


async def test_silence_is_two_intervals_long(autojump_clock: MockClock) -> None:
    """A client that pings once an interval stays for ever; one that stops is gone after two."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        for _ in range(10):
            await trio.sleep(1.9 * PING_S)
            peer.say('{"op":"ping"}')
        await settle()
        assert peer.closed is None
        await trio.sleep(2.1 * PING_S)
        assert peer.closed is not None


async def test_a_frozen_client_is_cut(autojump_clock: MockClock) -> None:
    """One that neither takes nor says anything is not waited for: its send is cut, not just its patience ended."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.stall()
        await there.commit(activity("a"))
        await trio.sleep(2 * PING_S + GOODBYE_S + 1)
        assert peer.aborted
        assert there.services.shutdown.serving == 0


async def test_shutdown_sends_everyone_away_and_waits_for_nobody_long(autojump_clock: MockClock) -> None:
    """1012 to all, so that they come back; a stuck client delays it by no more than the time for a goodbye."""
    async with world() as there, subscribed(there) as polite, subscribed(there) as stuck, subscribed(there) as silent:
        await welcomed(there, polite)
        await welcomed(there, stuck)
        stuck.stall()
        await there.commit(activity("a"))
        await settle()
        started = trio.current_time()
        there.services.shutdown.begun.set()
        await there.services.shutdown.wait_left()
        assert trio.current_time() - started <= GOODBYE_S
    for peer in (polite, silent):
        assert peer.closed is not None
        assert peer.closed[0] == 1012
    assert stuck.aborted
    assert there.services.subscribers.statistics().subscribers == 0


async def test_a_client_that_leaves_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    """Whenever it goes, the registry forgets it and its outbox takes nothing more."""
    async with world() as there:
        for moment in (0.0, 0.001, 0.03, 1.0):
            async with subscribed(there) as peer:
                peer.say(HELLO)
                await trio.sleep(moment)
        await settle()
        assert there.services.subscribers.statistics().subscribers == 0
        assert list(there.services.audience.present()) == []
        assert there.services.shutdown.serving == 0


class Hub:
    """A registry that answers as told."""

    def __init__(self, *answers: Joined | TooFarBehind | Exception) -> None:
        self.answers = list(answers)
        self.outboxes: list[Outbox] = []

    async def join(self, outbox: Outbox, select: Filter, after: int) -> Joined | TooFarBehind:
        await trio.lowlevel.checkpoint()
        self.outboxes.append(outbox)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def leave(self, outbox: Outbox) -> None:
        pass

    def position(self, outbox: Outbox) -> int | None:
        return None

    def statistics(self) -> Any:
        raise NotImplementedError


async def test_a_join_that_crashed_is_made_again_with_an_outbox_of_its_own(autojump_clock: MockClock) -> None:
    """Whatever the crashed registry may still put into the old outbox cannot reach the client."""
    hub = Hub(ActorCrashed("subscribers"), Joined(0))
    async with world(subscribers=hub) as there, subscribed(there) as peer:
        await welcomed(there, peer)
        first, second = hub.outboxes
        assert not first.put_nowait('{"op":"events","events":["stale"],"offset":1}')
        assert second.put_nowait('{"op":"events","events":[],"offset":1}')
        await settle()
    assert frame(peer, -1) == {"op": "events", "events": [], "offset": 1}


async def test_a_registry_that_stops_is_a_daemon_that_restarts(autojump_clock: MockClock) -> None:
    """The client is told to come back."""
    async with world(subscribers=Hub(ActorStopped("subscribers"))) as there:
        peer = await closed_by(there, lambda peer: peer.say(HELLO))
    assert peer.closed is not None
    assert peer.closed[0] == 1012


async def test_a_journal_that_cannot_be_read_ends_the_connection(autojump_clock: MockClock) -> None:
    """No snapshot is made up: the client hears why, and tries again."""

    class Broken(MemoryJournal):
        async def snapshot(self, select: Filter) -> Snapshot:
            raise JournalUnavailableError("the disk is gone")

    async with world(Broken(FakeClock())) as there:
        peer = await closed_by(there, lambda peer: peer.say(HELLO))
    assert peer.closed == (1013, "The journal cannot be read: the disk is gone")


async def test_events_of_the_daemon_itself_pass_filters_by_agent(autojump_clock: MockClock) -> None:
    """The state of the gateway matters to whoever watches one agent only."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer, filter={"agents": ["alpha"]})
        await there.commit(status("s1"))
        await settle()
    assert [event["event_id"] for event in frame(peer, -1)["events"]] == ["s1"]


# -- what is seen of it -----------------------------------------------------------------------------------------------


def seen(there: World) -> SubscriberView:
    """The only subscriber that there is."""
    (view,) = there.services.audience.present()
    return view


async def test_who_listens_and_how_far_it_is(autojump_clock: MockClock) -> None:
    """Under the id that it was told, from its hello to its end; what it says that it is; and where it stands."""
    async with world() as there:
        await there.commit(activity("a1"))
        async with subscribed(there) as peer:
            await settle()
            assert list(there.services.audience.present()) == []
            await welcomed(there, peer, client={"name": "dashboard", "version": "1"})
            await there.commit(activity("a2"), activity("a3"))
            await settle()
            assert seen(there) == SubscriberView(
                session=frame(peer, 0)["session"],
                transport="websocket",
                client=ClientView("dashboard", "1"),
                connected_at=there.services.clock(),
                offset=3,
                lag=0,
                buffered_bytes=0,
                resets=0,
                filtered=False,
            )
            peer.hang_up()
            await settle()
            assert list(there.services.audience.present()) == []


async def test_who_is_sent_away_listens_no_more(autojump_clock: MockClock) -> None:
    """Its goodbye may take a while."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.stall()
        peer.say("no json")
        await trio.testing.wait_all_tasks_blocked()
        assert there.services.shutdown.serving == 1
        assert list(there.services.audience.present()) == []


async def test_what_the_filter_hides_is_no_lag(autojump_clock: MockClock) -> None:
    """Nothing is kept from who does not want it; its cursor follows with the next ping."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer, filter={"agents": ["beta"]})
        await there.commit(*(activity(f"a{serial}") for serial in range(10)))
        await settle()
        assert (seen(there).filtered, seen(there).offset, seen(there).lag) == (True, 10, 0)
        peer.say('{"op":"filter","filter":{}}')
        await settle()
        assert not seen(there).filtered


async def test_who_continues_learns_at_once_when_it_is_current(autojump_clock: MockClock) -> None:
    """The welcome says where the journal stands, and the cursor comes there without a ping, whatever is hidden."""
    async with world() as there, subscribed(there) as peer:
        await there.commit(*(activity(f"a{serial}") for serial in range(10)))
        began = trio.current_time()
        cursor = {"epoch": there.services.journal.bounds().epoch, "offset": 4}
        peer.say(json.dumps({"op": "hello", "cursor": cursor, "filter": {"agents": ["beta"]}}))
        await peer.wait_frames(2)
        assert trio.current_time() == began
    welcome, events = frame(peer, 0), frame(peer, 1)
    assert (welcome["resume"], welcome["cursor"]["offset"], welcome["head"]) == ("continued", 4, 10)
    assert (events["events"], events["offset"]) == ([], 10)


async def test_what_was_not_taken_yet_is_lag(autojump_clock: MockClock) -> None:
    """Whether it is in hand or waits behind that; and it is no lag any more when it was taken."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.stall()
        for serial in range(3):
            await there.commit(activity(f"a{serial}"))
            await settle()
            view = seen(there)
            assert (view.offset, view.lag) == (0, serial + 1)
        sent = len(peer.frames)
        peer.gate.set()
        await settle()
        assert view.buffered_bytes == sum(map(len, peer.frames[sent:]))
        view = seen(there)
        assert (view.offset, view.lag, view.buffered_bytes, view.resets) == (3, 0, 0, 0)


async def test_each_time_that_it_was_too_slow_is_told(autojump_clock: MockClock) -> None:
    """That it got a snapshot instead; one for another filter is not counted."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer)
        peer.say('{"op":"filter","filter":{}}')
        await settle()
        for resets in (1, 2):
            peer.stall()
            for serial in range(20):
                await there.commit(final(f"m{resets}-{serial}", "x" * 20_000))
                await settle()
            assert seen(there).lag == 20
            peer.gate.set()
            await settle()
            assert (seen(there).resets, seen(there).lag) == (resets, 0)
        assert there.services.subscribers.statistics().overflows == 2


class Hesitant(FakePeer):
    """Takes a welcome and one frame, and then nothing until its gate is set."""

    async def send(self, frame: str) -> None:
        await super().send(frame)
        if len(self.frames) == 2:
            self.stall()


async def test_who_catches_up_is_behind_until_it_has(autojump_clock: MockClock) -> None:
    """The registry has not heard of it yet."""
    journal = MemoryJournal(FakeClock())
    await journal.append([final(f"m{serial}", "x" * 20_000) for serial in range(100)])
    async with world(journal) as there, subscribed(there, Hesitant()) as peer:
        peer.say(hello(cursor={"epoch": "memory", "offset": 10}))
        await settle()
        reached = frame(peer, 1)["offset"]
        assert 10 < reached < 100
        assert (seen(there).offset, seen(there).lag) == (reached, 100 - reached)
        peer.gate.set()
        await settle()
        assert (seen(there).offset, seen(there).lag) == (100, 0)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        (None, None),
        ({}, None),
        ({"name": ""}, None),
        ({"name": 7, "version": "1"}, None),
        ({"name": "mine"}, ClientView("mine", None)),
        ({"name": "mine", "version": 7}, ClientView("mine", None)),
        ({"name": "m" * 5_000, "version": "1" * 5_000}, ClientView("m" * 100, "1" * 100)),
    ],
)
async def test_a_client_may_say_anything_of_itself(
    autojump_clock: MockClock, said: dict[str, Any] | None, client: ClientView | None
) -> None:
    """What makes no sense is left out, what is long is cut, and nobody is refused for it."""
    async with world() as there, subscribed(there) as peer:
        await welcomed(there, peer, client=said)
        assert seen(there).client == client
