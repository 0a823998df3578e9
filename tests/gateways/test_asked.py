"""What is asked of a gateway: all of it counted, and of each hour what it really was."""

from hypothesis import given
from hypothesis import strategies as st

from mission_control.gateways.asked import HOUR_MINUTES, MINUTE_MS, Asked

HOUR_MS = HOUR_MINUTES * MINUTE_MS
steps = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90 * MINUTE_MS)), max_size=60)


def test_the_last_hour_is_told_by_method() -> None:
    asked = Asked()
    asked.note("connect", 0)
    for minute in range(120):
        asked.note("chat.history", minute * MINUTE_MS)
    now = 119 * MINUTE_MS
    assert (asked.totals["chat.history"], asked.totals["connect"]) == (120, 1)
    assert asked.within_hour(now) == {"chat.history": 60}
    assert asked.within_hour(now + 30 * MINUTE_MS) == {"chat.history": 30}
    assert asked.within_hour(now + HOUR_MS) == {}


@given(steps, st.integers(0, 2 * HOUR_MS))
def test_the_hour_is_exact_to_the_minute(steps: list[tuple[str, int]], later: int) -> None:
    """Everything of the last 59 minutes is in it, and nothing that is older than 60."""
    asked, now = Asked(), 0
    noted: list[tuple[str, int]] = []
    for method, pause in steps:
        now += pause
        asked.note(method, now)
        noted.append((method, now))
    now += later
    shown = asked.within_hour(now)
    for method in "abc":
        certain = sum(1 for its, at in noted if its == method and at > now - HOUR_MS + MINUTE_MS)
        possible = sum(1 for its, at in noted if its == method and at > now - HOUR_MS)
        assert certain <= shown.get(method, 0) <= possible
        assert asked.totals[method] == sum(its == method for its, _ in noted)


@given(st.lists(st.integers(0, 5 * HOUR_MS), max_size=60), st.integers(0, 5 * HOUR_MS))
def test_a_clock_that_jumps_never_makes_the_hour_more_than_it_was(times: list[int], now: int) -> None:
    """It is set back or forth as it likes: what is told was asked within an hour of that clock's."""
    asked = Asked()
    for at in times:
        asked.note("a", at)
    assert asked.within_hour(now).get("a", 0) <= sum(now - HOUR_MS < at < now + MINUTE_MS for at in times)
    assert asked.totals["a"] == len(times)
