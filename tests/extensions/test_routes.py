"""Routes of actor types: behind the guard like all of the API, and their faults their own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mission_control.edge.app import build_app
from mission_control.edge.services import Extension
from mission_control.edge.static import Dashboard
from mission_control.stores.journal import JournalUnavailableError
from tests.edge.given import BEARER, GUARDED, PAGE, Stream, asking, services
from tests.extensions.samples import answering, raising


def serving(*routes: Route, name: str = "hello", access: Any = None) -> Any:
    """Services with one actor type that has these routes."""
    extension = Extension(name, routes, CollectorRegistry(), tuple)
    return services(extensions=[extension], **({} if access is None else {"access": access}))


async def echo(request: Request) -> Response:
    return JSONResponse([request.method, request.path_params["key"], (await request.body()).decode()])


ECHO = Route("/items/{key}", echo, methods=["GET", "PUT"])


async def test_a_route_is_served_below_its_actor_types_path() -> None:
    """With what it needs of the request, and the headers that all of the API has."""
    async with asking(serving(ECHO)) as client:
        answer = await client.put("/v1/extensions/hello/items/7", content="x")
    assert answer.json() == ["PUT", "7", "x"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_route_may_choose_its_own_headers() -> None:
    async def cached(request: Request) -> Response:
        return Response("x", headers={"cache-control": "max-age=9"})

    async with asking(serving(Route("/x", cached))) as client:
        answer = await client.get("/v1/extensions/hello/x")
    assert answer.headers.get_list("cache-control") == ["max-age=9"]


async def test_a_route_needs_the_operator_token() -> None:
    async with asking(serving(ECHO, access=GUARDED)) as client:
        refused = await client.get("/v1/extensions/hello/items/7")
        served = await client.get("/v1/extensions/hello/items/7", headers=BEARER)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert served.status_code == 200


async def test_a_foreign_page_can_change_nothing_through_a_route() -> None:
    """A form on any page may send a request with the operator's cookies and address; not with a foreign origin."""
    async with asking(serving(ECHO)) as client:
        answer = await client.put("/v1/extensions/hello/items/7", headers={"origin": "https://evil.example"})
        named = await client.get("/v1/extensions/hello/items/7", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert (named.status_code, named.json()["code"]) == (403, "host_not_allowed")


async def test_a_websocket_is_refused() -> None:
    """The access guard leaves them to the stream, which makes its own checks."""
    app = build_app(serving(ECHO), Dashboard({"index.html": PAGE}), Stream())
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/v1/extensions/hello/items/7", "headers": [], "subprotocols": []}
    await app(scope, receive, send)
    assert sent == ["websocket.close"]


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (ValueError("a secret of its own"), 500, "extension_failed", "The actor type hello failed to answer"),
        (ExceptionGroup("several", [OSError()]), 500, "extension_failed", "The actor type hello failed to answer"),
        (HTTPException(404, "There is no item 7."), 404, "not_found", "There is no item 7."),
        (HTTPException(409, "It is taken."), 409, "conflict", "It is taken."),
        (HTTPException(418), 418, "http_error", ""),
        (HTTPException(499, "It went away."), 499, "http_error", "It went away."),
        (HTTPException(422), 422, "unprocessable", ""),
        (JournalUnavailableError("disk full"), 503, "journal_unavailable", "disk full"),
    ],
)
async def test_what_a_route_raises_becomes_a_problem(error: Exception, status: int, code: str, detail: str) -> None:
    """What it says on purpose is told; what goes wrong in it is for the log."""
    async with asking(serving(Route("/x", raising(error)))) as client:
        answer = await client.get("/v1/extensions/hello/x")
        again = await client.get("/v1/agents")
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["code"].startswith(code)
    assert detail in problem["detail"]
    assert "secret" not in answer.text
    assert again.status_code == 200


async def test_a_failure_is_logged_with_its_actor_type(caplog: pytest.LogCaptureFixture) -> None:
    async with asking(serving(Route("/x", raising(ValueError("what went wrong"))))) as client:
        await client.get("/v1/extensions/hello/x")
    [record] = [one for one in caplog.records if one.name == "mission_control.extension"]
    assert record.getMessage() == "a route of the actor type hello failed: /v1/extensions/hello/x"
    assert "what went wrong" in caplog.text


async def test_a_failure_in_the_middle_of_an_answer_ends_the_connection() -> None:
    """Half an answer must not look like a whole one."""

    async def half() -> AsyncIterator[str]:
        yield "half"
        raise ValueError("the other half")

    async def stream(request: Request) -> Response:
        return StreamingResponse(half())

    app = build_app(serving(Route("/x", stream)), Dashboard({"index.html": PAGE}), Stream())
    sent: list[str] = []

    async def receive() -> Any:
        await trio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"localhost:8700")]
    scope = {"type": "http", "method": "GET", "path": "/v1/extensions/hello/x", "headers": headers, "query_string": b""}
    with pytest.raises((ValueError, ExceptionGroup)):
        await app(scope, receive, send)
    assert sent == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/extensions/hello/nowhere", 404, "not_found"),
        ("GET", "/v1/extensions/hello", 404, "not_found"),
        ("GET", "/v1/extensions/hello/", 404, "not_found"),
        ("GET", "/v1/extensions/hello/items/7/", 404, "not_found"),
        ("GET", "/v1/extensions/other/items/7", 404, "not_found"),
        ("GET", "/v1/extensions", 404, "not_found"),
        ("GET", "/v1/extensions/hello2/items/7", 404, "not_found"),
        ("DELETE", "/v1/extensions/hello/items/7", 405, "method_not_allowed"),
    ],
)
async def test_elsewhere_is_nothing(method: str, path: str, status: int, code: str) -> None:
    """And said as everywhere else in the API."""
    async with asking(serving(ECHO)) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_each_has_its_own() -> None:
    one = Extension("one", [Route("/x", answering(1))], CollectorRegistry(), tuple)
    two = Extension("two", [Route("/x", answering(2))], CollectorRegistry(), tuple)
    async with asking(services(extensions=[one, two])) as client:
        assert (await client.get("/v1/extensions/one/x")).json() == 1
        assert (await client.get("/v1/extensions/two/x")).json() == 2
