"""Gateways greeted over real sockets: who is there, what was granted, why not, and nothing else is asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from mission_control.discovery import Choice
from mission_control.doctor import gateways
from mission_control.doctor.findings import Finding
from mission_control.doctor.gateways import chosen, greet
from mission_control.settings import GatewaySettings, Secret
from tests.actors.fake_gateway import FakeGateway
from tests.gateways.raw_server import Peer, serving


class Answering(FakeGateway):
    """It answers ``connect`` as it is told, and remembers what it was asked."""

    def __init__(self, error: dict[str, Any] | None = None, **hello: Any) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self._error = error
        self._hello = hello

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        reply = super()._reply(asked)
        if self._error is not None:
            return {**reply, "ok": False, "error": self._error}
        return {**reply, "payload": {**reply["payload"], **self._hello}}


async def greeted(gateway: FakeGateway) -> list[Finding]:
    async with gateway.serving():
        with trio.fail_after(20):
            return await greet(GatewaySettings(url=gateway.url, id="gw", token=Secret("hidden-token")))


@pytest.mark.parametrize("protocol", [3, 4])
async def test_a_gateway_is_greeted_and_nothing_is_asked_of_it(protocol: int) -> None:
    """Which version it is, which protocol is spoken, and what we may do there."""
    server = {"version": "2026.1", "host": "desk", "bootId": "b"}
    gateway = Answering(protocol=protocol, server=server, auth={"scopes": ["operator.read"]})
    found = await greeted(gateway)
    text = f"gateway 2026.1 on desk, protocol {protocol}, granted operator.read"
    assert found == [Finding("ok", "gateway gw", text)]
    assert [asked["method"] for asked in gateway.asked] == ["connect"]
    assert gateway.asked[0]["params"]["client"]["instanceId"] == "mission-control-doctor"


async def test_a_gateway_that_grants_too_little_is_warned_of() -> None:
    """It would connect, and show nothing."""
    ok, warning = await greeted(Answering(protocol=4, auth={"scopes": []}))
    assert ok.text.endswith("granted nothing")
    assert (warning.level, "not operator.read" in warning.text) == ("warning", True)
    assert "SSH tunnel" in warning.remedy


@pytest.mark.parametrize(
    ("error", "level", "text", "remedy"),
    [
        ({"message": "unauthorized: gateway token mismatch"}, "problem", "token mismatch", "--gateway-token"),
        ({"message": "protocol mismatch"}, "problem", "protocol mismatch", "matching version"),
        (
            {"code": "UNAVAILABLE", "message": "gateway starting", "retryAfterMs": 500},
            "warning",
            "not ready: gateway starting",
            "again in 0.5 s",
        ),
    ],
)
async def test_a_refusal_has_the_daemons_own_remedy(error: dict[str, Any], level: str, text: str, remedy: str) -> None:
    (found,) = await greeted(Answering(error))
    assert (found.level, text in found.text, remedy in found.remedy) == (level, True, True)
    assert "hidden-token" not in str(found)


async def test_a_gateway_with_another_protocol_is_a_problem() -> None:
    (found,) = await greeted(Answering(protocol=9))
    assert (found.level, "gateway wants 9" in found.remedy) == ("problem", True)


async def test_nothing_listens() -> None:
    (found,) = await greet(GatewaySettings(url="ws://127.0.0.1:1"))
    assert found.level == "problem"
    assert found.text == "nothing listens on 127.0.0.1:1"
    assert found.remedy.startswith("start the gateway there")


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """It opens a WebSocket and says nothing."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.next_event()

    async with serving(handler) as port:
        yield port


async def test_one_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "PATIENCE_S", 0.1)
    async with silent() as port:
        with trio.fail_after(20):
            (found,) = await greet(GatewaySettings(url=f"ws://127.0.0.1:{port}"))
    assert (found.level, found.text.startswith("no answer")) == ("problem", True)


async def test_one_that_hangs_up_is_a_problem() -> None:
    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.close(1008, "go away")

    async with serving(handler) as port:
        with trio.fail_after(20):
            (found,) = await greet(GatewaySettings(url=f"ws://127.0.0.1:{port}"))
    assert (found.level, found.text) == ("problem", "it ended the connection while being greeted: 1008 go away")


@pytest.mark.parametrize(
    ("frame", "level", "text"),
    [
        ({"op": "welcome", "resume": True}, "ok", "a source of events that resumes where it was left"),
        ({"op": "error", "message": "wrong token"}, "problem", "wrong token"),
    ],
)
async def test_a_source_of_our_own_envelope_is_greeted_too(frame: dict[str, Any], level: str, text: str) -> None:
    heard: list[Any] = []

    async def handler(peer: Peer) -> None:
        await peer.accept()
        heard.append(await peer.next_event())
        await peer.stream.send_all(bytes([0x81, len(json.dumps(frame))]) + json.dumps(frame).encode())
        while await peer.next_event() is not None:
            pass

    async with serving(handler) as port:
        with trio.fail_after(20):
            (found,) = await greet(GatewaySettings(url=f"ws://127.0.0.1:{port}", kind="envelope", token=Secret("t")))
    assert (found.level, found.text) == (level, text)
    assert json.loads(heard[0].data) == {"op": "hello", "resume": {}, "boots": {}, "token": "t"}


def test_what_a_start_would_show_is_told() -> None:
    """A simulation that nobody asked for is a warning: somebody wants to see a gateway."""
    simulated = Choice((), 5, "no gateway is configured", ("the token is kept elsewhere; give it with --x",))
    warning, shown = chosen(simulated, asked_for=False)
    assert (warning.level, warning.remedy) == ("warning", "give it with --x")
    assert (shown.level, "--gateway" in shown.remedy) == ("warning", True)
    assert [found.level for found in chosen(Choice((), 5, "asked for"), asked_for=True)] == ["ok"]
    assert list(chosen(Choice((GatewaySettings(url="ws://a"),), 0, "configured"), asked_for=True)) == []
