"""Drives the client's session as its driver would, without any network, and runs the golden scripts against it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from mission_control.client.session import Session
from mission_control.client.states import LOST, Action, Backoff, Batch, Changed, Deliver, Send
from mission_control.core.events import encode
from mission_control.core.subscription import EVERYTHING, Cursor, Filter

SCRIPTS = Path(__file__).parents[1] / "golden" / "session"
STARTED_AT = 1_000_000


def scripts() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(SCRIPTS.glob("*.json")):
        yield path.stem, json.loads(path.read_text())


class Harness:
    """Ticks come when they are due, and the actions are kept."""

    def __init__(
        self,
        *,
        cursor: Cursor | None = None,
        select: Filter = EVERYTHING,
        token: str | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.now = STARTED_AT
        self.session = Session(token=token, select=select, cursor=cursor, backoff=Backoff(), chance=chance)
        self.actions: list[Action] = []
        self._do(self.session.start)

    def _do(self, happening: Callable[..., list[Action]], *arguments: Any) -> Self:
        self.actions += happening(*arguments, self.now)
        return self

    def advance(self, milliseconds: int) -> Self:
        """Let time pass; every tick that falls due on the way is given at its time."""
        end = self.now + milliseconds
        while (due := self.session.wake_at) is not None and due <= end:
            self.now = max(self.now, round(due))
            self._do(self.session.tick)
        self.now = end
        return self

    def open(self) -> Self:
        return self._do(self.session.opened)

    def close(self, code: int = LOST, why: str = "") -> Self:
        return self._do(self.session.closed, code, why)

    def text(self, text: bytes | str) -> Self:
        return self._do(self.session.received, text)

    def frame(self, frame: dict[str, Any]) -> Self:
        return self.text(json.dumps(frame))

    def refilter(self, select: Filter) -> Self:
        return self._do(self.session.refilter, select)

    def reopen(self) -> Self:
        """After a loss, the next socket opens."""
        return self.advance(0).open()

    def sent(self, op: str) -> list[dict[str, Any]]:
        frames = [json.loads(action.text) for action in self.actions if isinstance(action, Send)]
        return [frame for frame in frames if frame["op"] == op]

    def batches(self) -> list[Batch]:
        return [action.batch for action in self.actions if isinstance(action, Deliver)]

    def delivered(self) -> list[int | None]:
        """The offsets of all events that were handed over."""
        return [event.offset for batch in self.batches() for event in batch.events]

    def states(self) -> list[str]:
        return [action.state for action in self.actions if isinstance(action, Changed)]


def observed(harness: Harness) -> dict[str, Any]:
    """What the scripts' README says can be expected."""
    session = harness.session
    return {
        "phase": session.state,
        "problem": "" if session.problem is None else session.problem.code,
        "cursor": _plain(session.cursor),
        "hellos": [hello.get("cursor") for hello in harness.sent("hello")],
        "pings": len(harness.sent("ping")),
        "duplicates": session.duplicates,
        "gaps": session.gaps,
        "malformed": session.malformed,
        "notices": _plain(session.notices),
        "messages": _plain(session.view.messages),
        "agents": _plain(list(session.view.agents.values())),
        "gateways": _plain(list(session.view.gateways.values())),
        "feed": [event.offset for event in session.view.feed],
    }


def _plain(value: Any) -> Any:
    return json.loads(encode(value))


def matches(found: Any, expected: Any) -> bool:
    """Lists have exactly these entries in this order; objects may have more fields than named."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and matches(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(matches(*pair) for pair in zip(found, expected, strict=True))
        )
    return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)


def play(script: dict[str, Any], check: Callable[[dict[str, Any], dict[str, Any]], None]) -> Harness:
    """Run a script; ``check`` gets what was observed and what was expected, at each moment where something is."""
    harness = Harness()
    for given in script["inputs"]:
        harness.advance(STARTED_AT + given["at"] - harness.now)
        if given.get("open"):
            harness.open()
        if "close" in given:
            harness.close(given["close"])
        if "frame" in given:
            harness.frame(given["frame"])
        if "text" in given:
            harness.text(given["text"])
        if "expect" in given:
            check(observed(harness), given["expect"])
    check(observed(harness), script["expect"])
    return harness
