"""A client that keeps what it was told, and holds the daemon to the protocol's promises with each frame."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from attrs import define

from mission_control.core.events import Event, decode_payload, encode
from mission_control.core.projection import Projection
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.core.views import Snapshot
from tests.edge.transports import Frames, Select, Transport


@define
class _Events:
    events: list[Event]
    offset: int


class Viewer:
    """Folds a snapshot and the events after it.

    ``offsets`` are those since the newest snapshot, or else since the resume; ``reasons`` those of the snapshots.
    """

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.welcome: dict[str, Any] = {}
        self.cursor = Cursor("", 0)
        self.reasons: list[str] = []
        self.snapshot: dict[str, Any] = {}
        self.event_ids: list[str] = []
        self.offsets: list[int] = []
        self.error: dict[str, Any] = {}
        self._fold = Projection()

    async def take(self) -> dict[str, Any]:
        """One frame, taken in."""
        raw = await self.frames.take()
        frame: dict[str, Any] = json.loads(raw)
        match frame["op"]:
            case "welcome":
                self.welcome, self.cursor = frame, Cursor(**frame["cursor"])
            case "snapshot":
                self._on_snapshot(frame, msgspec.json.decode(raw, type=Snapshot))
            case "events":
                self._on_events(msgspec.json.decode(raw, type=_Events))
            case "error":
                self.error = frame
        return frame

    async def until(self, event_id: str) -> None:
        """Take frames until this event has come."""
        while event_id not in self.event_ids:
            await self.take()

    async def until_snapshot(self, reason: str) -> dict[str, Any]:
        """Take frames until a snapshot for this reason has come."""
        while reason not in self.reasons:
            await self.take()
        return self.snapshot

    def state(self) -> dict[str, Any]:
        """All that it would show."""
        return shown(self._fold.snapshot(self.cursor, EVERYTHING))

    def _on_snapshot(self, frame: dict[str, Any], snapshot: Snapshot) -> None:
        assert self.reasons or self.welcome["resume"] == "continued" or snapshot.cursor == self.cursor
        self.reasons.append(frame["reason"])
        self.snapshot, self.cursor = frame, snapshot.cursor
        self.event_ids, self.offsets = [], []
        self._fold = fold = Projection()
        for gateway in snapshot.gateways:
            fold.put_gateway(gateway)
        for agent in snapshot.agents:
            fold.put_agent(agent)
        for message in snapshot.messages:
            if message.state == "streaming":
                fold.open[message.message_id] = message
            else:
                fold.put_final(message)
        for activity in snapshot.feed:
            fold.put_activity(activity)

    def _on_events(self, frame: _Events) -> None:
        assert self.welcome["resume"] == "continued" or self.reasons, "the snapshot comes before the events"
        for event in frame.events:
            if event.offset is not None:
                assert self.cursor.offset < event.offset <= frame.offset, "in order, once"
                self.cursor = Cursor(self.cursor.epoch, event.offset)
                self.offsets.append(event.offset)
            self.event_ids.append(event.event_id)
            self._fold.apply(event, decode_payload(event.type, event.payload))
        assert frame.offset >= self.cursor.offset
        self.cursor = Cursor(self.cursor.epoch, frame.offset)


@asynccontextmanager
async def viewing(
    transport: Transport, port: int, cursor: Cursor | None = None, select: Select | None = None
) -> AsyncIterator[Viewer]:
    """A client that has had its welcome, and the snapshot if there was one to come."""
    async with transport.open(port, select or {}, cursor) as frames:
        viewer = Viewer(frames)
        await viewer.take()
        assert viewer.welcome, "the welcome comes first"
        assert (viewer.welcome["resume"] == "continued") == (viewer.welcome["reason"] is None)
        if viewer.welcome["resume"] == "continued":
            assert viewer.cursor == cursor
        else:
            await viewer.take()
            assert viewer.reasons == [viewer.welcome["reason"]]
        yield viewer


def shown(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot for comparison: the lists that have an order keep it, the others are sorted."""
    state: dict[str, Any] = json.loads(encode(snapshot))
    state["gateways"].sort(key=lambda gateway: gateway["id"])
    state["agents"].sort(key=lambda agent: (agent["gateway"], agent["id"]))
    return state
