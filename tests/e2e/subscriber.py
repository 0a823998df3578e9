"""A subscriber of the daemon's stream that forgets nothing."""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from attrs import define, field

from tests.e2e.wire import PATIENCE_S, ConnectionLost, Wire

Frame = dict[str, Any]
Event = dict[str, Any]


@define
class Subscriber:
    """Follows `/v1/stream` of the daemon at `url`. `connect` after a lost connection resumes at the cursor.

    `seen` holds every journaled event in the order of arrival, over all connections; `welcomes`, `snapshots` and
    `errors` hold those frames. `position` is the offset up to which everything was received.
    """

    url: str
    token: str | None = None
    origin: str | None = None
    seen: list[Event] = field(factory=list)
    welcomes: list[Frame] = field(factory=list)
    snapshots: list[Frame] = field(factory=list)
    errors: list[Frame] = field(factory=list)
    epoch: str | None = None
    position: int = 0
    _wire: Wire = field(init=False)
    _pinged: float = 0.0

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Subscribe to everything, and return once the daemon has said how it goes on. Raises ConnectionLost."""
        if self.welcomes:
            self.close()
        where = urlsplit(self.url)
        self._wire = Wire(f"ws://{where.netloc}/v1/stream", self._arrived, "mission-control.v1", self.origin)
        self._wire.open()
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        before = len(self.welcomes)
        hello: Frame = {"op": "hello", "client": {"name": "test", "version": "1"}}
        if self.token is not None:
            hello["token"] = self.token
        if self.epoch is not None:
            hello["cursor"] = {"epoch": self.epoch, "offset": self.position}
        self._wire.send(json.dumps(hello))
        self.wait_until(lambda: len(self.welcomes) > before)

    def close(self) -> None:
        self._wire.close()

    def wait_until(self, condition: Callable[[], bool], within: float = PATIENCE_S) -> None:
        """Wait until `condition` holds; asked again after each frame."""
        self._wire.wait_for(lambda: condition() or None, within)

    def wait_event(self, wanted: Callable[[Event], bool], within: float = PATIENCE_S) -> Event:
        """The first event, seen or yet to come, that is `wanted`."""
        return self._wire.wait_for(lambda: next(filter(wanted, self.seen), None), within)

    def wait_closed(self, within: float = PATIENCE_S) -> ConnectionLost:
        return self._wire.wait_closed(within)

    def _arrived(self, text: str) -> None:
        frame = json.loads(text)
        match frame["op"]:
            case "welcome":
                self.welcomes.append(frame)
            case "snapshot":
                self.snapshots.append(frame)
                self.epoch, self.position = frame["cursor"]["epoch"], frame["cursor"]["offset"]
            case "events":
                self.seen += [event for event in frame["events"] if event["offset"] is not None]
                self.position = frame["offset"]
                self._stay_alive()
            case "error":
                self.errors.append(frame)

    def _stay_alive(self) -> None:
        """The daemon drops subscribers that say nothing for two ping intervals."""
        if time.monotonic() - self._pinged > self.welcomes[-1]["policy"]["ping_interval_ms"] / 2000:
            self._pinged = time.monotonic()
            self._wire.send(json.dumps({"op": "ping", "t": 0}))
