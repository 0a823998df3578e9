"""A source with faults, the dialect and its agent's core, and a journal: everything between but the actors.

What the source sends passes through as real frames. A mailbox stands between the dialect and the core, so that either
can die with the other's work half done.
"""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import Factory, define, frozen

from mission_control.core.events import Activity, Event, decode_payload
from mission_control.core.positions import Position
from mission_control.core.signals import Signal
from mission_control.gateways.dialect import Broadcast, Deliver, Order, Send
from mission_control.gateways.envelope import EnvelopeDialect
from tests.core.told import Followed, Reading

SCRIPT = ("run.started", "chunk", "tool.started", "chunk", "tool.finished", "chunk", "final", "run.finished")
"""What each run of the source does, in order."""
WORDS = ("Hel", "lo, ", "world")


@frozen
class Sent:
    """An event of the source's, and where it stands in its own book."""

    life: int
    sequence: int
    frame: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.frame["event_id"])

    @property
    def is_activity(self) -> bool:
        return str(self.frame["type"]) == "activity.event"


@define
class Source:
    """Numbers its events anew in each life; keeps those of the present one."""

    boots: bool
    resumes: bool
    life: int = 1
    book: list[Sent] = Factory(list)
    everything: list[Sent] = Factory(list)

    def event(self, now: int) -> Sent:
        sequence = len(self.book) + 1
        turn, step = divmod(sequence - 1, len(SCRIPT))
        kind, payload = _payload(SCRIPT[step], step, f"{self.life}-{turn}")
        frame = {
            "event_id": f"{self.life}.{sequence}",
            "timestamp": now,
            "agent_id": "alpha",
            "type": kind,
            "payload": payload,
            "sequence": sequence,
        }
        sent = Sent(self.life, sequence, frame)
        self.book.append(sent)
        self.everything.append(sent)
        return sent

    def restart(self) -> None:
        self.life += 1
        self.book = []

    def answer(self, hello: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The welcome, if it says one, and the replay."""
        boot = f"boot-{self.life}"
        mine = not self.boots or hello["boots"].get("alpha") in (None, boot)
        after = hello["resume"].get("alpha", 0) if mine else 0
        welcome = {"op": "welcome", "resume": self.resumes, **({"boot": boot} if self.boots else {})}
        replay = [sent.frame for sent in self.book[after:]] if self.resumes else []
        return [welcome, *replay] if self.boots or self.resumes else []


class Stage:
    """Everything, with the time in ms."""

    def __init__(self, *, boots: bool, resumes: bool) -> None:
        self.source = Source(boots, resumes)
        self.followed = Followed()
        self.delivered: set[str] = set()
        """Ids of the events that the dialect was given."""
        self._mailbox: deque[Signal] = deque()
        self._delayed: list[dict[str, Any]] = []
        self._up = False
        self._dialect = self._new_dialect()

    # -- what may happen ----------------------------------------------------------------------------------------------

    def say(self, fault: str = "") -> None:
        """The source has an event; the fault says what becomes of its frame."""
        frame = self.source.event(self.followed.now).frame
        if fault == "delay":
            self._delayed += [frame] if self._up else []  # what nobody hears does not come later
        elif fault != "drop":
            for _ in range(2 if fault == "repeat" else 1):
                self._hear(frame)
            self._come_late()

    def wait(self, ms: int) -> None:
        until = self.followed.now + ms
        while self._up and (due := self._dialect.due(self.followed.now)) is not None and due <= until:
            self.followed.now = max(due, self.followed.now + 1)
            self._obey(self._dialect.tick(self.followed.now))
        self.followed.now = until

    def connect(self) -> None:
        if not self._up:
            self._up = True
            self._obey(self._dialect.opened(self.followed.now))

    def cut(self) -> None:
        if self._up:
            self._up = False
            self._delayed.clear()
            self._obey(self._dialect.closed(self.followed.now, "cut"))

    def restart_source(self) -> None:
        self.cut()
        self.source.restart()

    def crash_connection(self) -> None:
        """The connection's actor dies, and with it all that waited for its turn."""
        self._up = False
        self._delayed.clear()
        self._dialect = self._new_dialect()

    def crash_agent(self) -> None:
        self.followed.crash()

    def kill(self) -> None:
        """The daemon dies: what is not committed is gone."""
        self._mailbox.clear()
        self.crash_connection()
        self.crash_agent()

    def work(self, most: int = 10_000) -> None:
        """The agent's actor handles its mail."""
        for _ in range(min(most, len(self._mailbox))):
            self.followed.take(self._mailbox[0])
            self._mailbox.popleft()

    def settle(self) -> None:
        """A connection without faults, until nothing waits any more."""
        for _ in range(2):
            self.connect()
            self.wait(10_000)
            self.work()
            self.cut()
            self.work()

    # -- what came of it ----------------------------------------------------------------------------------------------

    def journaled(self) -> list[str]:
        """The source's own events, in the order of the journal."""
        ids = {f"src:alpha:{sent.id}": sent.id for sent in self.source.everything}
        return [ids[event.event_id] for event in self.followed.events if event.event_id in ids]

    def declared(self) -> dict[int, set[int]]:
        """What is missing according to the journal, by the life of the source in which it was found to be."""
        missing: dict[int, set[int]] = {}
        for event in self.followed.events:
            activity = decode_payload(event.type, event.payload)
            if isinstance(activity, Activity) and activity.kind in ("stream.gap", "stream.repaired"):
                assert isinstance(activity.detail, dict)
                numbers = range(activity.detail["from_sequence"], activity.detail["to_sequence"] + 1)
                of_life = missing.setdefault(_life_of(event), set())
                if activity.kind == "stream.gap":
                    assert of_life.isdisjoint(numbers), "a hole was declared twice"
                    of_life.update(numbers)
                else:
                    of_life.difference_update(numbers)
        return missing

    def message(self, life: int, turn: int) -> Reading | None:
        return self.followed.reader.messages.get(f"src/alpha/m{life}-{turn}")

    def _new_dialect(self) -> EnvelopeDialect:
        position = self.followed.position
        positions: dict[str, Position] = {} if position is None else {"alpha": position}
        return EnvelopeDialect("src", None, positions)

    def _come_late(self) -> None:
        """What was overtaken comes now."""
        delayed, self._delayed = self._delayed, []
        for frame in delayed:
            self._hear(frame)

    def _hear(self, frame: dict[str, Any]) -> None:
        if self._up:
            if "event_id" in frame:
                self.delivered.add(frame["event_id"])
            self._obey(self._dialect.receive(json.dumps(frame).encode(), self.followed.now))

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Deliver(_, signal) | Broadcast(signal):
                    self._mailbox.append(signal)
                case Send(text) if '"hello"' in text:
                    for frame in self.source.answer(json.loads(text)):
                        self._hear(frame)


def _payload(what: str, step: int, name: str) -> tuple[str, dict[str, Any]]:
    message = {"message_id": f"m{name}", "run_id": f"r{name}", "session": "main", "role": "assistant"}
    if what == "chunk":
        index = SCRIPT[:step].count("chunk")
        start = len("".join(WORDS[:index]))
        return "conversation.chunk", {**message, "index": index, "delta": WORDS[index], "start": start}
    if what == "final":
        return "conversation.final", {**message, "text": "".join(WORDS), "state": "complete", "chunks": len(WORDS)}
    return "activity.event", {"kind": what, "title": what, "run_id": f"r{name}", "session": "main", "tool": "search"}


def _life_of(event: Event) -> int:
    return int(event.event_id.split(":")[2])
