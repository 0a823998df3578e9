"""What an agent of a scripted source may do, one method for each thing that the dashboard shows of it."""

from typing import Any

from attrs import define, field

from tests.dashboard.source import Frame, ScriptedSource


@define
class Voice:
    """One agent. Every method says one event at once; `at` is when it happened, in ms, and else it is now."""

    source: ScriptedSource
    gateway: str
    id: str
    session: str = "main"
    _chunks: dict[str, int] = field(factory=dict)

    @property
    def key(self) -> str:
        """As the page names it."""
        return f"{self.gateway}/{self.id}"

    def message_key(self, message: str) -> str:
        """As the page names one of its messages."""
        return f"{self.key}/{message}"

    def named(self, name: str) -> "Voice":
        self._activity("agent.added", f"{name} was added", {"detail": {"name": name}}, None)
        return self

    def beats(self, status: str, reason: str) -> "Voice":
        """Its own word on how it is."""
        clocks = {"transport_at": None, "heartbeat_at": None, "progress_at": None}
        payload = {"status": status, "previous": None, "reason": reason, "clocks": clocks}
        self.source.say(self.source.event(self.id, "heartbeat", payload))
        return self

    def does(self, kind: str, title: str, at: int | None = None, **fields: Any) -> "Voice":
        self._activity(kind, title, fields, at)
        return self

    def begins(self, run: str, at: int | None = None) -> "Voice":
        return self.does("run.started", "Run started", at, run_id=run)

    def ends(self, run: str, kind: str = "run.finished", title: str = "Run finished") -> "Voice":
        return self.does(kind, title, run_id=run)

    def calls(self, tool: str, call: str, arguments: Any, at: int | None = None) -> "Voice":
        detail = {"call_id": call, "arguments": arguments}
        return self.does("tool.started", f"{tool} started", at, run_id="run", tool=tool, detail=detail)

    def returns(
        self, tool: str, call: str, result: Any, took: int, at: int | None = None, failed: bool = False
    ) -> "Voice":
        kind, word = ("tool.failed", "failed") if failed else ("tool.finished", "finished")
        detail = {"call_id": call, "result": result}
        return self.does(kind, f"{tool} {word}", at, run_id="run", tool=tool, detail=detail, duration_ms=took)

    def writes(self, message: str, delta: str, at: int | None = None) -> "Voice":
        """The next chunk of a message."""
        self.source.say(self.chunk(message, delta, at))
        return self

    def says(self, message: str, text: str, at: int | None = None, **fields: Any) -> "Voice":
        """A message's end, with its whole text; `state`, `role` and `error` are among the `fields`."""
        self.source.say(self.final(message, text, at, **fields))
        return self

    def chunk(self, message: str, delta: str, at: int | None = None) -> Frame:
        index = self._chunks.get(message, 0)
        self._chunks[message] = index + 1
        payload = {**self._message(message), "index": index, "delta": delta}
        return self.source.event(self.id, "conversation.chunk", payload, at)

    def final(self, message: str, text: str, at: int | None = None, **fields: Any) -> Frame:
        payload = {**self._message(message), "text": text, "state": "complete", **fields}
        return self.source.event(self.id, "conversation.final", payload, at)

    def activity(self, kind: str, title: str, at: int | None = None, **fields: Any) -> Frame:
        run = {"run_id": "run"} if kind.startswith("run.") else {}
        payload = {"kind": kind, "title": title, "session": self.session, **run, **fields}
        return self.source.event(self.id, "activity.event", payload, at)

    def _activity(self, kind: str, title: str, fields: dict[str, Any], at: int | None) -> None:
        self.source.say(self.activity(kind, title, at, **fields))

    def _message(self, message: str) -> Frame:
        return {"message_id": message, "run_id": f"run-of-{message}", "session": self.session, "role": "assistant"}
