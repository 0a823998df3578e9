"""The session's rules that no golden script can tell: filters, a cursor from before, what is handed over, waits."""

import json
from typing import Any

import pytest

from mission_control.client.session import DEFAULT_PING_INTERVAL_MS
from mission_control.client.states import Backoff, Jump
from mission_control.core.frames import Notice
from mission_control.core.subscription import Cursor, Filter
from tests.client.fake_daemon import happened, snapshot, welcome
from tests.client.scripted import Harness

BETA = Filter(agents=frozenset({"beta"}))
GAMMA = Filter(agents=frozenset({"gamma"}))


def live(**options: Any) -> Harness:
    return Harness(**options).open().frame(welcome()).frame(snapshot())


def chunk(offset: int, index: int, start: int, delta: str = "text") -> dict[str, Any]:
    frame = happened(offset)
    part = {"message_id": "m", "run_id": "r", "session": "s", "role": "assistant"}
    payload = {**part, "index": index, "start": start, "delta": delta}
    frame["events"][0] |= {"type": "conversation.chunk", "payload": payload}
    return frame


def test_a_cursor_from_before_is_resumed_without_a_snapshot() -> None:
    """Whoever kept a cursor needs no state: also the rest of a message, whose beginning was seen in another life."""
    harness = Harness(cursor=Cursor("e", 10)).open().frame(welcome("continued"))
    assert harness.sent("hello")[0]["cursor"] == {"epoch": "e", "offset": 10}
    harness.frame(happened(11)).frame(chunk(12, 5, 40)).frame(chunk(13, 6, 44))
    assert (harness.delivered(), harness.session.gaps, harness.session.state) == ([11, 12, 13], 0, "connected")
    assert not harness.session.view.whole
    assert harness.session.view.messages == []


def test_what_is_handed_over_says_where_it_leads() -> None:
    """A jump for each snapshot, each batch with its cursor; a frame that brings nothing hands over nothing."""
    harness = live().frame(happened(11, 12)).frame(happened(after=12)).frame(happened(after=20))
    harness.frame(snapshot(30, "slow_consumer"))
    first, two, moved, jumped = harness.batches()
    assert (first.jump, first.cursor) == (Jump("first", None, Cursor("e", 10)), Cursor("e", 10))
    assert ([event.offset for event in two.events], two.cursor, two.jump) == ([11, 12], Cursor("e", 12), None)
    assert (moved.events, moved.cursor) == ([], Cursor("e", 20))
    assert jumped.jump == Jump("slow_consumer", Cursor("e", 20), Cursor("e", 30))


def test_a_gap_is_told_as_one() -> None:
    """What was there before it is handed over; the fresh snapshot is a jump that says why it came."""
    harness = live().frame(chunk(11, 0, 0)).frame(chunk(13, 2, 8))
    assert (harness.delivered(), harness.session.state, harness.session.gaps) == ([11], "reconnecting", 1)
    harness.reopen().frame(welcome(offset=20)).frame(snapshot(20))
    assert harness.batches()[-1].jump == Jump("gap", Cursor("e", 11), Cursor("e", 20))
    assert harness.states() == ["connected", "reconnecting", "connected"]


def test_the_last_of_several_filters_is_what_counts() -> None:
    """One request waits for its answer at a time, however fast they come: the daemon allows but a few."""
    harness = live().refilter(BETA).refilter(GAMMA).refilter(Filter()).refilter(GAMMA)
    assert [(frame["id"], frame["filter"]) for frame in harness.sent("filter")] == [(1, {"agents": ["beta"]})]
    assert harness.session.select == Filter()
    harness.frame(snapshot(11, "filter", id=1))
    assert harness.session.select == BETA
    harness.frame(snapshot(12, "filter", id=2))
    assert [frame["filter"] for frame in harness.sent("filter")] == [{"agents": ["beta"]}, {"agents": ["gamma"]}]
    assert [batch.select for batch in harness.batches()] == [Filter(), BETA, GAMMA]
    harness.refilter(GAMMA)
    assert len(harness.sent("filter")) == 2


def test_another_snapshot_is_no_answer() -> None:
    """The old filter counts until the answer with the request's own id."""
    harness = live().refilter(BETA).frame(snapshot(11, "slow_consumer")).frame(snapshot(12, "filter", id=77))
    assert harness.session.select == Filter()
    assert harness.frame(snapshot(13, "filter", id=1)).session.select == BETA


@pytest.mark.parametrize("asked_before_the_loss", [True, False])
def test_a_filter_outlives_a_lost_connection(asked_before_the_loss: bool) -> None:
    """What was missed is missed by the old filter: it is resumed with that one first, and then changed."""
    harness = live()
    if asked_before_the_loss:
        harness.refilter(BETA)
    harness.close()
    harness.refilter(BETA).reopen()
    assert harness.sent("hello")[1]["filter"] == {}
    harness.frame(welcome("continued"))
    asked = harness.sent("filter")[-1]
    assert asked["filter"] == {"agents": ["beta"]}
    harness.frame(happened(11)).frame(snapshot(12, "filter", id=asked["id"]))
    assert [batch.select for batch in harness.batches()] == [Filter(), Filter(), BETA]


def test_before_the_first_snapshot_a_filter_is_simply_the_one() -> None:
    """There is nothing yet that the old one could be resumed for."""
    harness = Harness(select=BETA).refilter(GAMMA).open()
    assert harness.sent("hello")[0]["filter"] == {"agents": ["gamma"]}
    harness.frame(welcome()).frame(snapshot())
    assert (harness.session.select, harness.sent("filter")) == (GAMMA, [])


def test_the_wait_is_random_below_a_bound_that_doubles() -> None:
    """Full jitter; a connection that held for a while begins the count anew."""
    harness = Harness(chance=lambda: 0.5)
    waits: list[int] = []
    for _ in range(8):
        harness.close()
        assert harness.session.retry_at is not None
        waits.append(harness.session.retry_at - harness.now)
        harness.advance(waits[-1])
    assert waits == [125, 250, 500, 1000, 2000, 4000, 5000, 5000]
    harness.open().frame(welcome()).frame(snapshot()).advance(4_999).close(1012)
    assert harness.session.attempt == 9
    harness.advance(5_000).open().frame(welcome("continued")).advance(5_000).close(1012)
    assert harness.session.attempt == 1


def test_the_bound_has_no_end_of_attempts() -> None:
    assert [Backoff().bound(attempt) for attempt in (1, 2, 7, 10_000)] == [0.25, 0.5, 10, 10]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1012, 1013, 4408, 4413, 4429, 4999])
def test_it_never_stops_trying_but_for_a_final_code(code: int) -> None:
    harness = live()
    for _ in range(50):
        harness.close(code)
        assert harness.session.state == "reconnecting"
        harness.reopen()
    assert len(harness.sent("hello")) == 51


@pytest.mark.parametrize("code", [4400, 4401, 4403])
def test_a_final_code_stops_it_with_what_the_daemon_said(code: int) -> None:
    harness = live().frame({"op": "error", "code": "no", "message": "Do otherwise."}).close(code).advance(10**9)
    refused = harness.session.refused
    assert refused is not None
    assert (refused.close_code, refused.code, str(refused)) == (code, "no", "Do otherwise.")
    assert harness.states() == ["connected", "disconnected"]


def test_who_does_not_read_hears_nothing() -> None:
    """While nothing is taken from the socket its silence proves nothing, and pings go on; afterwards it counts anew."""
    harness = live()
    harness.session.pause()
    harness.advance(10 * DEFAULT_PING_INTERVAL_MS)
    assert harness.session.state == "connected"
    assert len(harness.sent("ping")) == 11
    harness._do(harness.session.resume)
    assert harness.advance(2 * DEFAULT_PING_INTERVAL_MS - 1).session.state == "connected"
    assert harness.advance(1).session.state == "reconnecting"


def test_the_age_of_the_data_counts_from_the_last_frame() -> None:
    """A lost connection, or one that only greets, makes nothing fresh."""
    harness = live().advance(500).frame(happened(11))
    fresh_at = harness.session.fresh_at
    assert fresh_at == harness.now
    harness.advance(100).close()
    harness.reopen().advance(100).frame(welcome())
    assert harness.session.fresh_at == fresh_at
    assert harness.advance(100).frame(snapshot()).session.fresh_at == harness.now


def test_of_each_subject_the_newest_notice() -> None:
    harness = live()
    for code in ("persistence_stalled", "omen", "persistence_recovered", "a_b", "c_d"):
        harness.frame({"op": "notice", "level": "info", "code": code, "message": code})
    assert [notice.code for notice in harness.session.notices] == ["persistence_recovered", "a_b", "c_d"]
    assert all(isinstance(notice, Notice) for notice in harness.session.notices)


def test_the_hello_says_what_it_must_and_no_more() -> None:
    """The token only where there is one, and nowhere else."""
    harness = Harness(token="secret", select=Filter(types=frozenset({"heartbeat", "conversation.*"}))).open()
    (hello,) = harness.sent("hello")
    assert hello["token"] == "secret"
    assert hello["filter"] == {"types": ["conversation.*", "heartbeat"]}
    assert hello.keys() == {"op", "client", "filter", "token"}
    harness.frame(welcome()).frame(snapshot()).refilter(BETA)
    assert "secret" not in json.dumps([*harness.sent("ping"), *harness.sent("filter")])
