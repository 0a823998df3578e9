"""What the API says to requests that it cannot serve, and how all of it holds over real HTTP."""

import logging
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
import trio

from mission_control.core.events import Event
from mission_control.core.subscription import Filter
from mission_control.core.views import Snapshot
from mission_control.edge.api import Api
from mission_control.edge.app import build_app
from mission_control.edge.static import Dashboard
from mission_control.stores.journal import JournalUnavailableError, Page
from mission_control.stores.memory import MemoryJournal
from tests.edge.given import PAGE, Stream, asking, over, refused, services
from tests.edge.wire import connect, read_to_end, serving
from tests.stores.samples import BETA, FakeClock, final

ALL_PATHS = [route.path.replace("{id}", "beta") for route in Api(services()).routes()]


@pytest.mark.parametrize(
    ("url", "parameter", "found"),
    [
        ("/v1/events?limit=0", "limit", '"0"'),
        ("/v1/events?limit=1001", "limit", '"1001"'),
        ("/v1/events?limit=ten", "limit", '"ten"'),
        ("/v1/events?limit=1e3", "limit", '"1e3"'),
        ("/v1/events?limit=%D9%A3", "limit", '"٣"'),
        ("/v1/events?limit=", "limit", "0 characters"),
        ("/v1/events?after=-1", "after", '"-1"'),
        ("/v1/events?after=1.5", "after", '"1.5"'),
        ("/v1/events?after=9223372036854775808", "after", '"9223372036854775808"'),
        ("/v1/events?after=1&after=2", "after", "it more than once"),
        ("/v1/events?from=1", "from", "a parameter of this name"),
        ("/v1/feed?before=0", "before", '"0"'),
        ("/v1/feed?limit=1001", "limit", '"1001"'),
        ("/v1/feed?kind=*", "kind", '"*"'),
        ("/v1/feed?kind=tool.", "kind", '"tool."'),
        ("/v1/feed?kind=tool*", "kind", '"tool*"'),
        ("/v1/feed?kind=tool.failed,,run.*", "kind", '"tool.failed,,run.*"'),
        ("/v1/feed?kind=tool.failed,%20run.*", "kind", '"tool.failed, run.*"'),
        ("/v1/feed?kind=run.*&kind=tool.*", "kind", "it more than once"),
        ("/v1/feed?gateway=gw", "gateway", "it without agent"),
        ("/v1/agents/beta/messages?limit=201", "limit", '"201"'),
        ("/v1/agents/beta/messages?session=", "session", "0 characters"),
        ("/v1/agents?limit=1", "limit", "a parameter of this name"),
        ("/v1/agents/beta?before=1", "before", "a parameter of this name"),
        ("/v1/actors?x=1", "x", "a parameter of this name"),
        ("/v1/snapshot?agents=", "agents", "0 characters"),
        ("/v1/snapshot?agents=a,,b", "agents", '"a,,b"'),
        ("/v1/snapshot?types=conversation.chunks,tool.*", "types", '"conversation.chunks, tool.*"'),
        ("/v1/snapshot?types=*", "types", '"*"'),
        ("/v1/snapshot?agents=" + "a" * 2_000, "agents", "2000 characters"),
        ("/v1/snapshot?" + "a" * 2_000, "a" * 100, "a parameter of this name"),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_is_allowed(url: str, parameter: str, found: str) -> None:
    """A mistyped query is an error that explains itself, never a guess: a guess would look like an answer."""
    async with asking(await over(final("m", of=BETA))) as client:
        problem = await refused(client, url)
        assert (problem["status"], problem["parameter"], problem["found"]) == (400, parameter, found)
        assert problem["allowed"]
        assert problem["detail"] == f"Parameter {parameter}: found {found}; allowed is {problem['allowed']}."


@pytest.mark.parametrize("path", ALL_PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_api_only_reads(path: str, method: str) -> None:
    """Every other method is refused as such, and told what there is instead."""
    async with asking(await over(final("m", of=BETA))) as client:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", [*ALL_PATHS, "/v1/nothing", "/v1", "/v1/agents/", "/v1/events?limit=x", "/v1/agents/no"]
)
async def test_nobody_keeps_or_embeds_an_answer(path: str) -> None:
    """State is asked for anew each time: neither a cache nor a foreign page may hold it, errors included."""
    async with asking(await over(final("m", of=BETA))) as client:
        for method in ("GET", "HEAD"):
            headers = (await client.request(method, path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/agents/", "/v1/agents/a/b/c", "/metrics/x"])
async def test_what_is_not_there_is_said_in_the_apis_own_way(path: str) -> None:
    """A program that asks for a path that is none gets a problem, not the dashboard's page and not a redirect."""
    async with asking(await over()) as client:
        assert (await refused(client, path))["code"] == "not_found"


async def test_the_stream_without_a_websocket_says_what_it_is() -> None:
    """Whoever opens the stream's address in a browser learns why there is nothing to see."""
    async with asking(services()) as client:
        assert (await refused(client, "/v1/stream"))["code"] == "upgrade_required"


class _Broken(MemoryJournal):
    """Answers every question with the same error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(FakeClock())
        self._error = error

    async def snapshot(self, select: Filter) -> Snapshot:
        await trio.lowlevel.checkpoint()
        raise self._error

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        await trio.lowlevel.checkpoint()
        raise self._error

    async def feed(self, **_: Any) -> Sequence[Event]:
        await trio.lowlevel.checkpoint()
        raise self._error


@pytest.mark.parametrize("path", ["/v1/snapshot", "/v1/agents", "/v1/agents/a", "/v1/events", "/v1/feed"])
async def test_a_journal_that_refuses_for_now_is_a_503(path: str) -> None:
    """Asking again later is worth it, and the answer says so; it is neither empty nor an internal error."""
    async with asking(services(_Broken(JournalUnavailableError("disk full")))) as client:
        problem = await refused(client, path)
        assert (problem["status"], problem["code"]) == (503, "journal_unavailable")
        assert "disk full" in problem["detail"]
        assert (await client.get(path)).headers["retry-after"] == "1"


async def test_a_defect_shows_nothing_of_itself() -> None:
    """A traceback is for the daemon's log; what is sent out holds no path, no name and no value from inside."""
    async with asking(services(_Broken(RuntimeError("/home/operator/secret")))) as client:
        answer = await client.get("/v1/snapshot")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.headers["content-type"] == "application/problem+json"
        for inside in ("secret", "RuntimeError", "Traceback", ".py"):
            assert inside not in answer.text


async def test_everything_holds_over_real_http(caplog: pytest.LogCaptureFixture) -> None:
    """Bodies, HEAD, 304 and errors arrive whole through the real server, on one connection, also after a defect."""
    told = await over(*(final(f"m{number}", "word " * 1_000, of=BETA) for number in range(100)))
    app = build_app(told, Dashboard({"index.html": PAGE}), Stream())
    broken = build_app(services(_Broken(RuntimeError("secret"))), Dashboard({}), Stream())
    caplog.set_level(logging.CRITICAL)
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert len((await client.get("/v1/events?limit=100")).json()["events"]) == 100
        head = await client.head("/v1/events")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 500_000
        page = await client.get("/")
        assert page.content == PAGE
        same = await client.get("/", headers={"if-none-match": page.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert (await client.get("/v1/nothing")).json()["code"] == "not_found"
        assert (await client.get("/healthz", headers={"host": "evil.example"})).status_code == 403
        # Last: the server closes a connection whose request it did not read to its end.
        assert (await client.post("/v1/events", content=b"x" * 10_000)).status_code == 405
    async with serving(broken) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/v1/snapshot")).json()["code"] == "internal_error"
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        b"/../../etc/passwd",
        b"/%2e%2e/%2e%2e/etc/passwd",
        b"//etc/passwd",
        b"/..%2fsecret",
        b"/\xff",
        b"/%ff%00",
        b"/%",
        b"*",
    ],
)
async def test_no_request_target_breaks_the_server(target: bytes) -> None:
    """Whatever stands in the request line, the answer is a plain not-found (or a bad request) of the server's."""
    app = build_app(services(), Dashboard({"index.html": PAGE}), Stream())
    async with serving(app) as port, await connect(port) as client:
        await client.send_all(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await read_to_end(client)
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
        assert b"root:" not in answer
