"""Daemons of all kinds without a network: scripted ones, and the real application."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from mission_control.core.actor_views import ActorsView
from mission_control.core.events import encode
from mission_control.edge.app import build_app
from mission_control.edge.services import Services
from mission_control.edge.static import Dashboard
from mission_control.inspection.daemon import Daemon, connected
from mission_control.settings import Secret
from mission_control.target import Target
from tests.edge.given import PAGE, Stream

TARGET = Target("ws://127.0.0.1:8700/v1/stream", None)

Answer = httpx.Response | Exception | ActorsView


@asynccontextmanager
async def scripted(*answers: Answer, asked: list[httpx.Request] | None = None) -> AsyncIterator[Daemon]:
    """A daemon that gives these answers one after the other, and the last one for ever; ``asked`` gets the requests."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return httpx.Response(200, content=encode(one)) if isinstance(one, ActorsView) else one

    async with handled(answer) as daemon:
        yield daemon


@asynccontextmanager
async def handled(handle: Callable[[httpx.Request], httpx.Response], target: Target = TARGET) -> AsyncIterator[Daemon]:
    """A daemon whose answers ``handle`` makes."""
    async with connected(target, httpx.MockTransport(handle)) as daemon:
        yield daemon


@asynccontextmanager
async def real(services: Services, token: str | None = None) -> AsyncIterator[Daemon]:
    """The daemon's whole HTTP interface before these services."""
    app = build_app(services, Dashboard({"index.html": PAGE}), Stream())
    target = Target(TARGET.url, None if token is None else Secret(token))
    async with connected(target, httpx.ASGITransport(app)) as daemon:
        yield daemon


def problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"type": "about:blank", "status": status, "code": code, "detail": detail})


def ids(requests: Sequence[httpx.Request]) -> list[str]:
    """Method and path of each."""
    return [f"{request.method} {request.url.raw_path.decode()}" for request in requests]
