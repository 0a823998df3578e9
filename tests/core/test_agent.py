"""One agent's events: one end per run, one final per message, failures that only history knows."""

from mission_control.core.agent import AgentCore
from mission_control.core.events import Chunk
from mission_control.core.runs import OPEN_RUNS
from mission_control.core.signals import (
    HistoryEntry,
    LinkDown,
    LinkUp,
    Listed,
    RunAnswered,
    RunEnding,
    TextSeen,
    ToolSeen,
    Unlisted,
)
from mission_control.core.views import AgentView, MessageView, RunView
from tests.core.agents import SESSION, Agent, failed, ids, said


def test_a_run_from_start_to_end() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").text(1_120, "one two", " two").end(1_200, "one two")
    assert agent.finals() == []  # the answer is not the last word yet
    agent.history(1_205, HistoryEntry("user", "please", 1_099), said("one two", 1_105))
    assert agent.finals() == [("please", "complete"), ("one two", "complete")]
    assert agent.kinds() == ["run.started", "run.finished"]


def test_the_same_signal_twice_is_told_once() -> None:
    agent = Agent().start(1_100).start(1_100).text(1_110, "one", "one").text(1_110, "one", "one")
    assert len(ids(agent.drafts)) == len(set(ids(agent.drafts)))
    assert agent.kinds() == ["run.started"]


def test_a_silent_failure_is_told_with_its_reason() -> None:
    """The gateway calls the failed attempt complete and says nothing: history knows why."""
    agent = Agent().start(1_100).end(1_200).history(1_205, failed("500 out of order", 1_102))
    assert agent.kinds() == ["run.started", "run.failed"]
    assert agent.status()[-1] == ("degraded", "its last run failed: 500 out of order")


def test_a_retry_that_succeeds_without_an_answer_gets_its_final() -> None:
    """The gateway retries under the same run id, without a session, and never sends an answer."""
    agent = Agent().start(1_100).end(1_200).history(1_205, failed("500", 1_102))
    agent.start(3_200, session=None).text(3_300, "works", "works")
    agent.tell(RunEnding("run:3400:end", 3_400, "run", None))
    agent.history(3_405, failed("500", 1_102), said("works", 3_202))
    assert agent.kinds() == ["run.started", "run.failed", "run.started", "run.finished"]
    assert agent.finals() == [("works", "complete")]
    assert agent.status()[-1][0] == "online"
    sessions = {draft.payload.session for draft in agent.drafts if isinstance(draft.payload, Chunk)}
    assert sessions == {SESSION}


def test_an_answer_that_was_cut_by_a_failure_is_marked() -> None:
    """A broken model connection ends in an answer with the partial text; only history says that it failed."""
    agent = Agent().start(1_100).text(1_110, "half", "half").end(1_200, "half")
    agent.history(1_205, HistoryEntry("assistant", "half", 1_102, error="terminated"))
    assert agent.finals() == [("half", "error")]
    assert agent.kinds() == ["run.started", "run.failed"]


def test_without_a_history_the_answer_counts_after_a_while() -> None:
    """A history that never comes keeps no run open."""
    agent = Agent().start(1_100).text(1_110, "one", "one").end(1_200, "one two").wait(5_000)
    assert agent.finals() == [("one two", "complete")]
    assert agent.kinds() == ["run.started", "run.finished"]


def test_a_message_ends_where_a_tool_is_called() -> None:
    agent = Agent().start(1_100).text(1_110, "let me look", "let me look")
    agent.tell(ToolSeen("t1", 1_120, "run", SESSION, "started", "read", "c1", {}))
    agent.tell(ToolSeen("t2", 1_150, "run", SESSION, "failed", "read", "c1", {}))
    agent.text(1_160, "let me", "let me").end(1_200, "let me")
    agent.history(1_205, said("let me look", 1_105, ends=False), said("let me", 1_152))
    assert agent.finals() == [("let me look", "complete"), ("let me", "complete")]
    assert agent.kinds() == ["run.started", "tool.started", "tool.failed", "run.finished"]
    [ended] = [draft.payload for draft in agent.drafts if getattr(draft.payload, "kind", "") == "tool.failed"]
    assert ended.duration_ms == 30  # type: ignore[union-attr]


def test_an_aborted_run_keeps_what_was_said() -> None:
    agent = Agent().start(1_100).text(1_110, "half", "half")
    agent.tell(RunAnswered("a", 1_120, "run", SESSION, "aborted", None))
    agent.text(1_130, "half more", " more")  # still on its way when the run was aborted
    assert agent.finals() == [("half", "aborted")]
    assert agent.kinds() == ["run.started", "run.aborted"]


def test_a_message_to_a_busy_session_is_no_failure() -> None:
    agent = Agent().tell(RunAnswered("q", 1_100, "queued", SESSION, "complete", None))
    assert agent.kinds() == ["run.queued"]


def test_an_answer_that_never_streamed() -> None:
    agent = Agent().tell(RunAnswered("c", 1_100, "command", SESSION, "complete", "status: fine"))
    assert agent.finals() == [("status: fine", "complete")]


def test_a_run_joined_in_the_middle_keeps_the_text_so_far() -> None:
    agent = Agent().text(1_110, "one two", " two")
    assert agent.kinds() == ["run.started"]
    [chunk] = [draft.payload for draft in agent.drafts if isinstance(draft.payload, Chunk)]
    assert chunk.delta == "one two"


def test_added_renamed_removed_and_back() -> None:
    agent = Agent()
    agent.tell(Listed("l1", 1_100, "Alpha", None), Listed("l2", 1_200, "Alpha the Great", None))
    agent.tell(Unlisted("u1", 1_300), Listed("l3", 1_400, "Alpha the Great", None))
    assert agent.kinds() == ["agent.added", "agent.removed", "agent.added"]
    assert [status for status, _ in agent.status()] == ["offline", "online"]


def test_a_blip_of_the_link_changes_no_status() -> None:
    agent = Agent().tell(LinkDown(2_000, "reset")).wait(1_500).tell(LinkUp(3_500, 1_990))
    assert agent.status() == []


def test_a_lost_link_degrades_then_takes_offline_and_recovers_by_itself() -> None:
    agent = Agent().tell(LinkDown(2_000, "reset")).wait(20_000).tell(LinkUp(22_500, 1_990))
    assert [status for status, _ in agent.status()] == ["degraded", "offline", "online"]


def test_a_run_without_progress_degrades_until_it_moves_on() -> None:
    agent = Agent().start(1_100).wait(61_000).text(63_000, "at last", "at last")
    assert [status for status, _ in agent.status()] == ["degraded", "online"]


def test_an_agent_that_stops_beating() -> None:
    """An agent with a heartbeat of its own is missed after two beats and gone after four."""
    agent = Agent().tell(Listed("l1", 1_100, "Alpha", 10_000))
    agent.start(1_200).text(1_210, "HEARTBEAT_OK", "HEARTBEAT_OK").end(1_220, "HEARTBEAT_OK").history(1_225)
    agent.wait(50_000)
    assert [status for status, _ in agent.status()] == ["degraded", "offline"]


def test_a_successor_goes_on_without_an_event_of_its_own() -> None:
    """A restarted actor is no news: the journal's state, then the next word."""
    core = AgentCore(("gw", "alpha"))
    run = RunView("run", SESSION, 1_100)
    view = AgentView("alpha", "gw", "Alpha", status="online", reason="x", run=run, runs=[run], listed=True)
    opened = MessageView("gw/run/1110", "alpha", "gw", "run", SESSION, "assistant", "streaming", "one", 1_110, 9, 1)
    core.restore(view, [opened], [], 5_000)
    core.liveness.connected(5_000)
    drafts = core.handle(TextSeen("s", 5_010, "run", SESSION, "one two", " two"), 5_010)
    assert ids(draft for draft in drafts if not draft.ephemeral) == ["gw/run/1110:1"]


def test_a_stream_that_stuck_at_a_directive_is_completed_from_history() -> None:
    """The gateway's own final may be cut short; its history is the truth, and is told once."""
    agent = Agent().start(1_100).text(1_110, "Hello in the", "Hello in the").end(1_200, "Hello in the")
    agent.history(1_205, said("Hello in the middle", 1_102))
    assert agent.finals() == [("Hello in the middle", "complete")]


def test_a_stream_that_stuck_in_a_directive_is_marked_and_the_truth_follows() -> None:
    agent = Agent().start(1_100).text(1_110, "[[reply_to", "[[reply_to").end(1_200, "[[reply_to")
    agent.history(1_205, said("Hello", 1_102))
    assert agent.finals() == [("[[reply_to", "interrupted"), ("Hello", "complete")]


def test_no_beat_while_the_gateway_is_not_heard() -> None:
    """What a beat would say of a lost link would outlive the link's return."""
    agent = Agent().start(1_100).tell(LinkDown(7_000, "reset")).text(7_500, "late", "late")
    beats = [draft.payload for draft in agent.drafts if draft.ephemeral and draft.timestamp >= 7_000]
    assert beats == []


def test_an_answer_that_comes_after_the_last_word_changes_nothing() -> None:
    """The history may be there before the final whose truth it tells; and the final's text may be cut short."""
    agent = Agent().start(1_100).tell(RunEnding("e", 1_200, "run", SESSION))
    agent.history(1_205, said("Hello there.", 1_102))
    agent.tell(RunAnswered("a", 1_210, "run", SESSION, "complete", "[[reply_to_current", provisional=True))
    assert agent.finals() == [("Hello there.", "complete")]


def test_runs_of_which_no_end_is_ever_heard_do_not_pile_up() -> None:
    """Each in a session of its own, so that no other run of it tells that it is over."""
    agent = Agent()
    for number in range(OPEN_RUNS + 2):
        agent.start(1_100 + number, f"run{number}", f"agent:alpha:{number}").text(
            1_100 + number, "hm", "hm", f"run{number}"
        )
    assert len(agent.core.runs) == OPEN_RUNS
    assert agent.titles("run.aborted") == ["Run ended unseen"] * 2
    assert agent.finals() == [("hm", "interrupted")] * 2
