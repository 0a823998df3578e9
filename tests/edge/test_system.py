"""The daemon at one moment, over HTTP: what its parts know, told from memory, whatever hangs."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio
from attrs import asdict, evolve
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from actors.feed import FeedStatistics
from actors.persistence import Append
from mission_control import __version__
from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.core.events import AgentKey, Draft
from mission_control.core.frames import Policy
from mission_control.core.ledger import Commit
from mission_control.core.percentiles import Percentiles
from mission_control.core.positions import Position
from mission_control.core.sinks import Delivered, Failed, SinkStatus
from mission_control.core.system_views import JournalView, RenderingView, SystemView
from mission_control.edge.services import Extension, RenderReport, Services, WriterFigures
from mission_control.extension import ActorType, Event, Host, NoOptions
from mission_control.plugins import Found, Installed
from mission_control.settings import ActorSettings, Settings
from mission_control.stores.journal import JournalStatistics, JournalUnavailableError, Retention
from mission_control.stores.memory import MemoryJournal
from mission_control.testing import START, clock
from runtime import ActorSpec, Inbox, Ref
from tests.edge.daemons import daemon
from tests.edge.given import BEARER, GUARDED, asking, audience, over, refused, services
from tests.edge.transports import OverSse, OverWebSocket, Transport
from tests.stores.samples import FakeClock, activity, chunk, final

WORKING = SinkStatus(
    endpoint="https://hooks.example.com",
    waiting=2,
    delivered=7,
    given_up=1,
    dropped=3,
    failed_attempts=5,
    next_attempt_at=9_000,
    failing_since=8_000,
    last_delivered=Delivered("e7", 7_000, 40),
    last_failed=Failed("e8", 8_000, "it answers 503"),
)


async def system(client: httpx.AsyncClient) -> SystemView:
    answer = await client.get("/v1/system", headers=BEARER)
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=SystemView)


class Measured(MemoryJournal):
    """One whose commits took their time, and that has a size."""

    def statistics(self) -> JournalStatistics:
        return evolve(super().statistics(), bytes=4_096, commit_ms=Percentiles(9, 1.0, 4.0, 8.0, 16.0))


async def test_who_it_is_and_since_when() -> None:
    """Another instance after each start, and the moment that all of it is about."""
    clock = FakeClock()
    given = services(clock=clock, source="simulated")
    clock.advance(60)
    async with asking(given) as client:
        view = await system(client)
    assert (view.version, view.source, view.instance) == (__version__, "simulated", given.instance)
    assert view.time - view.started_at == 60_000


async def test_the_journal_is_told_with_its_limits_and_its_pace() -> None:
    """What is kept and what is gone, how large it is, what it may hold, and who waits for it."""
    clock = FakeClock()
    journal = Measured(clock)
    await journal.append([activity("a", timestamp=5), chunk("m", 0), final("m"), activity("b", timestamp=7)])
    await journal.retain(Retention(compact_after_s=0, max_events=1), clock())
    limits = {"max_age_s": 60.0, "max_events": 10, "max_bytes": None, "compact_after_s": 5.0}
    policy = Policy(ping_interval_ms=15_000, max_buffer_bytes=1_000, flush_interval_ms=50, retention=limits)
    writer = WriterFigures(waiting=3, stalled_since=777)
    async with asking(services(journal, clock, policy=policy, writer=lambda: writer)) as client:
        view = await system(client)
    assert view.journal == JournalView(
        kind="memory",
        epoch="memory",
        head=4,
        floor=3,
        kept_after=3,
        compacted_to=3,
        events=1,
        bytes=4_096,
        oldest_at=7,
        commit_ms=Percentiles(9, 1.0, 4.0, 8.0, 16.0),
        waiting=3,
        retention=limits,
        stalled_since=777,
    )


async def test_what_is_not_measured_is_null() -> None:
    """A journal without a disk, before its first commit; no page that reports; nothing that stalls."""
    async with asking(services()) as client:
        told = (await client.get("/v1/system")).json()
    journal = told["journal"]
    assert [journal[name] for name in ("bytes", "oldest_at", "commit_ms", "stalled_since")] == [None] * 4
    assert (told["subscribers"], told["sinks"], told["rendering"]) == ([], [], None)


async def test_what_pages_measured_is_told() -> None:
    """The same figures as for Prometheus, in ms."""
    given = services()
    given.reported(RenderReport(count=10, p50=5, p95=20, p99=40, max=80, duplicates=1, gaps=2))
    async with asking(given) as client:
        view = await system(client)
    assert view.rendering == RenderingView(count=10, p50=5, p95=20, p99=40, max=80, duplicates=1, gaps=2)


async def test_subscribers_are_those_of_the_metrics() -> None:
    """As many, and the slowest is as far behind."""
    with audience(0, 17, 3) as there:
        async with asking(services(audience=there)) as client:
            view, metrics = await system(client), (await client.get("/metrics")).text
    assert [one.lag for one in view.subscribers] == [0, 17, 3]
    assert "mission_control_subscribers 3.0" in metrics
    assert "mission_control_subscriber_lag_events 17.0" in metrics


@pytest.mark.parametrize(("transport", "name"), [(OverWebSocket(), "websocket"), (OverSse(), "sse")])
async def test_a_subscriber_is_seen_over_either_transport(tmp_path: Path, transport: Transport, name: str) -> None:
    """Through real sockets, for as long as it is there."""
    async with daemon(tmp_path / "journal.db") as one:
        async with transport.open(one.port, {"agents": ["alpha"]}, None) as frames:
            await frames.take()
            await frames.take()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}") as client:
                view = await system(client)
        await one.there.services.shutdown.wait_left()
        assert list(one.there.services.audience.present()) == []
    assert view.journal.kind == "sqlite"
    assert view.journal.bytes is not None
    (there,) = view.subscribers
    assert (there.transport, there.filtered, there.client, there.lag) == (name, True, None, 0)


# -- sinks ------------------------------------------------------------------------------------------------------------


def extension(name: str, status: Callable[[], SinkStatus], *lags: int) -> Extension:
    """An actor type with one sink, whose feeds are so many offsets behind."""
    feeds = tuple(FeedStatistics(0, lag, 0, 0, 0, 0) for lag in lags)
    return Extension(name, (), CollectorRegistry(), lambda: feeds, [status])


async def test_a_sink_is_told_in_its_own_words() -> None:
    """With its actor type's name, and how far its mailbox is behind the journal."""
    given = services(extensions=[extension("webhook", lambda: WORKING, 4, 11)])
    async with asking(given) as client:
        told = (await client.get("/v1/system")).json()
    assert told["sinks"] == [{"name": "webhook", "lag": 11, **asdict(WORKING)}]


def _raises() -> SinkStatus:
    raise ValueError("what went wrong")


def _unwritable() -> SinkStatus:
    endpoint: Any = object()
    return SinkStatus(endpoint=endpoint)


@pytest.mark.parametrize("bad", [_raises, lambda: None, lambda: {"endpoint": "x"}, _unwritable])
async def test_one_that_cannot_say_how_it_stands_costs_itself_alone(
    bad: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It may come from anywhere. The log says which, and why."""
    given = services(extensions=[extension("bad", bad), extension("good", lambda: WORKING)])
    async with asking(given) as client:
        view = await system(client)
    assert [(sink.name, sink.lag) for sink in view.sinks] == [("good", 0)]
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "the actor type bad failed" in record.getMessage()


# -- whatever hangs ---------------------------------------------------------------------------------------------------


class Stuck(MemoryJournal):
    """Refuses while it is ``full``; from the moment that it ``hangs`` on it answers nothing."""

    full = hangs = False

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        if self.hangs:
            await trio.sleep_forever()
        if self.full:
            await trio.lowlevel.checkpoint()
            raise JournalUnavailableError("no space left")
        return await super().append(drafts, positions)


class Outlet:
    async def run(self, inbox: Inbox[Event]) -> None:
        async for _ in inbox:
            pass


def build_outlet(host: Host, options: NoOptions) -> ActorSpec[Event]:
    ref: Ref[Event] = Ref("outlet")
    host.subscribe(ref)
    host.sink(lambda: SinkStatus(endpoint="here", waiting=ref.statistics().depth))
    return ActorSpec(ref, Outlet)


@asynccontextmanager
async def running(journal: Stuck) -> AsyncIterator[tuple[Daemon, httpx.AsyncClient]]:
    """A whole daemon without a gateway, with one sink, and a client of its API."""

    async def edge(given: Services) -> None:
        await given.shutdown.begun.wait()

    types = Found({"outlet": Installed("outlet", "the package", ActorType(NoOptions, build_outlet))})
    actors = {"outlet": ActorSettings(enabled=True, options=NoOptions(), asked_for=True)}
    settings = Settings(data_dir=Path("/nowhere"), actors=actors)
    whole = Daemon(settings, journal, [], edge=edge, meter=LoopMeter(), clock=clock, actor_types=types)
    async with trio.open_nursery() as nursery:
        await nursery.start(whole.run)
        await trio.sleep(1)
        async with asking(whole.services) as client:
            yield whole, client
        nursery.cancel_scope.cancel()


async def test_a_daemon_tells_of_its_own_parts(autojump_clock: MockClock) -> None:
    """Its settings, its journal and its actor types, put together as they are when it runs."""
    async with running(Stuck(clock)) as (whole, client):
        view = await system(client)
        assert view.started_at == START
        assert view.time == clock()
        assert (view.journal.kind, view.journal.head, view.journal.waiting) == ("memory", 1, 0)
        assert view.journal.retention == asdict(Retention())
        assert [(sink.name, sink.endpoint, sink.lag) for sink in view.sinks] == [("outlet", "here", 0)]
        assert whole.services.journal.bounds().head == 1


async def test_a_disk_that_refuses_is_told_with_what_waits(autojump_clock: MockClock) -> None:
    """Since when, and until it takes events again."""
    journal = Stuck(clock)
    async with running(journal) as (whole, client):
        journal.full = True
        since = clock()
        for name in ("a", "b"):
            await whole.persistence.send(Append([activity(name)]))
        await trio.sleep(5)
        stalled = (await system(client)).journal
        assert stalled.waiting == 2
        assert stalled.stalled_since is not None
        assert since <= stalled.stalled_since <= since + 100
        journal.full = False
        await trio.sleep(5)
        again = (await system(client)).journal
        assert (again.waiting, again.stalled_since, again.head) == (0, None, 3)


async def test_a_journal_that_hangs_does_not_hold_it_up(autojump_clock: MockClock) -> None:
    """It is when one wants to look at it."""
    journal = Stuck(clock)
    async with running(journal) as (whole, client):
        journal.hangs = True
        await whole.persistence.send(Append([activity("a")]))
        await trio.sleep(1)
        before = trio.current_time()
        view = await system(client)
        assert trio.current_time() == before
        assert (view.journal.head, view.journal.waiting) == (1, 1)


# -- access -----------------------------------------------------------------------------------------------------------


async def test_only_the_operator_is_told() -> None:
    async with asking(services(access=GUARDED)) as client:
        problem = await refused(client, "/v1/system")
        assert (problem["status"], problem["code"]) == (401, "unauthenticated")
        assert (await client.get("/v1/system", headers=BEARER)).status_code == 200


@pytest.mark.parametrize(("method", "query", "status"), [("GET", "?journal=1", 400), ("POST", "", 405)])
async def test_what_it_does_not_know_it_refuses(method: str, query: str, status: int) -> None:
    async with asking(await over(activity("a"))) as client:
        assert (await refused(client, "/v1/system" + query, method))["status"] == status
