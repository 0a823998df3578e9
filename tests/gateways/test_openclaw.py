"""OpenClaw's protocol: which one is spoken, a gateway that is not ready, and what it says in its own words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.signals import (
    Beat,
    EntrySeen,
    HistorySeen,
    LinkUp,
    Listed,
    RunAnswered,
    RunEnding,
    RunStarted,
    Signal,
    TextSeen,
    ToolSeen,
    Unlisted,
)
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Broadcast, Deliver, Established, Later, Order, Refused, Send
from mission_control.gateways.openclaw.speech import Speech

SESSION = "agent:alpha:main"


class Peer:
    """A dialect and what it ordered, with time at 100,000 ms."""

    def __init__(self, **known: Any) -> None:
        self.dialect = ClawDialect("gw", Credentials("me", "1", "secret"), **known)
        self.now = 100_000
        self.orders: list[Order] = self.dialect.opened(self.now)
        self._seq = self._number = 0

    def hear(self, frame: Any) -> "Peer":
        raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        self.orders += self.dialect.receive(raw, self.now)
        return self

    def event(self, name: str, **payload: Any) -> "Peer":
        self._number += 1
        return self.hear({"type": "event", "event": name, "payload": payload, "seq": self._number})

    def run(self, stream: str, data: Any, run: str = "run", name: str = "agent", **more: Any) -> "Peer":
        self._seq += 1
        place = {"sessionKey": SESSION, "agentId": "alpha"}
        own = {"runId": run, "seq": self._seq, "ts": self.now, "stream": stream, "data": data, "isHeartbeat": False}
        return self.event(name, **own, **place, **more)

    def chat(self, state: str, run: str = "run", seq: int = 9, **more: Any) -> "Peer":
        return self.event("chat", runId=run, sessionKey=SESSION, seq=seq, state=state, **more)

    def greet(self, protocol: int = 4, boot: str = "one", scopes: tuple[str, ...] = ("operator.read",)) -> "Peer":
        self.event("connect.challenge", nonce="n", ts=self.now)
        hello = {
            "protocol": protocol,
            "server": {"version": "1", "bootId": boot},
            "auth": {"scopes": list(scopes)},
            "snapshot": {"uptimeMs": 50_000},
        }
        return self.answer("mc-connect", hello)

    def connect(self, **hello: Any) -> "Peer":
        """Connect, and have no session listed as changed."""
        return self.greet(**hello).reply("sessions.list", {"sessions": []})

    def lose(self) -> "Peer":
        self.orders += self.dialect.closed(self.now, "reset")
        self.now += 1_000
        self.orders += self.dialect.opened(self.now)
        return self

    def answer(self, request_id: str, payload: Any) -> "Peer":
        return self.hear({"type": "res", "id": request_id, "ok": True, "payload": payload})

    def reply(self, method: str, payload: Any) -> "Peer":
        """Answer the newest request of this kind."""
        return self.answer(self.asked(method)[-1]["id"], payload)

    def asked(self, method: str) -> list[dict[str, Any]]:
        requests = [json.loads(order.text) for order in self.orders if isinstance(order, Send)]
        return [request for request in requests if request["method"] == method]

    def signals(self, agent: str = "alpha") -> list[Signal]:
        return [order.signal for order in self.orders if isinstance(order, Deliver) and order.agent_id == agent]

    def links(self) -> list[LinkUp]:
        told = [order.signal for order in self.orders if isinstance(order, Broadcast)]
        return [signal for signal in told if isinstance(signal, LinkUp)]


def stored(role: str, text: str, at: int, run: str = "run", **more: Any) -> dict[str, Any]:
    key = {"idempotencyKey": f"{run}:user"} if role == "user" else {}
    own = {"id": f"{role}-{at}", **({} if role == "user" else {"runId": run})}
    content = text if role == "user" else [{"type": "text", "text": text}]
    return {"role": role, "content": content, "timestamp": at, "__openclaw": own, **key, **more}


def test_odd_frames_are_kept_with_the_reason_and_without_what_they_say() -> None:
    """What is known and not heeded is not among them; what was odd before the gateway became this one still is."""
    peer = Peer().connect(protocol=3).event("voicewake.changed", text="hello there")
    peer.lose().connect()
    peer.event("session.dreamt", text="hello there", kind="x").event("sessions.changed").event("task")
    peer.run("mood", {"text": "hello there"}).run("thinking", {"text": "hello there"})
    peer.run("assistant", {"text": 5})
    peer.hear(b'{"type":"event","event":"session.message","payload":' + b'{"a":' * 50_000)
    kept = {one.why: one.sample for one in peer.dialect.record.odd.kept()}
    assert kept.keys() == {
        "unknown event: voicewake.changed",
        "unknown event: session.dreamt",
        "unknown stream: mood",
        "agent: not as expected: Expected `str`, got `int` - at `$.text`",
        "nested too deeply",
    }
    assert '"payload":{"text":"<11 characters>"' in kept["unknown event: session.dreamt"]
    assert "hello" not in str(kept)
    statistics = peer.dialect.record.statistics()
    assert (statistics.unknown_frames, statistics.malformed_frames) == (3, 2)


# -- which protocol ---------------------------------------------------------------------------------------------------


def test_both_protocols_are_offered_and_the_gateway_chooses() -> None:
    """The same configuration serves a Clawdbot and an OpenClaw; only the latter is asked for what only it has."""
    old, new = Peer().greet(protocol=3), Peer().greet(protocol=4)
    for peer in (old, new):
        [connect] = peer.asked("connect")
        assert (connect["params"]["minProtocol"], connect["params"]["maxProtocol"]) == (3, 4)
        assert connect["params"]["scopes"] == ["operator.read"]
    assert old.asked("sessions.subscribe") == old.asked("agents.list") == []
    assert len(new.asked("sessions.subscribe")) == len(new.asked("agents.list")) == 1
    assert new.dialect.record.statistics().requests == 4


def test_a_gateway_with_no_protocol_in_common_is_refused_with_a_remedy() -> None:
    peer = Peer().greet(protocol=5)
    assert isinstance(refused := peer.orders[-1], Refused)
    assert "protocols 3 to 4, the gateway wants 5" in refused.remedy


def test_a_gateway_that_has_become_another_is_repaired_from_where_it_was_left() -> None:
    """Its owner brings Clawdbot up to date to OpenClaw: what the old one ran is asked for from the new one."""
    peer = Peer().connect(protocol=3)
    peer.event("agent", runId="run", seq=1, ts=100_000, stream="lifecycle", data={"phase": "start"}, sessionKey=SESSION)
    counted = peer.dialect.record.statistics().requests
    peer.lose().greet(protocol=4)
    assert [request["params"]["sessionKey"] for request in peer.asked("chat.history")][-1] == SESSION
    assert peer.links()[-1].silent_since == 100_000
    assert peer.dialect.record.statistics().requests > counted


def test_a_gateway_that_starts_is_waited_for_and_not_called_refused() -> None:
    peer = Peer().event("connect.challenge", nonce="n", ts=100_000)
    error = {"code": "UNAVAILABLE", "message": "gateway starting; retry shortly", "retryAfterMs": 500}
    peer.hear({"type": "res", "id": "mc-connect", "ok": False, "error": error})
    assert peer.orders[-1] == Later("gateway starting; retry shortly", 500)


def test_a_gateway_cannot_make_us_come_too_soon_or_too_late() -> None:
    for told, waited in ((0, 100), (10**9, 10_000)):
        peer = Peer().event("connect.challenge", nonce="n", ts=100_000)
        error = {"code": "UNAVAILABLE", "message": "starting", "retryAfterMs": told}
        peer.hear({"type": "res", "id": "mc-connect", "ok": False, "error": error})
        assert peer.orders[-1] == Later("starting", waited)


def test_granted_nothing_is_told_with_what_to_do() -> None:
    """OpenClaw grants nothing to an unpaired device that does not come from its own machine, and then sends nothing."""
    [told] = [order for order in Peer().greet(scopes=()).orders if isinstance(order, Established)]
    assert "granted nothing" in told.warnings[0]
    assert "over loopback" in told.warnings[0]


@pytest.mark.parametrize(("boot", "rebooted"), [("one", False), ("two", True)])
def test_another_process_is_known_by_its_boot_id(boot: str, rebooted: bool) -> None:
    peer = Peer().connect(boot="one").lose().greet(boot=boot)
    assert (peer.links()[-1].booted_at is not None) is rebooted


# -- agents -----------------------------------------------------------------------------------------------------------


def test_agents_are_asked_for_since_health_is_old() -> None:
    peer = Peer().connect().reply("agents.list", {"agents": [{"id": "alpha", "name": "Alpha"}, {"id": "bravo"}]})
    assert isinstance(peer.signals("alpha")[-1], Listed)
    peer.event("health", ts=1, agents=[{"agentId": "zulu", "name": "Zulu"}])
    assert peer.signals("zulu") == []
    peer.event("config.changed", path="p", hash="h")
    peer.reply("agents.list", {"agents": [{"id": "alpha", "name": "Alpha"}]})
    assert isinstance(peer.signals("bravo")[-1], Unlisted)


def test_an_agent_beats_when_its_heartbeat_job_runs() -> None:
    """Its runs are not shown; an interval is not relied on, since a heartbeat with nobody to tell is skipped."""
    peer = Peer().connect()
    peer.event("cron", action="started", job={"agentId": "Alpha", "declarationKey": "heartbeat:alpha"})
    peer.event("cron", action="added", job={"agentId": "bravo", "declarationKey": "heartbeat:bravo"})
    peer.event("cron", action="started", job={"agentId": "bravo", "declarationKey": "skill-collection-review:bravo"})
    assert peer.signals("alpha") == [Beat(100_000)]
    assert peer.signals("bravo") == []


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_s_messages_are_told_apart_by_their_names() -> None:
    """The second begins with the first one's words, which by its text alone would be the first going on."""
    peer = Peer().connect()
    for text, item in (("So", "a:1"), ("So it", "a:1"), ("So it is", "a:2")):
        peer.run("assistant", {"text": text, "delta": text[-3:], "itemId": item})
    texts = [signal for signal in peer.signals() if isinstance(signal, TextSeen)]
    assert [signal.delta == signal.text for signal in texts] == [True, False, True]


def test_an_attempt_that_fails_is_told_with_its_reason_and_that_another_follows() -> None:
    peer = Peer().connect().run("lifecycle", {"phase": "start"})
    peer.run("lifecycle", {"phase": "finishing", "error": "HTTP 500"})
    peer.run("run_status", {"phase": "retrying", "message": "Retrying in 2s (1/8)."})
    peer.run("assistant", {"text": "", "delta": "", "replace": True, "itemId": "a:1"})
    peer.run("lifecycle", {"phase": "start"})
    first, failed, again = peer.signals()
    assert isinstance(failed, RunAnswered)
    assert (failed.state, failed.error, failed.again) == ("error", "HTTP 500", True)
    assert isinstance(first, RunStarted)
    assert isinstance(again, RunStarted)


def test_a_failure_is_told_once_and_with_the_model_s_own_words() -> None:
    """The gateway tells it three times, each time less to the point."""
    peer = Peer().connect().run("lifecycle", {"phase": "start"})
    peer.run("lifecycle", {"phase": "finishing", "error": "provider rejected the request"})
    peer.run("lifecycle", {"phase": "fallback_step", "fallbackStepFromFailureDetail": "400 lost its voice"})
    peer.run("lifecycle", {"phase": "error", "error": "provider rejected the request"})
    peer.chat("error", errorMessage="provider rejected the request").chat("error", seq=1, errorMessage="Agent failed")
    failures = [signal for signal in peer.signals() if isinstance(signal, RunAnswered)]
    assert [(one.state, one.error) for one in failures] == [("error", "400 lost its voice")]


def test_an_abort_completes_what_was_said_and_is_no_failure() -> None:
    """The last words come with the abort alone; after it the run still ends, and fails."""
    peer = Peer().connect().run("lifecycle", {"phase": "start"})
    peer.run("assistant", {"text": "First.", "delta": "First.", "itemId": "a:1"})
    peer.run("assistant", {"text": "Once", "delta": "Once", "itemId": "a:2"})
    peer.chat("aborted", message={"content": [{"type": "text", "text": "First.\n\nOnce upon"}]})
    peer.run("lifecycle", {"phase": "end", "aborted": True}).run("lifecycle", {"phase": "error", "aborted": True})
    *_, last, one, two, three = peer.signals()
    assert isinstance(last, TextSeen)
    assert last.text == "Once upon"
    assert [signal.state for signal in (one, two, three) if isinstance(signal, RunAnswered)] == ["aborted"] * 3
    assert len(peer.asked("chat.history")) == 1


def test_an_ordinary_end_has_the_last_message_by_itself() -> None:
    """``chat`` has all messages of the run in one text, which would be another message."""
    peer = Peer().connect().run("lifecycle", {"phase": "start"})
    peer.run("lifecycle", {"phase": "end", "terminalReply": {"disposition": "visible", "text": "Two.\nMEDIA:/x.png"}})
    peer.chat("final", message={"content": [{"type": "text", "text": "One.\n\nTwo."}]})
    [answered] = [signal for signal in peer.signals() if isinstance(signal, RunAnswered)]
    assert (answered.state, answered.text, answered.provisional) == ("complete", "Two.", False)


def test_a_message_to_a_busy_session_ends_no_run() -> None:
    """The run that it is put into may have said something that could be its last; nothing is asked for."""
    peer = Peer().connect().run("lifecycle", {"phase": "start"}).chat("final", run="later", seq=1)
    assert isinstance(answered := peer.signals()[-1], RunAnswered)
    assert (answered.run_id, answered.text) == ("later", None)
    assert peer.asked("chat.history") == []


@pytest.mark.parametrize("subscribed", [True, False])
def test_tools_are_told_once_with_or_without_a_subscription(subscribed: bool) -> None:
    """Who may not subscribe gets steps without arguments and results, and they are better than nothing."""
    peer = Peer().greet()
    request = peer.asked("sessions.subscribe")[0]["id"]
    peer.hear({"type": "res", "id": request, "ok": subscribed, "payload": {}, "error": {"message": "no"}})
    peer.reply("sessions.list", {"sessions": []})
    item = {"kind": "tool", "name": "read", "toolCallId": "c", "meta": "from log.txt"}
    peer.run("item", {**item, "phase": "start"})
    if subscribed:
        detail = {"name": "read", "toolCallId": "c", "args": {"path": "log.txt"}, "phase": "start"}
        peer.run("tool", detail, name="session.tool")
    peer.run("item", {**item, "phase": "end", "status": "blocked"})
    if subscribed:
        peer.run("tool", {"name": "read", "toolCallId": "c", "phase": "result", "isError": True}, name="session.tool")
    steps = [signal for signal in peer.signals() if isinstance(signal, ToolSeen)]
    assert [(step.phase, step.call_id) for step in steps] == [("started", "c"), ("failed", "c")]
    told = {"arguments": {"path": "log.txt"}} if subscribed else {"summary": "from log.txt"}
    assert steps[0].detail == told


# -- histories --------------------------------------------------------------------------------------------------------


def test_what_is_stored_is_told_at_once_with_its_ids() -> None:
    peer = Peer().connect()
    peer.event("session.message", sessionKey=SESSION, agentId="alpha", message=stored("user", "Hello?", 99_000))
    peer.event("session.message", sessionKey=SESSION, agentId="alpha", message=stored("assistant", "Hi.", 99_500))
    peer.event("session.message", sessionKey=SESSION, message={"role": "toolResult", "content": [], "timestamp": 1})
    entries = [signal.entry for signal in peer.signals() if isinstance(signal, EntrySeen)]
    assert [(entry.text, entry.id, entry.run_id) for entry in entries] == [
        ("Hello?", "user-99000", "run"),
        ("Hi.", "assistant-99500", "run"),
    ]


def test_the_gateway_s_notice_of_a_failure_is_not_what_the_agent_said() -> None:
    notice = "\N{WARNING SIGN} LLM request failed.\n\nAll stations, all sta"
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.reply("chat.history", {"messages": [stored("assistant", notice, 99_000, stopReason="error")]})
    [history] = [signal for signal in peer.signals() if isinstance(signal, HistorySeen)]
    assert history.entries[0].text == "All stations, all sta"
    assert history.entries[0].error == "\N{WARNING SIGN} LLM request failed."


@pytest.mark.parametrize(
    ("info", "under_way"),
    [({"activeRunIds": ["x"]}, {"x"}), ({"hasActiveRun": False}, set()), ({"hasActiveRun": True}, None), ({}, None)],
)
def test_which_runs_go_on_is_known_where_the_gateway_says_it(info: dict[str, Any], under_way: set[str] | None) -> None:
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.reply("chat.history", {"messages": [], "sessionInfo": info})
    [history] = [signal for signal in peer.signals() if isinstance(signal, HistorySeen)]
    assert history.under_way == under_way


def test_whoever_comes_late_gets_what_is_being_said_and_what_tools_did() -> None:
    """The gateway tells all that the run said as one text, of which the first message is stored."""
    tool = {"phase": "start", "name": "read", "toolCallId": "c", "args": {}}
    run = {
        "runId": "run",
        "text": "Let me look.\n\nThe jib",
        "events": [{"runId": "run", "seq": 5, "stream": "tool", "ts": 99_500, "data": tool}],
    }
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.run("assistant", {"text": "The jib is", "delta": " is", "itemId": "a:2"})
    history = {"messages": [stored("assistant", "Let me look.", 99_000)], "inFlightRun": run}
    peer.reply("chat.history", history)
    seen, step, joined, live = peer.signals()[:4]
    assert isinstance(seen, HistorySeen)
    assert isinstance(step, ToolSeen)
    assert isinstance(joined, TextSeen)
    assert isinstance(live, TextSeen)
    assert (joined.text, live.text, live.delta) == ("The jib", "The jib is", "")


def test_a_run_that_begins_while_its_session_is_repaired_begins_before_it_goes_on() -> None:
    """Its history was read later than its first frames came, which wait for it."""
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.run("lifecycle", {"phase": "start"})
    reached = {"runId": "run", "seq": 5, "stream": "assistant", "ts": peer.now + 100, "data": {}}
    run = {"runId": "run", "text": "The jib", "events": [reached]}
    peer.reply("chat.history", {"messages": [], "inFlightRun": run})
    seen, start, joined = peer.signals()[:3]
    assert isinstance(seen, HistorySeen)
    assert isinstance(start, RunStarted)
    assert isinstance(joined, TextSeen)


def test_the_parts_of_an_answer_are_one() -> None:
    """So that its words are known to be over when one of its tools has ended: the run may say the same again."""
    own = {"id": "i", "runId": "run"}
    call = {"type": "toolCall", "id": "c", "name": "read", "arguments": {}}
    words = stored("assistant", "Let me look.", 99_000, __openclaw=own)
    use = {"role": "assistant", "content": [call], "model": "m", "timestamp": 99_000, "__openclaw": own}
    result = {"role": "toolResult", "toolCallId": "c", "content": [], "timestamp": 99_500}
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.reply("chat.history", {"messages": [words, use, result]})
    [history] = [signal for signal in peer.signals() if isinstance(signal, HistorySeen)]
    [entry] = history.entries
    assert (entry.text, entry.model, [each.call_id for each in entry.calls]) == ("Let me look.", "m", ["c"])
    assert entry.over_by == 99_500


@pytest.mark.parametrize(("known", "told"), [({}, True), ({"last_heard": 90_000}, False)])
def test_what_a_history_tells_of_a_tool_is_not_told_beside_it(known: dict[str, Any], told: bool) -> None:
    """Out of its turn it would end the message after it. Where all is new, the history is not asked for what was."""
    call = {"type": "toolCall", "id": "c", "name": "read", "arguments": {}}
    entry = {"role": "assistant", "content": [call], "timestamp": 99_000, "__openclaw": {"id": "i", "runId": "run"}}
    start = {"phase": "start", "name": "read", "toolCallId": "c", "args": {}}
    run = {"runId": "run", "events": [{"runId": "run", "seq": 5, "stream": "tool", "ts": 99_500, "data": start}]}
    peer = Peer(**known).greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.reply("chat.history", {"messages": [entry], "inFlightRun": run})
    assert any(isinstance(signal, ToolSeen) for signal in peer.signals()) is told


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.data())
def test_a_run_told_as_one_text_is_taken_apart_where_its_messages_meet(texts: list[str], data: st.DataObject) -> None:
    """Whatever they hold, breaks included, and wherever the last of them has come to."""
    speech, last = Speech(), texts[-1]
    for number, text in enumerate(texts[:-1]):
        speech.begins("run", str(number), text)
    heard = last[: data.draw(st.integers(1, len(last)))]
    speech.begins("run", "last", heard)
    whole = "\n\n".join(texts)
    assert speech.present("run", whole) == last
    assert Speech().join("run", texts[:-1], whole) == last


# -- what is odd ------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)
EVENTS = ["agent", "chat", "session.tool", "session.message", "cron", "health", "config.changed", "shutdown", "odd"]


@given(st.sampled_from(EVENTS), JSON)
def test_nothing_that_it_says_breaks_us(name: str, payload: Any) -> None:
    peer = Peer().connect()
    peer.hear({"type": "event", "event": name, "payload": payload})


@given(st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "toolResult"])}) | JSON), JSON)
def test_no_history_breaks_us(messages: list[Any], run: Any) -> None:
    peer = Peer().greet().reply("sessions.list", {"sessions": [{"key": SESSION}]})
    peer.reply("chat.history", {"messages": messages, "inFlightRun": run})


def test_the_end_without_a_last_message_is_still_an_end() -> None:
    peer = Peer().connect().run("lifecycle", {"phase": "start"}).run("lifecycle", {"phase": "end"})
    assert isinstance(peer.signals()[-1], RunEnding)
