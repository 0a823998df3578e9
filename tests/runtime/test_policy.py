"""The arithmetic of supervision."""

import random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from runtime import AutoShutdown, Backoff, Intensity, Ref, Restart, ServiceSpec, Strategy
from runtime.policy import RestartLog
from runtime.testing import Probe


@pytest.mark.parametrize(
    ("restart", "after_crash", "after_return"),
    [(Restart.PERMANENT, True, True), (Restart.TRANSIENT, True, False), (Restart.TEMPORARY, False, False)],
)
def test_restart_types(restart: Restart, after_crash: bool, after_return: bool) -> None:
    """Which endings lead to a next incarnation."""
    assert restart.wanted(crashed=True) is after_crash
    assert restart.wanted(crashed=False) is after_return


def test_strategies() -> None:
    """The children that share the fate of the second of four."""
    assert "".join(Strategy.ONE_FOR_ONE.affected("abcd", "b")) == "b"
    assert "".join(Strategy.REST_FOR_ONE.affected("abcd", "b")) == "bcd"
    assert "".join(Strategy.ONE_FOR_ALL.affected("abcd", "b")) == "abcd"


def test_backoff_doubles_to_its_ceiling() -> None:
    """The bounds in seconds, with the defaults; no attempt is too many for the arithmetic."""
    backoff = Backoff()
    assert [backoff.bound(attempt) for attempt in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.8]
    assert backoff.bound(10) == 30.0
    assert backoff.bound(100_000) == 30.0
    assert backoff.reset_after == 30.0


@given(st.integers(1, 2000), st.integers())
def test_backoff_has_full_jitter(attempt: int, seed: int) -> None:
    """The delay is anywhere between nothing and the bound."""
    backoff = Backoff()
    assert 0 <= backoff.delay(attempt, random.Random(seed)) <= backoff.bound(attempt)


def test_backoff_uses_the_whole_range() -> None:
    """Half of the delays lie in the lower half: children that died together come back apart."""
    rng = random.Random(7)
    delays = [Backoff().delay(20, rng) for _ in range(1000)]
    assert min(delays) < 1
    assert max(delays) > 29
    assert 400 < sum(delay < 15 for delay in delays) < 600


def test_intensity_admits_so_many_in_any_window() -> None:
    """Five in 60 s pass, the sixth does not; what is 60 s old no longer counts."""
    assert Intensity() == Intensity(restarts=5, within=60)
    log = RestartLog(Intensity())
    assert [log.admit(now) for now in (0, 1, 2, 3, 4)] == [True] * 5
    assert not log.admit(59.9)
    log = RestartLog(Intensity(restarts=2, within=10))
    assert [log.admit(now) for now in (0, 5, 10, 14.9, 26)] == [True, True, True, False, True]


def test_an_unlimited_budget_remembers_nothing() -> None:
    """However often it is asked: a child that keeps crashing for years must not fill the memory."""
    log = RestartLog(Intensity.unlimited())
    assert all(log.admit(now) for now in range(1000))
    assert log == RestartLog(Intensity.unlimited())


def test_no_restarts_can_be_the_budget() -> None:
    """Zero means that the first death is one too many."""
    assert not RestartLog(Intensity(restarts=0)).admit(0)


def test_options_have_the_documented_defaults() -> None:
    """Those of docs/runtime.md."""
    actor, service = Probe[int]("a").spec(), ServiceSpec("s", trio.sleep_forever)
    for spec in (actor, service):
        assert (spec.restart, spec.grace, spec.backoff) == (Restart.PERMANENT, 5, Backoff())
    assert actor.ref.statistics().capacity == Ref[int]("b").statistics().capacity == 1024
    assert Backoff() == Backoff(first=0.1, factor=2, ceiling=30, reset_after=30)


def test_the_choices_have_the_words_of_the_docs() -> None:
    """Who reads a spec's repr, or keeps a choice in a file, meets these."""
    assert [choice.value for choice in Restart] == ["permanent", "transient", "temporary"]
    assert [choice.value for choice in Strategy] == ["one_for_one", "rest_for_one", "one_for_all"]
    assert [choice.value for choice in AutoShutdown] == ["never", "any", "all"]
