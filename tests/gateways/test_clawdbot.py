"""The dialect alone: connecting, refusals with a remedy, repair before live, odd and broken frames."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.signals import (
    Beat,
    HistoryMissing,
    HistorySeen,
    HoleSeen,
    LinkAlive,
    LinkDown,
    LinkUp,
    Listed,
    RunAnswered,
    RunEnding,
    RunStarted,
    Settled,
    Signal,
    TextSeen,
    ToolSeen,
    Unlisted,
)
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.clawdbot import frames
from mission_control.gateways.clawdbot.content import capped, decided, visible
from mission_control.gateways.clawdbot.repairing import BOOT_MS
from mission_control.gateways.dialect import (
    Broadcast,
    CatchingUp,
    CaughtUp,
    Deliver,
    Established,
    Order,
    Refused,
    Send,
)

SESSION = "agent:alpha:main"


class Peer:
    """A dialect and what it ordered, with time at 100,000 ms."""

    def __init__(self, **known: Any) -> None:
        self.dialect = ClawDialect("gw", Credentials("me", "1", "secret"), **known)
        self.now = 100_000
        self.seq = 0
        self.orders: list[Order] = []
        self._do(self.dialect.opened(self.now))

    def _do(self, orders: list[Order]) -> None:
        self.orders += orders

    def hear(self, frame: Any) -> "Peer":
        raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        self._do(self.dialect.receive(raw, self.now))
        return self

    def event(self, name: str, payload: Any) -> "Peer":
        self.seq += 1
        return self.hear({"type": "event", "event": name, "payload": payload, "seq": self.seq})

    def agent(self, seq: int, stream: str, data: Any, run: str = "run", **more: Any) -> "Peer":
        return self.event("agent", {"runId": run, "seq": seq, "ts": self.now, "stream": stream, "data": data, **more})

    def connect(self, uptime: int = 50_000, **snapshot: Any) -> "Peer":
        """Connect, and have no session listed as changed."""
        self.greet(uptime, **snapshot)
        return self.answer(self.asked("sessions.list")[-1]["id"], {"sessions": []})

    def greet(self, uptime: int = 50_000, *, ahead: int = 0, **snapshot: Any) -> "Peer":
        """Connect to a gateway whose clock is that far ahead of ours, in ms."""
        self.event("connect.challenge", {"nonce": "n", "ts": self.now + ahead})
        return self.answer("mc-connect", {"protocol": 3, "snapshot": {"uptimeMs": uptime, **snapshot}})

    def refuse(self, error: dict[str, Any]) -> Refused:
        self.event("connect.challenge", {"nonce": "n"})
        self.hear({"type": "res", "id": "mc-connect", "ok": False, "error": error})
        [refused] = [order for order in self.orders if isinstance(order, Refused)]
        return refused

    def answer(self, request_id: str, payload: Any) -> "Peer":
        return self.hear({"type": "res", "id": request_id, "ok": True, "payload": payload})

    def asked(self, method: str) -> list[dict[str, Any]]:
        requests = [json.loads(order.text) for order in self.orders if isinstance(order, Send)]
        return [request for request in requests if request["method"] == method]

    def signals(self, agent: str | None = None) -> list[Signal]:
        mine = (order for order in self.orders if isinstance(order, Deliver) and agent in (None, order.agent_id))
        return [order.signal for order in mine]

    def broadcasts(self) -> list[Signal]:
        return [order.signal for order in self.orders if isinstance(order, Broadcast)]

    def wait(self, ms: int) -> "Peer":
        until = self.now + ms
        while (due := self.dialect.due(self.now)) is not None and due <= until:
            self.now = max(due, self.now)
            self._do(self.dialect.tick(self.now))
            if isinstance(self.orders[-1], Refused):
                return self  # the connection ends here
        self.now = until
        return self


def health(*agents: str, every: int | None = None) -> dict[str, Any]:
    beat = {"enabled": every is not None, "everyMs": every}
    rows = [{"agentId": agent, "name": agent.title(), "heartbeat": beat} for agent in agents]
    return {"ts": 1, "defaultAgentId": "alpha", "agents": rows}


def test_it_asks_to_read_and_for_nothing_else() -> None:
    """A gateway grants everything to a client that claims nothing, so the claim is always made."""
    [request] = Peer().connect().asked("connect")
    assert request["params"]["scopes"] == ["operator.read"]
    assert request["params"]["auth"] == {"token": "secret"}
    assert request["params"]["client"]["instanceId"] == "me"


def test_the_token_shows_nowhere() -> None:
    assert "secret" not in repr(Credentials("me", "1", "secret"))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ({"message": "unauthorized: gateway token mismatch (provide gateway auth token)"}, "--gateway-token"),
        ({"code": "NOT_PAIRED", "message": "device identity required"}, "over loopback"),
        ({"message": "protocol mismatch", "details": {"expectedProtocol": 5}}, "the gateway wants 5"),
        ({"message": "something new"}, "log"),
        ({}, "log"),
    ],
)
def test_a_refusal_says_what_to_do(error: dict[str, Any], remedy: str) -> None:
    assert remedy in Peer().refuse(error).remedy


def test_a_gateway_that_repeats_the_token_does_not_give_it_away() -> None:
    """What it says is journaled and shown to everyone who may look."""
    assert Peer().refuse({"message": "no such token: secret"}).reason == "no such token: ********"


def test_silence_instead_of_a_handshake_is_no_gateway() -> None:
    peer = Peer().wait(10_000)
    assert isinstance(peer.orders[-1], Refused)


def test_a_scope_that_was_not_granted_is_told() -> None:
    """Without operator.read a gateway sends nothing, silently."""
    peer = Peer().connect(presence=[{"instanceId": "me", "scopes": ["operator.nonsense"]}])
    [established] = [order for order in peer.orders if isinstance(order, Established)]
    assert "operator.nonsense" in established.warnings[0]


@pytest.mark.parametrize(
    ("ahead", "warnings"),
    [(4_000, []), (60_000, ["60 s ahead of"]), (-80_000, ["80 s behind"]), (10**25, ["ahead of"])],
)
def test_a_clock_that_goes_wrong_is_told(ahead: int, warnings: list[str]) -> None:
    peer = Peer().greet(ahead=ahead)
    [established] = [order for order in peer.orders if isinstance(order, Established)]
    assert len(established.warnings) == len(warnings)
    assert all(part in told for part, told in zip(warnings, established.warnings, strict=True))
    [up] = [signal for signal in peer.broadcasts() if isinstance(signal, LinkUp)]
    assert up.ahead == min(ahead, frames.LATEST - peer.now)


@pytest.mark.parametrize("time", [-1, 10**30])
def test_a_time_that_is_none_is_brought_within_what_can_be_kept(time: int) -> None:
    """A journal stores 64 bits; one event beyond them would stop all that follow it."""
    peer = Peer().connect()
    payload = {"runId": "run", "seq": 1, "ts": time, "stream": "lifecycle", "data": {"phase": "start"}}
    peer.event("agent", {**payload, "sessionKey": SESSION})
    stored = {"role": "assistant", "content": [{"type": "text", "text": "so"}], "timestamp": time, "stopReason": "stop"}
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": [stored]})
    started, history = peer.signals("alpha")
    assert isinstance(history, HistorySeen)
    assert all(0 <= at <= frames.LATEST for at in (started.at, history.entries[0].at))


def test_two_silent_ticks_end_a_connection() -> None:
    peer = Peer().connect().wait(60_000)
    assert isinstance(peer.orders[-1], Refused)
    assert "nothing heard" in peer.orders[-1].reason


def test_agents_come_and_go_with_the_gateways_list() -> None:
    peer = Peer().connect(health=health("alpha", "bravo"))
    peer.event("health", health("bravo", "charlie"))
    assert isinstance(peer.signals("alpha")[-1], Unlisted)
    assert isinstance(peer.signals("charlie")[-1], Listed)


def test_an_anonymous_heartbeat_is_given_to_the_only_agent_that_beats() -> None:
    peer = Peer().connect(health=health("alpha", every=60_000)).event("heartbeat", {"ts": 1})
    assert isinstance(peer.signals("alpha")[-1], Beat)
    many = Peer().connect(health=health("alpha", "bravo", every=60_000)).event("heartbeat", {"ts": 1})
    assert not any(isinstance(signal, Beat) for signal in many.signals())


def test_a_tick_is_a_sign_of_life_of_the_gateway_alone() -> None:
    assert isinstance(Peer().connect().event("tick", {"ts": 1}).broadcasts()[-1], LinkAlive)


@pytest.mark.parametrize(
    ("payload", "agent"),
    [
        ({"sessionKey": "agent:Bravo:chat:7"}, "bravo"),
        ({"sessionKey": "main"}, "alpha"),
        ({"agentId": "charlie", "sessionKey": "agent:bravo:main"}, "charlie"),
    ],
)
def test_whose_run_it_is(payload: dict[str, Any], agent: str) -> None:
    peer = Peer().connect(health=health("alpha")).agent(1, "lifecycle", {"phase": "start"}, **payload)
    assert [order.agent_id for order in peer.orders if isinstance(order, Deliver)][-1] == agent


def test_a_retry_that_names_nobody_is_found_in_the_list_of_sessions() -> None:
    """Its first attempt was before our time. Nothing is said in another agent's name; its answer comes from history."""
    peer = Peer().connect(health=health("alpha"))
    told = len(peer.signals())
    for seq, phase in ((5, "start"), (9, "end")):
        peer.agent(seq, "lifecycle", {"phase": phase})
        peer.agent(seq + 1, "assistant", {"text": "it works", "delta": "it works"})
    assert peer.signals()[told:] == []
    peer.answer(peer.asked("sessions.list")[-1]["id"], {"sessions": [{"key": "agent:bravo:x"}]})
    [request] = peer.asked("chat.history")
    peer.answer(request["id"], {"messages": []})
    assert [type(signal) for signal in peer.signals("bravo")] == [HistorySeen]


def test_a_retry_without_a_session_belongs_where_its_run_was() -> None:
    peer = Peer().connect().agent(1, "lifecycle", {"phase": "start"}, sessionKey="agent:bravo:x")
    peer.agent(3, "lifecycle", {"phase": "start"})
    starts = [signal for signal in peer.signals("bravo") if isinstance(signal, RunStarted)]
    assert [start.session for start in starts] == ["agent:bravo:x"] * 2


def test_what_was_missed_comes_before_what_is_live() -> None:
    """While a session's history is on its way, its live text waits in line; other sessions do not."""
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer.agent(1, "assistant", {"text": "other", "delta": "other"}, run="two", sessionKey="agent:bravo:main")
    assert [type(signal) for signal in peer.signals("alpha")] == []
    assert [type(signal) for signal in peer.signals("bravo")] == [TextSeen]
    [request] = peer.asked("chat.history")
    peer.answer(request["id"], {"messages": []})
    assert [type(signal) for signal in peer.signals("alpha")] == [HistorySeen, TextSeen, Settled]


def test_a_history_that_does_not_come_lets_the_live_text_through() -> None:
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer.wait(10_000)
    assert [type(signal) for signal in peer.signals("alpha")] == [HistoryMissing, TextSeen, Settled]


def test_a_connection_that_ends_loses_nothing_that_was_heard() -> None:
    """What waits for a history waits for that of the next connection, and is told behind it. Another one, which knows
    what became of it, comes before what is said then."""
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer.orders.clear()
    peer._do(peer.dialect.closed(peer.now, "reset"))
    assert [type(order) for order in peer.orders] == [Broadcast]
    assert isinstance(peer.broadcasts()[-1], LinkDown)
    peer.connect()
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": []})
    peer.agent(8, "assistant", {"text": "late again", "delta": " again"}, sessionKey=SESSION)
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": []})
    kinds = [type(signal) for signal in peer.signals("alpha")]
    assert kinds == [HistorySeen, TextSeen, HoleSeen, HistorySeen, TextSeen, Settled]


def test_what_waits_is_told_when_there_is_no_other_connection_at_once() -> None:
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer._do(peer.dialect.closed(peer.now, "reset"))
    peer._do(peer.dialect.opened(peer.now))
    peer._do(peer.dialect.closed(peer.now, "nothing listens there"))
    assert [type(signal) for signal in peer.signals("alpha")] == [TextSeen, HoleSeen]


def test_the_words_of_a_process_that_died_do_not_wait_for_the_next_one() -> None:
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer._do(peer.dialect.closed(peer.now, "reset"))
    peer.wait(1_000).connect(uptime=500)
    told = [order.signal for order in peer.orders if isinstance(order, Deliver | Broadcast)]
    assert [type(signal) for signal in told] == [LinkUp, LinkDown, TextSeen, HoleSeen, LinkUp]


@pytest.mark.parametrize(("uptime", "rebooted"), [(9_000, True), (11_000, False)])
def test_a_gateway_that_restarted_is_recognised(uptime: int, rebooted: bool) -> None:
    """A process that was not there when the gateway was last heard is another one, and knows nothing of old runs."""
    [up] = Peer(last_heard=90_000).connect(uptime).broadcasts()
    assert isinstance(up, LinkUp)
    assert (up.booted_at is not None) is rebooted


@pytest.mark.parametrize(("challenge", "hello"), [(900, 0), (0, 900)])
def test_when_a_gateway_began_is_known_by_its_own_clock(challenge: int, hello: int) -> None:
    """However long the one or the other frame was on its way, in ms: what it began since then lives, and what it had
    begun before is gone."""
    peer = Peer(last_heard=90_000)
    began, said = 95_000, peer.now
    peer.wait(challenge)
    peer.event("connect.challenge", {"nonce": "n", "ts": said})
    peer.wait(hello)
    own = {"presence": [{"reason": "self", "ts": said + 10}]}
    peer.answer("mc-connect", {"protocol": 3, "snapshot": {"uptimeMs": said + 10 - began, **own}})
    [up] = peer.broadcasts()
    assert isinstance(up, LinkUp)
    assert up.booted_at is not None
    assert up.booted_at + up.ahead == began - BOOT_MS
    assert up.ahead == max(-challenge, 10 - challenge - hello)


def test_only_a_few_histories_are_asked_for_at_a_time() -> None:
    """The gateway reads whole transcripts for each."""
    peer = Peer().greet()
    [listing] = peer.asked("sessions.list")
    peer.answer(listing["id"], {"sessions": [{"key": f"agent:alpha:{index}"} for index in range(50)]})
    assert len(peer.asked("chat.history")) == 4
    for index in range(46):
        peer.answer(peer.asked("chat.history")[index]["id"], {"messages": []})
    assert len(peer.asked("chat.history")) == 50


def test_a_session_is_asked_for_once_at_a_time() -> None:
    peer = Peer().connect()
    for seq in (1, 3, 5):
        peer.agent(seq, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
        peer.agent(seq + 1, "lifecycle", {"phase": "end"}, sessionKey=SESSION)
    assert len(peer.asked("chat.history")) == 1
    peer.answer(peer.asked("chat.history")[0]["id"], {"messages": []})
    assert len(peer.asked("chat.history")) == 2


def test_a_history_that_an_end_has_overtaken_is_not_the_last_word_on_it() -> None:
    """One run ends; while its history is on its way, the next one does, of which that history knows nothing yet."""
    peer = Peer().connect()
    for run in ("one", "two"):
        peer.agent(1, "lifecycle", {"phase": "end"}, run, sessionKey=SESSION)
    for index in range(2):
        peer.answer(peer.asked("chat.history")[index]["id"], {"messages": []})
    assert [signal.purpose for signal in peer.signals() if isinstance(signal, HistorySeen)] == ["start", "end"]


def test_a_final_of_a_streamed_run_is_not_the_last_word() -> None:
    """Failed attempts are called final, too."""
    peer = Peer().connect().agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.event("chat", {"runId": "run", "sessionKey": SESSION, "seq": 2, "state": "final"})
    peer.event("chat", {"runId": "queued", "sessionKey": SESSION, "seq": 1, "state": "final"})
    answers = [signal for signal in peer.signals() if isinstance(signal, RunAnswered)]
    assert [answer.provisional for answer in answers] == [True, False]


def test_the_hidden_parts_of_stored_texts() -> None:
    """What the gateway takes out of what it streams is taken out of what it stored, too, before they are compared."""
    assert visible("Here is it\nMEDIA:/x.png\nand after") == "Here is it\nand after"
    assert visible("[[reply_to_current]] Hello") == "Hello"
    assert visible("Hello [[reply_to:123]] in the middle") == "Hello in the middle"
    assert visible("[[audio_as_voice]] spoken") == "spoken"
    assert visible("I said it.\nNO_REPLY") == "I said it."
    assert visible("NO_REPLY") == ""
    assert visible("<think>p</think>Visible <final>x</final> tail\n\n") == "Visible x tail"
    assert visible("[[nothing known]] HEARTBEAT_OK") == "[[nothing known]] HEARTBEAT_OK"


def test_a_long_tool_result_is_cut_and_says_so() -> None:
    assert capped("result", {"content": [{"type": "text", "text": "x" * 100_000}]})["truncated"] is True
    assert len(capped("result", "y" * 100_000)["result"]) <= 8 * 1024
    assert capped("arguments", {"path": "a.txt"}) == {"arguments": {"path": "a.txt"}}


DEEP = b'{"a":' * 50_000
BROKEN = (
    b"",
    b"{",
    b"[]",
    b'{"type":"event","event":"agent","payload":{}}',
    b"\xff\xfe",
    b'{"type":7}',
    b'{"type":"event","event":"agent","payload":' + DEEP,
)


def odd(peer: Peer) -> dict[str, str]:
    """Why frames were odd, and a sample of each kind."""
    return {one.why: one.sample for one in peer.dialect.record.odd.kept()}


def test_unknown_and_broken_frames_are_counted_and_survived() -> None:
    peer = Peer().connect()
    for broken in BROKEN:
        peer.hear(broken)
    peer.event("voicewake.changed", {})
    peer.hear({"type": "odd"})
    assert peer.dialect.record.statistics().malformed_frames == len(BROKEN)
    assert peer.dialect.record.statistics().unknown_frames == 2
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    assert isinstance(peer.signals("alpha")[-1], RunStarted)


def test_broken_frames_before_the_handshake_are_survived_too() -> None:
    peer = Peer()
    for broken in BROKEN:
        peer.hear(broken)
    assert peer.dialect.record.statistics().malformed_frames == len(BROKEN) - 1
    assert peer.dialect.record.statistics().unknown_frames == 1  # an event, before its time
    peer.connect()
    assert isinstance(peer.broadcasts()[-1], LinkUp)


def test_odd_frames_are_kept_with_the_reason_and_without_what_they_say() -> None:
    """Whoever helps an operator learns what this gateway says that we do not know, and nothing of the conversation."""
    peer = Peer().connect()
    peer.event("voicewake.changed", {"text": "hello there"})
    peer.agent(1, "mood", {"text": "hello there"}, sessionKey=SESSION)
    peer.agent(2, "tool", {"phase": "pause", "args": {"path": "/home"}}, sessionKey=SESSION)
    peer.event("chat", {"runId": 5, "message": "hello there"})
    kept = odd(peer)
    assert kept.keys() == {
        "unknown event: voicewake.changed",
        "unknown stream: mood",
        "unknown phase of a tool: pause",
        "chat: not as expected: Expected `str`, got `int` - at `$.runId`",
    }
    assert '"event":"voicewake.changed"' in kept["unknown event: voicewake.changed"]
    assert '"payload":{"text":"<11 characters>"}' in kept["unknown event: voicewake.changed"]
    assert '"stream":"mood"' in kept["unknown stream: mood"]
    assert "hello" not in str(kept)
    assert "/home" not in str(kept)


def test_what_was_too_large_is_kept_and_waited_for_no_longer_than_anything() -> None:
    """An answer that is too large is like one that does not come: the session goes on without its history."""
    peer = Peer().connect()
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    orders = peer.dialect.oversized(40 << 20, b'{"type":"res","id":"mc-2","payload":{"mess', peer.now)
    assert orders == []
    peer.wait(10_000)
    assert isinstance(peer.signals("alpha")[-1], HistoryMissing)
    assert odd(peer) == {"too large: 40 MiB": '{"type":"res","id":"<4 characters>","payload":{"<4 characters>'}
    assert peer.dialect.record.statistics().oversized_frames == 1


@pytest.mark.parametrize("history", [{"messages": 5}, "nothing", [], {"messages": [{"role": 7}]}])
def test_an_answer_that_cannot_be_read_is_none(history: Any) -> None:
    """What waits in line behind a session's history does not wait for ever, and the repair has an end."""
    peer = Peer(runs={"run": ("alpha", SESSION)}).greet()
    peer.agent(1, "lifecycle", {"phase": "end"}, sessionKey=SESSION)
    [asked] = peer.asked("chat.history")
    peer.answer(asked["id"], history)
    peer.answer(peer.asked("sessions.list")[-1]["id"], {"sessions": 5})
    told = [type(signal) for signal in peer.signals("alpha")]
    assert told == [HistoryMissing, RunEnding, Settled]
    assert CaughtUp() in peer.orders
    assert peer.dialect.record.statistics().malformed_frames == 2


def test_what_is_asked_is_counted_by_method() -> None:
    """Also connecting, which a gateway that refuses is asked for again and again."""
    peer = Peer().connect()
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    asked = peer.dialect.record.asked
    assert asked.within_hour(peer.now) == {"connect": 1, "sessions.list": 1, "chat.history": 1}
    assert asked.within_hour(peer.now + 3_600_000) == {}
    assert asked.totals.total() == peer.dialect.record.statistics().requests == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["agent", "chat", "health", "tick", "heartbeat", "shutdown", "presence", "cron"])
fields = st.sampled_from(["runId", "seq", "ts", "stream", "data", "sessionKey", "state", "message", "agents", "reason"])


@given(names, st.dictionaries(fields, json_values, max_size=8) | json_values)
def test_no_frame_makes_it_raise(name: str, payload: Any) -> None:
    """Whatever a gateway sends, the connection's actor lives."""
    Peer().connect().event(name, payload)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    Peer().connect().hear(raw)


def test_a_repair_that_was_cut_off_begins_again_where_it_began() -> None:
    """A connection that is lost before everything was brought in moves nothing out of reach."""
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=100_000 - 3_600_000).greet(uptime=10)
    [first] = peer.asked("sessions.list")
    peer.orders.clear()
    peer._do(peer.dialect.closed(peer.now, "reset"))
    peer.now += 5_000
    peer._do(peer.dialect.opened(peer.now))
    peer.greet(uptime=5_010)
    [again] = peer.asked("sessions.list")
    assert again["params"]["activeMinutes"] >= first["params"]["activeMinutes"] >= 61
    assert [request["params"]["sessionKey"] for request in peer.asked("chat.history")] == [SESSION]
    [up] = [signal for signal in peer.broadcasts() if isinstance(signal, LinkUp)]
    assert up.silent_since == 100_000 - 3_600_000


def test_a_short_session_key_is_the_same_session_as_its_full_one() -> None:
    """Events say ``main`` for what the list of sessions calls by its full key."""
    peer = Peer().connect(health=health("alpha"))
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey="main")
    [start] = [signal for signal in peer.signals("alpha") if isinstance(signal, RunStarted)]
    assert start.session == SESSION
    assert peer.asked("chat.history")[0]["params"]["sessionKey"] == "main"


def test_what_ended_behind_a_repairs_back_is_asked_for_at_the_next_tool() -> None:
    """The repair's history is read while a message is being written, and its end was missed. Asked for once."""
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.answer(peer.asked("chat.history")[0]["id"], {"messages": []})
    for seq, call in ((7, "a"), (8, "b")):
        peer.agent(seq, "tool", {"phase": "start", "name": "read", "toolCallId": call}, sessionKey=SESSION)
        for request in peer.asked("chat.history")[1:]:
            peer.answer(request["id"], {"messages": []})
    assert [request["params"]["limit"] for request in peer.asked("chat.history")] == [200, 8]


def test_a_session_that_speaks_before_the_list_is_there_is_repaired_first() -> None:
    """On connecting, what a session said before comes before what it says now, listed or not; and is asked for once."""
    peer = Peer().greet()
    peer.agent(7, "assistant", {"text": "late", "delta": "late"}, sessionKey=SESSION)
    peer.agent(8, "assistant", {"text": "later", "delta": "r"}, sessionKey=SESSION)
    assert peer.signals("alpha") == []
    [request] = peer.asked("chat.history")
    peer.answer(request["id"], {"messages": []})
    peer.answer(peer.asked("sessions.list")[0]["id"], {"sessions": [{"key": SESSION}]})
    peer.agent(9, "assistant", {"text": "latest", "delta": "st"}, sessionKey=SESSION)
    waited = [HistorySeen, TextSeen, TextSeen, Settled]
    assert [type(signal) for signal in peer.signals("alpha")] == [*waited, TextSeen]
    assert len(peer.asked("chat.history")) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[[reply_to_current", ""),
        ("[[reply_to_current]", ""),
        ("Look here\nMEDIA:/tmp/x.png", "Look here"),
        ("I said it.\nNO_RE", "I said it."),
        ("NO_REPLY", ""),
        ("<thin", ""),
        ("a list[", "a list"),
        ("a list[i]", "a list[i]"),
        ("I said NO", "I said NO"),
        ("if a < b", "if a < b"),
        ("[[other thing]] here", "[[other thing]] here"),
        ("a\nMore", "a\nMore"),
    ],
)
def test_what_may_become_a_directive_is_held_back(text: str, shown: str) -> None:
    """The gateway streams the beginning of a directive and never takes it back; a page must not show it."""
    assert decided(text) == shown
    assert decided("word " * 50 + text) in ("word " * 50 + shown, ("word " * 50 + shown).rstrip(), "word " * 50 + text)


def test_frames_that_come_late_wait_for_nobody_and_are_told_in_order() -> None:
    peer = Peer().connect()
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.seq += 1
    peer.agent(3, "assistant", {"text": "one two", "delta": " two"}, sessionKey=SESSION)
    assert [type(signal) for signal in peer.signals("alpha")] == [RunStarted]
    peer.seq -= 2
    peer.agent(2, "assistant", {"text": "one", "delta": "one"}, sessionKey=SESSION)
    texts = [signal.text for signal in peer.signals("alpha") if isinstance(signal, TextSeen)]
    assert texts == ["one", "one two"]
    assert peer.dialect.record.statistics().missing_frames == 0


def test_a_hole_is_noticed_where_it_is() -> None:
    """Also when what came behind it waited for an older hole: a tool's start is no proof that the text before it, whose
    end went missing, is whole."""
    peer = Peer().connect()
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.seq += 1
    peer.agent(3, "assistant", {"text": "one two", "delta": " two"}, sessionKey=SESSION)
    peer.seq += 1
    peer.agent(5, "tool", {"phase": "start", "name": "read", "toolCallId": "c"}, sessionKey=SESSION)
    peer.wait(200)
    told = [order.signal for order in peer.orders if isinstance(order, Deliver | Broadcast)]
    kinds = [type(signal) for signal in told if isinstance(signal, TextSeen | ToolSeen | HoleSeen)]
    assert kinds == [HoleSeen, TextSeen, HoleSeen, ToolSeen]
    assert peer.dialect.record.statistics().missing_frames == 2


def test_a_source_that_numbers_anew_loses_nothing_that_waited() -> None:
    peer = Peer().connect()
    peer.seq = 5_000
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.seq += 1
    peer.agent(3, "assistant", {"text": "one", "delta": "one"}, sessionKey=SESSION)
    peer.seq = 0
    peer.agent(4, "assistant", {"text": "one two", "delta": " two"}, sessionKey=SESSION)
    texts = [signal.text for signal in peer.signals("alpha") if isinstance(signal, TextSeen)]
    assert texts == ["one", "one two"]


def test_a_hole_in_a_repair_is_still_missing_when_that_repair_is_done() -> None:
    """What was asked for before frames went missing does not tell what they held."""
    peer = Peer(runs={"run": ("alpha", SESSION)}, last_heard=90_000).connect()
    peer.event("tick", {})
    peer.seq += 1
    peer.event("tick", {})
    peer.wait(200)
    [first] = peer.asked("chat.history")
    peer.answer(first["id"], {"messages": []})
    told = [order for order in peer.orders if isinstance(order, CatchingUp | CaughtUp)]
    assert isinstance(told[-1], CatchingUp)
    peer.wait(10_000)
    for request in (*peer.asked("sessions.list")[1:], *peer.asked("chat.history")[1:]):
        peer.answer(request["id"], {"sessions": [], "messages": []})
    told = [order for order in peer.orders if isinstance(order, CatchingUp | CaughtUp)]
    assert isinstance(told[-1], CaughtUp)
