"""The metrics of actor types from outside, each in a name space of its own, and none able to spoil the scrape."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from mission_control.edge.families import PREFIX, counters, gauges
from mission_control.edge.services import Extension

Encoder = Callable[[CollectorRegistry], bytes]

log = logging.getLogger("mission_control.extension")


def prefix_of(extension: str) -> str:
    """What stands before the names of an actor type's own metrics."""
    return f"{PREFIX}extension_{extension}_"


@frozen(eq=False)  # registries key on identity
class ExtensionMetrics(Collector):
    """One reading of all of them. ``encoder`` is what the scrape is written with."""

    extensions: Sequence[Extension]
    encoder: Encoder

    def collect(self) -> Iterator[Metric]:
        read = {extension.name: self._read(extension) for extension in self.extensions}
        readable = {name: float(families is not None) for name, families in read.items()}
        up = gauges("extension_metrics_up", "1 when its own metrics could be read.", "extension", readable)
        taken: set[str] = set()
        for families in ([up], _feeds(self.extensions), *read.values()):
            for family in families or ():
                if family.name not in taken:  # "a_b" of "x" and "b" of "x_a" are one name
                    taken.add(family.name)
                    yield family

    def _read(self, extension: Extension) -> Sequence[Metric] | None:
        """Its metrics under their full names; None when they cannot be read or written."""
        try:
            families = [_renamed(family, prefix_of(extension.name)) for family in extension.metrics.collect()]
            self.encoder(_registry_of(families))
        except Exception:
            log.exception("the metrics of the actor type %s cannot be read", extension.name)
            return None
        return families


@frozen(eq=False)
class _Fixed(Collector):
    families: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def _registry_of(families: Sequence[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Fixed(families))
    return registry


def _renamed(family: Metric, prefix: str) -> Metric:
    renamed = Metric(prefix + family.name, family.documentation, family.type, family.unit)
    renamed.samples = [sample._replace(name=prefix + sample.name) for sample in family.samples]
    return renamed


_FEED_FIGURES: Final = (
    ("delivered", "Events put into its mailbox."),
    ("refused", "Events that its mailbox had no room for and would not wait for."),
    ("overflows", "How often it was so slow that its events waited in the journal."),
    ("expired", "Offsets that retention took before it was ready for them."),
)


def _feeds(extensions: Sequence[Extension]) -> Iterator[Metric]:
    """All feeds of an actor type together."""
    figures = {extension.name: extension.feeds() for extension in extensions}
    for name, help_text in _FEED_FIGURES:
        sums = {of: sum(getattr(feed, name) for feed in feeds) for of, feeds in figures.items()}
        yield counters(f"extension_feed_{name}", help_text, "extension", sums)
    lags = {of: max((feed.lag for feed in feeds), default=0) for of, feeds in figures.items()}
    yield gauges("extension_feed_lag_events", "How far its mailbox is behind the journal.", "extension", lags)
