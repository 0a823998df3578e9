"""The metric families that a scrape is made of, named by the conventions of Prometheus: base units (seconds, bytes),
``_total`` on what only grows.
"""

from collections.abc import Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX: Final = "mission_control_"


def gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value)


def counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value)


def gauges(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One sample for each value of ``label``."""
    return _labelled(GaugeMetricFamily(PREFIX + name, help_text, labels=[label]), values)


def counters(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(CounterMetricFamily(PREFIX + name, help_text, labels=[label]), values)


def nested_counters(
    name: str, help_text: str, labels: tuple[str, str], values: Mapping[str, Mapping[str, float]]
) -> Metric:
    """One sample for each value of the second of ``labels`` under each of the first."""
    family = CounterMetricFamily(PREFIX + name, help_text, labels=labels)
    for outer, inner in values.items():
        for value_of_label, value in inner.items():
            family.add_metric([outer, value_of_label], value)
    return family


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    for value_of_label, value in values.items():
        family.add_metric([value_of_label], value)
    return family
