"""``/metrics``: the daemon's figures for Prometheus, read at the moment of the scrape."""

from collections.abc import Iterator
from typing import Final

import trio
from attrs import frozen
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mission_control import __version__
from mission_control.core.subscription import EVERYTHING
from mission_control.edge.actor_metrics import actor_metrics
from mission_control.edge.extension_metrics import ExtensionMetrics
from mission_control.edge.families import counter, counters, gauge, gauges, nested_counters
from mission_control.edge.services import Services
from mission_control.stores.journal import Journal, JournalError

JOURNAL_TIMEOUT_S: Final = 2.0
"""How long a scrape waits for the journal before it says that this does not answer."""

_process = ProcessCollector(registry=None)


async def exposition(services: Services, accept: str) -> tuple[bytes, str]:
    """The metrics in the format that the Accept header asks for, and its content type."""
    registry = CollectorRegistry()
    registry.register(Scrape(services, journal_up=await _answers(services.journal)))
    registry.register(_process)
    encoder, content_type = choose_encoder(accept)
    registry.register(ExtensionMetrics(services.extensions, encoder))
    return encoder(registry), content_type


async def _answers(journal: Journal) -> bool:
    """Whether what is stored can be read, and soon."""
    with trio.move_on_after(JOURNAL_TIMEOUT_S):
        try:
            await journal.read(journal.bounds().head, 1, EVERYTHING)
        except JournalError:
            return False
        return True
    return False


@frozen(eq=False)  # registries key on identity
class Scrape(Collector):
    """One reading of everything."""

    services: Services
    journal_up: bool

    def collect(self) -> Iterator[Metric]:
        yield from self._daemon()
        yield from self._journal()
        yield from self._subscribers()
        yield from self._gateways()
        yield from actor_metrics(self.services.tree(), self.services.pool_totals)
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
        known = self.services.journal.statistics()
        yield gauge("journal_up", "1 when the journal answers.", self.journal_up)
        yield gauge("journal_head_offset", "Offset of the newest event.", known.bounds.head)
        yield gauge("journal_events", "Events kept.", known.events)
        if known.bytes is not None:
            yield gauge("journal_bytes", "Size of the journal's files.", known.bytes)
        of = known.commit_ms
        times = {} if of is None else {"0.5": of.p50, "0.95": of.p95, "0.99": of.p99, "1": of.max}
        seconds = {quantile: ms / 1000 for quantile, ms in times.items()}
        yield gauges("journal_commit_seconds", "Duration of the newest commits.", "quantile", seconds)

    def _subscribers(self) -> Iterator[Metric]:
        figures = self.services.subscribers.statistics()
        yield counters("events_committed", "Events committed.", "type", figures.published)
        yield counter("duplicates_dropped", "Events left out because the journal had them.", figures.duplicates)
        present = self.services.audience.present()
        yield gauge("subscribers", "Subscribers connected.", len(present))
        lag = max((one.lag for one in present), default=0)
        yield gauge("subscriber_lag_events", "How far the slowest subscriber is behind.", lag)
        yield counter("subscriber_overflows", "Subscribers that fell too far behind.", figures.overflows)
        yield counter("frames_encoded", "Frames of events made, each shared by equal subscribers.", figures.frames)

    def _gateways(self) -> Iterator[Metric]:
        of = self.services.gateways()
        yield gauges("gateway_up", "1 while connected.", "gateway", {name: float(one.up) for name, one in of.items()})
        reconnects = {name: one.reconnects for name, one in of.items()}
        yield counters("gateway_reconnects", "Connections after the first.", "gateway", reconnects)
        asked = {name: one.record.asked.totals for name, one in of.items()}
        yield nested_counters("gateway_requests", "Requests made to it.", ("gateway", "method"), asked)
        told = {name: one.record.statistics() for name, one in of.items()}
        for figure, help_text in (
            ("unknown_frames", "Frames of no known kind."),
            ("malformed_frames", "Frames not understood."),
            ("oversized_frames", "Frames too large to be taken."),
            ("repeated_frames", "Frames that it sent again."),
            ("missing_frames", "Frames that never came."),
        ):
            values = {name: getattr(one, figure) for name, one in told.items()}
            yield counters(f"gateway_{figure}", help_text, "gateway", values)

    def _clients(self) -> Iterator[Metric]:
        figures = self.services.rendered()
        times = {"0.5": figures.p50, "0.95": figures.p95, "0.99": figures.p99, "1": figures.max}
        # No sample at all rather than zeros while nobody measures: zero would be a splendid latency.
        seconds = {quantile: value / 1000 for quantile, value in times.items() if figures.max > 0}
        yield gauges(
            "client_render_seconds", "From emission to paint, at the worst client of late.", "quantile", seconds
        )
        yield counter("client_renders", "Events that clients reported to have shown.", figures.count)
        yield counter("client_duplicates", "Events that clients reported to have got twice.", figures.duplicates)
        yield counter("client_gaps", "Gaps that clients reported to have seen.", figures.gaps)
