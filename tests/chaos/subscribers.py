"""Twenty ways to follow a daemon: some stay, some come and go, some stall, some change their mind about the filter."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, TypeAlias

import h11
import msgspec
import trio
from attrs import define, field, frozen

from mission_control.client import Backoff, Jump, subscribe
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.gateways.transport import LinkClosed, LinkFailed
from tests.chaos.record import Record
from tests.edge.transports import (
    Frames,
    OverSse,
    OverWebSocket,
    Select,
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


@frozen
class _Event:
    event_id: str
    offset: int | None


@frozen
class _Frame:
    op: str
    resume: str | None = None
    reason: str | None = None
    cursor: Cursor | None = None
    offset: int = 0
    events: list[_Event] = field(factory=list)


_decode_frame = msgspec.json.Decoder(_Frame).decode


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
    select: Filter = field(init=False)
    asked: Filter | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.select = self.habits.filters[0]

    async def follow(self) -> None:
        """For ever."""
        while True:
            with suppress(*GONE):  # it was killed, or is not there yet: come again
                await self._visit()
            await trio.sleep(self._about(self.habits.away))
            self.select, self.asked = self.rng.choice(self.habits.filters), None

    async def _visit(self) -> None:
        with trio.fail_after(SILENCE_S) as patience:
            async with self.transport.open(self.port, _written(self.select), self.record.cursor) as frames:
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
            self._take(text)
            if self.habits.stalls and trio.current_time() >= pause_at:
                await trio.sleep(self._about(self.habits.stalls))
                pause_at = trio.current_time() + self._about(self.habits.stays)
            if len(self.habits.filters) > 1 and isinstance(frames, WebSocketFrames) and self.rng.random() < 0.02:
                await self._ask(frames, self.rng.choice(self.habits.filters))

    async def _ask(self, frames: WebSocketFrames, select: Filter) -> None:
        """For another filter; the next one when this one is there."""
        if self.asked is None:
            self.asked = select
            await frames.link.send(json.dumps({"op": "filter", "filter": _written(select)}))

    def _take(self, text: str) -> None:
        frame = _decode_frame(text.encode())
        if frame.op == "welcome" and frame.resume == "continued":
            assert frame.cursor is not None
            assert frame.cursor == self.record.cursor, "a continuation begins where the client stood"
            self.record.begin(frame.cursor, self.select)
        elif frame.op == "snapshot":
            assert frame.cursor is not None
            self.record.jumped(str(frame.reason))
            if frame.reason == "filter":
                assert self.asked is not None
                self.select, self.asked = self.asked, None
            self.record.begin(frame.cursor, self.select, json.loads(text))
        elif frame.op == "events":
            for event in frame.events:
                if event.offset is not None:
                    self.record.saw(event.offset, event.event_id)
            self.record.came_to(frame.offset)

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


def _written(select: Filter) -> Select:
    names = ("agents", "types", "gateways")
    return {name: sorted(getattr(select, name)) for name in names if getattr(select, name)}


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
