"""A simulated source in our own envelope (docs/protocol.md): one event a frame, numbered per agent, with a replay.

A client says ``hello`` with the token and how far it followed each agent; it is answered by ``welcome`` and by what it
missed, as far as that is still at hand. The process has a name (``boot``); a new one counts from 1 again, and has
nothing of what the one before it said.
"""

import hmac
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from attrs import define, field

from mission_control.simulate.chronicle import Witness
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import encode, session_keys
from mission_control.simulate.script import (
    Abort,
    Action,
    Ask,
    AskWhileBusy,
    Break,
    CallTool,
    Fail,
    Finish,
    Retry,
    Say,
    ToolEnds,
    ToolPrints,
)
from mission_control.simulate.source import Reply
from mission_control.truth import Envelope

REPLAY_KEPT: Final = 5_000
"""Events of each agent that can be replayed."""

Told: TypeAlias = tuple[str, dict[str, Any]]
"""(type, payload) of an event."""


@define
class _Run:
    """``answers`` counts the messages of the run; ``text`` is what was said of the present one, in ``chunks``."""

    id: str
    session: str
    answers: int = 0
    text: str = ""
    chunks: int = 0
    calls: int = 0
    tool: str | None = None
    over: bool = False


@define
class Narrator:
    """One agent: what it does, as events. ``boot`` keeps the names of one process apart from those of another."""

    agent_id: str
    session_keys: tuple[str, ...]
    boot: str
    _runs: int = field(init=False, default=0)
    _run: _Run = field(init=False, factory=lambda: _Run("", "", over=True))

    def act(self, action: Action) -> Iterator[Told]:
        run = self._run
        match action:
            case Ask(session, prompt):
                self._runs += 1
                self._run = run = _Run(f"{self.agent_id}-{self.boot}-{self._runs}", session)
                yield _activity("run.started", "Run started", run)
                yield _final(run, f"{run.id}-prompt", "user", prompt, "complete", 0)
            case AskWhileBusy():
                yield _activity("run.queued", "Message queued: its session is busy", run)
            case Say(delta):
                yield (
                    "conversation.chunk",
                    _of(run, _answer_id(run), "assistant")
                    | {
                        "index": run.chunks,
                        "delta": delta,
                        "start": len(run.text),
                    },
                )
                run.text, run.chunks = run.text + delta, run.chunks + 1
            case CallTool(name, arguments):
                yield from _ends_message(run, "complete")
                run.calls, run.tool = run.calls + 1, name
                yield _tool(run, "started", {"arguments": arguments})
            case ToolPrints(text):
                yield _tool(run, "progress", {"printed": text})
            case ToolEnds(text, failed):
                yield _tool(run, "failed" if failed else "finished", {"result": text})
                run.tool = None
            case Finish():
                yield from self._ends("complete", "run.finished", "Run finished")
            case Break():
                yield from self._ends("error", "run.failed", "Run failed: the answer broke off")
            case Fail(error):
                yield from self._ends("error", "run.failed", f"Run failed: {error}")
            case Retry():
                run.over = False
                yield _activity("run.started", "Run retried", run)
            case Abort():
                yield from self._ends("aborted", "run.aborted", "Run aborted")

    def conclude(self) -> Iterator[Told]:
        """Bring the run that goes on to its end, if there is one, and say a last word, by which losses show."""
        if not self._run.over:
            if self._run.tool is not None:
                yield from self.act(ToolEnds("stopped"))
            yield from self.act(Finish())
        yield "activity.event", {"kind": "agent.idle", "title": "Nothing more to do"}

    def _ends(self, state: str, kind: str, title: str) -> Iterator[Told]:
        yield from _ends_message(self._run, state)
        self._run.over = True
        yield _activity(kind, title, self._run)


class EnvelopeSource:
    """See :class:`mission_control.simulate.source.Source`. It has no ticks, no health and no presence."""

    def __init__(self, fleet: Fleet, token: str, now: int, witness: Witness) -> None:
        self._fleet = fleet
        self._token = token
        self._witness = witness
        self._life = 0
        self._begin()

    @property
    def agents_by_id(self) -> Mapping[str, Narrator]:
        return self._narrators

    def desk(self) -> "EnvelopeDesk":
        return EnvelopeDesk(self, self._token)

    def act(self, agent_id: str, action: Action, now: int) -> list[bytes]:
        return [self._event(agent_id, *told, now) for told in self._narrators[agent_id].act(action)]

    def conclude(self, now: int) -> list[bytes]:
        narrators = self._narrators.items()
        return [self._event(agent_id, *told, now) for agent_id, each in narrators for told in each.conclude()]

    def tick(self, now: int) -> list[bytes]:
        return []

    def health(self, now: int) -> list[bytes]:
        return []

    def presence(self, now: int) -> list[bytes]:
        return []

    def shutdown(self, back_in_ms: int) -> list[bytes]:
        return []

    def die(self, now: int) -> None:
        """What was said stays said; nothing else is known of it any more."""

    def boot(self, now: int) -> None:
        self._life += 1
        self._begin()

    def welcome(self) -> bytes:
        return encode({"op": "welcome", "resume": True, "boot": self._boot})

    def missed(self, resume: Mapping[str, int], boots: Mapping[str, str]) -> Iterator[bytes]:
        """What a client has not seen, of all agents. A position in another process's count is none."""
        for agent_id, said in self._said.items():
            own = boots.get(agent_id, self._boot) == self._boot and resume.get(agent_id, 0) <= self._counts[agent_id]
            after = resume.get(agent_id, 0) if own else 0
            yield from (frame for sequence, frame in said if sequence > after)

    def _begin(self) -> None:
        agent_ids = self._fleet.agent_ids
        self._boot = f"{self._fleet.random(f'boot/{self._life}').getrandbits(32):08x}"
        self._narrators = {
            each: Narrator(each, session_keys(each, index), self._boot) for index, each in enumerate(agent_ids)
        }
        self._counts = dict.fromkeys(agent_ids, 0)
        self._said: dict[str, deque[tuple[int, bytes]]] = {each: deque(maxlen=REPLAY_KEPT) for each in agent_ids}

    def _event(self, agent_id: str, kind: str, payload: dict[str, Any], now: int) -> bytes:
        self._counts[agent_id] = sequence = self._counts[agent_id] + 1
        name = f"{self._boot}-{sequence}"
        frame = encode(
            {
                "event_id": name,
                "timestamp": now,
                "agent_id": agent_id,
                "type": kind,
                "payload": payload,
                "sequence": sequence,
            }
        )
        self._said[agent_id].append((sequence, frame))
        self._witness(Envelope(agent_id, sequence, name, kind, now, payload))
        return frame


class _Frame(msgspec.Struct):
    """What a client says."""

    op: str
    token: str = ""
    resume: dict[str, int] = {}
    boots: dict[str, str] = {}
    t: Any = None


_frames: Final = msgspec.json.Decoder(_Frame)


class EnvelopeDesk:
    """One client. See :class:`mission_control.simulate.source.Desk`."""

    def __init__(self, source: EnvelopeSource, token: str) -> None:
        self._source = source
        self._token = token
        self._admitted = False

    def greet(self, now: int) -> tuple[bytes, ...]:
        """The client speaks first."""
        return ()

    def receive(self, text: str | bytes, now: int) -> Reply:
        try:
            frame = _frames.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _refusal(f"a frame that cannot be read: {error}")
        if not self._admitted:
            return self._admit(frame)
        return Reply((encode({"op": "pong", "t": frame.t}),)) if frame.op == "ping" else Reply()

    def leave(self, now: int) -> bool:
        return False

    def _admit(self, hello: _Frame) -> Reply:
        if hello.op != "hello":
            return _refusal("the first frame must be hello")
        if not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            return _refusal("the token is not the right one")
        self._admitted = True
        missed = self._source.missed(hello.resume, hello.boots)
        return Reply((self._source.welcome(), *missed), joined=True)


def _refusal(message: str) -> Reply:
    return Reply((encode({"op": "error", "message": message}),), close=(1008, message[:100]))


def _answer_id(run: _Run) -> str:
    return f"{run.id}-{run.answers}"


def _of(run: _Run, message_id: str, role: str) -> dict[str, Any]:
    return {"message_id": message_id, "run_id": run.id, "session": run.session, "role": role}


def _final(run: _Run, message_id: str, role: str, text: str, state: str, chunks: int) -> Told:
    return "conversation.final", _of(run, message_id, role) | {"text": text, "state": state, "chunks": chunks}


def _ends_message(run: _Run, state: str) -> Iterator[Told]:
    """The end of the message that is being written; without a text there is none."""
    if run.text:
        yield _final(run, _answer_id(run), "assistant", run.text, state, run.chunks)
        run.answers, run.text, run.chunks = run.answers + 1, "", 0


def _activity(kind: str, title: str, run: _Run, **more: Any) -> Told:
    return "activity.event", {"kind": kind, "title": title, "run_id": run.id, "session": run.session, **more}


def _tool(run: _Run, phase: str, detail: dict[str, Any]) -> Told:
    detail = {"call_id": f"{run.id}-call-{run.calls}", **detail}
    return _activity(f"tool.{phase}", f"Tool {run.tool} {phase}", run, tool=run.tool, detail=detail)
