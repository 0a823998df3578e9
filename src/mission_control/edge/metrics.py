"""``/metrics``: the daemon's figures for Prometheus, read at the moment of the scrape.

Names follow the conventions of Prometheus: base units (seconds, bytes), ``_total`` on what only grows.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import trio
from attrs import evolve, frozen
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mission_control import __version__
from mission_control.edge.services import RenderFigures, RenderReport, Services
from mission_control.stores.journal import JournalError, JournalStatistics
from runtime import Kind, State, TreeNode

PREFIX: Final = "mission_control_"
JOURNAL_TIMEOUT_S: Final = 2.0
"""How long a scrape waits for the journal's own figures before it goes on without them."""
REPORTS_KEPT_MS: Final = 300_000
REPORTS_KEPT: Final = 1_000

_process = ProcessCollector(registry=None)


async def exposition(services: Services, accept: str) -> tuple[bytes, str]:
    """The metrics in the format that the Accept header asks for, and its content type."""
    statistics: JournalStatistics | None = None
    with trio.move_on_after(JOURNAL_TIMEOUT_S):
        try:
            statistics = await services.journal.statistics()
        except JournalError:
            statistics = None
    registry = CollectorRegistry()
    registry.register(Scrape(services, statistics))
    registry.register(_process)
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class RenderReports:
    """What clients measured. ``clock`` gives ms.

    Percentiles of several clients cannot be merged, so the worst of those of the last five minutes stands for all.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._total = RenderFigures()
        self._newest: deque[tuple[int, RenderReport]] = deque(maxlen=REPORTS_KEPT)

    def add(self, report: RenderReport) -> None:
        # A client may say anything, but nothing it says may make a counter go back.
        self._total = RenderFigures(
            count=self._total.count + max(0.0, report.count),
            duplicates=self._total.duplicates + max(0, report.duplicates),
            gaps=self._total.gaps + max(0, report.gaps),
        )
        if report.count > 0:
            self._newest.append((self._clock(), report))

    def figures(self) -> RenderFigures:
        oldest = self._clock() - REPORTS_KEPT_MS
        newest = [report for at, report in self._newest if at > oldest]
        return evolve(
            self._total,
            p50=max((report.p50 for report in newest), default=0.0),
            p95=max((report.p95 for report in newest), default=0.0),
            p99=max((report.p99 for report in newest), default=0.0),
            max=max((report.max for report in newest), default=0.0),
        )


@frozen(eq=False)  # registries key on identity
class Scrape(Collector):
    """One reading of everything; without ``statistics`` when the journal gave none."""

    services: Services
    statistics: JournalStatistics | None

    def collect(self) -> Iterator[Metric]:
        yield from self._daemon()
        yield from self._journal()
        yield from self._subscribers()
        yield from self._gateways()
        yield from _actors(self.services.tree())
        yield from self._clients()

    def _daemon(self) -> Iterator[Metric]:
        services = self.services
        yield gauges("build_info", "Version.", "version", {__version__: 1})
        yield gauge("ready", "1 when the daemon is ready.", not services.unready())
        yield gauge("dead_letters", "Messages that no actor could handle, of those kept.", len(services.dead_letters()))
        loop = services.loop()
        yield gauge("loop_stall_seconds_max", "Longest time one task kept the event loop.", loop.stall_s)
        yield gauge("loop_cpu_seconds_max", "Most that was computed between two polls for I/O.", loop.cpu_s)

    def _journal(self) -> Iterator[Metric]:
        yield gauge("journal_up", "1 when the journal answers.", self.statistics is not None)
        yield gauge("journal_head_offset", "Offset of the newest event.", self.services.journal.bounds().head)
        if self.statistics is None:
            return
        yield gauge("journal_events", "Events kept.", self.statistics.events)
        yield gauge("journal_bytes", "Size of the journal's files.", self.statistics.bytes)
        times = {"0.5": self.statistics.commit_p50_ms / 1000, "0.99": self.statistics.commit_p99_ms / 1000}
        yield gauges("journal_commit_seconds", "Duration of the newest commits.", "quantile", times)

    def _subscribers(self) -> Iterator[Metric]:
        figures = self.services.subscribers.statistics()
        yield counters("events_committed", "Events committed.", "type", figures.published)
        yield counter("duplicates_dropped", "Events left out because the journal had them.", figures.duplicates)
        yield gauge("subscribers", "Subscribers connected.", figures.subscribers)
        yield gauge("subscriber_lag_events", "How far the slowest subscriber is behind.", figures.lag)
        yield counter("subscriber_overflows", "Subscribers that fell too far behind.", figures.overflows)
        yield counter("frames_encoded", "Frames of events made, each shared by equal subscribers.", figures.frames)

    def _gateways(self) -> Iterator[Metric]:
        of = self.services.gateways()
        yield gauges("gateway_up", "1 while connected.", "gateway", {name: float(one.up) for name, one in of.items()})
        for name, help_text, values in (
            ("reconnects", "Connections after the first.", {name: one.reconnects for name, one in of.items()}),
            ("requests", "Requests made to it.", {name: one.dialect.requests for name, one in of.items()}),
            (
                "unknown_frames",
                "Frames of no known kind.",
                {name: one.dialect.unknown_frames for name, one in of.items()},
            ),
            (
                "malformed_frames",
                "Frames not understood.",
                {name: one.dialect.malformed_frames for name, one in of.items()},
            ),
        ):
            yield counters(f"gateway_{name}", help_text, "gateway", values)

    def _clients(self) -> Iterator[Metric]:
        figures = self.services.rendered()
        times = {"0.5": figures.p50, "0.95": figures.p95, "0.99": figures.p99, "1": figures.max}
        # No sample at all rather than zeros while nobody measures: zero would be a splendid latency.
        seconds = {quantile: value / 1000 for quantile, value in times.items() if figures.max > 0}
        yield gauges(
            "client_render_seconds", "From arrival to paint, at the worst client of late.", "quantile", seconds
        )
        yield counter("client_renders", "Events that clients reported to have shown.", figures.count)
        yield counter("client_duplicates", "Events that clients reported to have got twice.", figures.duplicates)
        yield counter("client_gaps", "Gaps that clients reported to have seen.", figures.gaps)


def _actors(root: TreeNode) -> Iterator[Metric]:
    """Each actor by its path; a pool's children all together, since they come and go."""
    named, pools = [], []
    for node in _named(root):
        named.append(node)
        if node.kind is Kind.POOL:
            pools.append(node)
    mailboxes = {node.path: node.mailbox for node in named if node.mailbox is not None}
    running = {node.path: node.state is State.RUNNING for node in named}
    yield gauges("actor_running", "1 while it runs.", "actor", running)
    yield counters("actor_restarts", "Restarts.", "actor", {node.path: node.restarts for node in named})
    depths = {path: mailbox.depth for path, mailbox in mailboxes.items()}
    yield gauges("actor_mailbox_depth", "Messages waiting.", "actor", depths)
    capacities = {path: mailbox.capacity for path, mailbox in mailboxes.items()}
    yield gauges("actor_mailbox_capacity", "Room for messages.", "actor", capacities)
    waiting = {pool.path: [one.mailbox.depth for one in pool.children if one.mailbox is not None] for pool in pools}
    yield gauges("pool_children", "Children.", "pool", {pool.path: len(pool.children) for pool in pools})
    deepest = {path: max(depths, default=0) for path, depths in waiting.items()}
    yield gauges("pool_mailbox_depth_max", "Messages waiting for the busiest child.", "pool", deepest)
    total = {path: sum(depths) for path, depths in waiting.items()}
    yield gauges("pool_mailbox_depth_sum", "Messages waiting for all children.", "pool", total)
    restarts = {pool.path: sum(child.restarts for child in pool.children) for pool in pools}
    yield gauges("pool_children_restarts", "Restarts of the children that are there now.", "pool", restarts)


def _named(node: TreeNode) -> Iterator[TreeNode]:
    """The tree, without what is inside pools."""
    yield node
    if node.kind is not Kind.POOL:
        for child in node.children:
            yield from _named(child)


def gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value)


def counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value)


def gauges(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(PREFIX + name, help_text, labels=[label]), values)


def counters(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(CounterMetricFamily(PREFIX + name, help_text, labels=[label]), values)


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    for value_of_label, value in values.items():
        family.add_metric([value_of_label], value)
    return family
