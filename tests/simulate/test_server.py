"""The simulated gateway's server: in memory under a clock that jumps, and once over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

import msgspec
import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from mission_control.gateways.transport import LinkClosed, open_link
from mission_control.simulate import Fleet, serve_simulation
from mission_control.simulate.gateway import MAX_BUFFERED_BYTES
from mission_control.simulate.server import Simulation
from tests.gateways.whole import whole
from tests.simulate.stage import START, play
from tests.simulate.test_desk import CONNECT, TOKEN, request


def clock() -> int:
    return START + round(trio.current_time() * 1000)


@asynccontextmanager
async def dialled(simulation: Simulation, *, slow: bool = False) -> AsyncIterator[WebSocketConnection]:
    """A client's connection to a simulation. A ``slow`` one takes bytes only when it reads."""
    ours, theirs = lockstep_stream_pair() if slow else memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulation.serve, theirs)
        connection = await wrap_client_stream(nursery, cast("trio.SocketStream", ours), "simulation", "/")
        yield connection
        with trio.move_on_after(1):
            await connection.aclose()
        nursery.cancel_scope.cancel()


async def receive(connection: WebSocketConnection) -> dict[str, Any]:
    frame: dict[str, Any] = msgspec.json.decode(await connection.get_message())
    return frame


async def introduce(connection: WebSocketConnection) -> None:
    """Connect; returns when the hello was received."""
    assert (await receive(connection))["event"] == "connect.challenge"
    await connection.send_message(request("connect", CONNECT).decode())
    assert (await receive(connection))["ok"]


async def closed(connection: WebSocketConnection) -> tuple[int, str | None]:
    """The code and reason of the close, whatever comes before it."""
    with suppress(ConnectionClosed):
        while True:
            await connection.get_message()
    assert connection.closed is not None
    return connection.closed.code, connection.closed.reason


async def test_a_silent_client_is_closed_after_ten_seconds(autojump_clock: MockClock) -> None:
    """The real gateway closes it with 1000 and without a word."""
    async with dialled(Simulation(Fleet(), TOKEN, clock)) as connection:
        assert await closed(connection) == (1000, None)
        assert trio.current_time() == pytest.approx(10, abs=0.1)


async def test_a_refused_client_hears_why(autojump_clock: MockClock) -> None:
    """The answer comes before the close."""
    async with dialled(Simulation(Fleet(), "another token", clock)) as connection:
        await connection.send_message(request("connect", CONNECT).decode())
        assert (await receive(connection))["event"] == "connect.challenge"
        assert not (await receive(connection))["ok"]
        code, reason = await closed(connection)
        assert code == 1008
        assert reason is not None
        assert "token mismatch" in reason


async def test_health_at_every_connect_and_presence_when_someone_leaves(autojump_clock: MockClock) -> None:
    """Everyone is told, under the gateway's one sequence."""
    simulation = Simulation(Fleet(), TOKEN, clock)
    async with dialled(simulation) as first:
        await introduce(first)
        frames = [await receive(first)]
        async with dialled(simulation) as second:
            await introduce(second)
            assert (await receive(second))["seq"] == 2
            frames.append(await receive(first))
        frames.append(await receive(first))
    assert [frame["event"] for frame in frames] == ["health", "health", "presence"]
    assert [frame["seq"] for frame in frames] == [1, 2, 3]
    assert all("stateVersion" in frame for frame in frames)


async def test_ticks_and_health_come_on_time(autojump_clock: MockClock) -> None:
    """A tick every 30 s, the health of all every 60 s."""
    simulation = Simulation(Fleet(), TOKEN, clock)
    async with trio.open_nursery() as nursery, dialled(simulation) as connection:
        await introduce(connection)
        await receive(connection)
        nursery.start_soon(simulation.tick)
        nursery.start_soon(simulation.report_health)
        told = []
        for _ in range(6):
            frame = await receive(connection)
            told.append((frame["event"], round(trio.current_time())))
        nursery.cancel_scope.cancel()
    assert sorted(told) == [("health", 60), ("health", 120), ("tick", 30), ("tick", 60), ("tick", 90), ("tick", 120)]


async def test_clients_hear_what_the_script_says(autojump_clock: MockClock) -> None:
    """Two clients get the same frames, and these are the ones that the fleet's seed decides."""
    fleet = Fleet(agents=3, seed=5)
    expected = [frame["payload"].get("message") for frame in play(fleet, 30).frames if frame["event"] == "chat"]
    simulation = Simulation(fleet, TOKEN, clock)
    heard: list[list[dict[str, Any]]] = [[], []]

    async def listen(into: list[dict[str, Any]]) -> None:
        async with dialled(simulation) as connection:
            await introduce(connection)
            with trio.move_on_at(31):
                while True:
                    into.append(await receive(connection))

    async with trio.open_nursery() as nursery:
        for into in heard:
            nursery.start_soon(listen, into)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_at(31):
            await simulation.play()
    first, second = ([frame for frame in into if frame["event"] in ("agent", "chat")] for into in heard)
    assert first == second
    texts = [frame["payload"]["message"]["content"] for frame in first if "message" in frame["payload"]]
    finals = [message["content"] for message in expected if message]
    assert finals
    assert [text for text in finals if text not in texts] == []


async def test_a_slow_consumer_is_closed(autojump_clock: MockClock) -> None:
    """A client that does not read is cut off with 1008 when too much waits for it; others are not."""
    simulation = Simulation(Fleet(agents=50, rate=50), TOKEN, clock)
    async with dialled(simulation, slow=True) as slow, dialled(simulation) as quick:
        await introduce(slow)
        await introduce(quick)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(simulation.play)
            received = 0
            while received < 2 * MAX_BUFFERED_BYTES:
                received += len(await quick.get_message())
            nursery.cancel_scope.cancel()
        assert await closed(slow) == (1008, "slow consumer")
        assert quick.closed is None


async def test_after_a_suspension_it_does_not_catch_up(mock_clock: MockClock) -> None:
    """A machine that slept for a day does not play the whole day's conversations at once."""
    simulation = Simulation(Fleet(agents=1), TOKEN, clock)
    async with trio.open_nursery() as nursery, dialled(simulation) as connection:
        await introduce(connection)
        nursery.start_soon(simulation.play)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(86_400)
        mock_clock.autojump_threshold = 0
        began = trio.current_time()
        heard = 0
        with trio.move_on_at(began + 60):
            while True:
                await connection.get_message()
                heard += 1
        assert 0 < heard < 3000
        nursery.cancel_scope.cancel()


async def test_over_a_real_socket() -> None:
    """The address and the token that are announced let a link in, and a closed link leaves the server running."""
    async with trio.open_nursery() as nursery:
        with trio.fail_after(10):
            address = await nursery.start(partial(serve_simulation, Fleet(agents=50, rate=100), clock=lambda: START))
            for _ in range(2):
                async with open_link(address.url, max_message=1 << 22) as link:
                    auth = {"auth": {"token": address.token}}
                    await link.send(request("connect", CONNECT | auth).decode())
                    seqs: list[int] = []
                    while len(seqs) < 500:
                        frames = [msgspec.json.decode(message) for message in whole(await link.receive())]
                        seqs += [frame["seq"] for frame in frames if "seq" in frame]
                    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            async with open_link(address.url, max_message=1 << 22) as link:
                assert len(await link.receive()) == 1
                await link.send("rubbish")
                with pytest.raises(LinkClosed, match="1000"):
                    await link.receive()
            async with await trio.open_tcp_stream("127.0.0.1", int(address.url.rpartition(":")[2])) as stream:
                await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
                assert b"400" in await stream.receive_some()
        nursery.cancel_scope.cancel()
