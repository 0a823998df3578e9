"""What no gateway should say. It costs nothing but itself: the connection lives, and what else is said is told."""

import json
import time
from typing import Any

import pytest

from mission_control.core.draft_check import DETAIL_DEPTH, is_shallow
from mission_control.core.signals import HistoryMissing, HistorySeen, Listed, TextSeen
from mission_control.gateways.clawdbot.content import capped, decided, visible
from mission_control.gateways.clawdbot.places import KNOWN_RUNS, Places
from mission_control.gateways.dialect import CaughtUp, Refused
from tests.gateways.test_clawdbot import SESSION, Peer, health

HUGE = 10**400
"""No float is as large, and msgspec reads it."""
DEEP = b"[" * 100_000


def shown(value: object) -> str:
    return str(value)[:20]


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize("phase", ["challenge", "connecting", "live"])
def test_a_frame_that_is_nested_without_end_is_malformed(phase: str) -> None:
    peer = Peer()
    if phase == "connecting":
        peer.event("connect.challenge", {})
    elif phase == "live":
        peer.connect()
    peer.hear(b'{"type":"event","event":"agent","payload":' + DEEP)
    peer.hear(b'{"type":"event","event":"agent","payload":{"runId":"r","stream":"tool","ts":1,"data":' + DEEP)
    assert peer.dialect.record.statistics().malformed_frames == 2


def test_a_detail_that_is_nested_deep_is_shown_as_text() -> None:
    """Whoever reads the journal does so from deeper in the stack than this, and must be able to."""
    assert capped("result", deep(DETAIL_DEPTH)) == {"result": deep(DETAIL_DEPTH)}
    cut = capped("result", deep(100))
    assert cut == {"result": "[" * 100 + "]" * 100, "truncated": True}
    assert all(is_shallow(value, 1) for value in cut.values())


def test_an_answer_that_cannot_be_read_is_no_answer() -> None:
    """What waits for the history goes on without it, at once and not with the next connection."""
    peer = Peer()
    peer.greet()
    peer.agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.answer(peer.asked("sessions.list")[-1]["id"], {"sessions": 5})
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": 5})
    [missing] = [signal for signal in peer.signals() if isinstance(signal, HistoryMissing)]
    assert "cannot be read" in missing.reason
    assert [order for order in peer.orders if isinstance(order, CaughtUp)]


@pytest.mark.parametrize("number", [-1, 2**53 + 1, HUGE], ids=shown)
def test_a_frame_whose_number_is_none_is_malformed(number: int) -> None:
    """It would count as that many missing frames, and no scrape could write how many."""
    peer = Peer().connect()
    peer.hear({"type": "event", "event": "tick", "payload": {}, "seq": number})
    assert peer.dialect.record.statistics().malformed_frames == 1
    assert peer.dialect.record.statistics().missing_frames == 0


@pytest.mark.parametrize(
    ("every", "told"), [(HUGE, 253_402_300_799_999), (-5, None), (0, None), (60_000, 60_000)], ids=shown
)
def test_an_interval_is_within_what_can_be_one(every: int, told: int | None) -> None:
    peer = Peer().connect(health=health("alpha", every=every))
    assert [signal.heartbeat_ms for signal in peer.signals() if isinstance(signal, Listed)] == [told]


@pytest.mark.parametrize(
    ("tick", "silent_after"), [(HUGE, 7_200_000), (0, 2_000), (-HUGE, 2_000), (30_000, 60_000)], ids=shown
)
def test_silence_is_noticed_whatever_interval_the_gateway_tells(tick: int, silent_after: int) -> None:
    peer = Peer()
    peer.event("connect.challenge", {})
    peer.answer("mc-connect", {"protocol": 3, "policy": {"tickIntervalMs": tick}})
    began = peer.now
    peer.wait(10_000_000)
    assert isinstance(peer.orders[-1], Refused)
    assert peer.now - began == silent_after


@pytest.mark.parametrize(("took", "told"), [(HUGE, 253_402_300_799_999), (-5, 0), (True, None), (7, 7)], ids=shown)
def test_a_duration_is_one(took: Any, told: int | None) -> None:
    call = {"role": "assistant", "content": [{"type": "toolCall", "id": "c"}], "timestamp": 90_000}
    result = {"role": "toolResult", "toolCallId": "c", "details": {"durationMs": took}, "timestamp": 90_001}
    peer = Peer().connect().agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": [call, result]})
    [seen] = [signal for signal in peer.signals() if isinstance(signal, HistorySeen)]
    assert seen.entries[0].calls[0].duration_ms == told


@pytest.mark.parametrize("piece", ["<think>", "[[reply_to:", " ", "\n", "NO_REPLY ", "MEDIA:", "<final>", "[[", "N"])
def test_no_text_takes_long_to_read(piece: str) -> None:
    """A model writes what it likes, and while a text is read nothing else happens."""
    text = "x" + piece * (60_000 // len(piece)) + "x"
    began = time.process_time()
    visible(text)
    decided(text)
    assert time.process_time() - began < 0.5


def test_reasoning_that_does_not_end_is_shown() -> None:
    assert visible("<think>no</think>a<thinking>no</thinking>b<think>c") == "ab<think>c"


def test_runs_and_sessions_without_end_do_not_pile_up() -> None:
    """Each with a short key of its own, which is remembered for asking."""
    places = Places({})
    for number in range(KNOWN_RUNS + 10):
        places.of_run(f"run{number}", None, f"session{number}")
        places.open(f"run{number}")
    assert len(places.open_runs()) == KNOWN_RUNS
    newest, oldest = f"agent:main:session{KNOWN_RUNS + 9}", "agent:main:session0"
    assert places.key_of(newest) == f"session{KNOWN_RUNS + 9}"
    assert places.key_of(oldest) == oldest


@pytest.mark.parametrize("usage", [{"a": deep(100)}, {"a": "x" * 100_000}], ids=["deep", "large"])
def test_what_a_message_is_said_to_have_used_is_left_out_if_it_is_senseless(usage: Any) -> None:
    message = {"role": "assistant", "content": "text", "timestamp": 90_000}
    peer = Peer().connect().agent(1, "lifecycle", {"phase": "start"}, sessionKey=SESSION)
    peer.answer(peer.asked("chat.history")[-1]["id"], {"messages": [message | {"usage": usage}, message]})
    [seen] = [signal for signal in peer.signals() if isinstance(signal, HistorySeen)]
    assert [(entry.text, entry.usage) for entry in seen.entries] == [("text", None)] * 2


def test_a_run_is_one_agents_whatever_is_said_of_it_later() -> None:
    """Two agents would tell of it, and of the same message, each from its beginning."""
    peer = Peer().connect().agent(1, "assistant", {"text": "one", "delta": "one"}, sessionKey=SESSION)
    for more in ({"sessionKey": "agent:bravo:main"}, {"agentId": "bravo"}):
        peer.agent(2, "assistant", {"text": "one two", "delta": " two"}, **more)
    assert [signal.session for signal in peer.signals("alpha") if isinstance(signal, TextSeen)] == [SESSION] * 3
    assert not [signal for signal in peer.signals("bravo") if isinstance(signal, TextSeen)]


@pytest.mark.parametrize("named", [{"agentId": ""}, {"sessionKey": "agent::x"}, {"sessionKey": SESSION, "agentId": ""}])
def test_an_agent_without_a_name_is_none(named: dict[str, str]) -> None:
    """Nobody could ask for it."""
    peer = Peer().connect(health=health("", "alpha")).agent(1, "assistant", {"text": "one", "delta": "one"}, **named)
    assert not peer.signals("")
    assert [signal.text for signal in peer.signals("alpha") if isinstance(signal, TextSeen)] == ["one"] * (
        "sessionKey" in named
    )
