"""The daemon is killed under load (SIGKILL), again and again, at moments that nobody chose."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemons
from tests.e2e.journal import assert_exact, journal
from tests.e2e.simulator import SimulatedGateway
from tests.e2e.subscriber import Subscriber

pytestmark = pytest.mark.e2e

KILLS = 5
AGENTS = 20
EVENTS_A_SECOND = 25.0
"""Of each agent."""
MOST_EVENTS = 1_500
"""Between two kills."""


@pytest.mark.parametrize("seed", [20261123])
def test_what_anyone_has_seen_survives_every_kill(daemons: Daemons, seed: int, tmp_path: Path) -> None:
    """After each restart, every event that a subscriber has seen is there, the same at the same offset; and the
    subscriber, which comes back with its cursor, goes on there without a loss or a repetition."""
    chance = random.Random(seed)
    with SimulatedGateway(tmp_path, AGENTS, EVENTS_A_SECOND, seed) as gateway:
        daemon = daemons.start(gateway)
        with Subscriber(daemon.url) as first, Subscriber(daemon.url) as second:
            subscribers = (first, second)
            for _ in range(KILLS):
                wait_for_more(first, chance.randint(1, MOST_EVENTS))
                daemon.kill()
                for subscriber in subscribers:
                    subscriber.wait_closed()
                daemon.start()
                assert_stored(daemon.url, subscribers)
                for subscriber in subscribers:
                    subscriber.connect()
                    assert subscriber.welcomes[-1]["resume"] == "continued"
            wait_for_more(first, MOST_EVENTS)
            wait_for_more(second, MOST_EVENTS)
        for subscriber in subscribers:
            offsets = [event["offset"] for event in subscriber.seen]
            assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))
        assert_stored(daemon.url, subscribers)


def wait_for_more(subscriber: Subscriber, events: int) -> None:
    enough = len(subscriber.seen) + events
    subscriber.wait_until(lambda: len(subscriber.seen) >= enough)


def assert_stored(url: str, subscribers: Sequence[Subscriber]) -> None:
    """The journal is whole, and has everything that these subscribers, now disconnected, have seen."""
    stored = journal(url)
    assert_exact(stored)
    for subscriber in subscribers:
        first = subscriber.seen[0]["offset"]
        assert stored[first - 1 : first - 1 + len(subscriber.seen)] == subscriber.seen
