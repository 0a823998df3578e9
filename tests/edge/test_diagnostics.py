"""How the gateways are, over HTTP: what their links and their record know, from memory alone."""

from typing import Any

import msgspec
import pytest
from attrs import evolve

from actors.links import LinkState
from mission_control import __version__
from mission_control.core.diagnostic_views import DiagnosticsView, OddFrameView, RequestsView
from mission_control.core.events import Status
from mission_control.gateways.record import Record
from mission_control.stores.memory import MemoryJournal
from tests.edge.given import BEARER, GUARDED, asking, refused, services
from tests.stores.samples import FakeClock

MINUTE_MS = 60_000


def link(now: int) -> LinkState:
    """One that is connected, was asked something two hours ago and now, and got something odd."""
    record = Record(repeated=3, missing=4)
    record.asked.note("chat.history", now - 120 * MINUTE_MS)
    record.asked.note("chat.history", now - 59 * MINUTE_MS)
    record.asked.note("connect", now - 120 * MINUTE_MS)
    record.odd.note_unknown("event", "foo", b'{"type":"event","event":"foo","payload":{"text":"hello"}}', now - 5)
    told = Status(
        "gateway",
        "gw",
        "connected",
        "gateway 1 on host, protocol 3",
        kind="clawdbot",
        attempt=0,
        retry_at=None,
        last_event_at=now - 7,
        missing_since=None,
    )
    return LinkState(
        True,
        reconnects=2,
        warnings=("set the clock",),
        protocol=3,
        scopes=["operator.read"],
        told=told,
        told_at=now - 9,
        record=record,
    )


async def test_everything_that_is_known_of_a_gateway_is_told() -> None:
    """Its state, what was negotiated, what was asked of it within the hour, and what it said that was odd."""
    clock = FakeClock()
    now = clock()
    given = services(clock=clock, gateways=lambda: {"gw": link(now)}, unready=lambda: ("the disk is full",))
    async with asking(given) as client:
        answer = await client.get("/v1/diagnostics")
    view = msgspec.json.decode(answer.content, type=DiagnosticsView)
    assert (view.time, view.version, view.source, view.unready) == (now, __version__, "live", ("the disk is full",))
    assert view.instance == given.instance
    (gateway,) = view.gateways
    assert (gateway.id, gateway.kind, gateway.state, gateway.since) == ("gw", "clawdbot", "connected", now - 9)
    assert (gateway.protocol, gateway.scopes, gateway.warnings) == (3, ("operator.read",), ("set the clock",))
    assert (gateway.reconnects, gateway.last_event_at) == (2, now - 7)
    assert gateway.requests == {"chat.history": RequestsView(2, 1), "connect": RequestsView(1, 0)}
    frames: dict[str, Any] = msgspec.to_builtins(gateway.frames)
    assert frames == {"unknown": 1, "malformed": 0, "oversized": 0, "repeated": 3, "missing": 4}
    sample = '{"type":"event","event":"foo","payload":{"text":"<5 characters>"}}'
    (odd,) = gateway.odd_frames
    assert odd == OddFrameView("unknown", "unknown event: foo", 1, now - 5, now - 5, 57, sample)


async def test_a_gateway_that_was_not_tried_yet_is_there() -> None:
    """Right after the start, too, each configured gateway is in the answer."""
    async with asking(services(gateways=lambda: {"gw": LinkState()})) as client:
        view = msgspec.json.decode((await client.get("/v1/diagnostics")).content, type=DiagnosticsView)
    (gateway,) = view.gateways
    assert (gateway.state, gateway.protocol, gateway.odd_frames) == ("connecting", None, ())
    assert gateway.detail == "not connected to its gateway yet"


async def test_a_journal_that_hangs_does_not_hold_it_up() -> None:
    """It is asked when something is wrong."""

    class Dead(MemoryJournal):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError("nobody asks the journal")

    given = evolve(services(), journal=Dead.__new__(Dead))
    async with asking(given) as client:
        assert (await client.get("/v1/diagnostics")).status_code == 200


async def test_only_the_operator_is_told() -> None:
    async with asking(services(access=GUARDED)) as client:
        problem = await refused(client, "/v1/diagnostics")
        assert (problem["status"], problem["code"]) == (401, "unauthenticated")
        assert (await client.get("/v1/diagnostics", headers=BEARER)).status_code == 200


@pytest.mark.parametrize(("method", "query", "status"), [("GET", "?gateway=gw", 400), ("POST", "", 405)])
async def test_what_it_does_not_know_it_refuses(method: str, query: str, status: int) -> None:
    async with asking(services()) as client:
        assert (await refused(client, "/v1/diagnostics" + query, method))["status"] == status
