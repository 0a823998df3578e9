"""What a client may say, and what becomes of it."""

import json
from typing import Any

import pytest
from msgspec import UNSET, Raw

from mission_control.core.frames import MAX_CLIENT_FRAME
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.system_views import ClientView
from mission_control.edge.services import Access, RenderReport
from mission_control.edge.session import Answer, Begin, Measured, Refilter, Refuse, Session

TIMES = {"count": 3, "p50": 1.5, "p95": 2, "p99": 2.5, "max": 9}


def session(token: str | None = None) -> Session:
    return Session(Access(token=token, loopback_only=True))


def greeted() -> Session:
    one = session()
    assert isinstance(one.receive('{"op":"hello"}'), Begin)
    return one


def test_hello_without_anything_begins_with_everything() -> None:
    """The shortest hello is a valid one."""
    assert session().receive('{"op":"hello"}') == Begin(EVERYTHING, None)


def test_hello_carries_filter_cursor_and_client() -> None:
    """What the client asks for is what it gets, and what it says that it is; unknown fields are ignored."""
    frame = {
        "op": "hello",
        "client": {"name": "x", "version": "1"},
        "filter": {"agents": ["a"], "types": ["conversation.*", "heartbeat"], "gateways": ["g"]},
        "cursor": {"epoch": "e", "offset": 7},
        "later": "version",
    }
    select = Filter(frozenset({"a"}), frozenset({"conversation.*", "heartbeat"}), frozenset({"g"}))
    assert session().receive(json.dumps(frame)) == Begin(select, Cursor("e", 7), ClientView("x", "1"))


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"op":1}', "$.op"),
        ('{"op":"ping","t":1}', "must be hello, not 'ping'"),
        ('{"op":"hello","cursor":{"epoch":"e","offset":"7"}}', "$.cursor.offset"),
        ('{"op":"hello","filter":{"types":"heartbeat"}}', "$.filter.types"),
        ('{"op":"hello","filter":{"types":["heartbeats","x.*"]}}', "heartbeats, x.*"),
        (b'{"op":"hello"}', "not binary"),
        ('{"op":"hello","x":' + "[" * 60_000, "recursion"),
    ],
)
def test_a_first_frame_that_is_no_hello_is_refused_with_the_reason(frame: str | bytes, says: str) -> None:
    """Whoever writes a client learns from the answer what was wrong."""
    refusal = session().receive(frame)
    assert isinstance(refusal, Refuse)
    assert refusal.close_code == 4400
    assert says in refusal.message


def test_a_frame_over_the_bound_is_refused_by_its_bytes() -> None:
    """64 KiB are 65,536 bytes of UTF-8."""

    def padded(size: int) -> str:
        frame = '{"op":"hello","x":""}'
        return frame.replace('""', f'"{"é" * ((size - len(frame)) // 2)}"')

    assert isinstance(session().receive(padded(MAX_CLIENT_FRAME - 1)), Begin)
    refusal = session().receive(padded(MAX_CLIENT_FRAME + 3))
    assert isinstance(refusal, Refuse)
    assert (refusal.close_code, refusal.code) == (4413, "frame_too_large")


@pytest.mark.parametrize(
    "credentials", [{}, {"token": None}, {"token": ""}, {"token": "wrong"}, {"token": "secre"}, {"ticket": "secret"}]
)
def test_without_the_token_nothing_begins(credentials: dict[str, Any]) -> None:
    """Only the operator's token opens the stream, and the refusal does not repeat what was sent."""
    refusal = session("secret").receive(json.dumps({"op": "hello", **credentials}))
    assert isinstance(refusal, Refuse)
    assert refusal.close_code == 4401
    assert "secre" not in refusal.message


def test_the_token_opens_the_stream() -> None:
    """The operator gets in."""
    assert isinstance(session("geheimnis-ü").receive('{"op":"hello","token":"geheimnis-ü"}'), Begin)


@pytest.mark.parametrize(
    ("frame", "action"),
    [
        ('{"op":"ping","t":12.5}', Answer(Raw(b"12.5"))),
        ('{"op":"ping"}', Answer(UNSET)),
        ('{"op":"filter","id":"f1","filter":{"agents":["a"]}}', Refilter(Filter(frozenset({"a"})), Raw(b'"f1"'))),
        ('{"op":"filter","id":2,"filter":{"agents":[]}}', Refilter(EVERYTHING, Raw(b"2"))),
        (
            json.dumps({"op": "report", "render_ms": TIMES, "duplicates": 1, "gaps": 2}),
            Measured(RenderReport(3, 1.5, 2, 2.5, 9, 1, 2)),
        ),
        (json.dumps({"op": "report", "render_ms": {**TIMES, "p99": None}}), None),
        (json.dumps({"op": "report", "render_ms": {**TIMES, "count": 1e300}}), None),
        (json.dumps({"op": "report", "render_ms": TIMES, "gaps": 10**400}), None),
        ('{"op":"report","render_ms":{}}', None),
        ('{"op":"something.new","t":{}}', None),
    ],
)
def test_frames_after_hello(frame: str, action: object) -> None:
    """Each op means one thing; unknown ones and incomplete or senseless measurements mean nothing."""
    assert greeted().receive(frame) == action


@pytest.mark.parametrize("op", ["ping", "filter"])
def test_what_goes_back_to_the_client_is_never_looked_into(op: str) -> None:
    """It is answered from deeper in the stack than it was read: what can just be read could not be written there."""
    deep = "[" * 800 + "]" * 800
    action = greeted().receive(f'{{"op":"{op}","t":{deep},"id":{deep},"filter":{{}}}}')
    assert isinstance(action, Answer | Refilter)
    echo = action.t if isinstance(action, Answer) else action.id
    assert echo == Raw(deep.encode())


@pytest.mark.parametrize(
    "frame", ['{"op":"filter","id":1}', '{"op":"filter","filter":{"types":["nope"]}}', '{"op":"hello"}', "no json"]
)
def test_frames_after_hello_that_cannot_be_served(frame: str) -> None:
    """A client with a defect is told, not ignored."""
    refusal = greeted().receive(frame)
    assert isinstance(refusal, Refuse)
    assert refusal.close_code == 4400
