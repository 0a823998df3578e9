"""What an agent's core makes of histories: what was missed, whose it is, how runs ended unheard; honest gaps."""

from typing import Any

from msgspec import UNSET

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Final
from mission_control.core.signals import (
    HistoryEntry,
    HistoryMissing,
    HistorySeen,
    HoleSeen,
    LinkDown,
    LinkUp,
    RunAnswered,
    Settled,
    ToolSeen,
)
from mission_control.core.views import AgentView, MessageView, RunView
from tests.core.agents import SESSION, Agent, asked, called, failed, said


def unheard(agent: Agent) -> list[int]:
    """When the last answers of the runs began that the only gap declares."""
    [gap] = [draft.payload for draft in agent.drafts if "gap" in draft.event_id]
    assert isinstance(gap, Activity)
    assert isinstance(gap.detail, dict)
    answered: list[int] = gap.detail["answered_at"]
    return answered


def test_a_connection_lost_and_found_within_a_message() -> None:
    """Same gateway, same run: the history completes the message, and what tools did is declared unknown only if the
    run is still open."""
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "reset"))
    agent.tell(LinkUp(2_000, 1_140)).history(2_010, said("one two", 1_105), purpose="repair")
    assert agent.finals() == [("one two", "complete")]
    assert agent.kinds() == ["run.started", "stream.repaired", "run.finished"]


def test_a_run_that_goes_on_after_a_lost_connection_has_lost_nothing_that_its_next_text_holds() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "reset"))
    agent.tell(LinkUp(2_000, 1_140)).history(2_010, purpose="repair")
    agent.text(2_100, "one two three", " three").end(2_200, "one two three").history(
        2_205, said("one two three", 1_105)
    )
    assert agent.kinds() == ["run.started", "run.finished"]
    assert agent.finals() == [("one two three", "complete")]


def test_a_run_whose_tools_were_at_work_in_an_outage_declares_one_gap() -> None:
    """Its calls and their results are in its history; what they reported meanwhile is not."""
    agent = Agent().start(1_100).text(1_110, "look", "look").outage(1_140, 2_000)
    stored = said("look", 1_105, calls=(called("c1", 1_105, ended=1_900), called("c2", 1_105)))
    agent.history(2_010, stored, purpose="repair")
    assert agent.steps() == [("c1", "tool.started"), ("c1", "tool.finished"), ("c2", "tool.started")]
    assert agent.kinds()[-2:] == ["stream.repaired", "stream.gap"]
    agent.history(
        2_205, said("look", 1_105, calls=(called("c1", 1_105, ended=1_900), called("c2", 1_105, ended=2_100)))
    )
    assert agent.steps()[3:] == [("c2", "tool.finished")]


def test_tools_that_nobody_told_of_come_with_their_run_s_end() -> None:
    """A session may tell of no tools while they run."""
    agent = Agent().start(1_100).end(1_200)
    stored = said("", 1_105, ends=False, calls=(called("c1", 1_105, ended=1_150, failed=True),))
    agent.history(1_210, stored, said("done", 1_160))
    assert agent.steps() == [("c1", "tool.started"), ("c1", "tool.failed")]
    assert agent.kinds()[-1] == "run.finished"


def test_a_run_that_nobody_heard_of_is_told_of_by_what_it_left() -> None:
    """It began and ended in the outage: its message, its tool call, and that there was a run."""
    agent = Agent().outage(1_140, 2_000)
    stored = said("look", 1_205, ends=False, calls=(called("c1", 1_205, ended=1_300),))
    agent.history(2_010, asked("please", 1_200), stored, said("done", 1_310), purpose="repair")
    assert agent.steps() == [("c1", "tool.started"), ("c1", "tool.finished")]
    assert agent.kinds()[-1] == "stream.repaired"
    agent.tell(Settled(2_011, SESSION))
    assert agent.kinds()[-1] == "stream.gap"
    assert agent.titles("stream.gap") == ["Not received for 1 s: of 1 run only what the history has is known"]


def test_a_run_that_failed_in_an_outage_is_told_of_by_its_failure() -> None:
    agent = Agent().outage(1_140, 2_000)
    agent.history(2_010, asked("please", 1_200), failed("out of order", 1_205), purpose="repair")
    agent.tell(Settled(2_011, SESSION))
    assert agent.titles("run.failed") == ["Run failed: out of order"]
    assert agent.status()[-1] == ("degraded", "its last run failed: out of order")


def test_a_run_whose_end_waited_in_line_is_not_taken_for_one_that_nobody_heard_of() -> None:
    """It was under way when the connection came back, and over when the history was read."""
    agent = Agent().outage(1_140, 2_000).history(2_010, asked("please", 1_200), said("done", 1_990), purpose="repair")
    agent.text(2_002, "done", "ne").end(2_005, "done").tell(Settled(2_011, SESSION))
    agent.history(2_020, asked("please", 1_200), said("done", 1_990))
    assert agent.kinds() == ["stream.repaired", "run.started", "run.finished"]


def test_a_run_that_waited_in_line_is_not_taken_for_those_after_it() -> None:
    """What waited is told behind the history: an answer to a later prompt than the run's is another run's."""
    agent = Agent().outage(1_150, 4_000)
    stored = (asked("one", 1_004), failed("500", 1_027), asked("two", 2_083), said("yes", 2_086))
    agent.history(4_010, *stored, purpose="repair").start(1_005).end(1_077).tell(Settled(4_010, SESSION))
    [gap] = [draft.payload for draft in agent.drafts if isinstance(draft.payload, Activity) and "gap" in draft.event_id]
    assert isinstance(gap.detail, dict)
    assert gap.detail["answered_at"] == [2_086]


def test_a_run_of_which_only_the_end_was_heard_has_its_start_and_its_end() -> None:
    agent = Agent().outage(1_140, 2_000).history(2_010, asked("please", 1_200), purpose="repair")
    agent.tell(Settled(2_010, SESSION)).end(2_020, "done").history(2_030, asked("please", 1_200), said("done", 1_990))
    assert agent.kinds() == ["stream.repaired", "run.started", "run.finished"]
    assert agent.finals() == [("please", "complete"), ("done", "complete")]


def test_a_failure_of_which_only_the_end_was_heard_is_no_success() -> None:
    """The gateway calls failures complete, and dies before its history can be asked."""
    agent = Agent().end(1_108).outage(1_109, 2_000, rebooted=True)
    agent.history(2_010, asked("please", 1_007), failed("out of order", 1_060), purpose="repair")
    assert agent.kinds() == ["run.started", "stream.repaired", "run.failed"]


def test_an_outage_is_compared_by_the_gateways_clock() -> None:
    """Its clock is an hour ahead of ours, and it is its clock that its history goes by."""
    hour = 3_600_000
    agent = Agent().tell(LinkDown(1_150, "cut"), LinkUp(2_000, 1_140, ahead=hour))
    before, within = called("c0", hour + 500, ended=hour + 600), called("c1", hour + 1_205, ended=hour + 1_300)
    stored = (said("old", hour + 500, calls=(before,)), said("new", hour + 1_205, calls=(within,)))
    agent.history(2_010, *stored, purpose="repair")
    assert agent.steps() == [("c1", "tool.started"), ("c1", "tool.finished")]


def test_a_restarted_gateway_interrupts_its_runs() -> None:
    """What the dead gateway had not stored is lost, and one event says so."""
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "service restart"))
    agent.tell(LinkUp(6_000, 1_140, booted_at=5_500)).history(
        6_010, HistoryEntry("user", "please", 1_099), purpose="repair"
    )
    assert agent.finals() == [("please", "complete"), ("one", "interrupted")]
    assert agent.kinds() == ["run.started", "stream.repaired", "stream.gap", "run.failed"]


def test_a_repair_over_several_connections_declares_all_that_it_cannot_make_good() -> None:
    """Its beginning is the same each time, and what is declared is not."""
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "cut"), LinkUp(2_000, 1_140))
    agent.history(2_010, said("one", 1_105, calls=(called("c", 1_105),)), purpose="repair")
    agent.tell(LinkDown(2_500, "cut"), LinkUp(6_000, 1_140, booted_at=5_500)).history(6_010, purpose="repair")
    gaps = [draft for draft in agent.drafts if isinstance(draft.payload, Activity) and "gap" in draft.payload.kind]
    assert len({draft.event_id for draft in gaps}) == len(gaps) == 2


def test_only_the_runs_from_before_died_with_the_gateway() -> None:
    """One that began after its restart goes on, though the daemon ended before it had told what the restart took."""
    agent = Agent().start(1_100).text(1_110, "one", "one").start(5_600, "new")
    agent.tell(LinkDown(5_700, "cut"), LinkUp(6_000, 1_140, booted_at=5_500)).history(6_010, purpose="repair")
    assert agent.kinds("run") == ["run.started", "stream.gap", "run.failed"]
    assert agent.kinds("new") == ["run.started"]


def test_a_run_that_died_with_the_gateway_unheard_is_declared_by_its_prompt() -> None:
    """Nothing but its prompt was stored. One that was asked for after the restart may yet answer, and of one that was
    aborted between two outages that was told."""
    agent = Agent().start(5_201).tell(RunAnswered("gone", 5_210, "run", SESSION, "aborted", None))
    agent.tell(LinkDown(5_220, "x"), LinkUp(6_000, 1_140, booted_at=5_500))
    first = (asked("please", 5_000), asked("heard", 5_200))
    stored = (*first, asked("again", 5_300), said("yes", 5_310), asked("and now", 5_700))
    agent.history(6_010, *stored, purpose="repair").tell(Settled(6_010, SESSION))
    assert unheard(agent) == [5_000, 5_310]


def test_a_run_that_died_unheard_is_not_taken_for_the_one_that_is_heard_right_behind_the_history() -> None:
    """The next run's start was missed, too, but its prompt is stored."""
    agent = Agent().tell(LinkUp(4_000, None), LinkDown(5_220, "x"), LinkUp(6_000, 5_220, booted_at=5_500))
    agent.history(6_010, asked("please", 5_230), asked("again", 5_600), purpose="repair")
    agent.text(5_700, "yes", "yes", "next").tell(Settled(6_010, SESSION))
    assert unheard(agent) == [5_230]


def test_a_run_that_died_with_the_gateway_while_its_tool_worked_is_declared_by_its_last_answer() -> None:
    """Nobody had heard of it. Another one's answers are stored, too, and that one goes on."""
    agent = Agent().start(5_100, "known").tell(LinkDown(5_220, "x"), LinkUp(6_000, 5_140, booted_at=5_500))
    known = (asked("please", 5_090), said("a look", 5_110, calls=(called("1", 5_110, ended=5_130),)))
    gone = (asked("and this", 5_200), said("", 5_210, calls=(called("2", 5_210),)))
    fresh = (asked("now", 5_600), said("the last", 5_610, calls=(called("3", 5_610),)))
    agent.history(6_010, *known, *gone, *fresh, purpose="repair").tell(Settled(6_010, SESSION))
    payloads = [draft.payload for draft in agent.drafts if "gap" in draft.event_id]
    [gap] = [each for each in payloads if isinstance(each, Activity) and each.run_id is UNSET]
    assert isinstance(gap.detail, dict)
    assert gap.detail["answered_at"] == [5_210]


def test_a_restarted_gateway_whose_history_cannot_be_read() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "service restart"))
    agent.tell(LinkUp(6_000, 1_140, booted_at=5_500), HistoryMissing(6_010, SESSION, "no answer in time", "repair"))
    assert agent.finals() == [("one", "interrupted")]
    assert agent.kinds() == ["run.started", "stream.gap", "run.failed"]


def test_a_restarted_gateway_that_says_nothing_of_the_session() -> None:
    agent = (
        Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "x"), LinkUp(6_000, 1_140, booted_at=5_500))
    )
    assert agent.wait(15_000).finals() == [("one", "interrupted")]


def test_a_session_that_was_quiet_for_long_is_not_brought_in_again() -> None:
    """Hundreds of messages in one session push nothing of another one out of memory."""
    agent, other = Agent(), "agent:alpha:other"
    agent.tell(HistorySeen(1_050, other, (said("early", 1_040),), "end"))
    for index in range(300):
        at = 2_000 + index * 100
        agent.start(at, f"run{index}").text(at + 10, f"answer {index}", f"answer {index}", f"run{index}")
        agent.end(at + 20, f"answer {index}", f"run{index}").history(at + 25, said(f"answer {index}", at + 2))
    before = len(agent.finals())
    agent.tell(HistorySeen(40_000, other, (said("early", 1_040),), "start"))
    assert len(agent.finals()) == before == 301


def test_a_history_waits_for_what_the_journal_knows_of_its_session() -> None:
    """A successor that was given only the newest finals asks for a session's own before it concludes anything."""
    core = AgentCore(("gw", "alpha"))
    core.restore(None, [], [], 1_000, everything=False)
    seen = HistorySeen(2_000, SESSION, (said("known", 1_500),), "end")
    assert core.unknown_past(seen) == SESSION
    known = MessageView("gw/run/1510", "alpha", "gw", "run", SESSION, "assistant", "complete", "known", 1_510, 9)
    core.conversation.recall(SESSION, [known])
    assert core.unknown_past(seen) is None
    assert [draft for draft in core.handle(seen, 2_000) if isinstance(draft.payload, Final)] == []


def test_a_repair_whose_history_is_missing_is_declared_once() -> None:
    """What may be missing is said, run or no run."""
    agent = Agent().tell(LinkDown(1_150, "reset"), LinkUp(9_000, 1_140))
    agent.tell(HistoryMissing(9_010, SESSION, "no answer in time", "repair"))
    assert agent.kinds() == ["stream.gap"]


def test_a_second_lost_connection_does_not_end_the_wait_for_a_dead_runs_history() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "gone"))
    agent.tell(LinkUp(6_000, 1_140, booted_at=5_500), LinkDown(6_100, "gone again")).wait(60_000)
    assert ("ok", "interrupted") not in agent.finals()
    agent.tell(LinkUp(70_000, 1_140)).history(70_010, said("one two", 1_105), purpose="repair")
    assert agent.finals() == [("one two", "complete")]


def test_a_message_that_history_told_of_while_it_was_still_being_heard() -> None:
    """Joined in the middle: the history has the whole message, and then its texts come out of the line."""
    agent = Agent().history(2_000, said("one two", 1_900), purpose="repair")
    agent.text(1_950, "one", "one").text(1_960, "one two", " two").end(1_970, "one two")
    agent.history(2_100, said("one two", 1_900))
    assert agent.finals() == [("one two", "complete")]


def test_several_messages_of_a_run_that_history_told_of_already() -> None:
    agent = Agent().history(2_000, said("look", 1_900, ends=False), said("done", 1_930), purpose="repair")
    agent.text(1_910, "look", "look")
    agent.tell(ToolSeen("t1", 1_915, "run", SESSION, "started", "read", "c1", {}))
    agent.text(1_940, "do", "do").text(1_945, "done", "ne").end(1_950, "done")
    assert agent.wait(5_000).finals() == [("look", "complete"), ("done", "complete")]


def test_a_new_message_that_begins_like_one_from_history_is_told_in_full() -> None:
    agent = Agent().history(2_000, said("The cat", 1_900), purpose="repair")
    agent.text(2_100, "The", "The").text(2_110, "The dog", " dog")
    chunks = [draft.payload.delta for draft in agent.drafts if isinstance(draft.payload, Chunk)]
    assert chunks == ["The dog"]


def test_the_same_answer_again_in_a_later_run_is_another_message() -> None:
    agent = Agent().history(2_000, said("ok", 1_900), purpose="repair")
    agent.start(2_100).text(2_110, "ok", "ok").end(2_120, "ok").history(2_125, said("ok", 1_900), said("ok", 2_102))
    assert agent.finals() == [("ok", "complete"), ("ok", "complete")]


def test_a_joined_run_is_recognised_in_its_history() -> None:
    """Its start was not seen, so its messages may be older than the first that was heard of it."""
    agent = Agent().text(1_110, "one two", " two").end(1_200, "one two three")
    agent.history(1_205, said("one two three", 1_050))
    assert agent.finals() == [("one two three", "complete")]


def test_a_message_that_broke_off_unseen_is_brought_in_as_it_is() -> None:
    """A partial answer from before the connection is not lost, and not called complete."""
    agent = Agent().history(2_000, HistoryEntry("assistant", "half", 1_900, error="terminated"), purpose="repair")
    assert agent.finals() == [("half", "error")]


def test_a_joined_run_is_not_ended_by_the_answer_before_its_prompt() -> None:
    """Lost and found twice while one run goes on: what answers an older prompt says nothing of it."""
    older = (HistoryEntry("user", "first", 500), said("answered", 510), HistoryEntry("user", "second", 1_000))
    agent = Agent().history(1_040, *older, purpose="repair").text(1_050, "one two", " two")
    agent.tell(LinkDown(1_100, "cut"), LinkUp(2_000, 1_090)).history(2_010, *older, purpose="repair")
    agent.text(2_100, "one two three", " three").end(2_200, "one two three")
    agent.history(2_205, *older, said("one two three", 1_002))
    assert agent.finals()[-1] == ("one two three", "complete")
    assert [text for text, _ in agent.finals()] == ["first", "answered", "second", "one two three"]
    assert agent.kinds() == ["run.started", "run.finished"]


def test_a_joined_run_is_recognised_by_a_successor_too() -> None:
    """Joined, then the daemon was restarted: the history's older entry is still the message that is open."""
    core = AgentCore(("gw", "alpha"))
    run = RunView("run", SESSION, 1_110)
    view = AgentView("alpha", "gw", "Alpha", status="online", run=run, runs=[run], listed=True)
    opened = MessageView("gw/run/1110", "alpha", "gw", "run", SESSION, "assistant", "streaming", "one", 1_110, 9, 1)
    core.restore(view, [opened], [], 5_000)
    core.liveness.connected(5_000)
    stored = (HistoryEntry("user", "please", 1_040), said("one two", 1_050))
    drafts = core.handle(HistorySeen(5_010, SESSION, stored, "repair"), 5_010)
    finals = [draft.payload for draft in drafts if isinstance(draft.payload, Final)]
    assert [(final.message_id, final.text) for final in finals if final.role == "assistant"] == [
        ("gw/run/1110", "one two")
    ]


def test_a_joined_run_that_repeats_an_old_answer_is_heard() -> None:
    """What an earlier run said, known from history alone, is not what this one says after a newer prompt."""
    older = (HistoryEntry("user", "first", 500), said("Done.", 510), HistoryEntry("user", "second", 1_000))
    agent = Agent().history(1_040, *older, purpose="repair").text(1_050, "Done.", "Done.")
    chunks = [draft.payload.delta for draft in agent.drafts if isinstance(draft.payload, Chunk)]
    assert chunks == ["Done."]


def test_an_earlier_step_of_a_run_is_not_its_open_message() -> None:
    """A history asked for in the middle of a run may show a step whose stream was missed."""
    prompt, step = HistoryEntry("user", "go", 1_000), said("looking", 1_010, ends=False)
    agent = Agent().start(1_000).text(1_200, "found it", "found it").history(1_250, prompt, step, purpose="start")
    agent.text(1_300, "found it all", " all").end(1_400, "found it all")
    agent.history(1_405, prompt, step, said("found it all", 1_150))
    assert [text for text, state in agent.finals()] == ["go", "looking", "found it all"]
    assert {state for _, state in agent.finals()} == {"complete"}


def test_a_message_that_broke_off_during_an_outage_gets_all_that_it_said() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "cut"), LinkUp(2_000, 1_140))
    agent.history(2_010, HistoryEntry("assistant", "one two", 1_102, error="terminated"), purpose="repair")
    assert agent.finals() == [("one two", "error")]


def test_a_run_that_is_met_at_its_very_end_is_not_the_one_before_it() -> None:
    """By then the session's next prompt is there, too. Of the first run nothing was heard, and that is declared."""
    agent = Agent().tell(LinkUp(1_000, None), LinkDown(1_100, "x"), LinkUp(6_000, 1_090))
    stored = (asked("a", 5_900), said("1", 5_910), asked("b", 5_920), said("2", 5_930), asked("c", 6_010))
    agent.history(6_020, *stored, purpose="repair").end(6_010, "2").tell(Settled(6_020, SESSION))
    assert unheard(agent) == [5_910]


def successor(agent: Agent) -> Agent:
    """What another process makes of all that this one told, but for what was open."""
    told = [(draft.timestamp, draft.payload) for draft in agent.drafts if isinstance(draft.payload, Activity)]
    finals = [
        MessageView(f.message_id, "alpha", "gw", f.run_id, SESSION, f.role, f.state, f.text, draft.timestamp, 1)
        for draft in agent.drafts
        if isinstance(f := draft.payload, Final)
    ]
    new = Agent()
    new.core.restore(AgentView("alpha", "gw", "Alpha"), [], finals, 2_000, activities=told)
    return new


def test_a_successor_knows_a_run_whose_end_was_heard_though_its_answer_was_not() -> None:
    """The answer's frame was lost, and a history had it at the run's end. The daemon was killed before the repair."""
    stored = (asked("go", 1_099), said("yes", 1_110))
    agent = successor(Agent().start(1_100).end(1_120).history(1_130, *stored))
    agent.tell(LinkUp(2_010, 1_105)).history(2_020, *stored, purpose="repair").tell(Settled(2_020, SESSION))
    assert agent.kinds() == []


def test_a_successor_knows_a_run_that_was_aborted_before_its_gateway_died() -> None:
    agent = Agent().start(1_100).tell(RunAnswered("gone", 1_120, "run", SESSION, "aborted", None))
    agent = successor(agent).tell(LinkUp(2_010, 1_090, booted_at=1_900))
    agent.history(2_020, asked("go", 1_099), purpose="repair").tell(Settled(2_020, SESSION))
    assert agent.kinds() == ["stream.repaired"]


def test_a_successor_survives_whatever_a_source_put_into_a_detail() -> None:
    """Details of a source's own events are whatever it likes."""
    details: tuple[dict[str, Any], ...] = ({"answered_at": [{}]}, {"answered_at": {"a": 1}}, {"call_id": ["x"]})
    kinds = ("run.finished", "tool.started")
    told = [(at, Activity(kind, "", detail=detail)) for at, detail in enumerate(details) for kind in kinds]
    AgentCore(("gw", "alpha")).restore(None, [], [], 1_000, activities=told)


def test_an_agent_that_was_not_known_before_an_outage_has_its_runs_declared() -> None:
    """It was added while nobody was connected, and is met after the connection began."""
    agent = Agent()
    agent.core.begin(LinkUp(6_000, 1_140, booted_at=5_500), 6_010)
    stored = (asked("please", 1_200), said("yes", 1_210), asked("more", 5_300))
    agent.history(6_020, *stored, purpose="repair").tell(Settled(6_020, SESSION))
    assert unheard(agent) == [1_210, 5_300]


def test_a_run_that_began_before_the_outage_unheard_is_declared_when_its_end_is_new() -> None:
    """It was silent while somebody listened. A run that was heard to its end is none of that."""
    agent = Agent().start(1_000, "old").end(1_010, "first", "old")
    agent.history(1_020, asked("go", 995), said("first", 1_001))
    agent.tell(LinkDown(1_150, "x"), LinkUp(6_000, 1_140))
    stored = (asked("go", 995), said("first", 1_001), asked("please", 1_100), said("yes", 1_101))
    agent.history(6_010, *stored, purpose="repair").tell(Settled(6_010, SESSION))
    assert unheard(agent) == [1_101]


def test_an_attempt_that_began_before_the_outage_unheard_and_failed_without_a_word_is_told() -> None:
    """Neither it nor its prompt had been stored before."""
    agent = Agent().tell(LinkUp(1_000, None), LinkDown(1_150, "x"), LinkUp(6_000, 1_140))
    agent.history(6_010, asked("please", 1_100), failed("busy", 1_101), purpose="repair").tell(Settled(6_010, SESSION))
    assert agent.kinds() == ["stream.repaired", "run.failed"]


def test_a_history_that_was_asked_for_before_a_run_was_over_is_not_its_last_word() -> None:
    """The run's end was lost, and the next one began before the answer came."""
    agent = Agent().start(1_000).text(1_010, "ok", "ok").start(1_100, "next")
    agent.tell(HistorySeen(1_110, SESSION, (asked("go", 999),), "start", asked_at=1_001))
    assert ("ok", "interrupted") not in agent.finals()
    answered = (asked("go", 999), said("ok", 1_002), asked("more", 1_099))
    agent.tell(HistorySeen(1_120, SESSION, answered, "start", asked_at=1_101))
    assert ("ok", "complete") in agent.finals()
    assert "run.aborted" not in agent.kinds()


def test_a_history_that_was_asked_for_before_a_run_was_aborted_is_not_its_last_word() -> None:
    """The rest of a message was lost in a hole, the run went on, and was aborted before the answer came."""
    agent = Agent().start(1_000).text(1_010, "one", "one").tell(HoleSeen(1_020, 1_010)).text(1_030, "two", "two")
    agent.tell(RunAnswered("gone", 1_040, "run", SESSION, "aborted", None))
    agent.tell(HistorySeen(1_050, SESSION, (asked("go", 999),), "start", asked_at=1_001))
    stored = (asked("go", 999), said("one more", 1_002, ends=False))
    agent.tell(HistorySeen(1_060, SESSION, stored, "end", asked_at=1_045))
    assert agent.finals() == [("two", "aborted"), ("go", "complete"), ("one more", "complete")]


def test_the_other_half_of_a_tool_call_is_told_though_its_run_was_aborted_since() -> None:
    """Its start was lost in the very first frame of a connection, before which no hole can be seen."""
    agent = Agent().tell(ToolSeen("end", 1_010, "run", SESSION, "finished", "read", "1", {}))
    agent.tell(RunAnswered("gone", 1_020, "run", SESSION, "aborted", None))
    stored = said("a look", 1_005, calls=(called("1", 1_005, ended=1_009), called("0", 1_005, ended=1_006)))
    agent.history(1_030, asked("go", 999), stored)
    assert agent.steps() == [("1", "tool.finished"), ("1", "tool.started")]


def test_attempts_that_failed_in_an_outage_are_counted_at_the_end_of_the_run() -> None:
    """Nobody heard of them, and a history has them between the prompt and the answer."""
    agent = Agent().start(1_000).tell(LinkDown(1_150, "x"), LinkUp(6_000, 1_140))
    agent.history(6_010, asked("go", 999), failed("busy", 2_000), said("ok", 4_000), purpose="repair")
    assert agent.kinds() == ["run.started", "stream.repaired", "run.finished"]
    [ended] = [draft.payload for draft in agent.drafts if draft.event_id.endswith("end")]
    assert isinstance(ended, Activity)
    assert ended.detail == {"answered_at": 4_000, "failed_before": 1}
