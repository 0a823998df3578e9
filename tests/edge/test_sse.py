"""What is Server-Sent Events' own about the stream: the request, the answer's form, the end. The rest is
``test_resume_matrix.py``, which holds for both transports.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import trio
import trio.testing
from attrs import evolve
from starlette.types import Message
from trio.testing import MockClock

from mission_control.core.frames import Notice
from mission_control.core.subscription import Filter
from mission_control.core.views import Snapshot
from mission_control.edge.app import build_app
from mission_control.edge.peer import DisconnectedError
from mission_control.edge.services import Access
from mission_control.edge.sse import RETRY_MS, SsePeer
from mission_control.edge.static import Dashboard
from mission_control.edge.stream import StreamEndpoint
from mission_control.edge.subscriber import GOODBYE_S
from mission_control.stores.journal import JournalUnavailableError
from mission_control.stores.memory import MemoryJournal
from tests.edge.given import BEARER, GUARDED, TOKEN
from tests.edge.transports import PATH, EventSource, OverSse, OverWebSocket, StreamEndedError, Transport, event_source
from tests.edge.viewers import viewing
from tests.edge.wire import SOON, serving
from tests.edge.world import PING_S, POLICY, FakePeer, World, subscribed, world
from tests.stores.samples import BETA, OTHER, FakeClock, activity, chunk, final


@asynccontextmanager
async def streaming(there: World, **how: Any) -> AsyncIterator[int]:
    """Serve a world as the daemon does; the value is the port."""
    async with serving(build_app(there.services, Dashboard({}), StreamEndpoint(there.services)), **how) as port:
        yield port


async def problem(
    port: int, target: str = PATH, headers: dict[str, str] | None = None
) -> tuple[dict[str, str], dict[str, Any]]:
    """The head and body of the refusal that a request meets."""
    async with event_source(port) as source:
        answer = await source.get(target, headers or {})
        head = {name.decode(): value.decode() for name, value in answer.headers}
        assert head["content-type"] == "application/problem+json"
        body: dict[str, Any] = json.loads(await source.body())
        assert body["status"] == answer.status_code
        return head, body


async def opened(source: EventSource, target: str = PATH, headers: dict[str, str] | None = None) -> list[str]:
    """The names of the first two events of a stream that opens with a snapshot."""
    answer = await source.get(target, headers or {})
    assert answer.status_code == 200
    return [(await source.event()).name, (await source.event()).name]


# -- the answer -------------------------------------------------------------------------------------------------------


async def test_the_head_keeps_everyone_between_from_keeping_it() -> None:
    """No cache may hold the stream, and no proxy may gather it before it passes it on."""
    async with world() as there, streaming(there) as port, event_source(port) as source:
        answer = await source.get(PATH, {})
        headers = dict(answer.headers)
        assert headers[b"content-type"] == b"text/event-stream"
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"x-accel-buffering"] == b"no"


async def test_clients_are_told_to_come_back_at_different_times() -> None:
    """After a restart they must not all come at the same moment."""
    async with world() as there, streaming(there) as port:
        told: set[int | None] = set()
        for _ in range(5):
            async with event_source(port) as source:
                await opened(source)
                told.add(source.retry_ms)
    assert all(retry is not None and RETRY_MS[0] <= retry < RETRY_MS[1] for retry in told)
    assert len(told) > 1


async def test_head_ends_at_once() -> None:
    """Whoever only asks what is there gets no stream that never ends, and takes nobody's place."""
    async with world(max_subscribers=0) as there, streaming(there) as port, event_source(port) as source:
        answer = await source.get(PATH, {}, method="HEAD")
        assert (answer.status_code, await source.body()) == (200, b"")
        assert b"content-length" not in dict(answer.headers)


async def test_text_of_several_lines_stays_one_event() -> None:
    """A line feed in what an agent writes must not end the event or its data."""
    said = "one\ntwo\r\n\r\ndata: three\n\nid: x\u2028\u0085end"
    async with world() as there, streaming(there) as port, viewing(OverSse(), port) as viewer:
        await there.commit(final("m", said))
        await viewer.until("m#final")
        [message] = viewer.state()["messages"]
        assert message["text"] == said


async def test_notices_have_no_place_in_the_journal() -> None:
    """They come without an id of their own, so that the client's cursor stays."""
    stalled = Notice("error", "persistence_stalled", "the disk is full")
    async with world(notices=lambda: [stalled]) as there, streaming(there) as port, event_source(port) as source:
        await opened(source)
        assert source.last_event_id == "memory:0"
        notice = await source.event()
        assert (notice.name, notice.last_event_id) == ("notice", "memory:0")
        assert json.loads(notice.data)["code"] == "persistence_stalled"


async def test_the_welcome_moves_no_cursor_before_its_snapshot() -> None:
    """Whoever loses the connection between the two must not come back with a cursor behind what it never had."""
    async with world() as there, streaming(there) as port, event_source(port) as source:
        await there.commit(activity("a1"))
        assert (await source.get(PATH, {})).status_code == 200
        welcome = await source.event()
        assert (welcome.name, welcome.last_event_id) == ("welcome", "")
        assert (await source.event()).last_event_id == "memory:1"


# -- the request ------------------------------------------------------------------------------------------------------


async def test_the_filter_is_in_the_query() -> None:
    """The same three lists as for a snapshot over HTTP, narrowing each other down."""
    async with world() as there, streaming(there) as port:
        select = {"agents": ["alpha", "x"], "types": ["activity.event", "conversation.*"], "gateways": ["gw2"]}
        async with viewing(OverSse(), port, select=select) as viewer:
            await there.commit(activity("no"), activity("yes", of=OTHER), activity("beta", of=BETA))
            await there.commit(chunk("m", 0, of=OTHER))
            await viewer.until("m#0")
            assert viewer.event_ids == ["yes", "m#0"]


async def test_the_header_counts_for_more_than_the_query() -> None:
    """A browser repeats the URL that its page began with, and puts where it stands by now into the header."""
    async with world() as there, streaming(there) as port, event_source(port) as source:
        await there.commit(activity("a1"), activity("a2"), activity("a3"))
        await source.get(f"{PATH}?last_event_id=memory:1", {"Last-Event-ID": "memory:2"})
        welcome, events = await source.event(), await source.event()
        assert json.loads(welcome.data)["cursor"] == {"epoch": "memory", "offset": 2}
        assert [event["event_id"] for event in json.loads(events.data)["events"]] == ["a3"]


async def test_an_empty_last_event_id_is_none() -> None:
    """The HTML standard's last event id is empty before the first event."""
    async with world() as there, streaming(there) as port, event_source(port) as source:
        assert await opened(source, headers={"Last-Event-ID": ""}) == ["welcome", "snapshot"]


MALFORMED = [
    "7",
    "memory",
    "memory:",
    ":7",
    "memory:-1",
    "memory:+1",
    "memory:1.5",
    "memory:7x",
    "a:1,b:2",
    "e:99999999999999999",
]


@pytest.mark.parametrize("value", MALFORMED)
async def test_a_last_event_id_that_is_none_of_ours_is_refused(value: str) -> None:
    """A client that mixes up its ids has a defect: it learns what one looks like, and is not quietly started over."""
    async with world() as there, streaming(there) as port:
        _, said = await problem(port, headers={"Last-Event-ID": value})
        assert (said["status"], said["code"], said["parameter"]) == (400, "bad_parameter", "Last-Event-ID")
        assert "EPOCH:OFFSET" in said["detail"]


@pytest.mark.parametrize("value", [*MALFORMED, "memory:1 ", "e:\u0663"])
async def test_neither_is_one_in_the_query(value: str) -> None:
    """Also when the header is a good one: the URL will be sent again."""
    async with world() as there, streaming(there) as port:
        _, said = await problem(port, f"{PATH}?last_event_id={quote(value)}", {"Last-Event-ID": "memory:0"})
        assert (said["status"], said["code"], said["parameter"]) == (400, "bad_parameter", "last_event_id")


@pytest.mark.parametrize("query", ["types=nope", "token=secret", "agents=", "agents=a&agents=b", "after=1"])
async def test_the_query_is_read_strictly(query: str) -> None:
    """A parameter that would be ignored is a client that sees something else than it asked for."""
    async with world() as there, streaming(there) as port:
        _, said = await problem(port, f"{PATH}?{query}")
        assert (said["status"], said["code"]) == (400, "bad_parameter")
        assert "secret" not in json.dumps(said)


# -- who may look -----------------------------------------------------------------------------------------------------


async def test_the_token_opens_the_stream_and_nothing_else_does() -> None:
    """As for the rest of the HTTP interface: in the Authorization header."""
    async with world(access=GUARDED) as there, streaming(there) as port:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            head, said = await problem(port, headers=headers)
            assert (said["status"], said["code"]) == (401, "unauthenticated")
            assert head["www-authenticate"].startswith("Bearer ")
        async with event_source(port) as source:
            assert await opened(source, headers=BEARER) == ["welcome", "snapshot"]


async def test_foreign_names_and_foreign_pages_get_nothing() -> None:
    """A stream that a page elsewhere could hold open would take an operator's place even if it could not read it."""
    async with world() as there, streaming(there) as port:
        assert (await problem(port, headers={"Host": "evil.example"}))[1]["code"] == "host_not_allowed"
        for origin in ("https://evil.example", "null"):
            _, said = await problem(port, headers={"Origin": origin})
            assert (said["status"], said["code"]) == (403, "origin_not_allowed")
            assert "auth.allowed_origins" in said["detail"]
        async with event_source(port) as source:
            assert await opened(source, headers={"Origin": "http://localhost"}) == ["welcome", "snapshot"]


async def test_pages_of_allowed_origins_can_resume() -> None:
    """Their browsers ask first whether they may send the header that says where they stand (CORS)."""
    page = "https://pages.example.com"
    access = Access(TOKEN, loopback_only=True, allowed_origins=frozenset({page}))
    async with world(access=access) as there, streaming(there) as port:
        asks = {
            "Origin": page,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,last-event-id",
        }
        async with event_source(port) as source:
            assert (await source.get(PATH, asks, method="OPTIONS")).status_code == 200
        async with event_source(port) as source:
            answer = await source.get(PATH, {"Origin": page, **BEARER})
            assert dict(answer.headers)[b"access-control-allow-origin"] == page.encode()
            assert (await source.event()).name == "welcome"


@pytest.mark.parametrize(("first", "second"), [("websocket", "sse"), ("sse", "websocket"), ("sse", "sse")])
async def test_both_transports_share_the_places_there_are(first: str, second: str) -> None:
    """One too many is told to come back, over whichever transport it came, and the place is free again afterwards."""
    over: dict[str, Transport] = {"websocket": OverWebSocket(), "sse": OverSse()}
    async with world(max_subscribers=1) as there, streaming(there) as port:
        async with viewing(over[first], port) as viewer:
            if second == "sse":
                head, said = await problem(port)
                assert (said["status"], said["code"]) == (503, "too_many_subscribers")
                assert int(head["retry-after"]) >= 1
            else:
                async with over[second].open(port, {}, None) as frames:
                    assert json.loads(await frames.take())["code"] == "too_many_subscribers"
            await there.commit(activity("a"))
            await viewer.until("a")
        await there.services.shutdown.wait_left()
        async with viewing(over[second], port):
            pass


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_the_daemon_s_end() -> None:
    """The client hears why, the response is complete, and even the connection is good for another request."""
    async with world() as there, streaming(there) as port, event_source(port) as source:
        await opened(source)
        there.services.shutdown.begun.set()
        error = await source.event()
        assert (error.name, json.loads(error.data)["code"]) == ("error", "restarting")
        with pytest.raises(StreamEndedError):
            await source.event()
        await there.services.shutdown.wait_left()


async def test_a_journal_that_cannot_be_read() -> None:
    """No snapshot is made up: the client hears why, and comes back."""

    class Broken(MemoryJournal):
        async def snapshot(self, select: Filter) -> Snapshot:
            raise JournalUnavailableError("the disk is gone")

    async with world(Broken(FakeClock())) as there, streaming(there) as port, event_source(port) as source:
        await source.get(PATH, {})
        error = await source.event()
        assert (error.name, json.loads(error.data)["code"]) == ("error", "journal_unavailable")
        with pytest.raises(StreamEndedError):
            await source.event()
        assert source.retry_ms is not None


async def test_a_client_that_goes_without_a_word_is_forgotten() -> None:
    """A closed tab leaves no subscriber behind, whenever it goes."""
    async with world() as there, streaming(there) as port:
        for events in range(3):
            async with event_source(port) as source:
                await source.get(PATH, {})
                for _ in range(min(events, 2)):
                    await source.event()
            await there.services.shutdown.wait_left()
            assert there.services.subscribers.statistics().subscribers == 0


async def flood(there: World) -> None:
    """More than any buffer between here and a client that takes nothing holds."""
    for serial in range(60):
        await there.commit(final(f"m{serial}", "x" * 400_000))
        await trio.testing.wait_all_tasks_blocked()


async def test_a_client_that_takes_nothing_is_cut() -> None:
    """A frozen browser must not hold its connection for ever (the kernel ends it)."""
    async with (
        world() as there,
        streaming(there, user_timeout_s=0.3) as port,
        event_source(port, receive_buffer=4096) as source,
    ):
        await source.get(PATH, {})
        await flood(there)
        await there.services.shutdown.wait_left()


async def test_the_daemon_s_end_does_not_wait_for_a_stuck_client() -> None:
    """It has the time for a goodbye, and is then cut in the middle of what it does not take."""
    async with world() as there, streaming(there) as port, event_source(port, receive_buffer=4096) as source:
        await source.get(PATH, {})
        await flood(there)
        there.services.shutdown.begun.set()
        with trio.fail_after(GOODBYE_S + 5):
            await there.services.shutdown.wait_left()


async def test_the_end_is_seen_whoever_reads_it() -> None:
    """hypercorn says once that a request is over, and the guard listens for it too."""
    peer = SsePeer("hello", "epoch", trio.sleep_forever, _discard)
    assert await peer.receive() == "hello"
    ended = trio.Event()

    async def read() -> None:
        with pytest.raises(DisconnectedError):
            await peer.receive()
        ended.set()

    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            assert not ended.is_set()
            await peer.close(1012, "restarting")


async def _discard(message: Message) -> None:
    await trio.lowlevel.checkpoint()


async def test_a_quiet_stream_goes_on() -> None:
    """Something comes in every ping interval, with the cursor, and nobody is sent away for having said nothing."""
    policy = evolve(POLICY, ping_interval_ms=50)
    async with world(ping_s=0.05, policy=policy) as there, streaming(there) as port, event_source(port) as source:
        await opened(source)
        for _ in range(6):
            event = await source.event()
            assert (event.name, event.data) == ("events", '{"op":"events","events":[],"offset":0}')


async def test_a_client_that_cannot_speak_is_not_silent(autojump_clock: MockClock) -> None:
    """It stays for as long as it takes what is sent, and hears something in every ping interval."""
    async with world() as there, subscribed(there, FakePeer(pings=False)) as peer:
        peer.say('{"op":"hello"}')
        await trio.sleep(20.5 * PING_S)
        assert peer.closed is None
        assert not peer.aborted
        assert [json.loads(frame)["op"] for frame in peer.frames[2:]] == ["events"] * 20
