"""Who gets in, and what those who do not get in learn."""

import httpx
import pytest
from attrs import evolve

from mission_control.edge.api import Api
from mission_control.edge.auth import bearer_token, host_problem, is_operator, origin_problem
from mission_control.edge.services import Access
from mission_control.edge.static import Dashboard
from mission_control.stores.memory import MemoryJournal
from tests.edge.given import BEARER, GUARDED, HERE, OPEN, TOKEN, asking, services
from tests.stores.samples import FakeClock, activity, final

STREAMS = ["/v1/stream", "/v1/events/stream"]
API_PATHS = [*(route.path.replace("{id}", "alpha") for route in Api(services()).routes()), STREAMS[1]]
GUARDED_PATHS = [path for path in API_PATHS if path not in ("/healthz", "/readyz", "/v1/config")]
PROXIED = Access(
    token=None,
    loopback_only=True,
    allowed_hosts=frozenset({"mc.example.com", "other.example.com:8443"}),
    allowed_origins=frozenset({"https://pages.example.com"}),
)


async def journal_with_a_secret() -> MemoryJournal:
    journal = MemoryJournal(FakeClock())
    await journal.append([final("m", "the launch code"), activity("the launch code")])
    return journal


@pytest.mark.parametrize("path", [*GUARDED_PATHS, "/v1", "/v1/", "/v1/nothing", "/metrics/x"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": b"Bearer \xff\xfe"},
        {"cookie": f"token={TOKEN}"},
    ],
)
async def test_nothing_of_the_api_answers_without_the_token(path: str, headers: dict[str, str]) -> None:
    """Whoever has not the operator's token learns neither data nor which paths exist."""
    async with asking(services(await journal_with_a_secret(), access=GUARDED)) as client:
        for method in ("GET", "HEAD", "OPTIONS", "DELETE"):
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert "launch" not in answer.text


@pytest.mark.parametrize("path", GUARDED_PATHS)
async def test_a_token_in_the_url_is_not_taken(path: str) -> None:
    """URLs end up in logs and histories, so nobody may get used to putting the token there; nor is it repeated."""
    async with asking(services(access=GUARDED)) as client:
        for name in ("token", "access_token", "ticket"):
            answer = await client.get(path, params={name: TOKEN})
            assert answer.status_code == 401
            assert TOKEN not in answer.text
        assert TOKEN not in (await client.get("/v1/agents", params={"token": TOKEN}, headers=BEARER)).text


@pytest.mark.parametrize("path", [path for path in GUARDED_PATHS if path not in STREAMS])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_token_opens_every_path(path: str, scheme: str) -> None:
    """The operator gets in everywhere; a scheme's name has no case (RFC 9110, section 11.1)."""
    async with asking(services(await journal_with_a_secret(), access=GUARDED)) as client:
        answer = await client.get(path, headers={"authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["//v1/agents", "/V1/agents", "/x/../v1/agents", "/v1%2Fagents", "/./v1/agents", "/;/v1/agents"]
)
async def test_no_other_spelling_of_a_path_gets_around_the_token(path: str) -> None:
    """The guard and the router see the same path, so what the guard takes for the dashboard's cannot be the API's."""
    async with asking(services(await journal_with_a_secret(), access=GUARDED)) as client:
        answer = await client.send(client.build_request("GET", httpx.URL(HERE, raw_path=path.encode())))
        assert answer.status_code in (401, 404)
        assert "cursor" not in answer.text


async def test_anyone_may_see_the_page_and_what_it_needs_to_sign_in() -> None:
    """A browser has no token before the page has asked for it; a probe has none at all."""
    async with asking(services(access=GUARDED)) as client:
        for path in ("/", "/healthz", "/readyz", "/v1/config"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/v1/config")).json()["auth"] == {"mode": "token"}


async def test_only_who_may_look_learns_why_the_daemon_is_not_ready() -> None:
    """The reasons name paths and gateways; a probe needs to know no more than whether."""
    given = services(unready=lambda: ["disk full: /home/operator"])
    async with asking(evolve(given, access=GUARDED)) as client:
        told = await client.get("/readyz")
        assert (told.status_code, told.json()) == (503, {"ready": False})
        assert (await client.get("/readyz", headers=BEARER)).json()["reasons"] == ["disk full: /home/operator"]
    async with asking(given) as client:
        assert (await client.get("/readyz")).json()["reasons"] == ["disk full: /home/operator"]


@pytest.mark.parametrize("path", [*API_PATHS, "/", "/missing"])
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_daemon_on_loopback_answers_to_no_foreign_name(path: str, token: str | None) -> None:
    """A page whose own name was pointed at 127.0.0.1 (DNS rebinding) gets nothing, and an operator the remedy."""
    async with asking(services(await journal_with_a_secret(), access=evolve(OPEN, token=token))) as client:
        answer = await client.get(path, headers={"host": "evil.example:8700", **BEARER})
        assert answer.status_code == 403
        assert answer.json()["code"] == "host_not_allowed"
        assert "auth.allowed_hosts" in answer.json()["detail"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8700",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.0.0.1:8700",
        "127.8.8.8",
        "[::1]",
        "[::1]:8700",
        "app.localhost:8700",
        "mc.example.com",
        "MC.example.com:443",
        "other.example.com:8443",
    ],
)
def test_names_of_loopback_and_allowed_names_are_ours(host: str) -> None:
    """An operator reaches the daemon by whatever name is local, and by each one that was configured."""
    assert host_problem(PROXIED, host) is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":",
        ":8700",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "evil.mc.example.com",
        "localhost@example.com",
        "localhost:8700@example.com",
        "example.com#localhost",
        "[::1",
        "[::2]",
        "10.0.0.1",
        "other.example.com",
        "other.example.com:8444",
        "localhost:x",
        "local host",
        "localhost\t",
        "0x7f.1",
        "0.0.0.0",
    ],
)
def test_no_other_name_is_ours(host: str | None) -> None:
    """Nothing that merely looks like a local name passes, however it is spelled."""
    assert host_problem(PROXIED, host) is not None


def test_beyond_loopback_any_name_will_do() -> None:
    """The daemon cannot know its names on a network; there the token guards it."""
    assert host_problem(GUARDED, "anything.example:1") is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8700"),
        ("http://localhost:8700", "localhost:8700"),
        ("HTTP://Localhost:8700", "localhost:8700"),
        ("http://[::1]:8700", "[::1]:8700"),
        ("https://mc.example.com", "mc.example.com"),
        ("https://mc.example.com", "mc.example.com:443"),
        ("http://mc.example.com", "mc.example.com:80"),
        ("https://pages.example.com", "localhost:8700"),
    ],
)
def test_own_and_allowed_pages_may_connect(origin: str | None, host: str) -> None:
    """The dashboard works under each of the daemon's names, and programs that are no browsers work too."""
    assert origin_problem(PROXIED, origin, host) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost:8700"),
        ("http://localhost:3000", "localhost:8700"),
        ("http://localhost", "localhost:8700"),
        ("http://127.0.0.1:8700", "localhost:8700"),
        ("null", "localhost:8700"),
        ("", "localhost:8700"),
        ("http://", None),
        ("http://", ""),
        ("file://localhost:8700", "localhost:8700"),
        ("http://pages.example.com", "localhost:8700"),
        ("https://pages.example.com:8443", "localhost:8700"),
        ("https://pages.example.com.evil.example", "localhost:8700"),
        ("http://localhost:8700.evil.example", "localhost:8700"),
    ],
)
def test_no_other_page_may_connect(origin: str, host: str | None) -> None:
    """Another page in the operator's browser, even one on another local port, has no way in; the remedy is named."""
    problem = origin_problem(PROXIED, origin, host)
    assert problem is not None
    assert "auth.allowed_origins" in problem


@pytest.mark.parametrize("path", [*API_PATHS, "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_pages_elsewhere_change_nothing(path: str, method: str) -> None:
    """Every request that could change something is refused by its Origin before anything reads it."""
    async with asking(services(access=PROXIED)) as client:
        foreign = await client.request(method, path, headers={"origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "origin_not_allowed")
        for origin in (HERE, "https://pages.example.com"):
            assert (await client.request(method, path, headers={"origin": origin})).status_code == 405


async def test_an_own_origin_does_not_excuse_a_second_one() -> None:
    """A request with several origins is as foreign as the most foreign of them."""
    async with asking(services()) as client:
        for origins in ([HERE, "https://evil.example"], ["https://evil.example", HERE]):
            answer = await client.post("/v1/feed", headers=[("origin", origin) for origin in origins])
            assert answer.status_code == 403


def test_tokens_are_compared_whole() -> None:
    """Only the very token matches; with none configured there is nothing to match."""
    assert is_operator(OPEN, None)
    assert is_operator(GUARDED, TOKEN)
    for wrong in (None, "", TOKEN.upper(), f"{TOKEN} ", TOKEN * 2, "\udcff", "ÿ"):
        assert not is_operator(GUARDED, wrong)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic x", None),
        ("Bearer x", "x"),
        ("bearer   x  ", "x"),
        ("Bearerx", None),
    ],
)
def test_the_authorization_header_is_read_as_rfc_6750_has_it(header: str | None, token: str | None) -> None:
    """A token is taken from a bearer header and from nothing else."""
    assert bearer_token(header) == token


async def test_the_files_of_the_dashboard_are_not_the_apis() -> None:
    """A file that an export puts under the API's name can neither replace it nor open it."""
    shadow = Dashboard({"index.html": b"page", "v1/agents": b"shadow", "v1/extra": b"shadow"})
    async with asking(services(access=GUARDED), shadow) as client:
        assert (await client.get("/v1/agents")).status_code == 401
        assert (await client.get("/v1/extra", headers=BEARER)).status_code == 404
