"""What Prometheus reads: the right figures, a bounded number of them, and an answer when it matters most."""

from typing import Any

import pytest
import trio
from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families

from mission_control.core.percentiles import Percentiles
from mission_control.core.subscription import Filter
from mission_control.edge.metrics import JOURNAL_TIMEOUT_S, exposition
from mission_control.edge.renders import RenderReports
from mission_control.edge.services import RenderReport, Services
from mission_control.stores.journal import JournalStatistics, JournalUnavailableError, Page
from mission_control.stores.memory import MemoryJournal
from runtime import Kind, TreeNode
from tests.edge.given import TREE, asking, audience, node, over, services
from tests.stores.samples import FakeClock, activity, chunk

PREFIX = "mission_control_"
REPORT = RenderReport(count=10, p50=5, p95=20, p99=40, max=80, duplicates=1, gaps=2)


async def scrape(given: Services) -> dict[tuple[str, ...], float]:
    """Our samples: by name without prefix, then the values of its labels."""
    body, _ = await exposition(given, "")
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name.startswith(PREFIX)
    }


async def test_the_figures_are_those_of_the_daemon() -> None:
    """Each figure stands under its own name, in base units."""
    given = await over(chunk("m", 0), activity("a"))
    with audience(0, 17, 3) as there:
        figures = await scrape(evolve(given, audience=there))
    expected = {
        ("ready",): 1,
        ("dead_letters",): 0,
        ("loop_stall_seconds_max",): 0.25,
        ("loop_cpu_seconds_max",): 0.02,
        ("journal_up",): 1,
        ("journal_head_offset",): 2,
        ("journal_events",): 2,
        ("events_committed_total", "heartbeat"): 8,
        ("duplicates_dropped_total",): 5,
        ("subscribers",): 3,
        ("subscriber_lag_events",): 17,
        ("subscriber_overflows_total",): 2,
        ("frames_encoded_total",): 40,
        ("gateway_up", "gw"): 1,
        ("gateway_up", "gw2"): 0,
        ("gateway_reconnects_total", "gw2"): 9,
        ("gateway_requests_total", "gw", "chat.history"): 11,
        ("gateway_unknown_frames_total", "gw"): 1,
        ("gateway_malformed_frames_total", "gw2"): 1,
        ("gateway_oversized_frames_total", "gw2"): 1,
        ("gateway_repeated_frames_total", "gw2"): 4,
        ("gateway_missing_frames_total", "gw2"): 2,
        ("actor_running", "root/edge"): 1,
        ("actor_restarts_total", "root/persistence"): 1,
        ("actor_mailbox_depth", "root/persistence"): 4,
        ("actor_mailbox_capacity", "root/persistence"): 1_000,
        ("pool_children", "root/agents"): 2,
        ("pool_mailbox_depth_max", "root/agents"): 7,
        ("pool_mailbox_depth_sum", "root/agents"): 9,
        ("pool_children_restarts", "root/agents"): 3,
    }
    assert figures.items() >= expected.items()


async def test_the_number_of_series_does_not_grow_with_the_fleet() -> None:
    """A thousand agents are as many lines as one: nobody's Prometheus is drowned by agents that come and go."""
    pool = node("root/agents", Kind.POOL, *(node(f"root/agents/gw:{n}", depth=1) for n in range(1_000)))
    big = await scrape(services(tree=lambda: node("root", Kind.SUPERVISOR, pool)))
    small = await scrape(services(tree=lambda: node("root", Kind.SUPERVISOR, evolve(pool, children=()))))
    assert big.keys() == small.keys()
    assert big["pool_mailbox_depth_sum", "root/agents"] == 1_000


async def test_a_daemon_that_is_not_ready_says_so() -> None:
    """An alert on readiness needs no second probe."""
    assert (await scrape(services(unready=lambda: ["stalled"])))["ready",] == 0


def child(name: str, incarnation: int = 1, **counts: Any) -> TreeNode:
    """An actor of the pool; ``counts`` are fields of its mailbox."""
    plain = node(f"root/agents/{name}", depth=0)
    assert plain.mailbox is not None
    return evolve(plain, incarnation=incarnation, mailbox=evolve(plain.mailbox, **{"handled": 0, **counts}))


async def test_an_actors_mail_and_work_are_told() -> None:
    """Who is busy, who is behind and who loses messages can be alerted on, each by name."""
    counts: dict[str, Any] = {
        "handled": 9,
        "dead_lettered": 1,
        "refused": 2,
        "dropped": 3,
        "superseded": 4,
        "busy_s": 1.5,
    }
    actor = evolve(child("feed", oldest_age_s=0.5, **counts), path="root/feed")
    figures = await scrape(services(tree=lambda: node("root", Kind.SUPERVISOR, actor)))
    expected = {
        ("actor_busy_seconds_total", "root/feed"): 1.5,
        ("actor_mailbox_oldest_seconds", "root/feed"): 0.5,
        ("actor_messages_handled_total", "root/feed"): 9,
        ("actor_messages_dead_lettered_total", "root/feed"): 1,
        ("actor_messages_refused_total", "root/feed"): 2,
        ("actor_messages_dropped_total", "root/feed"): 3,
        ("actor_messages_superseded_total", "root/feed"): 4,
    }
    assert figures.items() >= expected.items()


async def test_what_a_pool_counts_never_falls() -> None:
    """A child that goes takes nothing away, one that comes or restarts adds what it did: Prometheus, which takes a
    fall for a restart, never sees a leap that was none."""
    pool: list[TreeNode] = []
    given = services(tree=lambda: node("root", Kind.SUPERVISOR, node("root/agents", Kind.POOL, *pool)))

    async def totals(*children: TreeNode) -> tuple[float, float]:
        pool[:] = children
        figures = await scrape(given)
        handled, busy = "pool_messages_handled_total", "pool_busy_seconds_total"
        return figures[handled, "root/agents"], figures[busy, "root/agents"]

    assert await totals() == (0, 0)
    assert await totals(child("a", handled=10, busy_s=2.0), child("b", handled=5, busy_s=1.0)) == (15, 3.0)
    assert await totals(child("a", handled=12, busy_s=2.5)) == (17, 3.5)
    restarted = child("a", 2, handled=13, busy_s=0.25)
    assert await totals(restarted) == (18, 3.75)
    another = child("b", handled=1, busy_s=0.5)
    assert await totals(restarted, another) == (19, 4.25)
    assert await totals() == (19, 4.25)


async def test_the_worst_child_of_a_pool_is_told() -> None:
    """One agent that is stuck among a thousand shows."""
    pool = node("root/agents", Kind.POOL, child("a", oldest_age_s=0.5), child("b", oldest_age_s=60))
    figures = await scrape(services(tree=lambda: node("root", Kind.SUPERVISOR, pool)))
    assert figures["pool_mailbox_oldest_seconds_max", "root/agents"] == 60


class _Silent(MemoryJournal):
    """Cannot be read: it refuses, or never answers."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(FakeClock())
        self._error = error

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        if self._error is None:
            await trio.sleep_forever()
        raise self._error or AssertionError


@pytest.mark.parametrize("error", [JournalUnavailableError("disk full"), None])
async def test_metrics_are_there_when_the_journal_is_not(
    error: Exception | None, autojump_clock: trio.testing.MockClock
) -> None:
    """A journal that fails or hangs is when the figures are needed: they come, soon, and say that it does."""
    before = trio.current_time()
    with audience(0, 0, 0) as there:
        figures = await scrape(services(_Silent(error), audience=there))
    assert trio.current_time() - before <= JOURNAL_TIMEOUT_S
    assert (figures["journal_up",], figures["journal_events",]) == (0, 0)
    assert figures["subscribers",] == 3


class _Measured(MemoryJournal):
    """It is as one on a disk: ``commit_ms`` is None until it has committed something."""

    def __init__(self, commit_ms: Percentiles | None) -> None:
        super().__init__(FakeClock())
        self._commit_ms = commit_ms

    def statistics(self) -> JournalStatistics:
        return evolve(super().statistics(), bytes=4_096, commit_ms=self._commit_ms)


async def test_the_journals_size_and_pace_are_told() -> None:
    """In bytes and seconds. What was not measured yet is no figure."""
    figures = await scrape(services(_Measured(Percentiles(9, 1.0, 4.0, 8.0, 16.0))))
    assert figures["journal_bytes",] == 4_096
    for quantile, seconds in (("0.5", 0.001), ("0.95", 0.004), ("0.99", 0.008), ("1", 0.016)):
        assert figures["journal_commit_seconds", quantile] == seconds
    fresh = await scrape(services(_Measured(None)))
    assert not [name for name, *_ in fresh if name == "journal_commit_seconds"]
    assert ("journal_bytes",) not in await scrape(services())


async def test_clients_measurements_come_out() -> None:
    """What browsers measured is shown in seconds, the worst of them for each percentile."""
    clock = FakeClock()
    renders = RenderReports(clock)
    given = services(clock=clock, reported=renders.add, rendered=renders.figures)
    given.reported(REPORT)
    given.reported(evolve(REPORT, p50=8, p99=30, gaps=0))
    figures = await scrape(given)
    assert figures["client_renders_total",] == 20
    assert (figures["client_duplicates_total",], figures["client_gaps_total",]) == (2, 2)
    for quantile, seconds in (("0.5", 0.008), ("0.95", 0.02), ("0.99", 0.04), ("1", 0.08)):
        assert figures["client_render_seconds", quantile] == seconds


async def test_no_measurement_is_no_figure() -> None:
    """While no browser is open there is no latency, rather than one of zero that would look splendid."""
    assert not [name for name, *_ in await scrape(services()) if name == "client_render_seconds"]


def test_old_measurements_give_way() -> None:
    """One slow minute is not shown for ever; what was counted stays counted."""
    clock = FakeClock()
    renders = RenderReports(clock)
    renders.add(REPORT)
    clock.advance(200)
    renders.add(evolve(REPORT, p50=1, p95=1, p99=1, max=1))
    clock.advance(200)
    assert (renders.figures().count, renders.figures().max) == (20, 1)
    clock.advance(200)
    assert (renders.figures().count, renders.figures().max) == (20, 0)


def test_no_client_can_turn_a_counter_back() -> None:
    """A report is a client's word: a false one spoils no rate and takes no memory without end."""
    renders = RenderReports(FakeClock())
    renders.add(REPORT)
    for _ in range(10_000):
        renders.add(evolve(REPORT, count=-5, max=1e9, duplicates=-5, gaps=-5))
        renders.add(REPORT)
    figures = renders.figures()
    assert (figures.count, figures.duplicates, figures.gaps, figures.max) == (100_010, 10_001, 20_002, 80)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
)
async def test_the_format_is_what_the_scraper_asks_for(accept: str, content_type: str) -> None:
    """Every Prometheus, old or new, understands the answer."""
    async with asking(services(tree=lambda: TREE)) as client:
        answer = await client.get("/metrics", headers={"accept": accept})
        assert answer.headers["content-type"].startswith(content_type)
        assert answer.headers["cache-control"] == "no-store"
        assert "process_resident_memory_bytes" in answer.text
