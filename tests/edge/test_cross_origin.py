"""Which pages of other origins may use the API (CORS)."""

import pytest
from attrs import evolve

from tests.edge.given import BEARER, GUARDED, asking, services

PAGE = "https://pages.example.com"
ALLOWING = evolve(GUARDED, allowed_origins=frozenset({PAGE}))


async def test_a_page_of_an_allowed_origin_may_read() -> None:
    """Its browser asks first, without the token, and then hands the answer to the page."""
    async with asking(services(access=ALLOWING)) as client:
        preflight = {"origin": PAGE, "access-control-request-method": "GET"}
        asked = await client.options(
            "/v1/agents", headers={**preflight, "access-control-request-headers": "authorization"}
        )
        answer = await client.get("/v1/agents", headers={**BEARER, "origin": PAGE})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_refusal_can_be_read_too() -> None:
    """The page learns that its token is wrong, not just that something failed."""
    async with asking(services(access=ALLOWING)) as client:
        answer = await client.get("/v1/agents", headers={"origin": PAGE})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://pages.example.com", f"{PAGE}.evil.example"])
@pytest.mark.parametrize("access", [GUARDED, ALLOWING])
async def test_no_other_page_may_read(origin: str, access: object) -> None:
    """Without the header, a browser keeps the answer from the page."""
    async with asking(services(access=access)) as client:
        answer = await client.get("/v1/agents", headers={**BEARER, "origin": origin})
        preflight = {"origin": origin, "access-control-request-method": "GET"}
        asked = await client.options("/v1/agents", headers=preflight)
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in asked.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_page_of_an_allowed_origin_may_change_things(method: str) -> None:
    """A preflight allows what the guard would let pass; whether there is such a route is another question."""
    async with asking(services(access=ALLOWING)) as client:
        preflight = {"origin": PAGE, "access-control-request-method": method}
        asked = await client.options("/v1/dead-letters/a-1", headers=preflight)
    assert asked.status_code == 200
    assert method in asked.headers["access-control-allow-methods"]


async def test_not_even_an_allowed_page_may_use_other_methods() -> None:
    """What a preflight does not allow, a browser does not send."""
    async with asking(services(access=ALLOWING)) as client:
        asked = await client.options("/v1/agents", headers={"origin": PAGE, "access-control-request-method": "PURGE"})
    assert asked.status_code == 400
