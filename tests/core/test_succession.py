"""A session's runs follow one another: what the next one says of the one before, when its end was not heard."""

from mission_control.core.agent import AgentCore
from mission_control.core.events import Chunk, Final
from mission_control.core.signals import HistoryMissing, HistorySeen, LinkUp, RunAnswered, RunEnding, TextSeen, ToolSeen
from mission_control.core.views import AgentView, MessageView, RunView
from tests.core.agents import SESSION, Agent, asked, failed, said

ASKED_ONE = asked("how is the pump?", 1_099)
ASKED_TWO = asked("how is the bilge?", 1_300)


def broken_off() -> Agent:
    """A run that was heard to say something when the connection was lost, and the connection back."""
    return Agent().start(1_100, "one").text(1_110, "half", "half", "one").outage(1_150, 2_000)


def test_a_run_that_broke_off_is_known_although_the_next_one_goes_on() -> None:
    """Its own entries tell, not the session's newest: all that it said, then its failure, and no gap."""
    agent = broken_off().history(
        2_010,
        ASKED_ONE,
        failed("terminated", 1_102, "half of it"),
        ASKED_TWO,
        said("look", 1_302, ends=False),
        purpose="repair",
    )
    agent.text(2_100, "found", "found", "two")
    assert agent.shape() == [
        "run.started", "half", "complete", " of it", "error", "complete", "complete", "stream.repaired", "run.failed",
        "run.started", "found",
    ]  # fmt: skip
    assert agent.finals()[1] == ("half of it", "error")


def test_a_run_that_failed_without_a_word_is_known_although_the_next_one_was_answered() -> None:
    agent = Agent().start(1_100, "one").outage(1_150, 2_000)
    agent.history(2_010, ASKED_ONE, failed("500", 1_102), ASKED_TWO, said("dry", 1_302), purpose="repair")
    assert agent.kinds("one") == ["run.started", "run.failed"]


def test_a_run_that_finished_is_known_although_the_next_one_goes_on() -> None:
    agent = broken_off()
    agent.history(
        2_010, ASKED_ONE, said("half and half", 1_102), ASKED_TWO, said("look", 1_302, ends=False), purpose="repair"
    )
    assert ("half and half", "complete") in agent.finals()
    assert agent.kinds("one") == ["run.started", "run.finished"]


def test_a_run_that_finished_is_known_although_the_next_one_failed() -> None:
    """The failure is the next one's."""
    agent = broken_off()
    agent.history(2_010, ASKED_ONE, said("half and half", 1_102), ASKED_TWO, failed("500", 1_302), purpose="repair")
    assert agent.kinds("one") == ["run.started", "run.finished"]


def test_a_run_of_which_nothing_was_stored_is_over_when_a_later_prompt_was_answered() -> None:
    """It was aborted while nobody could hear it. That it is over is certain; how it ended is not told."""
    agent = broken_off().history(2_010, ASKED_ONE, ASKED_TWO, said("dry", 1_302), purpose="repair")
    assert ("half", "interrupted") in agent.finals()
    assert agent.kinds("one") == ["run.started", "run.aborted"]


def test_a_run_of_which_nothing_was_stored_is_over_when_the_next_one_is_heard() -> None:
    """A later prompt alone proves nothing: some gateways put one into a run that goes on."""
    agent = broken_off().history(2_010, ASKED_ONE, ASKED_TWO, purpose="repair")
    assert agent.kinds("one") == ["run.started"]
    agent.text(2_100, "dry", "dry", "two")
    assert agent.kinds() == ["run.started", "stream.repaired", "run.aborted", "run.started"]
    assert agent.finals()[-1] == ("half", "interrupted")


def test_a_run_waits_for_a_repair_that_was_cut_off_although_the_next_one_is_heard() -> None:
    agent = broken_off().text(2_005, "dry", "dry", "two").outage(2_010, 3_000)
    agent.history(3_010, ASKED_ONE, said("half and half", 1_102), ASKED_TWO, purpose="repair")
    assert agent.kinds("one") == ["run.started", "run.finished"]
    assert ("half and half", "complete") in agent.finals()


def test_a_run_is_not_over_because_it_was_asked_more_while_it_worked() -> None:
    agent = broken_off()
    agent.history(
        2_010, ASKED_ONE, said("half", 1_102, ends=False), ASKED_TWO, said("look", 1_302, ends=False), purpose="repair"
    )
    agent.text(2_100, "found", "found", "one").end(2_200, "found", "one")
    agent.history(
        2_205,
        ASKED_ONE,
        said("half", 1_102, ends=False),
        ASKED_TWO,
        said("look", 1_302, ends=False),
        said("found", 1_400),
    )
    assert agent.kinds("one") == ["run.started", "run.finished"]
    assert [text for text, state in agent.finals()][-1] == "found"
    assert {state for _, state in agent.finals()} == {"complete"}


def test_a_run_waits_for_its_history_although_the_next_one_begins() -> None:
    """The gateway's own last word may be cut short, or call a failure complete."""
    agent = Agent().start(1_100, "one").end(1_200, "[[reply_to_current", "one").start(1_205, "two")
    agent.history(1_210, ASKED_ONE, said("Hello there.", 1_102))
    assert [text for text, _ in agent.finals()] == [ASKED_ONE.text, "Hello there."]
    assert agent.kinds("one") == ["run.started", "run.finished"]
    assert agent.kinds("two") == ["run.started"]


def test_a_silent_failure_is_told_although_the_next_run_begins() -> None:
    agent = Agent().start(1_100, "one").end(1_200, None, "one").start(1_205, "two")
    agent.history(1_210, ASKED_ONE, failed("500", 1_102), asked("and now?", 1_204))
    assert agent.kinds("one") == ["run.started", "run.failed"]


def test_a_short_history_does_not_give_a_run_the_answer_of_the_next_one() -> None:
    """It does not reach back to the prompt between the two."""
    agent = Agent().start(1_100, "one").end(1_150, run="one").start(1_160, "two").text(1_170, "done", "done", "two")
    agent.history(1_300, said("done", 1_165), purpose="start")
    assert agent.kinds("one") == ["run.started"]
    agent.history(1_400, asked("first", 1_099), failed("500", 1_102), asked("second", 1_159), said("done", 1_165))
    assert agent.kinds("one") == ["run.started", "run.failed"]


def test_two_runs_that_wait_for_one_history_are_told_apart() -> None:
    agent = Agent().start(1_100, "one").end(1_200, None, "one").start(1_300, "two").text(1_310, "dry", "dry", "two")
    agent.end(1_400, "dry", "two")
    agent.history(1_405, ASKED_ONE, failed("500", 1_102), ASKED_TWO, said("dry", 1_302))
    assert agent.kinds("one") == ["run.started", "run.failed"]
    assert agent.kinds("two") == ["run.started", "run.finished"]


def test_a_run_whose_end_was_not_heard_is_ended_by_the_history_at_the_next_ones_start() -> None:
    agent = Agent().start(1_100, "one").text(1_110, "half", "half", "one").start(1_300, "two")
    agent.history(1_305, ASKED_ONE, said("half and half", 1_102), ASKED_TWO, purpose="start")
    assert agent.kinds("one") == ["run.started", "run.finished"]
    assert ("half and half", "complete") in agent.finals()


def test_a_run_whose_end_was_not_heard_is_over_after_a_while() -> None:
    agent = Agent().start(1_100, "one").text(1_110, "half", "half", "one").start(1_300, "two").wait(5_000)
    assert agent.finals() == [("half", "interrupted")]
    assert agent.kinds() == ["run.started", "run.started", "run.aborted"]


def test_a_run_whose_end_was_not_heard_is_over_when_no_history_tells_of_it() -> None:
    agent = Agent().start(1_100, "one").text(1_110, "half", "half", "one").start(1_300, "two")
    agent.tell(HistoryMissing(1_310, SESSION, "refused", "start"))
    assert agent.finals() == [("half", "interrupted")]
    assert agent.kinds() == ["run.started", "run.started", "run.aborted"]


def test_a_history_from_before_an_end_does_not_decide_it() -> None:
    """It was asked for when the run began, and comes when the run has just failed."""
    agent = Agent().start(1_100, "one").end(1_200, None, "one")
    agent.history(1_205, ASKED_ONE, purpose="start").tell(HistoryMissing(1_206, SESSION, "refused", "start"))
    assert agent.kinds() == ["run.started"]
    agent.history(1_210, ASKED_ONE, failed("500", 1_102))
    assert agent.kinds("one") == ["run.started", "run.failed"]


def test_runs_of_no_known_session_say_nothing_of_each_other() -> None:
    agent = Agent().start(1_100, "one", session=None).start(1_200, "two", session=None)
    assert agent.kinds() == ["run.started", "run.started"]


def test_a_run_that_is_ending_waits_for_the_connection() -> None:
    """Its history cannot come while the connection is down, and what was said is not the last word."""
    agent = Agent().start(1_100, "one").end(1_200, None, "one").outage(1_210, 60_000)
    assert agent.kinds() == ["run.started"]
    agent.history(60_010, ASKED_ONE, failed("500", 1_102), purpose="repair")
    assert agent.kinds("one") == ["run.started", "run.failed"]


def test_a_repair_is_the_last_word_on_a_run_that_is_ending() -> None:
    """Nothing is stored of an answer that was only a directive: no gap, since it was heard to end."""
    agent = Agent().start(1_100, "one").end(1_200, None, "one").outage(1_210, 3_000)
    agent.history(3_010, ASKED_ONE, purpose="repair")
    assert agent.kinds("one") == ["run.started", "run.finished"]


def test_an_ending_that_a_crashed_predecessor_heard_is_concluded_from_the_history() -> None:
    agent = Agent().start(1_100, "one").text(1_110, "all", "all", "one")
    agent.history(1_205, ASKED_ONE, said("all", 1_102))
    assert agent.kinds("one") == ["run.started", "run.finished"]


def test_a_late_answer_ends_a_run_that_its_successor_ended() -> None:
    agent = Agent().start(1_100, "one").text(1_110, "half", "half", "one").start(1_300, "two")
    agent.tell(
        RunEnding("e", 1_301, "one", SESSION), RunAnswered("a", 1_302, "one", SESSION, "complete", "half and half")
    )
    assert agent.finals() == [("half and half", "complete")]
    assert agent.kinds("one") == ["run.started", "run.finished"]


def test_a_retry_whose_start_was_not_heard_is_a_run_in_progress() -> None:
    """The attempt before it failed without a word, so whatever is heard after that is the next one's."""
    agent = Agent().start(1_100, "one").outage(1_150, 4_000)
    agent.history(4_010, ASKED_ONE, failed("500", 1_102), purpose="repair")
    agent.text(4_100, "it works", "it works", "one").end(4_200, "it works", "one")
    agent.history(4_205, ASKED_ONE, failed("500", 1_102), said("it works", 3_402))
    assert agent.kinds("one") == ["run.started", "run.failed", "run.started", "run.finished"]
    assert agent.finals()[1:] == [("it works", "complete")]
    assert agent.status()[-1][0] == "online"


def test_what_a_run_said_before_an_outage_is_whole_only_if_a_history_has_it() -> None:
    """A model may be silent for long before it calls a tool. What it said last then may have been lost."""
    agent = broken_off().history(2_010, ASKED_ONE, purpose="repair")
    agent.tell(ToolSeen("t", 2_100, "one", SESSION, "started", "read", "c", {})).text(2_200, "found", "found", "one")
    assert agent.finals() == [(ASKED_ONE.text, "complete")]
    agent.end(2_300, "found", "one")
    agent.history(2_305, ASKED_ONE, said("half and half", 1_102, ends=False), said("found", 2_102))
    assert agent.finals()[1:] == [("half and half", "complete"), ("found", "complete")]


def test_what_a_run_said_before_an_outage_is_cut_off_if_no_history_has_it() -> None:
    agent = broken_off().history(2_010, ASKED_ONE, purpose="repair")
    agent.tell(ToolSeen("t", 2_100, "one", SESSION, "started", "read", "c", {})).end(2_300, None, "one")
    agent.tell(HistoryMissing(2_305, SESSION, "refused", "end"))
    assert agent.finals()[1:] == [("half", "interrupted")]


def test_an_abort_leaves_what_the_run_had_said_before_to_the_history() -> None:
    agent = broken_off().history(2_010, ASKED_ONE, purpose="repair")
    agent.tell(ToolSeen("t", 2_100, "one", SESSION, "started", "read", "c", {})).text(2_200, "fou", "fou", "one")
    agent.tell(RunAnswered("a", 2_250, "one", SESSION, "aborted", None))
    agent.history(2_305, ASKED_ONE, said("half and half", 1_102, ends=False))
    assert agent.finals()[1:] == [("fou", "aborted"), ("half and half", "complete")]


def test_a_successor_keeps_what_waits_for_its_history() -> None:
    core = AgentCore(("gw", "alpha"))
    run = RunView("one", SESSION, 1_100)
    view = AgentView("alpha", "gw", "Alpha", status="online", runs=[run], listed=True)
    opened = [
        MessageView(f"gw/one/{at}", "alpha", "gw", "one", SESSION, "assistant", "streaming", text, at, 9, 1)
        for at, text in ((1_110, "half"), (2_200, "fou"))
    ]
    core.restore(view, opened, [], 5_000)
    stored = (ASKED_ONE, said("half and half", 1_102, ends=False), said("found", 2_102))
    drafts = core.handle(HistorySeen(5_010, SESSION, stored, "repair"), 5_010)
    finals = [draft.payload for draft in drafts if isinstance(draft.payload, Final)]
    assert [final.text for final in finals] == [ASKED_ONE.text, "half and half", "found"]


def test_late_words_of_what_a_history_has_completed_are_not_said_again() -> None:
    """They waited in line behind it."""
    agent = broken_off()
    agent.history(2_010, ASKED_ONE, said("half and half", 1_102, ends=False), purpose="repair")
    agent.text(2_001, "half and", "", "one").text(2_002, "half and half", "", "one")
    assert agent.deltas() == ["half", " and half"]
    agent.text(2_050, "half", "half", "one")
    assert agent.deltas() == ["half", " and half", "half"]


def test_an_end_alone_says_nothing_of_how_it_was() -> None:
    """All else of the run fell into an outage; the answer that comes with the end may be a failure's."""
    agent = Agent().end(1_200, "half", "one")
    assert agent.finals() == []
    agent.history(1_205, ASKED_ONE, failed("terminated", 1_102, "half"))
    assert agent.finals() == [(ASKED_ONE.text, "complete"), ("half", "error")]


def test_a_successor_knows_which_of_two_runs_is_over() -> None:
    core = AgentCore(("gw", "alpha"))
    runs = [RunView("one", SESSION, 1_100), RunView("two", SESSION, 1_301)]
    core.restore(AgentView("alpha", "gw", "Alpha", status="online", runs=runs, listed=True), [], [], 5_000)
    assert [run.over for run in core.runs] == [True, False]


def test_late_words_of_an_attempt_that_failed_do_not_start_it_again() -> None:
    """They waited in line behind the history that tells of its failure."""
    agent = Agent().start(1_100, "one").text(1_110, "look", "look", "one").outage(1_150, 2_000)
    looked = said("look at it", 1_102, ends=False)
    agent.history(2_010, ASKED_ONE, looked, failed("500", 1_180), purpose="repair")
    agent.text(1_170, "look at it", " at it", "one")
    assert agent.kinds("one") == ["run.started", "run.failed"]
    assert agent.finals()[1:] == [("look at it", "complete")]


def test_a_successor_knows_an_earlier_attempt_from_the_present_one() -> None:
    """The journal does not say which attempt an open run is in; what the history tells of was before this one."""
    core = AgentCore(("gw", "alpha"))
    run = RunView("one", SESSION, 3_400)
    view = AgentView("alpha", "gw", "Alpha", status="online", run=run, runs=[run], listed=True)
    core.restore(view, [], [], 5_000)
    core.handle(LinkUp(5_000, 4_000), 5_000)
    stored = (ASKED_ONE, failed("500", 1_102))
    core.handle(HistorySeen(5_010, SESSION, stored, "repair"), 5_010)
    drafts = core.handle(TextSeen("t", 5_100, "one", SESSION, "it works", "it works"), 5_100)
    assert [draft.payload.delta for draft in drafts if isinstance(draft.payload, Chunk)] == ["it works"]
