"""The envelope dialect alone: hello and welcome, order, and what a source sends that is wrong."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Draft, Final
from mission_control.core.liveness import Statement
from mission_control.core.positions import Position
from mission_control.core.signals import LinkAlive, LinkDown, LinkUp, Told, Unusable
from mission_control.gateways.dialect import Broadcast, Deliver, Established, Order, Refused, Send
from mission_control.gateways.envelope import EnvelopeDialect
from mission_control.gateways.envelope.dialect import BEHIND_MS, LARGEST_FRAME, MOST_AGENTS
from mission_control.stores.sqlite import SqliteJournal
from tests.core.told import Reader

NOW = 1_700_000_000_000
CHUNK = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant", "index": 0, "delta": "Hel", "start": 0}
FINAL = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant", "text": "Hello", "state": "complete"}
TOOL = {"kind": "tool.started", "title": "Tool search started", "tool": "search", "run_id": "r"}
DEEP: Any = {}
for _ in range(40):
    DEEP = {"deeper": DEEP}


def event(sequence: Any = 1, kind: str = "activity.event", payload: Any = TOOL, **changed: Any) -> dict[str, Any]:
    whole = {
        "event_id": f"e{sequence}",
        "timestamp": NOW,
        "agent_id": "alpha",
        "type": kind,
        "payload": payload,
        "sequence": sequence,
    }
    return {name: value for name, value in {**whole, **changed}.items() if value is not ...}


class Peer:
    """A dialect with an open connection, and what it ordered since it was asked last."""

    def __init__(self, token: str | None = None, last_heard: int | None = None, /, **positions: Position) -> None:
        self.dialect = EnvelopeDialect("src", token, positions, last_heard=last_heard)
        self.now = NOW
        self.orders: list[Order] = []
        self.open()

    def open(self) -> "Peer":
        self.orders += self.dialect.opened(self.now)
        return self

    def hear(self, *objects: Any) -> "Peer":
        """One frame each."""
        for one in objects:
            raw = one if isinstance(one, bytes) else json.dumps(one).encode()
            self.orders += self.dialect.receive(raw, self.now)
        return self

    def wait(self, ms: int) -> "Peer":
        """Let time pass as the connection's actor does: woken whenever something is due, until it is of no use."""
        until = self.now + ms
        while (due := self.dialect.due(self.now)) is not None and due <= until and not self.refused():
            self.now = max(due, self.now + 1)
            self.orders += self.dialect.tick(self.now)
        self.now = until
        return self

    def close(self) -> "Peer":
        self.orders += self.dialect.closed(self.now, "cut")
        return self

    def taken(self) -> list[Order]:
        orders, self.orders = self.orders, []
        return orders

    def told(self) -> list[Told]:
        signals = [order.signal for order in self.taken() if isinstance(order, Deliver)]
        return [signal for signal in signals if isinstance(signal, Told)]

    def sequences(self) -> list[int]:
        return [one.sequence for one in self.told()]

    def refused(self) -> bool:
        return any(isinstance(order, Refused) for order in self.orders)

    def sent(self) -> list[Any]:
        return [json.loads(order.text) for order in self.taken() if isinstance(order, Send)]

    def counts(self) -> tuple[int, int, int]:
        """Unknown, malformed, repeated."""
        statistics = self.dialect.record.statistics()
        return statistics.unknown_frames, statistics.malformed_frames, statistics.repeated_frames


class TestConnecting:
    def test_hello_says_how_far_each_agent_was_followed(self) -> None:
        """And by which process of the source, so that it can tell whether these are its own numbers."""
        peer = Peer("secret", alpha=Position(7, "b1"), beta=Position(3))
        assert peer.sent() == [
            {"op": "hello", "resume": {"alpha": 7, "beta": 3}, "boots": {"alpha": "b1"}, "token": "secret"}
        ]
        assert Peer().sent() == [{"op": "hello", "resume": {}, "boots": {}}]

    def test_what_is_missing_is_asked_for_again(self) -> None:
        """After a restart once, and after each connection that left a hole."""
        peer = Peer(alpha=Position(7, missing=((3, 3),)))
        assert peer.sent()[0]["resume"] == {"alpha": 2}
        peer.hear({"op": "welcome", "resume": True}, event(8), event(10)).close().open()
        assert peer.sent()[0]["resume"] == {"alpha": 8}
        assert peer.close().open().sent()[0]["resume"] == {"alpha": 10}

    def test_it_is_live_with_the_welcome(self) -> None:
        """The operator reads whether an outage costs events."""
        for resume, words in ((True, "resumes where it was left"), (False, "cannot resume")):
            peer = Peer(None, 5)
            assert [type(order) for order in peer.taken()] == [Send]
            peer.hear({"op": "welcome", "resume": resume})
            assert peer.taken() == [
                Established(f"a source of events that {words}"),
                Broadcast(LinkUp(NOW, 5)),
            ]

    def test_a_source_may_just_stream(self) -> None:
        """It is live with its first event, and a silent one after a second."""
        events = Peer().hear(event()).taken()
        assert [type(order) for order in events] == [Send, Established, Broadcast, Deliver]
        silent = Peer().wait(999)
        assert [type(order) for order in silent.taken()] == [Send]
        assert [type(order) for order in silent.wait(1).taken()] == [Established, Broadcast]

    def test_a_refusal_is_told_with_the_remedy(self) -> None:
        """And the link was never up, so that the waits between attempts grow."""
        peer = Peer("wrong").hear({"op": "error", "message": "no token: wrong"})
        refused = [order for order in peer.taken() if not isinstance(order, Send)]
        assert refused == [
            Refused(
                "no token: ********", "check the token: gateways[].token, or token_file, is what the source expects"
            )
        ]

    def test_what_came_with_a_refusal_is_not_lost(self) -> None:
        """It reaches its agent before the connection is given up."""
        orders = Peer().hear([event(1), {"op": "error", "message": "full"}, event(2)]).taken()
        assert [type(order) for order in orders[-3:]] == [Deliver, Deliver, Refused]

    def test_a_source_that_answers_pings_may_not_fall_silent(self) -> None:
        """One that never did proves nothing by its silence."""
        peer = Peer().hear({"op": "welcome"})
        peer.taken()
        assert peer.wait(120_000).sent()[:2] == [{"op": "ping", "t": NOW + 30_000}, {"op": "ping", "t": NOW + 60_000}]
        assert Broadcast(LinkAlive(peer.now)) in peer.hear({"op": "pong"}).taken()
        assert not [order for order in peer.wait(59_999).taken() if isinstance(order, Refused)]
        (refused,) = [order for order in peer.wait(1).taken() if isinstance(order, Refused)]
        assert refused.reason == "nothing heard for 60 s"
        assert Peer().hear(event()).wait(300_000).told() != []

    def test_the_end_of_a_connection_lets_nothing_wait(self) -> None:
        """What came before its turn is handed on before the link is down: nothing stays where nobody looks."""
        orders = Peer().hear(event(1), event(3)).close().taken()
        assert [order.signal.sequence for order in orders if isinstance(order, Deliver)] == [1, 3]  # type: ignore[union-attr]
        assert orders[-1] == Broadcast(LinkDown(NOW, "cut"))


class TestOrder:
    @pytest.mark.parametrize(
        ("resume", "after", "all_told"), [(True, 4_001, True), (True, 4_000, False), (False, 9_000, False)]
    )
    def test_a_source_that_can_resume_tells_of_an_agent_from_the_first_on(
        self, resume: bool, after: int, all_told: bool
    ) -> None:
        """It has told of those that there were soon after its welcome."""
        peer = Peer().hear({"op": "welcome", "resume": resume}).wait(after).hear(event(1))
        [told] = peer.told()
        assert told.from_first == all_told

    def test_swapped_and_repeated_frames_come_in_order_once(self) -> None:
        """In frames of one or many."""
        peer = Peer().hear(event(2), [event(1), event(2), event(4)], event(3), event(3))
        assert (peer.sequences(), peer.counts()) == ([1, 2, 3, 4], (0, 0, 2))

    def test_a_hole_is_waited_for_two_seconds(self) -> None:
        """Then the stream goes on."""
        peer = Peer().hear(event(1), event(3))
        assert peer.wait(1_999).sequences() == [1]
        assert peer.wait(1).sequences() == [3]

    def test_agents_do_not_wait_for_each_other(self) -> None:
        """An agent's hole is its own."""
        peer = Peer().hear(event(2), event(1, agent_id="beta"))
        assert [order.agent_id for order in peer.taken() if isinstance(order, Deliver)] == ["beta"]

    def test_another_boot_numbers_anew(self) -> None:
        """Known from the welcome, before its first event has come; what waited of the former one goes first."""
        peer = Peer(alpha=Position(7, "b1")).hear({"op": "welcome", "boot": "b1"}, event(9))
        assert peer.close().sequences() == [9]
        peer.open().hear({"op": "welcome", "boot": "b2"}, event(2, event_id="n2"), event(1, event_id="n1"))
        assert [(one.boot, one.sequence) for one in peer.told()] == [("b2", 1), ("b2", 2)]

    def test_the_same_boot_repeats_itself(self) -> None:
        """A number that has passed is a repetition whatever its name, unless it was missing."""
        peer = Peer(alpha=Position(7, "b1", missing=((3, 3),))).hear({"op": "welcome", "boot": "b1"})
        peer.hear(event(7, event_id="x"), event(3), event(3, event_id="y"), event(8))
        assert (peer.sequences(), peer.counts()) == ([3, 8], (0, 0, 2))

    def test_without_boots_the_names_tell_a_new_life(self) -> None:
        """An old number under a new name goes on, put in order like the first life's."""
        peer = Peer(alpha=Position(7)).hear(event(8), event(2, event_id="n2"), event(1, event_id="n1"))
        assert peer.sequences() == [8, 1, 2]

    def test_a_beat_may_come_under_the_last_number(self) -> None:
        """It neither waits nor counts."""
        beat = event(8, "heartbeat", {"status": "online"}, event_id="beat")
        peer = Peer(alpha=Position(7)).hear(event(8), beat, event(9))
        assert peer.sequences() == [8, 8, 9]


class TestPayloads:
    def test_messages_are_named_apart(self) -> None:
        """Two agents, or two sources, may use the same ids."""
        peer = Peer().hear(event(1, "conversation.chunk", CHUNK), event(2, "conversation.final", FINAL))
        first, second = peer.told()
        assert first.event_id == "src:alpha:e1"
        assert first.payload == Chunk("src/alpha/m", "r", "s", "assistant", 0, "Hel", 0)
        assert second.payload == Final("src/alpha/m", "r", "s", "assistant", "Hello", "complete", 0)

    def test_a_heartbeat_is_a_statement(self) -> None:
        """Previous status and clocks are the daemon's business."""
        whole = {"status": "degraded", "previous": "online", "reason": "hot", "clocks": {"transport_at": 1}}
        peer = Peer().hear(event(1, "heartbeat", whole), event(2, "heartbeat", {"status": "online"}))
        assert [one.payload for one in peer.told()] == [
            Statement("degraded", "hot"),
            Statement("online", "its source says online"),
        ]

    @pytest.mark.parametrize("detail", [{"text": "x" * 100_000}, DEEP], ids=["large", "deep"])
    def test_a_detail_too_large_to_show_is_cut(self, detail: Any) -> None:
        """It says so, and its beginning is there."""
        (told,) = Peer().hear(event(payload={**TOOL, "title": "x" * 1_000, "detail": detail})).told()
        assert isinstance(told.payload, Activity)
        assert isinstance(told.payload.detail, dict)
        assert told.payload.detail["truncated"] is True
        assert 0 < len(told.payload.detail["text"]) <= 16 * 1024
        assert len(told.payload.title) == 500

    def test_an_agents_name_is_a_text(self) -> None:
        """Anything else would look different in each client."""
        added = {"kind": "agent.added", "title": "t", "detail": {"name": 5, "model": "m"}}
        (told,) = Peer().hear(event(payload=added)).told()
        assert isinstance(told.payload, Activity)
        assert told.payload.detail == {"model": "m"}

    @pytest.mark.parametrize(
        ("timestamp", "at", "skew"),
        [
            (NOW + 60_000, NOW + 60_000, None),
            (NOW + 60_001, NOW, 60_001),
            (NOW - BEHIND_MS, NOW - BEHIND_MS, None),
            (0, NOW, -NOW),
            (10**400, NOW, 2**53 - NOW),
            (-(10**400), NOW, -NOW),
        ],
    )
    def test_a_time_that_cannot_be_is_the_time_of_arrival(self, timestamp: int, at: int, skew: int | None) -> None:
        """A source may tell of the past, after an outage; but not of the future, or of another age."""
        (told,) = Peer().hear(event(timestamp=timestamp)).told()
        assert (told.at, told.skew_ms) == (at, skew)

    @pytest.mark.parametrize("started_at", [NOW - BEHIND_MS - 1, NOW + 60_001, 10**40, -1])
    def test_a_message_began_when_it_can_have_begun(self, started_at: int) -> None:
        """Else it has the time of its final."""
        peer = Peer().hear(event(1, "conversation.final", {**FINAL, "started_at": started_at}))
        peer.hear(event(2, "conversation.final", {**FINAL, "started_at": NOW - 5}))
        began = [one.payload.started_at for one in peer.told() if isinstance(one.payload, Final)]
        assert began == [UNSET, NOW - 5]


UNUSABLE = [
    (event(kind="message.deleted"), "its type 'message.deleted' is not known"),
    (event(kind="system.status"), "system.status is the daemon's own to tell"),
    (event(payload=[]), "its payload is not that of activity.event"),
    (event(payload={"kind": "tool.started"}), "missing required field `title`"),
    (event(payload={**TOOL, "kind": ""}), "kind must be a text"),
    (event(payload={**TOOL, "run_id": "r" * 201}), "run_id must be a text"),
    (event(payload={**TOOL, "tool": "\0"}), "tool must be a text"),
    (event(payload={**TOOL, "duration_ms": -1}), "duration_ms must be"),
    (event(payload={**TOOL, "kind": "run.started", "run_id": ""}), "a kind of run.* needs a run_id"),
    (event(kind="heartbeat", payload={"status": "fine"}), "Invalid enum value 'fine'"),
    (event(kind="conversation.chunk", payload={**CHUNK, "index": -1}), "index must count"),
    (event(kind="conversation.chunk", payload={**CHUNK, "index": "0"}), "Expected `int`, got `str`"),
    (event(kind="conversation.chunk", payload={**CHUNK, "role": "robot"}), "Invalid enum value 'robot'"),
    (event(kind="conversation.chunk", payload={**CHUNK, "message_id": ""}), "message_id must be a text"),
    (event(kind="conversation.final", payload={**FINAL, "state": "streaming"}), "Invalid enum value 'streaming'"),
    (event(kind="conversation.final", payload={**FINAL, "duration_ms": 2**60}), "duration_ms must be"),
    (event(event_id=""), "event_id must be a text of 1 to 200 characters"),
    (event(event_id="e" * 201), "event_id must be a text of 1 to 200 characters"),
    (event(event_id=5), "Expected `str`, got `int`"),
    (event(timestamp="now"), "Expected `int`, got `str`"),
    (event(timestamp=...), "missing required field `timestamp`"),
    (event(payload=...), "missing required field `payload`"),
    (event(type=None), "Expected `str`, got `null`"),
]
NOWHERE: list[tuple[Any, str]] = [
    (event(agent_id=None, kind="system.status"), "system.status is the daemon's own to tell"),
    (event(agent_id=""), "agent_id must be a text"),
    (event(agent_id=None), "agent_id must be a text"),
    (event(agent_id="a" * 129), "agent_id must be a text"),
    (event(agent_id="a\0b"), "agent_id must be a text"),
    (event(sequence=...), "sequence must be a whole number from 1, not None"),
    (event(sequence=0), "sequence must be a whole number from 1, not 0"),
    (event(sequence=-3), "sequence must be a whole number from 1, not -3"),
    (event(sequence=1.5), "sequence must be a whole number from 1, not 1.5"),
    (event(sequence=True), "sequence must be a whole number from 1, not True"),
    (event(sequence=2**53), "sequence must be a whole number from 1, not 9007199254740992"),
    (b"{", "no JSON object"),
    (b"", "no JSON object"),
    (b"[1, 2", "a frame is no JSON"),
    (b"[1]", "no JSON object"),
    (b"null", "no JSON object"),
    (b'"text"', "no JSON object"),
    (b"\xff\xfe", "no JSON object"),
    (b"[" * 100_000, "a frame is no JSON"),
    (b'{"a":' * 100_000, "no JSON object"),
    ({"op": "welcome", "boot": 5}, "no JSON object of a known shape"),
    ({"op": "welcome", "boot": ""}, "boot must be a text"),
]


class TestWrong:
    @pytest.mark.parametrize(("wrong", "reason"), UNUSABLE, ids=range(len(UNUSABLE)))
    def test_an_unusable_event_leaves_its_reason_in_its_place(self, wrong: dict[str, Any], reason: str) -> None:
        """It is counted, and the events around it go on in order."""
        peer = Peer().hear(event(2), {**wrong, "sequence": 1}, event(3))
        first, second, third = peer.told()
        assert isinstance(first.payload, Unusable)
        assert reason in first.payload.reason
        assert len(first.payload.reason) < 400
        assert (first.at, second.sequence, third.sequence) == (NOW, 2, 3)
        assert sum(peer.counts()) == 1

    @pytest.mark.parametrize(("wrong", "reason"), NOWHERE, ids=range(len(NOWHERE)))
    def test_what_has_no_place_is_counted_and_told(self, wrong: Any, reason: str) -> None:
        """The link's state names the last reason; the events around it go on."""
        peer = Peer().hear(event(1), wrong, event(2))
        orders = peer.taken()
        told = [order.signal.payload for order in orders if isinstance(order, Deliver)]  # type: ignore[union-attr]
        assert (peer.counts(), len(told)) == ((0, 1, 0), 2)
        warning = [order for order in orders if isinstance(order, Established)][-1]
        assert warning.detail == "1 frames or events of the source could not be taken"
        assert reason in warning.warnings[0]

    def test_what_was_odd_is_kept_with_the_reason_and_without_what_it_says(self) -> None:
        """An event that is odd shows alone, not the frame that it came in."""
        secret = "correct horse"
        batch = [event(1), event(2, "dream.event", {"text": secret}), event(3, payload={"kind": 5, "title": secret})]
        chunk = {**CHUNK, "role": secret, "delta": secret}
        peer = Peer().hear(batch, event(4, "conversation.chunk", chunk), {"op": "sing", "song": secret})
        peer.hear({"type": "activity.event", "agent_id": "alpha", "sequence": secret}, b'["' + secret.encode())
        kept = {one.why: one.sample for one in peer.dialect.record.odd.kept()}
        assert kept.keys() == {
            "unknown type of event: dream.event",
            "unknown op: sing",
            "its payload is not that of activity.event: Expected `str`, got `int` - at `$.kind`",
            "its payload is not that of conversation.chunk: Invalid enum value … - at `$.role`",
            "sequence must be a whole number from 1, not something else",
            "a frame is no JSON: Input data was truncated",
        }
        assert kept["unknown op: sing"] == '{"op":"sing","song":"<13 characters>"}'
        assert '"payload":{"text":"<13 characters>"}' in kept["unknown type of event: dream.event"]
        assert "horse" not in str(kept)
        assert peer.dialect.record.asked.totals == {"hello": 1}

    def test_a_frame_that_was_too_large_is_told_and_costs_only_itself(self) -> None:
        """It never gets here; the link tells of it. The source is heard all the same."""
        peer = Peer().hear(event(1))
        assert peer.dialect.max_message == LARGEST_FRAME
        peer.orders += peer.dialect.oversized(LARGEST_FRAME + 1, b'{"type":"activity.event"', NOW)
        peer.hear(event(2))
        [warning] = [order for order in peer.orders if isinstance(order, Established) and order.warnings]
        assert warning.warnings == ("the last one: a frame of 4,194,305 bytes; at most 4,194,304 are taken",)
        assert peer.sequences() == [1, 2]
        statistics = peer.dialect.record.statistics()
        assert (statistics.oversized_frames, statistics.malformed_frames) == (1, 0)

    def test_a_payload_that_is_no_text_costs_its_event(self) -> None:
        """Frames are not checked to be UTF-8 before they come here."""
        broken = json.dumps(event(1)).replace("search", "\xff").encode("latin-1")
        first, second = Peer().hear(broken, event(2)).told()
        assert isinstance(first.payload, Unusable)
        assert isinstance(second.payload, Activity)

    def test_faults_are_told_once_a_minute(self) -> None:
        """A source that sends nothing but garbage does not fill the journal."""
        peer = Peer().hear(event(1))
        peer.taken()
        for _ in range(100):
            peer.hear(b"garbage")
        assert len(peer.taken()) == 1
        peer.now += 60_000
        (again,) = peer.hear(b"garbage").taken()
        assert isinstance(again, Established)
        assert again.detail.startswith("101 frames")

    def test_an_array_loses_only_what_is_wrong_in_it(self) -> None:
        """The others of its frame go on."""
        peer = Peer().hear([event(1), 7, {"op": "chatter"}, event(2, kind="?"), event(3)])
        assert (peer.sequences(), peer.counts()) == ([1, 2, 3], (2, 1, 0))

    def test_agents_are_bounded(self) -> None:
        """A source that makes up agents without end costs no more than its share."""
        peer = Peer(**{f"agent-{number}": Position(1) for number in range(MOST_AGENTS)})
        assert peer.hear(event(1, agent_id="one more")).told() == []
        assert peer.counts() == (0, 1, 0)
        assert len(peer.hear(event(2, agent_id="agent-7")).told()) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
values = st.sampled_from([-1, 0, 2**31, 2**53, 2**63, 10**30, "", "\0", "x" * 300]) | json_values
SOUND = [
    event(1, "conversation.chunk", CHUNK),
    event(2, "conversation.final", {**FINAL, "started_at": NOW, "duration_ms": 5, "usage": {}}),
    event(3, "activity.event", {**TOOL, "kind": "run.started", "detail": {}}),
    event(4, "heartbeat", {"status": "online", "reason": ""}),
]


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Bytes, JSON, or an event of which some fields are something else."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=60) | values.map(lambda one: json.dumps(one).encode()))
    base = draw(st.sampled_from(SOUND))
    fields = st.sampled_from(sorted(base["payload"]))
    payload = {**base["payload"], **draw(st.dictionaries(fields, values, min_size=1, max_size=2))}
    changed = draw(st.just({}) | st.dictionaries(st.sampled_from([*base, "op", "boot"]), values, max_size=1))
    return json.dumps({**base, "payload": payload, **changed}).encode()


@settings(max_examples=100)
@given(st.lists(frames(), max_size=12))
async def test_nothing_that_a_source_sends_breaks_anything(sent: list[bytes]) -> None:
    """Neither dialect nor core nor journal: whatever was sent, an event in order is stored afterwards."""
    peer = Peer().hear(*sent, event(1, agent_id="other", event_id="sound")).close()
    cores: dict[str, AgentCore] = {}
    drafts: list[Draft] = []
    for order in peer.taken():
        if isinstance(order, Deliver):
            core = cores.setdefault(order.agent_id, AgentCore(("src", order.agent_id)))
            drafts += core.handle(order.signal, NOW)
    positions = {core.key: core.telling.position for core in cores.values() if core.telling.position is not None}
    with TemporaryDirectory() as directory:
        async with SqliteJournal.open(Path(directory) / "journal.db", now=lambda: NOW, durability="normal") as journal:
            commit = await journal.append(drafts, positions)
            reader = Reader()
            for one in commit.events:
                reader.read(one)
            assert "src:other:sound" in {one.event_id for one in commit.events}
