"""Who may change something: the operator, and no page but the operator's own."""

import pytest
from attrs import define, evolve

from mission_control.edge.services import Access, Services
from runtime import DeadLetter
from tests.edge.given import BEARER, FAILURE, GUARDED, HERE, OPEN, TOKEN, asking, refused, services

PAGE = "https://pages.example.com"
ACTIONS = [
    ("POST", "/v1/dead-letters/abc-1/retry"),
    ("DELETE", "/v1/dead-letters/abc-1"),
    ("POST", "/v1/gateways/gw/reconnect"),
]


@define
class Touched:
    """Services that note what is done: to their one dead letter, and to the gateway ``gw``."""

    access: Access
    acts: list[int | str]

    def services(self) -> Services:
        letter = DeadLetter(1, "root/a", "Signal(…)", FAILURE, 0.0)
        return services(
            access=self.access,
            dead_letters=lambda: (letter,),
            retry=self.acts.append,
            discard=self.acts.append,
            reconnect=self.acts.append,
            instance="abc",
        )


@pytest.mark.parametrize(("method", "path"), ACTIONS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"origin": "https://evil.example"}, 403),
        ({**BEARER, "origin": "https://evil.example"}, 403),
        ({**BEARER, "origin": "null"}, 403),
        ({**BEARER, "origin": f"{PAGE}.evil.example"}, 403),
    ],
)
async def test_nobody_else_may_act(method: str, path: str, headers: dict[str, str], status: int) -> None:
    """Neither who has no token, nor a foreign page that a browser lends the operator's own connection."""
    there = Touched(evolve(GUARDED, allowed_origins=frozenset({PAGE})), [])
    async with asking(there.services()) as client:
        answer = await client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert there.acts == []


@pytest.mark.parametrize(("method", "path"), ACTIONS)
async def test_without_a_token_a_foreign_page_may_not_act_either(method: str, path: str) -> None:
    """A daemon on loopback that asks for no token is still not at the mercy of any page that is open beside it."""
    there = Touched(OPEN, [])
    async with asking(there.services()) as client:
        for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 403
    assert there.acts == []


@pytest.mark.parametrize(("method", "path"), ACTIONS)
@pytest.mark.parametrize("origin", [None, HERE, PAGE])
async def test_the_operator_may(method: str, path: str, origin: str | None) -> None:
    """With the token: a program, the dashboard's own page, and a page of an allowed origin after its preflight."""
    there = Touched(evolve(GUARDED, allowed_origins=frozenset({PAGE})), [])
    headers = BEARER if origin is None else {**BEARER, "origin": origin}
    async with asking(there.services()) as client:
        if origin == PAGE:
            preflight = {"access-control-request-method": method, "access-control-request-headers": "authorization"}
            asked = await client.options(path, headers={"origin": PAGE, **preflight})
            assert asked.status_code == 200
            assert method in asked.headers["access-control-allow-methods"]
        answer = await client.request(method, path, headers=headers)
    assert answer.is_success
    assert answer.headers.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)
    assert len(there.acts) == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/dead-letters/abc-1", "DELETE"),
        ("POST", "/v1/dead-letters/abc-1", "DELETE"),
        ("GET", "/v1/dead-letters/abc-1/retry", "POST"),
        ("DELETE", "/v1/dead-letters/abc-1/retry", "POST"),
        ("POST", "/v1/actors", "GET, HEAD"),
        ("GET", "/v1/gateways/gw/reconnect", "POST"),
        ("DELETE", "/v1/gateways/gw/reconnect", "POST"),
    ],
)
async def test_another_method_does_nothing(method: str, path: str, allowed: str) -> None:
    """Least of all GET, which browsers and crawlers send unasked."""
    there = Touched(OPEN, [])
    async with asking(there.services()) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert there.acts == []


@pytest.mark.parametrize(("method", "path"), ACTIONS)
async def test_a_parameter_is_refused(method: str, path: str) -> None:
    """Whoever writes ``?all=true`` learns that there is no such thing, and has done nothing."""
    there = Touched(OPEN, [])
    async with asking(there.services()) as client:
        problem = await refused(client, path + "?all=true", method)
    assert (problem["status"], problem["parameter"]) == (400, "all")
    assert there.acts == []
