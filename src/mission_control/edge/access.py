"""The checks of :mod:`mission_control.edge.auth` in front of every HTTP route."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mission_control.edge.auth import bearer_token, host_problem, is_operator, origin_problem
from mission_control.edge.problems import Problem
from mission_control.edge.services import Access

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
PUBLIC_PATHS: Final = frozenset({"/healthz", "/readyz", "/v1/config"})
"""What the API tells anyone. The dashboard's files are public too: they hold no data."""


def is_api(path: str) -> bool:
    """Whether a path is the API's, where errors are for programs; all others are the dashboard's."""
    return path in PUBLIC_PATHS or path == "/v1" or path.startswith(("/v1/", "/metrics"))


class AccessGuard:
    """ASGI middleware. WebSockets pass: the stream makes the same checks itself and answers with close codes."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.response()(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host")
        if problem := host_problem(self._access, host):
            return Problem(403, "host_not_allowed", problem)
        if scope["method"] not in SAFE_METHODS and (problem := self._origin_problem(headers, host)):
            return Problem(403, "origin_not_allowed", problem)
        if is_api(scope["path"]) and scope["path"] not in PUBLIC_PATHS:
            return self._unauthenticated(headers)
        return None

    def _origin_problem(self, headers: Headers, host: str | None) -> str | None:
        """A request has at most one origin; with several, all must do."""
        problems = (origin_problem(self._access, origin, host) for origin in headers.getlist("origin"))
        return next(filter(None, problems), None)

    def _unauthenticated(self, headers: Headers) -> Problem | None:
        token = bearer_token(headers.get("authorization"))
        if is_operator(self._access, token):
            return None
        challenge = 'Bearer realm="mission-control"'
        if token is None:
            detail = "This needs the operator token, in the header Authorization: Bearer TOKEN (never in the URL)."
        else:
            detail = "The token is not the operator token of this daemon."
            challenge += ', error="invalid_token"'
        return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": challenge})
