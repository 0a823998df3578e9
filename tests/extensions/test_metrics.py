"""Metrics of actor types: under names of their own, and none can spoil the scrape."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.registry import Collector

from actors.feed import FeedStatistics
from mission_control.edge.services import Extension
from tests.edge.given import asking, services

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PREFIX = "mission_control_extension_"


def extension(name: str, registry: CollectorRegistry, *feeds: FeedStatistics) -> Extension:
    return Extension(name, (), registry, lambda: feeds)


async def scraped(*extensions: Extension, accept: str = "") -> dict[str, Metric]:
    """The families of one scrape by name, as Prometheus understands them."""
    async with asking(services(extensions=extensions)) as client:
        answer = await client.get("/metrics", headers={"accept": accept} if accept else {})
    assert answer.status_code == 200
    families = (parse_openmetrics if accept else parse)(answer.text)
    return {family.name: family for family in families}


def samples(family: Metric) -> dict[str, float]:
    return {sample.name + str(sample.labels or ""): sample.value for sample in family.samples}


class Bad(Collector):
    """Whatever ``collect`` is told to do."""

    def __init__(self, families: Any) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families()


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_every_kind_of_metric_comes_out_under_its_actor_types_name(accept: str) -> None:
    """In either format, as the library would write it."""
    registry = CollectorRegistry()
    Counter("greetings", "Greetings said.", ["language"], registry=registry).labels("en").inc(3)
    Gauge("mood", "From 0 to 1.", registry=registry).set(0.5)
    Histogram("length_seconds", "How long.", buckets=[1, 2], registry=registry).observe(1.5)
    Info("voice", "Which.", registry=registry).info({"of": "alice"})
    there = await scraped(extension("hello", registry), accept=accept)
    assert f"{PREFIX}hello_mood" in there
    counter = there[f"{PREFIX}hello_greetings"]
    assert counter.documentation == "Greetings said."
    assert samples(counter)[f"{PREFIX}hello_greetings_total{{'language': 'en'}}"] == 3
    histogram = samples(there[f"{PREFIX}hello_length_seconds"])
    assert histogram[f"{PREFIX}hello_length_seconds_bucket{{'le': '2.0'}}"] == 1
    assert histogram[f"{PREFIX}hello_length_seconds_count"] == 1
    assert any(name.startswith(f"{PREFIX}hello_voice") for name in there)
    assert "mission_control_ready" in there


def _raises() -> Iterator[Metric]:
    raise RuntimeError("no figures today")


def _no_number() -> Iterator[Metric]:
    family = GaugeMetricFamily("odd", "Odd.")
    family.add_metric([], "many")  # type: ignore[arg-type]
    yield family


def _no_metric() -> Iterator[Any]:
    yield "metric"


@pytest.mark.parametrize("families", [_raises, _no_number, _no_metric])
@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_one_that_cannot_be_read_hurts_no_other(
    families: Any, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is missing, and said to be; the daemon's and the others' are there."""
    bad, good = CollectorRegistry(), CollectorRegistry(auto_describe=False)
    bad._collector_to_names[Bad(families)] = []
    Gauge("mood", "From 0 to 1.", registry=good).set(1)
    there = await scraped(extension("bad", bad), extension("good", good), accept=accept)
    assert f"{PREFIX}good_mood" in there
    assert "mission_control_ready" in there
    assert samples(there[f"{PREFIX}metrics_up"]) == {
        f"{PREFIX}metrics_up{{'extension': 'bad'}}": 0,
        f"{PREFIX}metrics_up{{'extension': 'good'}}": 1,
    }
    assert "the metrics of the actor type bad cannot be read" in caplog.text


async def test_no_name_comes_twice() -> None:
    """Prometheus refuses a whole scrape in which a family is repeated."""
    one, two = CollectorRegistry(), CollectorRegistry()
    Gauge("b_c", "Of a.", registry=one).set(1)
    Gauge("c", "Of a_b.", registry=two).set(2)
    there = await scraped(extension("a", one), extension("a_b", two), accept=OPENMETRICS)
    assert samples(there[f"{PREFIX}a_b_c"]) == {f"{PREFIX}a_b_c": 1}


@pytest.mark.parametrize(("extension_name", "name"), [("metrics", "up"), ("feed", "lag_events")])
async def test_no_name_of_the_daemons_comes_twice(extension_name: str, name: str) -> None:
    """What an actor type is named must not hide what the daemon says of all of them, nor spoil the scrape."""
    registry = CollectorRegistry()
    Gauge(name, "Its own.", registry=registry).set(42)
    there = await scraped(extension(extension_name, registry), accept=OPENMETRICS)
    assert [one.labels for one in there[f"{PREFIX}{extension_name}_{name}"].samples] == [{"extension": extension_name}]


async def test_how_an_actors_feeds_fare_is_told() -> None:
    """All feeds of an actor type together."""
    feeds = (FeedStatistics(10, 3, 100, 1, 2, 0), FeedStatistics(10, 7, 50, 0, 1, 4))
    there = await scraped(extension("hello", CollectorRegistry(), *feeds), extension("idle", CollectorRegistry()))

    def value(name: str, of: str) -> float:
        return next(one.value for one in there[f"{PREFIX}{name}"].samples if one.labels == {"extension": of})

    figures = ("feed_delivered", "feed_refused", "feed_overflows", "feed_expired", "feed_lag_events")
    assert [value(name, "hello") for name in figures] == [150, 1, 3, 4, 7]
    assert [value(name, "idle") for name in figures] == [0, 0, 0, 0, 0]
