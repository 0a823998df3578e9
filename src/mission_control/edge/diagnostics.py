"""How the daemon's gateways are, over HTTP (docs/protocol.md, "Diagnostics"). It is read from memory: neither the
journal nor a gateway is asked, so that it answers when one of them is the trouble.
"""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.links import LinkState
from mission_control import __version__
from mission_control.core.diagnostic_views import (
    DiagnosticsView,
    FramesView,
    GatewayDiagnosis,
    OddFrameView,
    RequestsView,
)
from mission_control.edge.problems import json_response
from mission_control.edge.query import Query
from mission_control.edge.services import Services
from mission_control.gateways.asked import Asked
from mission_control.gateways.oddities import Oddity
from mission_control.gateways.record import Record

T = TypeVar("T")


class DiagnosticsApi:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route("/v1/diagnostics", self.diagnostics)]

    async def diagnostics(self, request: Request) -> Response:
        Query(request)
        services, now = self._services, self._services.clock()
        view = DiagnosticsView(
            time=now,
            instance=services.instance,
            version=__version__,
            source=services.source,
            unready=tuple(services.unready()),
            gateways=tuple(_gateway(name, link, now) for name, link in services.gateways().items()),
        )
        return json_response(view)


def _gateway(name: str, link: LinkState, now: int) -> GatewayDiagnosis:
    told = link.status(name)
    return GatewayDiagnosis(
        id=name,
        kind=known(told.kind, ""),
        state=told.state,
        since=link.told_at,
        detail=told.detail,
        attempt=known(told.attempt, 0),
        retry_at=known(told.retry_at, None),
        last_event_at=known(told.last_event_at, None),
        missing_since=known(told.missing_since, None),
        warnings=link.warnings,
        protocol=link.protocol,
        scopes=None if link.scopes is None else tuple(link.scopes),
        reconnects=link.reconnects,
        requests=_requests(link.record.asked, now),
        frames=_frames(link.record),
        odd_frames=tuple(map(_odd_frame, link.record.odd.kept())),
        odd_left_out=link.record.odd.left_out,
    )


def known(value: T | UnsetType, otherwise: T) -> T:
    """A field of a status that may have been left out."""
    return otherwise if isinstance(value, UnsetType) else value


def _requests(asked: Asked, now: int) -> Mapping[str, RequestsView]:
    within_hour = asked.within_hour(now)
    return {method: RequestsView(total, within_hour.get(method, 0)) for method, total in asked.totals.items()}


def _frames(record: Record) -> FramesView:
    figures = record.statistics()
    return FramesView(
        unknown=figures.unknown_frames,
        malformed=figures.malformed_frames,
        oversized=figures.oversized_frames,
        repeated=figures.repeated_frames,
        missing=figures.missing_frames,
    )


def _odd_frame(odd: Oddity) -> OddFrameView:
    return OddFrameView(odd.oddness, odd.why, odd.count, odd.first_seen, odd.last_seen, odd.size, odd.sample)
