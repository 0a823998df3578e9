"""Asking for a gateway to be tried now: from the request to the daemon's own connection actor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from actors.links import LinkState
from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.edge.services import Services
from mission_control.settings import GatewaySettings, ReconnectSettings, Seconds, Secret, Settings
from mission_control.stores.memory import MemoryJournal
from mission_control.testing import clock
from runtime import ActorStopped
from tests.actors.way import TOKEN, URL, Way, leading_to_a_gateway
from tests.edge.given import asking, refused, services

LONG = Seconds(10_000)
RECONNECT = "/v1/gateways/gw/reconnect"


@frozen
class There:
    """A daemon whose way to its only gateway is shut, and a client of its API."""

    way: Way
    client: httpx.AsyncClient

    async def state(self) -> str:
        gateways = (await self.client.get("/v1/diagnostics")).json()["gateways"]
        return str(gateways[0]["state"])


@asynccontextmanager
async def daemon() -> AsyncIterator[There]:
    async def edge(given: Services) -> None:
        await given.shutdown.begun.wait()

    settings = Settings(data_dir=Path("/nowhere"), reconnect=ReconnectSettings(first_s=LONG, ceiling_s=LONG))
    gateway = GatewaySettings(url=URL, id="gw", token=Secret(TOKEN))
    async with leading_to_a_gateway() as (way, _), trio.open_nursery() as nursery:
        way.shut()
        whole = Daemon(settings, MemoryJournal(clock), [gateway], edge=edge, meter=LoopMeter(), clock=clock)
        await nursery.start(whole.run)
        await trio.sleep(1)
        async with asking(whole.services) as client:
            yield There(way, client)
        whole.stop()


async def test_a_gateway_that_is_waited_for_is_tried_now(autojump_clock: MockClock) -> None:
    """The answer says where it stood; soon after, it is connected."""
    async with daemon() as there:
        assert await there.state() == "reconnecting"
        there.way.open()
        answer = await there.client.post(RECONNECT)
        assert (answer.status_code, answer.json()) == (202, {"id": "gw", "state": "reconnecting", "attempt": 1})
        await trio.sleep(1)
        assert await there.state() == "connected"
        assert len(there.way.tried) == 2


async def test_it_may_be_repeated(autojump_clock: MockClock) -> None:
    """While it tries, and when it is connected: each time accepted, and nothing comes of it."""
    async with daemon() as there:
        there.way.open()
        for _ in range(100):
            assert (await there.client.post(RECONNECT)).status_code == 202
        await trio.sleep(1)
        answer = await there.client.post(RECONNECT)
        assert (answer.status_code, answer.json()) == (202, {"id": "gw", "state": "connected", "attempt": 0})
        await trio.sleep(60)
        assert await there.state() == "connected"
        assert len(there.way.tried) == 2


@pytest.mark.parametrize("name", ["gw2", "GW", "daemon", "%20", "x" * 500])
async def test_only_a_configured_gateway_can_be_meant(name: str) -> None:
    """The answer says where their names are, and nothing is asked of any."""
    asked: list[str] = []
    async with asking(services(gateways=lambda: {"gw": LinkState()}, reconnect=asked.append)) as client:
        problem = await refused(client, f"/v1/gateways/{name}/reconnect", "POST")
    assert (problem["status"], problem["code"]) == (404, "unknown_gateway")
    assert "GET /v1/diagnostics" in problem["detail"]
    assert len(problem["detail"]) < 300
    assert asked == []


async def test_a_gateway_that_was_not_tried_yet_can_be_asked_for() -> None:
    """Right after the start."""
    async with asking(services(gateways=lambda: {"gw": LinkState()})) as client:
        answer = await client.post(RECONNECT)
    assert (answer.status_code, answer.json()) == (202, {"id": "gw", "state": "connecting", "attempt": 0})


async def test_a_daemon_that_stops_says_so() -> None:
    """It is worth asking again: the next one is on its way."""

    def reconnect(_: str) -> None:
        raise ActorStopped("gateway gw")

    async with asking(services(reconnect=reconnect)) as client:
        answer = await client.post(RECONNECT)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "restarting", "1")
