"""Who has mended something need not wait: a connection that waits for its next attempt tries at once when asked to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection import OPEN_SECONDS, Retry
from mission_control.core.events import Status
from mission_control.simulate.server import Simulation
from mission_control.testing import clock
from tests.actors.connections import Bench
from tests.actors.way import TOKEN, URL, Way, leading_to_a_gateway

LONG = 10_000.0
"""Bound of the wait between two attempts, in seconds: longer than any test lasts."""


@frozen
class There:
    way: Way
    gateway: Simulation
    bench: Bench

    def ask(self) -> None:
        self.bench.inbox.tell(Retry())

    def told(self) -> list[Status]:
        return list(self.bench.statuses)


@asynccontextmanager
async def connecting(*, token: str = TOKEN, shut: bool = True, room: int = 1_024) -> AsyncIterator[There]:
    """A connection actor before a way that is ``shut`` or not; ``room`` is the writer's."""
    async with leading_to_a_gateway(token) as (way, gateway):
        if shut:
            way.shut()
        bench = Bench(URL, first=LONG, ceiling=LONG, clock=clock, room=room)
        async with bench.running():
            yield There(way, gateway, bench)


async def test_it_tries_at_once(autojump_clock: MockClock) -> None:
    """And says so: the time that it has told for the next attempt does not hold any more, all else does."""
    async with connecting() as there:
        waiting = await there.bench.state("reconnecting")
        assert isinstance(waiting.retry_at, int)
        there.way.open()
        there.ask()
        trying = await there.bench.state("reconnecting", 2)
        assert (trying.attempt, trying.retry_at, trying.detail) == (1, None, waiting.detail)
        assert (await there.bench.caught_up()).attempt == 0
        assert len(there.way.tried) == 2
        assert there.way.tried[1] == there.way.tried[0]


async def test_what_fails_again_is_waited_for_as_ever(autojump_clock: MockClock) -> None:
    """It counts as an attempt, and the next one comes by itself."""
    async with connecting() as there:
        for attempt in (1, 2, 3):
            waiting = await there.bench.state("reconnecting", 2 * attempt - 1)
            assert waiting.attempt == attempt
            assert isinstance(waiting.retry_at, int)
            there.ask()
        await trio.sleep(10)
        assert len(there.way.tried) == 4


async def test_a_refused_connection_is_tried_at_once_too(autojump_clock: MockClock) -> None:
    """The token was mended at the gateway's side."""
    async with connecting(token="another", shut=False) as there:
        refused = await there.bench.state("disconnected")
        there.ask()
        trying = await there.bench.state("disconnected", 2)
        assert (trying.attempt, trying.retry_at, trying.detail) == (1, None, refused.detail)
        assert (await there.bench.state("disconnected", 3)).attempt == 2
        assert len(there.way.tried) == 2


async def test_while_it_tries_nothing_changes(autojump_clock: MockClock) -> None:
    """No second attempt beside the first, and none that is saved up for the wait after it."""
    async with connecting() as there:
        there.way.endless = True
        await there.bench.state("connecting")
        for _ in range(3):
            there.ask()
        await trio.sleep(OPEN_SECONDS - 1)
        assert len(there.told()) == 1
        await there.bench.state("reconnecting")
        await trio.sleep(5)
        assert len(there.way.tried) == 1


async def test_while_it_is_connected_nothing_changes(autojump_clock: MockClock) -> None:
    """Neither the connection, nor what comes when it is lost."""
    async with connecting(shut=False) as there:
        await there.bench.caught_up()
        before = there.told()
        for _ in range(3):
            there.ask()
        await trio.sleep(1)
        assert there.told() == before
        there.way.shut()
        there.gateway.cut(abrupt=True)
        await there.bench.state("reconnecting")
        await trio.sleep(5)
        assert len(there.way.tried) == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_who_asks_before_the_wait_has_begun_is_heard(autojump_clock: MockClock, times: int) -> None:
    """That the attempt has failed can be told before the writer has taken it: whoever acts on it is not passed over."""
    async with connecting(room=1) as there:
        there.bench.writer = trio.Event()
        await wait_all_tasks_blocked()
        assert there.bench.link.status("gw").state == "reconnecting"
        there.way.open()
        for _ in range(times):
            there.ask()
        await wait_all_tasks_blocked()
        there.bench.writer.set()
        await there.bench.caught_up()
        assert len(there.way.tried) == 2
        assert there.way.tried[1] == there.way.tried[0]
