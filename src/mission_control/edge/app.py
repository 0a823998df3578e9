"""The ASGI application: the API, the stream and the dashboard under one roof, behind the access guard."""

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mission_control.edge.access import AccessGuard, is_api
from mission_control.edge.actors import ActorsApi
from mission_control.edge.api import Api
from mission_control.edge.diagnostics import DiagnosticsApi
from mission_control.edge.extensions import extension_routes
from mission_control.edge.gateways import GatewaysApi
from mission_control.edge.problems import EXCEPTION_HANDLERS
from mission_control.edge.services import Access, Services
from mission_control.edge.static import Dashboard
from mission_control.edge.system import SystemApi

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What pages of other origins may do, if theirs is allowed: all that the API and what extends it can have."""
HEADERS: Final = ("Authorization", "Last-Event-ID")
"""What they may send besides the headers that every page may."""


def build_app(services: Services, dashboard: Dashboard, stream: ASGIApp) -> ASGIApp:
    """``stream`` serves the stream over both transports; it checks the host, origin and token of WebSockets itself."""
    app = Starlette(
        routes=[
            *Api(services).routes(),
            *ActorsApi(services).routes(),
            *DiagnosticsApi(services).routes(),
            *GatewaysApi(services).routes(),
            *SystemApi(services).routes(),
            *extension_routes(services.extensions),
            WebSocketRoute("/v1/stream", stream),
            Route("/v1/events/stream", stream, methods=["GET"]),
        ],
        middleware=[*_cross_origin(services.access), Middleware(AccessGuard, access=services.access)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False  # a redirect would repeat the Host header to whoever sent it
    app.router.default = _everything_else(dashboard)
    return app


def _cross_origin(access: Access) -> list[Middleware]:
    """Pages of allowed origins may use the API (CORS). Outside the guard, as a preflight carries no token."""
    if not access.allowed_origins:
        return []
    origins = sorted(access.allowed_origins)
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_methods=METHODS, allow_headers=HEADERS)]


def _everything_else(dashboard: Dashboard) -> ASGIApp:
    """Not a route of its own: it would match every path, and a wrong method on the API would not be a 405."""

    async def everything_else(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        elif is_api(scope["path"]):
            raise HTTPException(404)
        else:
            await dashboard(scope, receive, send)

    return everything_else
