"""A gateway that plays scripts: what it sends, what it stores and when, and what it says of its ends.

It does as the real one was seen to (tests/golden/clawdbot): an answer is stored when it is complete, under the time of
its request; a fresh session is stored with its first answer; a failed attempt is called final, and its retry names no
session; nothing is stored of what was aborted or was under way when the process died.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal, TypeAlias

from attrs import Factory, define, field, frozen

Frame: TypeAlias = dict[str, Any]
Ending: TypeAlias = Literal["stop", "breaks", "fails", "aborted"]

RETRY_MS = 2_000


@define
class Agenda:
    """What is going to happen, by time (ms); things of one time happen in the order in which they were put down."""

    _entries: list[tuple[int, int, Callable[[], None]]] = Factory(list)
    _serial: Any = Factory(count)

    def at(self, time: int, action: Callable[[], None]) -> None:
        heappush(self._entries, (time, next(self._serial), action))

    @property
    def next_at(self) -> int | None:
        return self._entries[0][0] if self._entries else None

    def take(self) -> Callable[[], None]:
        return heappop(self._entries)[2]


@frozen
class Say:
    """One answer of the model, a word every ``pace`` ms."""

    words: tuple[str, ...]
    pace: int


@frozen
class Script:
    """One run: each answer but the last ends in the call of a tool.

    ``failures`` attempts at the last one fail without a word and are tried again under the same run id. ``pause``: how
    long after the end of the session's run before it, in ms.
    """

    answers: tuple[Say, ...]
    end: Ending
    failures: int
    pause: int


@define
class Stored:
    """A session's transcript. ``unwritten`` is what a fresh one is not stored with yet."""

    entries: list[Frame] = Factory(list)
    unwritten: list[Frame] = Factory(list)

    def prompt(self, text: str, at: int) -> None:
        entry = {"role": "user", "content": text, "timestamp": at}
        if self.entries:
            self.entries.append(entry)
        else:
            self.unwritten = [entry]

    def answer(self, text: str, at: int, stop: str, error: str | None, call: str | None = None) -> None:
        self.entries += self.unwritten
        self.unwritten = []
        failed = {} if error is None else {"errorMessage": error}
        calls = [] if call is None else [{"type": "toolCall", "id": call, "name": "read", "arguments": {}}]
        content = [{"type": "text", "text": text}, *calls]
        self.entries.append({"role": "assistant", "content": content, "timestamp": at, "stopReason": stop, **failed})

    def result(self, call: str, at: int) -> None:
        """A tool's. It is stored as it ends."""
        self.entries.append({"role": "toolResult", "toolCallId": call, "content": [], "timestamp": at})


@define
class Run:
    """What really became of a run. Times in ms. ``tried``: how many attempts at it there were."""

    run_id: str
    session: str
    began: int
    tried: int
    ended: int = 0
    end: Ending | Literal["died"] = "stop"


@define
class ScriptedGateway:
    """Its frames go to ``send`` when the agenda says so. ``named``: whether the listener was told a run's session."""

    agenda: Agenda
    send: Callable[[Frame], None]
    named: Callable[[str], bool]
    booted_at: int
    sessions: dict[str, Stored] = field(factory=dict)
    runs: dict[str, Run] = field(factory=dict)

    def play(self, key: str, scripts: list[Script], at: int) -> int:
        """Put a session's runs on the agenda; gives when the last one is over."""
        for number, script in enumerate(scripts):
            self.sessions.setdefault(key, Stored())
            run = self.runs[f"{key[-1]}{number}"] = Run(
                f"{key[-1]}{number}", key, at + script.pause, script.failures + 1
            )
            at = _Take(self, run, script, run.began).perform()
            run.ended, run.end = at, script.end
        return at

    def die(self, now: int, back_at: int) -> None:
        """Its process dies; what would have begun before the next one is there never does."""
        self.booted_at = back_at
        for run in self.runs.values():
            if run.ended > now and run.began - 1 <= back_at:
                run.end, run.ended = "died", min(run.ended, now)
        for stored in self.sessions.values():
            stored.unwritten = []

    def answer(self, method: str, params: Frame, now: int) -> Frame:
        """What it answers to a request that it reads now."""
        if method == "connect":
            health = {"ts": 1, "defaultAgentId": "main", "agents": [{"agentId": "alpha", "name": "Alpha"}]}
            return {"protocol": 3, "snapshot": {"uptimeMs": now - self.booted_at, "health": health}}
        if method == "sessions.list":
            return {"sessions": [{"key": key} for key in self.sessions]}
        return {"messages": list(self.sessions[params["sessionKey"]].entries[-params["limit"] :])}


@define
class _Take:
    """Lays one run out on the agenda; ``at`` is how far it has come."""

    gateway: ScriptedGateway
    run: Run
    script: Script
    at: int
    _numbers: Any = Factory(count)
    _retried: bool = False
    _said: str | None = None

    def perform(self) -> int:
        prompt, asked = f"ask {self.run.run_id}", self.at - 1
        self._do(asked, lambda: self._stored.prompt(prompt, asked))
        self._event("lifecycle", {"phase": "start"})
        for number, answer in enumerate(self.script.answers[:-1]):
            self._use_tool(f"{self.run.run_id}-{number}", answer)
        fails = self.script.end == "fails"
        for attempt in range(self.script.failures + fails):
            if attempt > 0:
                self._retry()
            self._fail(f"500, attempt {attempt}")
        if not fails:
            if self._retried:
                self._retry()
            self._conclude(self.script.answers[-1])
        return self.at

    def _use_tool(self, call: str, answer: Say) -> None:
        began, text = self._speak(answer)
        self._said = text or self._said
        self._store(text, began, "toolUse", call=call)
        self._event("tool", {"phase": "start", "name": "read", "toolCallId": call, "args": {}})
        self.at += 5
        ended = self.at
        self._do(ended, lambda: self._stored.result(call, ended))
        self._event("tool", {"phase": "result", "name": "read", "toolCallId": call, "result": {}})

    def _fail(self, error: str) -> None:
        began = self.at + 2
        self.at += 50
        self._store("", began, "error", error)
        self._end(self._said)
        self._retried = True

    def _retry(self) -> None:
        self.at += RETRY_MS
        self._event("lifecycle", {"phase": "start"})

    def _conclude(self, answer: Say) -> None:
        began, text = self._speak(answer)
        if self.script.end == "aborted":
            self._chat("aborted", None)
            return
        broke = self.script.end == "breaks"
        self._store(text, began, "error" if broke else "stop", "terminated" if broke else None)
        self._end(text)

    def _speak(self, answer: Say) -> tuple[int, str]:
        began = self.at + 2
        self.at += 5
        text = ""
        for word in answer.words:
            delta = f" {word}" if text else word
            text += delta
            self._event("assistant", {"text": text, "delta": delta})
            self.at += answer.pace
        return began, text

    def _end(self, text: str | None) -> None:
        """A retry's end has no final."""
        self._event("lifecycle", {"phase": "end"})
        if not self._retried:
            self._chat("final", text)

    @property
    def _stored(self) -> Stored:
        return self.gateway.sessions[self.run.session]

    def _store(self, text: str, began: int, stop: str, error: str | None = None, call: str | None = None) -> None:
        self._do(self.at, lambda: self._stored.answer(text, began, stop, error, call))

    def _event(self, stream: str, data: Frame) -> None:
        payload = {"runId": self.run.run_id, "seq": next(self._numbers), "ts": self.at, "stream": stream, "data": data}
        retried = self._retried

        def send() -> None:
            named = {} if retried and self.gateway.named(self.run.run_id) else {"sessionKey": self.run.session}
            self.gateway.send({"type": "event", "event": "agent", "payload": payload | named})

        self._do(self.at, send)

    def _chat(self, state: str, text: str | None) -> None:
        payload: Frame = {"runId": self.run.run_id, "sessionKey": self.run.session, "seq": next(self._numbers)}
        message = {} if text is None else {"message": {"content": text, "timestamp": self.at}}
        frame = {"type": "event", "event": "chat", "payload": payload | {"state": state} | message}
        self._do(self.at, lambda: self.gateway.send(frame))

    def _do(self, at: int, action: Callable[[], None]) -> None:
        """At that time, if the process that runs this is still there."""
        self.gateway.agenda.at(at, lambda: None if self.run.end == "died" else action())
