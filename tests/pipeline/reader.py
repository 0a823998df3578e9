"""A subscriber without a socket, before the real edge: it comes and goes, and takes its frames when it likes to."""

import json

import trio

from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.edge.services import Services
from mission_control.edge.snapshots import Snapshots
from mission_control.edge.subscriber import Subscriber
from tests.chaos.following import Following, written
from tests.chaos.record import Record
from tests.edge.world import FakePeer


class Reader:
    def __init__(self, name: str, nursery: trio.Nursery) -> None:
        self.following = Following(Record(name), EVERYTHING)
        self._nursery = nursery
        self._peer: FakePeer | None = None
        self._taken = 0

    @property
    def record(self) -> Record:
        return self.following.record

    @property
    def is_there(self) -> bool:
        return self._peer is not None and not self._peer.aborted and self._peer.closed is None

    def come(self, services: Services, snapshots: Snapshots, select: Filter) -> None:
        """Connect, and go on where it stands."""
        self.go()
        self.following.select, self.following.asked = select, None
        self._peer, self._taken = FakePeer(), 0
        cursor = self.record.cursor
        hello = {"op": "hello", "filter": written(select)}
        if cursor is not None:
            hello["cursor"] = {"epoch": cursor.epoch, "offset": cursor.offset}
        self._nursery.start_soon(Subscriber(self._peer, services, snapshots).run)
        self._peer.say(json.dumps(hello))

    def go(self) -> None:
        if self._peer is not None:
            self._peer.abort()
            self._peer = None

    def ask(self, select: Filter) -> None:
        """For another filter; the next one when this one is there."""
        if self._peer is not None and self.is_there and self.following.asked is None:
            self.following.asked = select
            self._peer.say(json.dumps({"op": "filter", "filter": written(select)}))

    def stall(self) -> None:
        if self._peer is not None:
            self._peer.stall()

    def recover(self) -> None:
        if self._peer is not None:
            self._peer.gate.set()

    def take(self) -> None:
        """What has come since the last time; and say that it is still there."""
        if self._peer is None:
            return
        for frame in self._peer.frames[self._taken :]:
            self.following.take(frame)
        self._taken = len(self._peer.frames)
        if self.is_there:
            self._peer.say('{"op":"ping","t":1}')
