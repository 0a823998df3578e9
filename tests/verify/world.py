"""Random truths, and the journal that a perfect observer would have of each."""

import json
from typing import Any

import msgspec
from attrs import Factory, define, evolve, frozen
from hypothesis import strategies as st

from mission_control.core.events import Event
from mission_control.truth import Header, Message, Record, Run, Tool, Truth
from mission_control.verify.readings import Reading

START = 1_700_000_000_000
HEADER = Header(seed=1, agents=2, profile="chat", started_at=START, ended_at=START + 1_000_000)

TEXTS = st.sampled_from(["Done.", "Look here: naïve 🙂", "It rains in Zürich.", "Nothing else depends on it."])


@frozen
class Draft:
    """An event before it has a place. ``message`` and ``about`` let a test find the one that it wants."""

    type: str
    at: int
    payload: dict[str, Any]
    agent: str | None = "a"
    message: Message | None = None

    @property
    def kind(self) -> str | None:
        kind: str | None = self.payload.get("kind")
        return kind


@define
class World:
    """What happened, and what a perfect observer tells of it."""

    records: list[Record] = Factory(list)
    drafts: list[Draft] = Factory(list)

    @property
    def truth(self) -> Truth:
        return Truth(HEADER, tuple(self.records))

    def reading(self, drafts: list[Draft] | None = None, name: str = "journal") -> Reading:
        return Reading(name, numbered(self.drafts if drafts is None else drafts))

    def finals(self, *states: str) -> list[Draft]:
        return [
            draft
            for draft in self.drafts
            if draft.type == "conversation.final" and draft.message and draft.payload["state"] in states
        ]

    def without(self, *gone: Draft) -> list[Draft]:
        return [draft for draft in self.drafts if not any(draft is each for each in gone)]


def numbered(drafts: list[Draft]) -> tuple[Event, ...]:
    """Events with offsets and sequences by the rules."""
    sequences: dict[str | None, int] = {}
    events = []
    for offset, draft in enumerate(drafts, start=1):
        sequences[draft.agent] = sequence = sequences.get(draft.agent, 0) + 1
        payload = msgspec.Raw(json.dumps(draft.payload).encode())
        event_id = f"event-{offset}"
        events.append(Event(event_id, draft.at, draft.agent, draft.type, payload, sequence, "g", offset))
    return tuple(events)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One or two agents with some turns each: whole, broken off, aborted, lost with the gateway, unseen in a gap."""
    world = World()
    world.drafts.append(
        Draft("system.status", START, {"component": "gateway", "id": "g", "state": "connected", "detail": ""}, None)
    )
    for agent in ("a", "b")[: draw(st.integers(1, 2))]:
        now = START + draw(st.integers(1000, 5000))
        for number in range(draw(st.integers(1, 6))):
            turn = _Turn(world, agent, f"{agent}-run-{number}", now)
            turn.ask(draw(TEXTS))
            for call in range(draw(st.integers(0, 2))):
                turn.call(f"{agent}-{number}-{call}", failed=draw(st.booleans()))
            text, state = draw(TEXTS), draw(st.sampled_from(["complete", "complete", "error", "aborted", "lost"]))
            turn.answer(text, state, streamed=draw(st.booleans()), seen=draw(st.booleans()))
            now = turn.now + draw(st.integers(1, 9000))
    return world


def world_of(*answers: tuple[str, str]) -> World:
    """One agent that gave these, with their states, one after the other."""
    world, now = World(), START
    for number, (text, state) in enumerate(answers):
        turn = _Turn(world, "a", f"run-{number}", now)
        turn.ask(f"question {number}")
        turn.answer(text, state, streamed=False, seen=True)
        now = turn.now + 1
    return world


@define
class _Turn:
    world: World
    agent: str
    run: str
    began: int
    now: int = 0

    def __attrs_post_init__(self) -> None:
        self.now = self.began

    @property
    def session(self) -> str:
        return f"agent:{self.agent}:main"

    def ask(self, prompt: str) -> None:
        message = Message(self.agent, self.session, self.run, "user", prompt, "complete", self.now, self.now)
        self.world.records.append(message)
        self._activity("run.started")
        self._final(message, f"{self.run}-user", prompt, "complete", chunks=0)

    def call(self, call: str, *, failed: bool) -> None:
        began = self.now = self.now + 100
        self._activity("tool.started", tool="exec", detail={"call_id": call})
        self.now += 100
        self._activity("tool.failed" if failed else "tool.finished", tool="exec", detail={"call_id": call})
        self.world.records.append(Tool(self.agent, self.session, self.run, call, "exec", began, self.now, failed))

    def answer(self, text: str, state: str, *, streamed: bool, seen: bool) -> None:
        """``seen`` matters where the answer is in no history: without it there is only a gap."""
        began = self.now
        self.now += 500
        message = Message(self.agent, self.session, self.run, "assistant", text, state, began, self.now)  # type: ignore[arg-type]
        self.world.records.append(message)
        self.world.records.append(
            Run(self.agent, self.session, self.run, self.began, self.now, state)  # type: ignore[arg-type]
        )
        kept = state in ("complete", "error")
        if state == "lost" or not (kept or seen):
            self._activity("stream.gap", detail={"from": began, "to": self.now})
        name = f"{self.run}-answer"
        if kept:
            half = len(text) // 2 if streamed else 0
            deltas = [text[:half], text[half:]] if half else []
            self._chunks(message, name, deltas, began + 10)
            self._final(message, name, text, state, len(deltas))
        elif seen:
            said = text[: max(1, len(text) // 2)]
            self._chunks(message, name, [said], began + 10)
            self._final(message, name, said, "aborted" if state == "aborted" else "interrupted", 1)
        self._activity({"complete": "run.finished", "aborted": "run.aborted"}.get(state, "run.failed"))

    def _chunks(self, message: Message, name: str, deltas: list[str], at: int) -> None:
        start = 0
        for index, delta in enumerate(deltas):
            payload = {**self._of(name, message.role), "index": index, "delta": delta, "start": start}
            self.world.drafts.append(Draft("conversation.chunk", at + index, payload, self.agent, message))
            start += len(delta)

    def _final(self, message: Message, name: str, text: str, state: str, chunks: int) -> None:
        payload = {**self._of(name, message.role), "text": text, "state": state, "chunks": chunks}
        if chunks:
            payload["started_at"] = message.began + 10
        at = self.now if chunks else message.began
        self.world.drafts.append(Draft("conversation.final", at, payload, self.agent, message))

    def _of(self, name: str, role: str) -> dict[str, Any]:
        return {"message_id": name, "run_id": self.run, "session": self.session, "role": role}

    def _activity(self, kind: str, **fields: Any) -> None:
        payload = {"kind": kind, "title": kind, "run_id": self.run, "session": self.session, **fields}
        self.world.drafts.append(Draft("activity.event", self.now, payload, self.agent))


def changed(draft: Draft, **fields: Any) -> Draft:
    """The same with other fields in its payload."""
    return evolve(draft, payload={**draft.payload, **fields})
