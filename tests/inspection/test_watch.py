"""What is said of a daemon that goes away and comes back while it is watched."""

from mission_control.inspection.watch import NEWS_S, Watch
from tests.inspection.given import actor, actors


def test_a_first_failure_has_nothing_to_show() -> None:
    """Whoever watches a daemon that is not there learns that, instead of an empty screen."""
    assert Watch().failed("refused", 0.0) is None


def test_two_answers_give_rates() -> None:
    watch = Watch()
    assert watch.answered(actors(uptime_s=10.0), 0.0).past is None
    moment = watch.answered(actors(uptime_s=11.0), 1.0)
    assert moment.past is not None
    assert moment.past.elapsed == 1.0
    assert (moment.watching, moment.lost, moment.news) == (True, "", "")


def test_a_lost_daemon_is_shown_as_it_was_last_and_said_to_be_lost() -> None:
    """What is old does not look as if it were current, and for how long it has been old is told."""
    watch = Watch()
    newest = actors(actor("a"))
    watch.answered(newest, 0.0)
    assert watch.failed("refused", 1.0) is not None
    moment = watch.failed("refused", 13.0)
    assert moment is not None
    assert moment.actors is newest
    assert moment.lost == "no answer for 12s: refused"


def test_a_daemon_that_comes_back_is_said_to_have_been_away() -> None:
    """An outage without a restart, as of the network, is told, and rates go on over it."""
    watch = Watch()
    watch.answered(actors(uptime_s=10.0), 0.0)
    watch.failed("lost", 1.0)
    moment = watch.answered(actors(uptime_s=13.0), 3.0)
    assert (moment.lost, moment.news) == ("", "it was not reachable for 2s")
    assert moment.past is not None
    assert moment.past.elapsed == 3.0


def test_a_restart_is_told_even_if_nobody_was_looking() -> None:
    """All counters begin anew, so that must be said; after a while it is no news any more."""
    watch = Watch()
    watch.answered(actors(), 0.0)
    moment = watch.answered(actors(instance="another"), 1.0)
    assert (moment.news, moment.past) == ("the daemon has restarted", None)
    assert watch.answered(actors(instance="another"), 1.0 + NEWS_S).news == "the daemon has restarted"
    assert watch.answered(actors(instance="another"), 1.5 + NEWS_S).news == ""


def test_a_restart_with_an_outage_is_told_as_both() -> None:
    watch = Watch()
    watch.answered(actors(), 0.0)
    watch.failed("refused", 1.0)
    moment = watch.answered(actors(instance="another"), 5.0)
    assert moment.news == "it was not reachable for 4s, and the daemon has restarted"
