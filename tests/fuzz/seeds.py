"""What fuzzing begins with: the recorded connections and the golden sessions of ``tests/golden``, as inputs."""

import json
from collections.abc import Iterator
from typing import Any, Final

from mission_control.client.session import Session
from mission_control.client.states import LOST, Backoff
from mission_control.client.states import Send as Said
from mission_control.core.subscription import EVERYTHING
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.claw.handshake import CONNECT_ID
from mission_control.gateways.dialect import Order, Send
from scripts.paths import ROOT
from tests.fuzz.script import START_MS, Step, joined

GOLDEN: Final = ROOT / "tests" / "golden"


def _line(value: object) -> bytes:
    """Values of JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def recordings(program: str) -> Iterator[bytes]:
    """Each recorded connection to a gateway of this program, with answers to what the dialect asks."""
    for path in sorted((GOLDEN / program).glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        recording = _Recording(lines[-1]["histories"])
        for line in lines[:-1]:
            recording.play(line)
        yield joined(recording.steps)


class _Recording:
    """Plays a recording to a dialect, and notes what was played. What the recording has not, it answers itself."""

    def __init__(self, histories: dict[str, Any]) -> None:
        self.steps: list[Step] = []
        self._dialect = ClawDialect("gw", Credentials("instance", "1", "token"))
        self._histories = histories
        self._under_way: dict[str, Any] = {}
        self._now = 0

    def play(self, line: dict[str, Any]) -> None:
        later, self._now = line["t"] - self._now, line["t"]
        if not self.steps:
            self.steps.append(Step("at", b"%d" % self._now))
        elif later > 0:
            self.steps.append(Step("after", b"%d" % later))
        if "opened" in line:
            self._obey(self._dialect.opened(self._now))
        elif "closed" in line:
            self._dialect.closed(self._now, line["closed"])
            self.steps.append(Step("lose"))
        elif "under_way" in line:
            said = {key: line[key] for key in ("inFlightRun", "sessionInfo") if line[key] is not None}
            self._under_way[line["under_way"]] = said
        elif line["frame"]["type"] == "res":
            self._answer(CONNECT_ID, line["frame"]["payload"])
        else:
            frame = _line(line["frame"])
            self.steps.append(Step("frame", frame))
            self._obey(self._dialect.receive(frame, self._now))

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Send):
                request = json.loads(order.text)
                if request["method"] != "connect":
                    self._answer(request["id"], self._asked(request["method"], request["params"]))

    def _asked(self, method: str, params: dict[str, Any]) -> object:
        match method:
            case "chat.history":
                session = params["sessionKey"]
                there = [one for one in self._histories.get(session, []) if one["timestamp"] <= self._now]
                return {"messages": there, **self._under_way.pop(session, {})}
            case "sessions.list":
                return {"sessions": [{"key": key, "updatedAt": self._now} for key in self._histories]}
            case "agents.list":
                return {"agents": [{"id": "alpha", "name": "Alpha"}, {"id": "bravo"}]}
        return {"subscribed": True}

    def _answer(self, name: str, payload: object) -> None:
        self.steps.append(Step("answer", _line(payload)))
        frame = {"type": "res", "id": name, "ok": True, "payload": payload}
        self._obey(self._dialect.receive(_line(frame), self._now))


def _sessions() -> Iterator[dict[str, Any]]:
    for path in sorted((GOLDEN / "session").glob("*.json")):
        yield json.loads(path.read_text())


def envelope() -> Iterator[bytes]:
    """The events of each golden session, as a source would send them."""
    for script in _sessions():
        frames = [given["frame"] for given in script["inputs"] if isinstance(given.get("frame"), dict)]
        events = [event for frame in frames if frame.get("op") == "events" for event in frame.get("events", [])]
        if events:
            told = [_told(event) for event in events if isinstance(event, dict)]
            welcome = [Step("frame", _line({"op": "welcome", "resume": True, "boot": script["name"]}))]
            yield joined([*welcome, *(Step("frame", _line(event)) for event in told)])
            yield joined([Step("frame", _line(told)), Step("lose"), Step("frame", _line(told))])


def _told(event: dict[str, Any]) -> dict[str, Any]:
    """At a time that the source's clock may show."""
    at = event.get("timestamp")
    return event | {"timestamp": START_MS + at % 1_000_000} if isinstance(at, int) else event


def client() -> Iterator[bytes]:
    """Each golden session as the client gets it."""
    for script in _sessions():
        yield joined(_given(script))


def _given(script: dict[str, Any]) -> Iterator[Step]:
    now = 0
    for given in script["inputs"]:
        if given["at"] > now:
            yield Step("after", b"%d" % (given["at"] - now))
            now = given["at"]
        if given.get("open"):
            yield Step("open")
        if "close" in given:
            yield Step("close", b"%d" % given["close"])
        if "frame" in given:
            yield Step("frame", _line(given["frame"]))
        if "text" in given:
            yield Step("frame", given["text"].replace("\n", " ").encode(errors="replace"))


def subscriber() -> Iterator[bytes]:
    """What the client says in each golden session, what the dashboard reports, and the other transport."""
    report = {"op": "report", "render_ms": {"count": 3, "p50": 1.5, "p95": 2, "p99": 2.5, "max": 9}, "duplicates": 0}
    select = {"agents": ["a"], "types": ["conversation.*", "heartbeat"], "gateways": ["g"]}
    hello = {"op": "hello", "cursor": {"epoch": "fuzzed", "offset": 0}, "filter": select, "token": "t"}
    frames = [hello, {"op": "filter", "id": 1, "filter": select}, {"op": "ping", "t": 1}, report | {"gaps": 1}]
    yield joined([Step("frame", _line(frame)) for frame in frames])
    yield joined([Step("locked"), *(Step("frame", _line(frame)) for frame in frames)])
    yield joined([Step("header", b"last-event-id: fuzzed:7"), Step("get", b"agents=a,b&types=heartbeat&gateways=g")])
    yield joined([Step("get", b"last_event_id=fuzzed:7"), Step("header", b"authorization: Bearer t"), Step("get")])
    for script in _sessions():
        yield joined(_said(script))


def _said(script: dict[str, Any]) -> Iterator[Step]:
    session = Session(token=None, select=EVERYTHING, cursor=None, backoff=Backoff(), chance=lambda: 0.0)
    actions = session.start(0)
    for given in script["inputs"]:
        now = given["at"]
        actions += session.tick(now)
        actions += session.opened(now) if given.get("open") else []
        actions += session.closed(given.get("close", LOST), "", now) if "close" in given else []
        actions += session.received(_line(given["frame"]), now) if "frame" in given else []
    for action in actions:
        if isinstance(action, Said):
            yield Step("frame", action.text.encode())
