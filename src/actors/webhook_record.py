"""What became of a webhook's deliveries: kept across incarnations, shown as metrics and as its status."""

from collections.abc import Callable, Iterator
from typing import Final as Constant

import trio
from attrs import define, frozen
from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mission_control.core.webhooks import Answer, Delivery
from mission_control.extension import Delivered, Failed, SinkStatus
from runtime import MailboxStatistics

BUCKETS: Constant = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600)
"""Bounds of the histogram of latencies, in seconds."""


@define
class Record:
    """Counts since the daemon's start.

    ``delivered`` and ``given_up`` count events, ``failed_attempts`` attempts, ``failures`` those in a row up to now.
    ``rest_until``: nothing is sent before, in trio's time. ``failing_since``: when it was said that the endpoint fails,
    until it is said that it works again, in ms. ``next_alarm_at``, ``next_line_at``: until then nothing more is said.
    """

    latency: Histogram
    delivered: int = 0
    given_up: int = 0
    failed_attempts: int = 0
    failures: int = 0
    rest_until: float = 0.0
    failing_since: int | None = None
    next_alarm_at: int = 0
    next_line_at: int = 0
    last_delivered: Delivered | None = None
    last_failed: Failed | None = None

    def succeed(self, delivery: Delivery, now: int) -> None:
        took = max(0, now - delivery.at)
        self.latency.observe(took / 1000)
        self.delivered += 1
        self.failures = 0
        self.last_delivered = Delivered(delivery.event_id, now, took)

    def fail(self, delivery: Delivery, answer: Answer, now: int, *, rest: float) -> None:
        """An attempt failed; the next one waits for ``rest`` seconds."""
        self.failed_attempts += 1
        self.failures += 1
        self.rest_until = trio.current_time() + rest
        self.last_failed = Failed(delivery.event_id, now, str(answer))

    def status(self, endpoint: str, mailbox: MailboxStatistics, now: int) -> SinkStatus:
        """``endpoint`` is all that may be shown of the URL; ``now`` in ms."""
        rest = self.rest_until - trio.current_time()
        return SinkStatus(
            endpoint=endpoint,
            failing_since=self.failing_since,
            waiting=mailbox.depth,
            delivered=self.delivered,
            given_up=self.given_up,
            dropped=mailbox.dropped,
            failed_attempts=self.failed_attempts,
            next_attempt_at=now + int(rest * 1000) if rest > 0 and mailbox.depth else None,
            last_delivered=self.last_delivered,
            last_failed=self.last_failed,
        )


@frozen(eq=False)  # registries key on identity
class Figures(Collector):
    """The record for ``/metrics``; the histogram is there by itself."""

    record: Record
    mailbox: Callable[[], MailboxStatistics]

    def collect(self) -> Iterator[Metric]:
        record, mailbox = self.record, self.mailbox()
        events = CounterMetricFamily("events", "Events that are done with, by what became of them.", labels=["outcome"])
        for outcome, count in (
            ("delivered", record.delivered),
            ("given_up", record.given_up),
            ("dropped", mailbox.dropped),
        ):
            events.add_metric([outcome], count)
        yield events
        yield CounterMetricFamily("failed_attempts", "Attempts that failed.", record.failed_attempts)
        yield GaugeMetricFamily("waiting", "Events that wait, the one in hand included.", mailbox.depth)
        yield GaugeMetricFamily("failing", "1 while the endpoint fails.", record.failing_since is not None)
