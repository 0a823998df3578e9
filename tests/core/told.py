"""An agent whose source tells events of its own, a strict subscriber of it, and events as short as they can be."""

from collections.abc import Sequence

from attrs import define, field, frozen

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Event, Final, Heartbeat, decode_payload
from mission_control.core.ledger import Ledger, left_out
from mission_control.core.liveness import Statement
from mission_control.core.positions import Position
from mission_control.core.projection import Projection
from mission_control.core.signals import LinkUp, Signal, Told, Unusable
from mission_control.core.telling import told_drafts

KEY: AgentKey = ("src", "alpha")
NOW = 1_000_000


def chunk(message: str, index: int, delta: str) -> Chunk:
    return Chunk(f"src/alpha/{message}", f"run-{message}", "main", "assistant", index, delta, 0)


def final(message: str, text: str, state: str = "complete") -> Final:
    return Final(f"src/alpha/{message}", f"run-{message}", "main", "assistant", text, state, 0)  # type: ignore[arg-type]


def activity(kind: str = "tool.started", run: str = "run") -> Activity:
    return Activity(kind, kind, run_id=run, session="main")


@frozen
class Reading:
    """What a subscriber made of a message: it holds the daemon to its guarantees."""

    text: str = ""
    chunks: int = 0
    state: str = "streaming"


@define
class Reader:
    """A subscriber that believes only what docs/protocol.md promises, and fails where it is not kept."""

    messages: dict[str, Reading] = field(factory=dict)

    def read(self, event: Event) -> None:
        payload = decode_payload(event.type, event.payload)
        match payload:
            case Chunk():
                known = self.messages.get(payload.message_id, Reading())
                assert known.state == "streaming"
                assert (payload.index, payload.start) == (known.chunks, len(known.text))
                self.messages[payload.message_id] = Reading(known.text + payload.delta, known.chunks + 1)
            case Final():
                known = self.messages.get(payload.message_id, Reading())
                assert known.state == "streaming"
                assert payload.chunks == known.chunks
                assert not known.chunks or payload.text == known.text
                self.messages[payload.message_id] = Reading(payload.text, known.chunks, payload.state)


class Followed:
    """An agent's core with a journal behind it: what is handed over is committed at once, and may be begun anew."""

    def __init__(self) -> None:
        self.ledger = Ledger("epoch")
        self.events: list[Event] = []
        self.beats: list[Heartbeat] = []
        self.reader = Reader()
        self.position: Position | None = None
        self._ids: set[str] = set()
        self._finished: set[str] = set()
        self.now = NOW
        self.core = self._begun()

    def crash(self) -> "Followed":
        """The agent's actor dies and is made again from the journal."""
        self.core = self._begun()
        return self

    def tell(self, *payloads: Chunk | Final | Activity | Statement | Unusable, first: int = 1) -> "Followed":
        """Events in order, numbered and named by their numbers."""
        for sequence, payload in enumerate(payloads, first):
            self.told(sequence, payload)
        return self

    def told(
        self,
        sequence: int,
        payload: Chunk | Final | Activity | Statement | Unusable | None = None,
        *,
        name: str = "",
        boot: str | None = None,
        skew_ms: int | None = None,
        from_first: bool = False,
    ) -> "Followed":
        self.now += 1
        what = activity() if payload is None else payload
        return self.take(Told(f"src:alpha:{name}{sequence}", self.now, sequence, what, boot, skew_ms, from_first))

    def take(self, signal: Signal) -> "Followed":
        if isinstance(signal, Told) and self.core.telling.is_unsure(signal):
            known = left_out(told_drafts(KEY, [signal]), self._ids, self._finished)
            self.core.telling.look_up([signal], known)
        self._commit(self.core.handle(signal, self.now))
        return self

    def wait(self, ms: int) -> "Followed":
        self.now += ms
        self._commit(self.core.tick(self.now))
        return self

    @property
    def projection(self) -> Projection:
        return self.ledger.projection

    def activities(self, prefix: str = "") -> list[Activity]:
        payloads = (decode_payload(event.type, event.payload) for event in self.events)
        return [one for one in payloads if isinstance(one, Activity) and one.kind.startswith(prefix)]

    def statuses(self) -> list[tuple[str, str]]:
        payloads = (decode_payload(event.type, event.payload) for event in self.events)
        return [(one.status, one.reason) for one in payloads if isinstance(one, Heartbeat)]

    def ids(self) -> list[str]:
        """The source's own events, in the order of the journal."""
        told = (event.event_id.removeprefix("src:alpha:") for event in self.events)
        return [name for name in told if not name.startswith(("status", "introduced")) and ":" not in name]

    def gaps(self) -> list[tuple[int, int]]:
        return _ranges(self.activities("stream.gap"))

    def repairs(self) -> list[tuple[int, int]]:
        return _ranges(self.activities("stream.repaired"))

    def _begun(self) -> AgentCore:
        core = AgentCore(KEY)
        view, opened = self.projection.recall(KEY)
        core.restore(view, opened, [], self.now, position=self.position)
        core.handle(LinkUp(self.now, None), self.now)
        return core

    def _commit(self, drafts: Sequence[Draft]) -> None:
        entries, _ = self.ledger.admit(drafts, self._ids, self._finished)
        self.position = self.core.telling.position
        for entry in entries:
            if entry.event.offset is None:
                assert isinstance(entry.payload, Heartbeat)
                self.beats.append(entry.payload)
                continue
            self.events.append(entry.event)
            self._ids.add(entry.event.event_id)
            self.reader.read(entry.event)
            if isinstance(entry.payload, Final):
                self._finished.add(entry.payload.message_id)


def _ranges(activities: Sequence[Activity]) -> list[tuple[int, int]]:
    details = [one.detail for one in activities if isinstance(one.detail, dict)]
    return [(detail["from_sequence"], detail["to_sequence"]) for detail in details]
