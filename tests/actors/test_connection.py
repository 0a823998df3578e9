"""The link to a gateway: it comes back by itself, says where it stands, and says what to do when it is refused."""

from typing import Any

import trio
import trio.testing

from actors.clock import wall_clock
from actors.links import LinkState
from mission_control.core.signals import LinkDown, LinkUp
from tests.actors.connections import LARGEST, Bench, has_caught_up
from tests.actors.fake_gateway import FakeGateway


async def test_it_comes_back_by_itself_and_tells_every_step() -> None:
    async with FakeGateway().serving() as gateway, Bench(gateway.url).running() as bench:
        await bench.caught_up()
        await gateway.hang_up()
        lost = await bench.state("reconnecting")
        assert lost.previous == "connected"
        assert lost.attempt == 1
        assert isinstance(lost.retry_at, int)
        await bench.caught_up(2)
        assert bench.link.up
        assert bench.link.reconnects == 1
        await trio.testing.wait_all_tasks_blocked()
        links = [signal for signal in bench.heard if isinstance(signal, LinkUp | LinkDown)]
        assert [type(signal) for signal in links] == [LinkDown, LinkUp]
        there = ["connected", "connected"]  # and caught up
        assert [status.state for status in bench.statuses] == ["connecting", *there, "reconnecting", *there]


async def test_why_a_gateway_went_away_is_told_in_its_own_words() -> None:
    async with FakeGateway().serving() as gateway, Bench(gateway.url).running() as bench:
        await bench.state("connected")
        await gateway.say("shutdown", {"reason": "gateway stopping", "restartExpectedMs": None})
        await gateway.hang_up()
        assert (await bench.state("reconnecting")).detail == "gateway stopping"


async def test_attempts_count_up_until_one_succeeds() -> None:
    """Nothing listens: each failure is told with its number, its time for the next try and what to check."""
    async with FakeGateway().serving() as gateway:
        port = gateway.port
    async with Bench(f"ws://127.0.0.1:{port}").running() as bench:
        third = await bench.state("reconnecting", 3)
        assert third.attempt == 3
        assert str(port) in third.detail
        async with FakeGateway().serving(port):
            connected = await bench.state("connected")
            assert connected.attempt == 0


async def test_a_refusal_is_told_with_its_remedy_and_tried_again() -> None:
    class Refusing(FakeGateway):
        def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
            message = "unauthorized: gateway token mismatch (provide gateway auth token)"
            return {"type": "res", "id": asked["id"], "ok": False, "error": {"message": message}}

    async with Refusing().serving() as gateway, Bench(gateway.url).running() as bench:
        refused = await bench.state("disconnected", 2)
        assert "--gateway-token" in refused.detail


class StartingGateway(FakeGateway):
    """It is not ready for the first three who connect."""

    refused = 0

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] != "connect" or self.refused == 3:
            return super()._reply(asked)
        self.refused += 1
        error = {"code": "UNAVAILABLE", "message": "gateway starting", "retryable": True, "retryAfterMs": 100}
        return {"type": "res", "id": asked["id"], "ok": False, "error": error}


async def test_a_gateway_that_starts_is_tried_again_when_it_says() -> None:
    """That is no refusal, and no failed attempt after which to wait ever longer."""
    async with StartingGateway().serving() as gateway, Bench(gateway.url).running() as bench:
        await bench.caught_up()
        waits = [status for status in bench.statuses if status.state == "reconnecting"]
        assert [(status.attempt, status.detail) for status in waits] == [(0, "gateway starting")] * 3
        assert "disconnected" not in [status.state for status in bench.statuses]


async def test_it_is_told_until_when_something_may_be_missing() -> None:
    """From the connection on, until the agents have handed on all that was brought in. What a lost connection cuts off
    stays missing."""
    async with FakeGateway(("alpha", "bravo")).serving() as gateway, Bench(gateway.url).running() as bench:
        bench.gate = trio.Event()
        first = await bench.state("connected")
        assert isinstance(first.missing_since, int)
        await trio.testing.wait_all_tasks_blocked()
        await gateway.hang_up()
        lost = await bench.state("reconnecting")
        assert lost.missing_since == first.missing_since
        bench.gate.set()
        again = await bench.state("connected", 2)
        assert isinstance(again.missing_since, int)
        await bench.caught_up()
        assert len([status for status in bench.statuses if has_caught_up(status)]) == 1


async def test_when_a_gateway_was_last_heard_outlives_who_has_heard_it() -> None:
    """A daemon that was killed as soon as it was connected, and again before it was, asks for what it missed."""
    async with FakeGateway(agents=("alpha",)).serving() as gateway:
        async with Bench(gateway.url).running() as bench:
            heard = (await bench.state("connected")).last_event_at
            assert isinstance(heard, int)
        async with Bench("ws://127.0.0.1:9", journal=bench.journal).running() as second:
            assert (await second.state("connecting")).last_event_at == heard
            assert (await second.state("reconnecting", 2)).last_event_at == heard


async def test_a_successor_waits_until_what_was_heard_is_committed() -> None:
    """It goes on from the journal: what is not there yet it would take for missed, or for never begun."""
    async with FakeGateway().serving() as gateway:
        bench = Bench(gateway.url)
        bench.disk = trio.Event()
        async with bench.running():
            await trio.testing.wait_all_tasks_blocked()
            assert bench.statuses == []
            bench.disk.set()
            await bench.caught_up()


async def test_a_message_that_is_too_large_costs_itself_alone() -> None:
    """The connection goes on, with no loop of reconnects over one history; what was in it is brought in like any
    frame that is missing."""
    async with FakeGateway().serving() as gateway, Bench(gateway.url).running() as bench:
        await bench.caught_up()
        await gateway.say("tick", {})
        await gateway.say("presence", {"text": "x" * LARGEST})
        await gateway.say("tick", {})
        missing = await bench.state("connected", 2)
        assert missing.missing_since is not None
        await bench.caught_up(2)
        assert {status.state for status in bench.statuses} == {"connecting", "connected"}
    [kept] = bench.link.record.odd.kept()
    assert (kept.oddness, bench.link.record.statistics().oversized_frames) == ("oversized", 1)
    assert kept.sample.startswith('{"type":"event","event":"presence","payload":{"text":"<')


class Fragmenting(FakeGateway):
    """It sends what is larger than we take in pieces, as no gateway was seen to."""

    async def say_in_pieces(self) -> None:
        for connection in list(self.connections):
            await connection._stream.send_all(b"\x01\x7e\xff\xff" + b"x" * 65_535)
            await connection._stream.send_all(b"\x80\x7e\xff\xff" + b"x" * 65_535)


async def test_what_ends_the_connection_is_told_as_the_gateways_doing() -> None:
    """It is we who close then. The reason says what the gateway sent, and it is kept."""
    gateway = Fragmenting()
    async with gateway.serving(), Bench(gateway.url).running() as bench:
        await bench.caught_up()
        await gateway.say_in_pieces()
        lost = await bench.state("reconnecting")
        assert lost.detail == (
            "the connection was closed because of what the gateway sent: "
            "1009 Exceeded maximum message size: 100000 bytes"
        )
        await bench.caught_up(2)
    assert [kept.why for kept in bench.link.record.odd.kept()] == ["1009 Exceeded maximum message size: 100000 bytes"]


async def test_the_link_tells_how_it_stands() -> None:
    """What was last journaled of it, since when it is so, and what was negotiated."""
    async with FakeGateway().serving() as gateway, Bench(gateway.url).running() as bench:
        done = await bench.caught_up()
        assert bench.link.told == done
        assert bench.link.protocol == 3
        assert 0 < bench.link.told_at <= wall_clock()
        since = bench.link.told_at
        await gateway.hang_up()
        await bench.state("reconnecting")
        assert bench.link.told_at >= since
    assert bench.link.record.asked.totals["connect"] == bench.link.record.asked.totals["sessions.list"]


async def test_what_was_odd_is_there_after_a_crash() -> None:
    """What made an actor crash is what one wants to see then."""
    link = LinkState()
    async with FakeGateway().serving() as gateway:
        for times in (1, 2):
            async with Bench(gateway.url, link=link).running() as bench:
                await bench.caught_up()
                await gateway.say("voicewake.changed", {})
                await gateway.hang_up()
                await bench.state("reconnecting")
                assert [(kept.why, kept.count) for kept in link.record.odd.kept()] == [
                    ("unknown event: voicewake.changed", times)
                ]
