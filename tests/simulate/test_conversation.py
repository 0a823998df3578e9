"""What simulated agents make a gateway say: shaped like the real one's frames, and true to its history."""

from collections import defaultdict
from typing import Any

import pytest

from mission_control.core.stalls import StallPolicy
from mission_control.simulate.clawdbot_voice import ClawdbotVoice
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.runs import Actor
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
from tests.simulate.stage import START, play

# Payloads that the real gateway sent (clawdbot 2026.1.24-3), shortened in their texts and ids only.
REAL = {
    "start": {
        "runId": "ac10", "stream": "lifecycle", "data": {"phase": "start", "startedAt": 1795384225833},
        "sessionKey": "agent:alpha:main", "seq": 1, "ts": 1795384225833,
    },
    "assistant": {
        "runId": "ac10", "stream": "assistant", "data": {"text": "alpha0 bravo1", "delta": " bravo1"},
        "sessionKey": "agent:alpha:main", "seq": 3, "ts": 1795384225939,
    },
    "delta": {
        "runId": "ac10", "sessionKey": "agent:alpha:main", "seq": 2, "state": "delta",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "alpha0"}], "timestamp": 1795384225899},
    },
    "tool start": {
        "runId": "fbb1", "stream": "tool",
        "data": {"phase": "start", "name": "read", "toolCallId": "call_c571a4bf52", "args": {"path": "/srv/hello.txt"}},
        "sessionKey": "agent:alpha:main", "seq": 2, "ts": 1795388631733,
    },
    "tool update": {
        "runId": "1f99", "stream": "tool",
        "data": {
            "phase": "update", "name": "exec", "toolCallId": "call_2c28d7652d",
            "partialResult": {
                "content": [{"type": "text", "text": "tick 1\n"}],
                "details": {
                    "status": "running", "sessionId": "lucky-slug", "pid": 30191, "startedAt": 1795388632686,
                    "cwd": "/srv/ws/alpha", "tail": "tick 1\n",
                },
            },
        },
        "sessionKey": "agent:alpha:main", "seq": 3, "ts": 1795388632708,
    },
    "read result": {
        "runId": "fbb1", "stream": "tool",
        "data": {
            "phase": "result", "name": "read", "toolCallId": "call_c571a4bf52", "meta": "/srv/hello.txt",
            "isError": False, "result": {"content": [{"type": "text", "text": "line one\n"}]},
        },
        "sessionKey": "agent:alpha:main", "seq": 3, "ts": 1795388631748,
    },
    "exec result": {
        "runId": "1f99", "stream": "tool",
        "data": {
            "phase": "result", "name": "exec", "toolCallId": "call_2c28d7652d", "meta": "for i in 1 2 3; do …",
            "isError": False,
            "result": {
                "content": [{"type": "text", "text": "tick 1"}],
                "details": {
                    "status": "completed", "exitCode": 0, "durationMs": 1219, "aggregated": "tick 1",
                    "cwd": "/srv/ws/alpha",
                },
            },
        },
        "sessionKey": "agent:alpha:main", "seq": 6, "ts": 1795388633905,
    },
    "failed tool": {
        "runId": "fecb", "stream": "tool",
        "data": {
            "phase": "result", "name": "read", "toolCallId": "call_32d8c0b69f", "meta": "/nope/missing",
            "isError": True,
            "result": {
                "content": [{"type": "text", "text": "{…}"}],
                "details": {"status": "error", "tool": "read", "error": "ENOENT: no such file or directory"},
            },
        },
        "sessionKey": "agent:alpha:main", "seq": 3, "ts": 1795388636369,
    },
    "end": {
        "runId": "ac10", "stream": "lifecycle", "data": {"phase": "end", "endedAt": 1795384227402},
        "sessionKey": "agent:alpha:main", "seq": 27, "ts": 1795384227402,
    },
    "final": {
        "runId": "ac10", "sessionKey": "agent:alpha:main", "seq": 27, "state": "final",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "alpha0"}], "timestamp": 1795384227403},
    },
    "empty final": {"runId": "36512", "sessionKey": "agent:bravo:main", "seq": 2, "state": "final"},
    "retry": {
        "runId": "36512", "stream": "lifecycle", "data": {"phase": "start", "startedAt": 1795384386777},
        "seq": 3, "ts": 1795384386777,
    },
    "aborted": {
        "runId": "a26f", "sessionKey": "agent:alpha:main", "seq": 34, "state": "aborted", "stopReason": "rpc",
    },
}  # fmt: skip
_USAGE = {
    "input": 100, "output": 20, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 120,
    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
}  # fmt: skip
_MODEL = {"api": "openai-completions", "provider": "fake", "model": "fake-1", "usage": _USAGE}
REAL_HISTORY = {
    "user": {"role": "user", "content": [{"type": "text", "text": "hello"}], "timestamp": 1795384225830},
    "stop": {
        "role": "assistant", "content": [{"type": "text", "text": "alpha0"}], **_MODEL, "stopReason": "stop",
        "timestamp": 1795384225840,
    },
    "toolUse": {
        "role": "assistant",
        "content": [{"type": "toolCall", "id": "call_c5", "name": "read", "arguments": {"path": "/srv/hello.txt"}}],
        **_MODEL, "stopReason": "toolUse", "timestamp": 1795388631639,
    },
    "toolResult": {
        "role": "toolResult", "toolCallId": "call_c5", "toolName": "read",
        "content": [{"type": "text", "text": "line one\n"}], "isError": False, "timestamp": 1795388631748,
    },
    "error": {
        "role": "assistant", "content": [], **_MODEL, "stopReason": "error", "timestamp": 1795384383385,
        "errorMessage": "500 …",
    },
}  # fmt: skip

KEY = "agent:alpha:main"


def shape(value: Any) -> Any:
    """A value with its leaves replaced by their types; a tool's arguments are its own business."""
    if isinstance(value, dict):
        return {key: "…" if key in ("args", "arguments") else shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


class Stage:
    """One agent that does what a test says, a second for every action."""

    def __init__(self) -> None:
        self.actor = Actor("alpha", (KEY,), Fleet().random("test"), ClawdbotVoice())
        self.now = START

    def do(self, *actions: Action) -> list[dict[str, Any]]:
        """The payloads about the last of the actions."""
        said: list[dict[str, Any]] = []
        for action in actions:
            self.now += 1000
            said = [payload for _, payload in self.actor.act(action, self.now)]
        return said

    @property
    def history(self) -> list[dict[str, Any]]:
        return self.actor.sessions[KEY].history(100)


ASK = Ask(KEY, "What now?")
READ = CallTool("read", {"path": "a.txt"})
EXEC = CallTool("exec", {"command": "make"})


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([ASK], ["start"]),
        ([ASK, Say("a"), Say(" b")], ["assistant", "delta"]),
        ([ASK, READ], ["tool start"]),
        ([ASK, EXEC, ToolPrints("1\n")], ["tool update"]),
        ([ASK, READ, ToolEnds("text")], ["read result"]),
        ([ASK, EXEC, ToolPrints("1\n"), ToolEnds()], ["exec result"]),
        ([ASK, READ, ToolEnds("ENOENT", failed=True)], ["failed tool"]),
        ([ASK, Say("a"), Finish()], ["end", "final"]),
        ([ASK, Say("a"), Break()], ["end", "final"]),
        ([ASK, Fail("500")], ["end", "empty final"]),
        ([ASK, Fail("500"), Retry()], ["retry"]),
        ([ASK, Say("a"), AskWhileBusy()], ["empty final"]),
        ([ASK, Say("a"), Abort()], ["aborted"]),
    ],
)
def test_what_is_said_has_the_real_shape(actions: list[Action], said: list[str]) -> None:
    """Each payload has the real one's fields, in its order and of its types."""
    payloads = Stage().do(*actions)
    assert [shape(payload) for payload in payloads] == [shape(REAL[name]) for name in said]
    assert [list(payload) for payload in payloads] == [list(REAL[name]) for name in said]


@pytest.mark.parametrize(
    ("actions", "entries"),
    [
        ([ASK, Say("a"), Finish()], ["user", "stop"]),
        ([ASK, READ, ToolEnds("x"), Say("a"), Finish()], ["user", "toolUse", "toolResult", "stop"]),
        ([ASK, Fail("500"), Retry(), Fail("500")], ["user", "error", "error"]),
        ([ASK, Fail("500"), Retry(), Say("a"), Finish()], ["user", "error", "stop"]),
    ],
)
def test_history_has_the_real_shape(actions: list[Action], entries: list[str]) -> None:
    """Each entry of a history has the real one's fields; none has an id."""
    stage = Stage()
    stage.do(*actions)
    assert [shape(entry) for entry in stage.history] == [shape(REAL_HISTORY[name]) for name in entries]


def test_a_fresh_session_has_no_history_before_its_first_answer() -> None:
    """A first question is stored with its complete answer, a later one at once; a first one that was stopped never."""
    stage = Stage()
    stage.do(ASK, Say("a"))
    assert stage.history == []
    stage.do(Abort(), Ask(KEY, "Again?"), Say("a"), Finish(), Ask(KEY, "And now?"), Say("b"))
    assert [entry["content"][0]["text"] for entry in stage.history] == ["Again?", "a", "And now?"]


def test_a_message_that_broke_off_looks_complete_until_its_history_is_read() -> None:
    """Only the history tells that an answer was cut."""
    stage = Stage()
    _, final = stage.do(ASK, Say("half an"), Break())
    assert final["message"]["content"][0]["text"] == "half an"
    assert stage.history[-1]["stopReason"] == "error"
    assert stage.history[-1]["content"][0]["text"] == "half an"


def test_a_retry_that_succeeds_never_says_so() -> None:
    """It streams without its session and has no chat event at all."""
    stage = Stage()
    stage.do(ASK, Fail("500"), Retry())
    [token] = stage.do(Say("at last"))
    [end] = stage.do(Finish())
    assert "sessionKey" not in token
    assert end["data"]["phase"] == "end"


def test_text_starts_over_after_a_tool() -> None:
    """Cumulative text belongs to one message; the final of a run has its last message only."""
    stage = Stage()
    stage.do(ASK, Say("Let me look."), READ, ToolEnds("x"))
    token, _ = stage.do(Say("Found"))
    assert token["data"] == {"text": "Found", "delta": "Found"}
    _, final = stage.do(Finish())
    assert final["message"]["content"][0]["text"] == "Found"


def test_a_chat_delta_is_said_at_most_every_150_ms() -> None:
    """The cumulative chat delta is throttled; the agent's own events are not."""
    stage = Stage()
    stage.do(ASK)
    said = [[name for name, _ in stage.actor.act(Say("x"), stage.now + ms)] for ms in (0, 100, 149, 150, 299, 300)]
    assert [len(each) for each in said] == [2, 1, 1, 2, 1, 2]


@pytest.mark.parametrize("seed", [1, 2])
def test_half_an_hour_of_a_fleet_is_consistent(seed: int) -> None:
    """Frames are numbered by one, runs too; texts grow by their deltas; the history has exactly what was streamed."""
    recording = play(Fleet(agents=5, seed=seed), 1800)
    assert [frame["seq"] for frame in recording.frames] == list(range(1, len(recording.frames) + 1))
    seqs: dict[str, int] = defaultdict(int)
    texts: dict[str, str] = defaultdict(str)
    streamed: dict[str, list[str]] = defaultdict(list)
    session_of: dict[str, str] = {}
    for payload in recording.payloads("agent"):
        run = payload["runId"]
        session_of.setdefault(run, payload.get("sessionKey", ""))
        seqs[run] += 1
        assert payload["seq"] == seqs[run]
        if payload["stream"] == "assistant":
            texts[run] += payload["data"]["delta"]
            assert payload["data"]["text"] == texts[run] == texts[run].strip()
        elif texts[run]:
            streamed[session_of[run]].append(texts.pop(run))
    assert streamed
    for key, said in streamed.items():
        session = recording.gateway.session(key)
        assert session is not None
        kept = [
            part["text"]
            for entry in session.history(1000)
            if entry["role"] == "assistant"
            for part in entry["content"]
            if part["type"] == "text"
        ]
        assert kept == said


def test_a_fleet_shows_every_kind_of_trouble() -> None:
    """In an hour of ten agents there is something of everything that an operator must be able to see."""
    recording = play(Fleet(agents=10, seed=3), 3600)
    kinds = {type(action) for _, action in recording.actions}
    assert kinds == set(Action.__args__)
    assert len({payload.get("sessionKey") for payload in recording.payloads("agent")}) > 10


def test_a_tool_hangs_now_and_then() -> None:
    """For longer than the stall watch waits by default; nothing else in a run takes that long."""
    patience = StallPolicy().after_ms
    recording = play(Fleet(agents=10, seed=3), 3600)
    newest: dict[str, dict[str, Any]] = {}
    hanging: list[str] = []
    for payload in recording.payloads("agent"):
        before = newest.get(payload["runId"])
        if before is not None and payload["ts"] - before["ts"] > patience:
            hanging.append(before["stream"])
        newest[payload["runId"]] = payload
    assert set(hanging) == {"tool"}


def test_equal_seeds_say_the_same_and_others_do_not() -> None:
    """A seed decides everything: texts, times, ids and order."""
    first, second, other = (play(Fleet(agents=3, seed=seed), 120).frames for seed in (7, 7, 8))
    assert first == second
    assert not {frame["payload"]["runId"] for frame in first} & {frame["payload"]["runId"] for frame in other}


def test_a_load_has_the_rate_that_was_asked_for() -> None:
    """Each agent makes exactly ``rate`` agent events a second, and all of them speak."""
    recording = play(Fleet(agents=20, rate=10, seed=1), 30)
    counts: dict[str, int] = defaultdict(int)
    for payload in recording.payloads("agent"):
        counts[payload["sessionKey"]] += 1
    assert len(counts) == 20
    assert all(299 <= count <= 301 for count in counts.values())


def test_agents_have_names_however_many_there_are() -> None:
    """Ids are unique."""
    ids = Fleet(agents=200).agent_ids
    assert len(set(ids)) == 200
    assert ids[:2] == ("builder", "researcher")
    assert "builder-2" in ids
