"""Twenty ways to follow a daemon: some stay, some come and go, some stall, some change their mind about the filter."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, TypeAlias

import h11
import trio
from attrs import define, field

from mission_control.client import Backoff, Jump, subscribe
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.gateways.transport import LinkClosed, LinkFailed
from tests.chaos.following import Following, written
from tests.chaos.record import Record
from tests.edge.transports import (
    Frames,
    OverSse,
    OverWebSocket,
    StreamEndedError,
    Transport,
    WebSocketFrames,
)

GONE = (
    OSError,
    trio.BrokenResourceError,
    trio.TooSlowError,
    LinkClosed,
    LinkFailed,
    StreamEndedError,
    h11.RemoteProtocolError,
)
"""How a connection to a daemon may end that is killed, or not there."""
SILENCE_S = 25.0
"""Who has heard nothing for two ping intervals and a little should connect anew."""

Follow: TypeAlias = Callable[[], Awaitable[None]]


@define
class Habits:
    """What a subscriber does besides listening. Times in s; each is drawn anew, up to twice as long.

    ``stays``: how long it keeps a connection, ``away``: how long it is gone then; ``stalls``: how long it reads
    nothing, about every ``stays`` s; ``filters``: those that it changes between when it comes back or, with a
    WebSocket, in the middle.
    """

    stays: float = 3600.0
    away: float = 0.1
    stalls: float = 0.0
    filters: tuple[Filter, ...] = (EVERYTHING,)


@define
class Visitor:
    """Speaks the protocol by itself, so that it can do what no well-behaved client does."""

    record: Record
    port: int
    transport: Transport
    habits: Habits
    rng: Random
    _following: Following = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._following = Following(self.record, self.habits.filters[0])

    async def follow(self) -> None:
        """For ever."""
        while True:
            with suppress(*GONE):  # it was killed, or is not there yet: come again
                await self._visit()
            await trio.sleep(self._about(self.habits.away))
            self._following = Following(self.record, self.rng.choice(self.habits.filters))

    async def _visit(self) -> None:
        with trio.fail_after(SILENCE_S) as patience:
            async with self.transport.open(self.port, written(self._following.select), self.record.cursor) as frames:
                patience.deadline = float("inf")
                self.record.connections += 1
                with trio.move_on_after(self._about(self.habits.stays)):
                    await self._listen(frames)
                patience.deadline = trio.current_time() + SILENCE_S

    async def _listen(self, frames: Frames) -> None:
        pause_at = trio.current_time() + self._about(self.habits.stays)
        while True:
            with trio.fail_after(SILENCE_S):
                text = await frames.take()
            self._following.take(text)
            if self.habits.stalls and trio.current_time() >= pause_at:
                await trio.sleep(self._about(self.habits.stalls))
                pause_at = trio.current_time() + self._about(self.habits.stays)
            if len(self.habits.filters) > 1 and isinstance(frames, WebSocketFrames) and self.rng.random() < 0.02:
                await self._ask(frames, self.rng.choice(self.habits.filters))

    async def _ask(self, frames: WebSocketFrames, select: Filter) -> None:
        """For another filter; the next one when this one is there."""
        if self._following.asked is None:
            self._following.asked = select
            await frames.link.send(json.dumps({"op": "filter", "filter": written(select)}))

    def _about(self, seconds: float) -> float:
        return seconds * self.rng.uniform(0.1, 2.0)


@define
class Client:
    """Follows with the Python client, which connects again and resumes by itself."""

    record: Record
    port: int
    filters: tuple[Filter, ...]
    rng: Random

    async def follow(self) -> None:
        """For ever."""

        def on_jump(jump: Jump) -> None:
            self.record.jumped(jump.reason)
            self.record.begin(jump.after, stream.filter)

        url = f"ws://127.0.0.1:{self.port}/v1/stream"
        first = self.filters[0]
        backoff = Backoff(first=0.1, ceiling=1.0)
        async with (
            trio.open_nursery() as nursery,
            subscribe(url, filter=first, backoff=backoff, rng=self.rng, on_jump=on_jump) as stream,
        ):
            if len(self.filters) > 1:
                nursery.start_soon(self._change, stream)
            nursery.start_soon(self._note_position, stream)
            async for event in stream:
                if event.offset is not None:
                    self.record.saw(event.offset, event.event_id)
                    self.record.came_to(event.offset)

    async def _change(self, stream: Any) -> None:
        while True:
            await trio.sleep(self.rng.uniform(1, 6))
            await stream.refilter(self.rng.choice(self.filters))

    async def _note_position(self, stream: Any) -> None:
        """Also where the filter hides what moves it."""
        while True:
            await trio.sleep(0.2)
            if self.record.stretches and stream.cursor is not None:
                self.record.came_to(max(stream.cursor.offset, self.record.stretches[-1].upto))


def subscribers(port: int, agents: list[str], rng: Random) -> list[Visitor | Client]:
    """Twenty: half over a WebSocket, half over Server-Sent Events or the Python client."""
    few = Filter(agents=frozenset(rng.sample(agents, min(5, len(agents)))))
    talk = Filter(types=frozenset({"conversation.*"}))
    deeds = Filter(types=frozenset({"activity.event", "system.status"}))
    every = (EVERYTHING, few, talk, deeds)
    habits = {
        "faithful": Habits(),
        "restless": Habits(stays=2.0, away=0.5),
        "forgetful": Habits(stays=6.0, away=8.0),
        "slow": Habits(stays=4.0, stalls=3.0),
        "choosy": Habits(stays=8.0, filters=every),
        "narrow": Habits(stays=10.0, filters=(few,)),
        "fickle": Habits(stays=1.0, away=0.2, filters=every),
    }
    made: list[Visitor | Client] = []
    for name, kept in habits.items():
        for kind, transport in (("websocket", OverWebSocket()), ("sse", OverSse())):
            record = Record(f"{name} over {kind}")
            made.append(Visitor(record, port, transport, kept, Random(rng.random())))
    for number in range(6):
        filters = ((EVERYTHING,), (talk,), every)[number % 3]
        made.append(Client(Record(f"client {number}"), port, filters, Random(rng.random())))
    return made
