"""The daemon at one moment, over HTTP (docs/protocol.md, "The daemon at one moment"). All of it is read from memory:
nobody is asked, so that it answers when one of the parts is the trouble.
"""

import logging
from collections.abc import Callable, Iterator

from attrs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mission_control import __version__
from mission_control.core.events import encode
from mission_control.core.sinks import SinkStatus
from mission_control.core.system_views import JournalView, RenderingView, SinkView, SystemView
from mission_control.edge.problems import json_response
from mission_control.edge.query import Query
from mission_control.edge.services import Extension, RenderFigures, Services

log = logging.getLogger("mission_control.extension")


class SystemApi:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route("/v1/system", self.system)]

    async def system(self, request: Request) -> Response:
        Query(request)
        services = self._services
        view = SystemView(
            time=services.clock(),
            instance=services.instance,
            version=__version__,
            source=services.source,
            started_at=services.started_at,
            journal=_journal(services),
            subscribers=tuple(services.audience.present()),
            sinks=tuple(_sinks(services)),
            rendering=_rendering(services.rendered()),
        )
        return json_response(view)


def _journal(services: Services) -> JournalView:
    known, writer = services.journal.statistics(), services.writer()
    return JournalView(
        kind=known.kind,
        epoch=known.bounds.epoch,
        head=known.bounds.head,
        floor=known.bounds.floor,
        kept_after=known.trimmed_to,
        compacted_to=known.compacted_to,
        events=known.events,
        bytes=known.bytes,
        oldest_at=known.oldest_at,
        commit_ms=known.commit_ms,
        waiting=writer.waiting,
        retention=services.policy.retention,
        stalled_since=writer.stalled_since,
    )


def _sinks(services: Services) -> Iterator[SinkView]:
    for extension in services.extensions:
        for status in extension.sinks:
            shown = _sink(extension, status)
            if shown is not None:
                yield shown


def _sink(extension: Extension, status: Callable[[], SinkStatus]) -> SinkView | None:
    """None when its actor type, which may come from outside, fails to say how it stands."""
    lag = max((feed.lag for feed in extension.feeds()), default=0)
    try:
        view = SinkView(name=extension.name, lag=lag, **asdict(status(), recurse=False))
        encode(view)
    except Exception:
        log.exception("the actor type %s failed to say how its deliveries stand", extension.name)
        return None
    return view


def _rendering(figures: RenderFigures) -> RenderingView | None:
    """None while no page reports: zero would be a splendid latency."""
    return RenderingView(**asdict(figures)) if figures.max > 0 else None
