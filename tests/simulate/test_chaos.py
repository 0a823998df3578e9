"""The simulated gateway with faults, on a clock that jumps: outages, equal seeds, and that it ends in order."""

import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from attrs import Factory, define
from trio.testing import MockClock
from trio_websocket import ConnectionClosed

from mission_control.settings import Address
from mission_control.simulate.faults import Faults
from mission_control.simulate.fleet import Dialect, Fleet
from mission_control.simulate.kit import run_kit
from mission_control.simulate.plan import Plan
from mission_control.simulate.server import Simulation
from mission_control.simulate.sockets import Door
from mission_control.truth import Cut, Envelope, Message, Record, Restart, Run, read_truth
from tests.simulate.stage import START
from tests.simulate.test_desk import CONNECT, TOKEN, request
from tests.simulate.test_server import clock, dialled

FLEET = Fleet(agents=4, rate=20, seed=5)


@define
class Client:
    """One that comes back whenever it is cut, and keeps what it hears."""

    heard: list[str | bytes] = Factory(list)
    ends: list[int | None] = Factory(list)
    """The close code of each connection that ended; None for one without a close frame."""
    uptimes: list[int] = Factory(list)

    async def follow(self, simulation: Simulation) -> None:
        while True:
            async with dialled(simulation) as connection:
                try:
                    await connection.send_message(request("connect", CONNECT).decode())
                    while True:
                        self._note(await connection.get_message())
                except ConnectionClosed as closed:
                    self.ends.append(
                        None if closed.reason is None or closed.reason.code == 1006 else closed.reason.code
                    )
            await trio.sleep(0.1)

    def _note(self, message: str | bytes) -> None:
        self.heard.append(message)
        if '"hello-ok"' in str(message):
            self.uptimes.append(msgspec.json.decode(message)["payload"]["snapshot"]["uptimeMs"])

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The event frames that can be read."""
        found = []
        for message in self.heard:
            with suppress(msgspec.DecodeError):
                frame = msgspec.json.decode(message)
                if isinstance(frame, dict) and "seq" in frame:
                    found.append(frame)
        return found


async def watched(
    faults: str,
    seconds: float,
    records: list[Record] | None = None,
    fleet: Fleet = FLEET,
    dialect: Dialect = "clawdbot",
) -> Client:
    """A client's view of a simulation with faults, for some time."""
    witness = (lambda record: None) if records is None else records.append
    simulation = Simulation(fleet, TOKEN, clock, Faults.parse(faults), witness, dialect)
    client, door = Client(), Door(Address("127.0.0.1", 0))
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.follow, simulation)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(simulation.keep_time)
            nursery.start_soon(simulation.play)
            if Faults.parse(faults).disconnect:
                nursery.start_soon(simulation.cut_now_and_then)
            if Faults.parse(faults).restart:
                nursery.start_soon(simulation.restart_now_and_then, door)
    return client


def test_equal_seeds_send_the_same_bytes() -> None:
    """Two servers with all kinds of faults are the same to the byte; another seed is not."""
    faults = "drop=0.05,dup=0.05,reorder=0.05,truncate=0.05,garbage=0.05,delay=30ms,stall=500ms"

    def heard(seed: int) -> list[str | bytes]:
        fleet = Fleet(agents=4, rate=20, seed=seed)
        return trio.run(watched, faults, 10, None, fleet, clock=MockClock(autojump_threshold=0)).heard

    first = heard(7)
    assert len(first) > 500
    assert heard(7) == first
    assert heard(8) != first


async def test_a_dropped_frame_has_used_its_number(autojump_clock: MockClock) -> None:
    """So a client can tell that it missed one."""
    client = await watched("drop=0.1", 10)
    seqs = [frame["seq"] for frame in client.frames]
    missing = set(range(seqs[0], seqs[-1] + 1)) - set(seqs)
    assert 0.05 < len(missing) / (seqs[-1] - seqs[0]) < 0.15


async def test_all_connections_are_cut_now_and_then(autojump_clock: MockClock) -> None:
    """About as often as asked, with and without a close frame; the gateway goes on, and so do its numbers."""
    records: list[Record] = []
    client = await watched("disconnect=2s", 30, records)
    cuts = [record for record in records if isinstance(record, Cut)]
    assert 10 < len(cuts) < 23
    assert client.ends == [None if cut.how == "abrupt" else 1001 for cut in cuts]
    assert {cut.how for cut in cuts} == {"abrupt", "closed"}
    assert client.uptimes == sorted(client.uptimes)
    seqs = [frame["seq"] for frame in client.frames]
    assert seqs == sorted(set(seqs))


async def test_a_restart_takes_runs_with_it_and_numbers_begin_anew(autojump_clock: MockClock) -> None:
    """Half of the time it is announced. History is kept; what was being said is lost, and the truth has it."""
    records: list[Record] = []
    client = await watched("restart=3s", 23, records)
    restarts = [record for record in records if isinstance(record, Restart)]
    assert 3 < len(restarts) < 11
    assert len(client.uptimes) == len(restarts) + 1
    assert all(uptime < 1500 for uptime in client.uptimes[1:])
    announced = [frame for frame in client.frames if frame["event"] == "shutdown"]
    assert len(announced) == sum(restart.how == "announced" for restart in restarts)
    assert client.ends.count(1012) == len(announced)
    assert len(lives(client)) == len(restarts) + 1
    lost = [record for record in records if isinstance(record, Message) and record.state == "lost"]
    assert {record.ended for record in lost if record.role == "assistant"} <= {restart.at for restart in restarts}
    assert {run.ended for run in records if isinstance(run, Run) and run.outcome == "lost"} == {
        restart.at for restart in restarts
    }


async def test_after_a_restart_nothing_goes_on_that_was_before_it(autojump_clock: MockClock) -> None:
    """No frame is about a run of an earlier life."""
    records: list[Record] = []
    client = await watched("restart=3s", 18, records)
    runs = [{frame["payload"]["runId"] for frame in life if frame["event"] == "agent"} for life in lives(client)]
    assert len(runs) > 3
    assert all(not one & other for index, one in enumerate(runs) for other in runs[index + 1 :])


def lives(client: Client) -> list[list[dict[str, Any]]]:
    """What was heard of each life of the gateway's process: numbers start over."""
    found: list[list[dict[str, Any]]] = [[]]
    for frame in client.frames:
        if found[-1] and frame["seq"] <= found[-1][-1]["seq"]:
            found.append([])
        found[-1].append(frame)
    return found


@pytest.mark.parametrize("dialect", ["clawdbot", "envelope"])
async def test_nothing_happens_while_the_gateway_is_away(autojump_clock: MockClock, dialect: Dialect) -> None:
    """A new process begins with new runs, and none before it is there."""
    records: list[Record] = []
    await watched("restart=3s", 23, records, dialect=dialect)
    restarts = [record for record in records if isinstance(record, Restart)]
    happened = [record for record in records if isinstance(record, Run | Envelope)]
    begins = [record.began if isinstance(record, Run) else record.timestamp for record in happened]
    assert len(restarts) > 3
    assert not [at for at in begins for restart in restarts if restart.at < at < restart.until]
    firsts = [record for record in happened if isinstance(record, Envelope) and record.sequence == 1]
    assert {record.payload["kind"] for record in firsts} <= {"run.started"}


async def test_a_stalled_client_is_not_taken_for_a_slow_one(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much waits for the end of a stall."""
    monkeypatch.setattr("mission_control.simulate.server.MAX_BUFFERED_BYTES", 10_000)
    client = await watched("stall=2s", 20)
    assert len(client.heard) > 1000
    assert client.ends == []
    assert len(client.uptimes) == 1


async def test_the_end_comes_in_order(autojump_clock: MockClock) -> None:
    """Every run is brought to its end, all of it arrives whatever the faults, and a tick shows what is missing."""
    records: list[Record] = []
    simulation = Simulation(FLEET, TOKEN, clock, Faults.parse("drop=0.2,reorder=0.2,delay=1s"), records.append)
    client = Client()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.follow, simulation)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(simulation.keep_time)
        with trio.move_on_after(5):
            await simulation.play()
        simulation.conclude()
        await simulation.wait_quiet(1)
        nursery.cancel_scope.cancel()
    finished = [run.run for run in records if isinstance(run, Run) and run.ended == START + 5000]
    assert len(finished) == FLEET.agents
    ends = {frame["payload"]["runId"] for frame in client.frames if frame["payload"].get("state") == "final"}
    assert set(finished) <= ends
    assert client.frames[-1]["event"] == "tick"


async def test_the_same_port_is_listened_at_again() -> None:
    """A door that was shut refuses, and one that is open again lets in at the same address."""
    served: list[trio.SocketStream] = []

    async def serve(stream: trio.SocketStream) -> None:
        served.append(stream)

    door = Door(Address("127.0.0.1", 0))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(door.serve, serve))
        port = int(url.rpartition(":")[2])
        await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
        door.shut()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(OSError, match=r"127\.0\.0\.1"):
            await trio.open_tcp_stream("127.0.0.1", port)
        door.open()
        await trio.testing.wait_all_tasks_blocked()
        await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
        nursery.cancel_scope.cancel()


def test_a_taken_address_is_told_before_anything_is_written(tmp_path: Path) -> None:
    """Nobody waits for a gateway that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        plan = Plan(FLEET, Faults(), address, 1.0, tmp_path / "truth.jsonl")
        with pytest.raises(BaseExceptionGroup):
            run_kit(plan, TOKEN, lambda: START, lambda url: None)
    assert read_truth(plan.truth or Path()).records == ()
