"""Webhooks, pure: which events are chosen, how they are signed, what an answer means."""

import base64
import hashlib
import hmac

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import (
    TYPE_OF,
    Activity,
    Chunk,
    Clocks,
    Event,
    Final,
    Heartbeat,
    Payload,
    Status,
    decode_event,
    encode,
)
from mission_control.core.subscription import Filter
from mission_control.core.webhooks import (
    MOST_PATIENT_S,
    Answer,
    Delivery,
    Selection,
    Verdict,
    check_patterns,
    retry_after,
    sign,
    signing_key,
)

KEY = bytes(range(32))


def event(payload: Payload, *, agent: str | None = "alpha", gateway: str = "gw", event_id: str = "gw:1") -> Event:
    agent = None if isinstance(payload, Status) else agent
    return Event(event_id, 1_000, agent, str(TYPE_OF[type(payload)]), msgspec.Raw(encode(payload)), 1, gateway, 7)


CHUNK = event(Chunk("m", "r", "s", "assistant", 0, "Hello", 0))
FINAL = event(Final("m", "r", "s", "assistant", "Hello", "complete", 1))
FAILED = event(Activity("run.failed", "Run failed"))
TOOL = event(Activity("tool.started", "Tool exec started"))
OFFLINE = event(Heartbeat("offline", "online", "gone", Clocks()))
LOST = event(Status("gateway", "gw", "reconnecting", "connection lost"))
ALL = (CHUNK, FINAL, FAILED, TOOL, OFFLINE, LOST)


class TestSelection:
    @pytest.mark.parametrize(
        ("selection", "admitted"),
        [
            (Selection(), ALL),
            (Selection(Filter(types=frozenset({"conversation.*"}))), (CHUNK, FINAL)),
            (Selection(Filter(types=frozenset({"heartbeat", "system.status"}))), (OFFLINE, LOST)),
            (Selection(kinds=("run.failed",)), (CHUNK, FINAL, FAILED, OFFLINE, LOST)),
            (Selection(kinds=("tool.*", "run.started")), (CHUNK, FINAL, TOOL, OFFLINE, LOST)),
            (Selection(statuses=frozenset({"offline"})), (CHUNK, FINAL, FAILED, TOOL, OFFLINE)),
            (Selection(statuses=frozenset({"reconnecting"})), (CHUNK, FINAL, FAILED, TOOL, LOST)),
            (Selection(Filter(agents=frozenset({"beta"}))), (LOST,)),
            (Selection(Filter(gateways=frozenset({"other"}))), ()),
        ],
    )
    def test_each_list_narrows_down_what_it_is_about(self, selection: Selection, admitted: tuple[Event, ...]) -> None:
        """And leaves alone what it is not about."""
        assert tuple(one for one in ALL if selection.admits(one)) == admitted

    def test_a_family_is_not_a_beginning(self) -> None:
        """``run.*`` is ``run.failed``, and neither ``runner.failed`` nor ``run``."""
        selection = Selection(kinds=("run.*",))
        for kind in ("runner.failed", "run"):
            assert not selection.admits(event(Activity(kind, kind)))

    @pytest.mark.parametrize("path", ["root/extensions/webhook", "root/extensions/webhook/webhook"])
    def test_what_is_said_of_the_webhook_itself_is_never_sent(self, path: str) -> None:
        """A failure to send must not be one more event to send."""
        selection = Selection(own="root/extensions/webhook")
        assert not selection.admits(event(Status("actor", path, "failing", "")))

    def test_what_is_said_of_its_neighbours_is_sent(self) -> None:
        selection = Selection(own="root/extensions/webhook")
        assert selection.admits(event(Status("actor", "root/extensions/webhook_two", "crashed", "")))

    @pytest.mark.parametrize("kind", ["run.failed", "run.*", "session.compaction", "mine.it_is.*", "note"])
    def test_kinds_and_families_are_patterns(self, kind: str) -> None:
        check_patterns([kind])

    @pytest.mark.parametrize("kind", ["", "*", "run.", "run.f*", ".*", "run failed", "Run.failed", "run.*\n"])
    def test_anything_else_is_a_mistake(self, kind: str) -> None:
        """It would match nothing, and nobody would notice."""
        with pytest.raises(ValueError, match="no kind of activity"):
            check_patterns(["run.failed", kind])


class TestSigning:
    def test_the_specifications_own_example(self) -> None:
        """The vector that implementations of Standard Webhooks share."""
        key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_each_key_gives_a_signature(self) -> None:
        """During a rotation a receiver may verify with either."""
        old = b"o" * 24
        headers = Delivery.of(FAILED, 0).headers([KEY, old], 1_700_000_000_999)
        assert headers["webhook-timestamp"] == "1700000000"
        signed = f"{headers['webhook-id']}.1700000000.".encode() + encode(FAILED)
        expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (KEY, old)]
        assert headers["webhook-signature"] == f"v1,{expected[0]} v1,{expected[1]}"

    def test_the_body_is_the_envelope(self) -> None:
        assert decode_event(Delivery.of(FAILED, 0).body) == FAILED

    @given(event_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
    def test_every_event_id_makes_a_header(self, event_id: str) -> None:
        """One without the full stops that part what is signed, and the same each time."""
        first, second = (Delivery(event_id, b"", at).webhook_id for at in (1, 2))
        assert first == second
        assert first.isascii()
        assert first.replace("_", "").isalnum()
        assert Delivery(event_id + "x", b"", 1).webhook_id != first

    @pytest.mark.parametrize("prefix", ["", "whsec_"])
    @pytest.mark.parametrize("size", [24, 32, 64])
    def test_secrets_are_base64(self, prefix: str, size: int) -> None:
        key = (KEY * 2)[:size]
        assert signing_key(prefix + base64.b64encode(key).decode()) == key

    @pytest.mark.parametrize(
        "secret", ["", "whsec_", "hunter2", base64.b64encode(b"x" * 23).decode(), "ä" * 40, "a-_b" * 10]
    )
    def test_a_weak_or_garbled_secret_is_refused_and_not_shown(self, secret: str) -> None:
        with pytest.raises(ValueError, match="24 to 64 random bytes in base64") as caught:
            signing_key(secret)
        assert not secret or secret not in str(caught.value).replace("whsec_", "")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


class TestAnswers:
    @pytest.mark.parametrize(
        ("statuses", "verdict"),
        [
            ((200, 201, 202, 204), Verdict.DELIVERED),
            ((408, 425, 429, 500, 502, 503, 504, 529), Verdict.RETRY),
            ((301, 307, 308, 400, 401, 403, 404, 410, 413, 422), Verdict.GIVE_UP),
        ],
    )
    def test_only_what_may_pass_by_itself_is_tried_again(self, statuses: tuple[int, ...], verdict: Verdict) -> None:
        assert {Answer(status).verdict for status in statuses} == {verdict}

    def test_no_answer_is_tried_again(self) -> None:
        answer = Answer(problem="connection refused")
        assert answer.verdict is Verdict.RETRY
        assert str(answer) == "connection refused"

    def test_a_redirect_is_explained(self) -> None:
        """It is not followed, and its target, which may be anyone's choice, is not shown."""
        assert "not followed" in str(Answer(302))

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("0", 0.0),
            ("120", 120.0),
            (" 7 ", 7.0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
            ("Wed, 21 Oct 2015 07:28:00 -0000", 60.0),
            ("Wed, 21 Oct 2015 07:26:00 GMT", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", MOST_PATIENT_S),
            ("9" * 400, MOST_PATIENT_S),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("1e3", None),
            ("²", None),
            ("Wed, 99 Oct 2015 07:28:00 GMT", None),
            ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        ],
    )
    def test_how_long_to_wait(self, value: str, seconds: float | None) -> None:
        """Seconds or a date (RFC 9110, section 10.2.3), within reason; what is neither is passed over."""
        assert retry_after({"retry-after": value}, now=1_445_412_420_000) == seconds

    def test_nobody_asks_to_wait(self) -> None:
        assert retry_after({}, now=0) is None
