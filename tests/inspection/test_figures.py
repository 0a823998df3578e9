"""Rates and busy fractions from two answers of the daemon, and from one."""

from typing import Any

import pytest
from attrs import evolve

from mission_control.core.actor_views import ActorsView, NodeView
from mission_control.inspection.figures import Figures, Since, figures, since, together
from tests.inspection.given import actor, actors, branch


def compared(then: NodeView, now: NodeView, *, seconds: float = 2.0) -> Figures:
    """The figures of ``now``, when ``then`` was that many seconds earlier."""
    past = since(actors(then, uptime_s=100.0), actors(now, uptime_s=100.0 + seconds))
    found = figures(now, past)
    assert found is not None
    return found


def test_rates_are_differences_over_the_daemons_own_time() -> None:
    """How long the answers took to get here, and how often was asked, changes nothing."""
    found = compared(actor("a", handled=100, busy_s=5.0), actor("a", handled=130, busy_s=6.0), seconds=4.0)
    assert (found.rate, found.busy) == (7.5, 0.25)


def test_a_mailbox_outlives_a_restart_and_busy_time_does_not() -> None:
    """After a crash the rate goes on; the new incarnation's busy fraction is its own mean."""
    found = compared(
        actor("a", handled=100, busy_s=50.0), actor("a", incarnation=2, handled=110, busy_s=0.1, busy_fraction=0.5)
    )
    assert (found.rate, found.busy) == (5.0, 0.5)


def test_another_actor_of_the_same_name_is_not_compared() -> None:
    """Nothing is ever negative, or a leap, because an agent was removed and came back."""
    found = compared(actor("a", handled=100, busy_s=50.0), actor("a", handled=10, busy_s=0.1, busy_fraction=0.5))
    assert (found.rate, found.busy) == (None, 0.5)


def test_a_newcomer_has_no_rate_yet() -> None:
    found = compared(branch("a"), actor("b", handled=10, busy_fraction=0.5))
    assert (found.rate, found.busy) == (None, 0.5)


def test_without_an_earlier_answer_busy_is_the_mean() -> None:
    """One look is enough to see who is busy."""
    found = figures(actor("a", handled=10, busy_fraction=0.25), None)
    assert found is not None
    assert (found.rate, found.busy, found.handled) == (None, 0.25, 10)


@pytest.mark.parametrize(
    "changes",
    [{"instance": "another"}, {"uptime_s": 99.0}, {"uptime_s": 100.0}],
)
def test_answers_that_do_not_follow_each_other_are_not_compared(changes: dict[str, Any]) -> None:
    """A restarted daemon begins at zero, even one that has been up for longer than its predecessor was."""
    before = actors(actor("a"), uptime_s=100.0)
    assert since(before, actors(actor("a"), **{"uptime_s": 200.0, **changes})) is None
    assert since(None, before) is None


def test_a_root_that_began_anew_is_not_compared() -> None:
    before = actors(actor("a"), uptime_s=100.0)
    now: ActorsView = actors(actor("a"), uptime_s=200.0)
    assert since(before, evolve(now, tree=evolve(now.tree, incarnation=2))) is None


def test_services_and_supervisors_have_no_figures() -> None:
    """Without a mailbox there is nothing to measure, rather than a zero."""
    assert figures(branch("a", actor("b")), Since(1.0)) is None


def test_many_are_summed_up_with_the_worst_of_them() -> None:
    """Sums where there are sums; the worst where a sum would hide it."""
    many = [
        Figures(depth=2, peak=3, oldest_age_s=1.0, handled=10, dropped=1, rate=5.0, busy=0.5),
        Figures(depth=7, peak=9, oldest_age_s=0.1, handled=20, waiting=2, rate=None, busy=0.75),
    ]
    one = together(many)
    assert (one.depth, one.peak, one.oldest_age_s, one.handled) == (9, 9, 1.0, 30)
    assert (one.dropped, one.waiting, one.rate, one.busy) == (1, 2, 5.0, 0.75)
    assert together([]) == Figures()
