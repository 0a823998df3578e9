"""What one actor type is given: the real :class:`mission_control.extension.Host`."""

import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from actors.clock import Clock
from actors.feed import Feed, FeedStatistics
from actors.persistence import Barrier, PersistenceMessage, hand_over
from actors.subscribers import Subscribers
from mission_control.core.draft_check import check_draft
from mission_control.core.events import Draft
from mission_control.core.sinks import SinkStatus
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.views import Snapshot
from mission_control.stores.journal import Journal
from runtime import ActorCrashed, Ref, Restart, ServiceSpec

FEED_GRACE: float = 3.0
"""Seconds that a feed may take, at the daemon's end, to deliver the last events."""


@frozen
class Wiring:
    """What the hosts of all actor types share. ``directory`` is the daemon's data directory."""

    journal: Journal
    persistence: Ref[PersistenceMessage]
    subscribers: Subscribers
    clock: Clock
    rng: random.Random
    directory: Path


class ActorHost:
    """One actor type's host. Closed, it takes no more subscriptions and routes."""

    def __init__(self, name: str, wiring: Wiring) -> None:
        self.name = name
        self.clock = wiring.clock
        self.rng = wiring.rng
        self.log = logging.getLogger(f"mission_control.extension.{name}")
        self.directory = wiring.directory / "extensions" / name
        self.metrics = CollectorRegistry()
        self.served: list[Route] = []
        self.sinks: list[Callable[[], SinkStatus]] = []
        self._wiring = wiring
        self._feeds: list[Feed] = []
        self._closed = False

    def subscribe(
        self, ref: Ref[Any], select: Filter = EVERYTHING, *, wrap: Any = None, after: Cursor | None = None
    ) -> None:
        self._check_open("subscribe")
        wiring = self._wiring
        self._feeds.append(
            Feed(
                ref,
                select,
                wrap,
                after,
                journal=wiring.journal,
                subscribers=wiring.subscribers,
                settle=self.wait_committed,
            )
        )

    async def publish(self, *drafts: Draft) -> None:
        for draft in drafts:
            check_draft(draft)
        await hand_over(self._wiring.persistence, drafts)

    async def wait_committed(self) -> None:
        while True:
            try:
                await self._wiring.persistence.ask(Barrier)
            except ActorCrashed:
                continue  # it is coming back
            return

    async def snapshot(self, select: Filter = EVERYTHING) -> Snapshot:
        return await self._wiring.journal.snapshot(select)

    def routes(self, *routes: Route) -> None:
        self._check_open("routes")
        for route in routes:
            # A WebSocket would pass the access guard, which leaves them to the stream.
            if not isinstance(route, Route):
                raise TypeError(f"a route must be a starlette.routing.Route, not {type(route).__name__}")
        self.served += routes

    def sink(self, status: Callable[[], SinkStatus]) -> None:
        self._check_open("sink")
        self.sinks.append(status)

    def close(self) -> Sequence[ServiceSpec]:
        """End ``build``'s time; gives the feeds to run beside what was built."""
        self._closed = True
        return [
            ServiceSpec(
                "feed" if number == 1 else f"feed {number}",
                feed.run,
                restart=Restart.TRANSIENT,  # it ends when its actor has
                stop=feed.stop,
                grace=FEED_GRACE,
            )
            for number, feed in enumerate(self._feeds, 1)
        ]

    def feeds(self) -> Sequence[FeedStatistics]:
        return [feed.statistics() for feed in self._feeds]

    def _check_open(self, what: str) -> None:
        if self._closed:
            raise RuntimeError(f"{what} belongs into build: {self.name} is running already")
