"""The simulated OpenClaw gateway: what it says is what the real one's frames look like, and it answers truthfully."""

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from mission_control.gateways.claw import handshake
from mission_control.gateways.claw.handshake import Credentials
from mission_control.gateways.clawdbot import frames as base
from mission_control.gateways.dialect import Later, Refused
from mission_control.gateways.openclaw import content, frames
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.openclaw import READY_AFTER_MS, OpenclawDesk, OpenclawGateway, OpenclawSource
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.script import Abort, Action, Ask, Break, CallTool, Fail, Finish, Retry, Say, ToolEnds
from tests.simulate.stage import START
from tests.simulate.test_desk import CONNECT, TOKEN, request

READY = START + READY_AFTER_MS
KEY = "agent:builder:main"
ASK = Ask(KEY, "What now?")
READ = CallTool("read", {"path": "a.txt"})
CREDENTIALS = Credentials("me", "1", TOKEN)


class Stage:
    """A gateway with one agent, one action a second, and one client."""

    def __init__(self, *actions: Action) -> None:
        self.gateway = OpenclawGateway(Fleet(agents=1), START)
        self.desk = OpenclawDesk(self.gateway, TOKEN)
        self.now = READY
        self.said: list[dict[str, Any]] = []
        for action in actions:
            self.now += 1_000
            self.said += map(msgspec.json.decode, self.gateway.act("builder", action, self.now))

    def told(self) -> list[str]:
        """Each frame in a word or two."""
        return [_word(frame["event"], frame["payload"]) for frame in self.said]

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        [frame] = self.desk.receive(request(method, params), self.now).frames
        answer: dict[str, Any] = msgspec.json.decode(frame)
        return answer

    def history(self) -> dict[str, Any]:
        self.ask("connect", CONNECT)
        payload: dict[str, Any] = self.ask("chat.history", {"sessionKey": KEY, "limit": 200})["payload"]
        return payload


def _word(event: str, payload: dict[str, Any]) -> str:
    if event == "session.message":
        return f"stored {payload['message']['role']}"
    if event == "chat":
        return f"chat {payload['state']}"
    data = payload["data"]
    return " ".join(part for part in (payload["stream"], data.get("phase")) if part)


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (
            (ASK, Say("a"), Finish()),
            "stored user, lifecycle start, assistant, chat delta, "
            "stored assistant, lifecycle finishing, lifecycle end, chat final",
        ),
        ((READ, ToolEnds("x")), "stored assistant, item start, tool start, tool result, item end"),
        (
            (Say("a"), Abort()),
            "assistant, chat delta, chat aborted, lifecycle end, stored assistant, lifecycle error",
        ),
        (
            (Say("a"), Break()),
            "assistant, chat delta, lifecycle finishing, lifecycle fallback_step, lifecycle error, "
            "chat error, chat error, stored assistant",
        ),
        (
            (Fail("500", again=True), Retry()),
            "lifecycle finishing, run_status retrying, assistant, lifecycle start",
        ),
    ],
)
def test_a_run_is_told_as_the_real_one_tells_it(actions: tuple[Action, ...], told: str) -> None:
    """In the order of the recordings, a failure and an abort with their repetitions."""
    begun = [] if actions[0] is ASK else [ASK]
    words = Stage(*begun, *actions).told()
    assert ", ".join(words[2 * len(begun) :]) == told


def test_each_message_of_a_run_has_a_name_and_chat_has_all_of_them() -> None:
    stage = Stage(ASK, Say("one"), READ, ToolEnds("x"), Say("two"), Finish())
    payloads = [frame["payload"] for frame in stage.said]
    items = [each["data"]["itemId"] for each in payloads if each.get("stream") == "assistant"]
    assert len(set(items)) == 2
    assert payloads[-1]["message"]["content"] == [{"type": "text", "text": "one\n\ntwo"}]


def test_every_frame_is_what_the_dialect_knows() -> None:
    """Over twenty minutes of everything that agents do, and numbered without a gap."""
    fleet = Fleet(agents=3, seed=1)
    source = OpenclawSource(fleet, TOKEN, START, lambda record: None)
    schedule, decoded = Schedule(fleet, source.agents_by_id), defaultdict[str, int](int)
    decoders = {
        "agent": base.agent_event,
        "session.tool": base.agent_event,
        "session.message": frames.session_message,
        "chat": base.chat_event,
    }
    while schedule.next_at <= 1_200:
        at = schedule.next_at
        for agent_id, action in schedule.take(until=at):
            for frame in source.act(agent_id, action, START + round(at * 1000)):
                head = base.head(frame)
                assert head.seq == sum(decoded.values()) + 1
                decoders[str(head.event)](head.payload)
                decoded[str(head.event)] += 1
    assert decoded.keys() == decoders.keys()


def test_equal_seeds_say_the_same() -> None:
    """Ids included; another seed says something else."""

    def said(seed: int) -> list[bytes]:
        fleet = Fleet(agents=3, seed=seed)
        source = OpenclawSource(fleet, TOKEN, START, lambda record: None)
        taken = Schedule(fleet, source.agents_by_id).take(until=60)
        return [frame for agent_id, action in taken for frame in source.act(agent_id, action, START)]

    assert said(1) == said(1)
    assert said(1) != said(2)


def test_a_history_says_what_goes_on() -> None:
    """What is stored has ids and runs; what is being said, and what tools did, is beside it."""
    history = Stage(ASK, Say("one"), READ, ToolEnds("x"), Say("tw")).history()
    notes = frames.history(msgspec.json.encode(history))
    [prompt, one] = content.entries(base.history(msgspec.json.encode(history)), notes)
    run = notes.inFlightRun
    assert run is not None
    assert (run.text, [event.stream for event in run.events]) == ("one\n\ntw", ["tool", "tool", "assistant"])
    assert content.under_way(notes) == frozenset((run.runId,))
    assert prompt.run_id == one.run_id == run.runId
    assert (one.text, [call.ended for call in one.calls]) == ("one", [READY + 4_000])


@pytest.mark.parametrize(
    ("end", "stored"),
    [
        ([Say("a"), Abort()], ("a", None, True)),
        ([Say("a"), Break()], ("a", True, False)),
        ([Fail("500")], ("", True, False)),
        ([Say("a"), Finish()], ("a", None, False)),
    ],
)
def test_a_history_says_how_a_run_ended(end: list[Action], stored: tuple[str, bool | None, bool]) -> None:
    """An abort keeps what was said, a failure is stored as if the agent had said it."""
    encoded = msgspec.json.encode(Stage(ASK, *end).history())
    notes = frames.history(encoded)
    *_, last = content.entries(base.history(encoded), notes)
    assert (last.text, last.error is not None or None, last.aborted) == stored
    assert content.under_way(notes) == frozenset()


def test_hello_names_the_process_and_the_scopes() -> None:
    """Another process has another name; who claims no scope is given none."""
    stage = Stage()
    hello = base.hello(msgspec.json.encode(stage.ask("connect", CONNECT)["payload"]))
    assert (hello.protocol, hello.auth.scopes, hello.snapshot.uptimeMs) == (4, ["operator.read"], READY_AFTER_MS)
    stage.gateway.die(stage.now)
    stage.gateway.boot(stage.now)
    stage.desk, stage.now = OpenclawDesk(stage.gateway, TOKEN), stage.now + READY_AFTER_MS
    again = base.hello(msgspec.json.encode(stage.ask("connect", CONNECT | {"scopes": []})["payload"]))
    assert (again.server.bootId != hello.server.bootId, again.auth.scopes) == (True, [])


def test_it_listens_before_it_is_ready() -> None:
    """Whoever comes then is told when to come again."""
    stage = Stage()
    stage.now = START + 100
    answer = stage.ask("connect", CONNECT)
    told = handshake.refused(answer["error"], CREDENTIALS)
    assert isinstance(told, Later)
    assert told.after == READY_AFTER_MS - 100


@pytest.mark.parametrize(("lowest", "highest"), [(3, 3), (5, 6)])
def test_who_speaks_no_version_of_it_is_told_which_it_speaks(lowest: int, highest: int) -> None:
    """From which a client makes its remedy."""
    reply = Stage().desk.receive(request("connect", CONNECT | {"minProtocol": lowest, "maxProtocol": highest}), READY)
    assert reply.close == (1002, "protocol mismatch")
    told = handshake.refused(msgspec.json.decode(reply.frames[0])["error"], CREDENTIALS)
    assert isinstance(told, Refused)
    assert "the gateway wants 4" in told.remedy
