"""Errors of the HTTP API as ``application/problem+json`` (RFC 9457), and the responses that carry JSON.

Every problem is of type ``about:blank``: its title is the status's own phrase, and the extension member ``code`` says
in one stable word what was wrong. ``detail`` is one line for people.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from attrs import Factory, define
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from mission_control.core.events import encode
from mission_control.edge.auth import MAX_SHOWN
from mission_control.stores.journal import JournalError

SEALED: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""On every answer of the API: nobody keeps it, no foreign page embeds it, no browser takes it for something else."""


def json_response(content: Any, status: int = 200) -> Response:
    """``content`` is anything that :func:`~mission_control.core.events.encode` takes."""
    return Response(encode(content), status, SEALED, "application/json")


_CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "gone",
    413: "content_too_large",
    422: "unprocessable_content",
    429: "too_many_requests",
    503: "service_unavailable",
}
"""The codes of errors that are no more than their status; any other is an ``http_error``."""


@define(eq=False)
class Problem(Exception):
    """A request that is answered with an error; raise it anywhere below the routes.

    ``members`` are further fields of the answer, for programs.
    """

    status: int
    code: str
    detail: str
    members: Mapping[str, Any] = Factory(dict)
    headers: Mapping[str, str] = Factory(dict)

    def __str__(self) -> str:
        return self.detail

    def response(self) -> Response:
        body = {
            "type": "about:blank",
            "title": _phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.members,
        }
        return Response(encode(body), self.status, {**SEALED, **self.headers}, "application/problem+json")


def bad_parameter(name: str, found: str, allowed: str) -> Problem:
    """A part of the query that cannot be used: what stood there and what may stand there."""
    shown = found if len(found) <= MAX_SHOWN else f"{found[:MAX_SHOWN]}…"
    members = {"parameter": name, "found": shown, "allowed": allowed}
    return Problem(400, "bad_parameter", f"Parameter {name}: found {shown}; allowed is {allowed}.", members)


def _phrase(status: int) -> str:
    """The status's own phrase; routes of extensions may use numbers that have none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    """What the router raises (no such path, or not with this method), and what a route does that has its own words."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        detail = f"{request.method} is not possible here; allowed is {headers['Allow']}."
    elif error.status_code == HTTPStatus.NOT_FOUND and error.detail == _phrase(404):
        detail = f"There is nothing at {request.url.path[:MAX_SHOWN]}."
    else:
        detail = error.detail
    code = _CODES.get(error.status_code, "http_error")
    return Problem(error.status_code, code, detail, headers=headers).response()


async def _journal_error(request: Request, error: Exception) -> Response:
    detail = f"The journal cannot be read at present: {error}"
    return Problem(503, "journal_unavailable", detail, headers={"Retry-After": "1"}).response()


async def _defect(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the client learns no more than that there is one."""
    return Problem(500, "internal_error", "The daemon failed to answer; its log says why.").response()


EXCEPTION_HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    Problem: _problem,
    HTTPException: _http_error,
    JournalError: _journal_error,
    Exception: _defect,
}
