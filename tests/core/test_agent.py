"""One agent's events: one end per run, one final per message, failures that only history knows, honest gaps."""

from collections.abc import Iterable

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Draft, Final, Heartbeat
from mission_control.core.signals import (
    HistoryEntry,
    HistoryMissing,
    HistorySeen,
    LinkDown,
    LinkUp,
    Listed,
    RunAnswered,
    RunEnding,
    RunStarted,
    Signal,
    TextSeen,
    ToolSeen,
    Unlisted,
)
from mission_control.core.views import AgentView, MessageView, RunView

SESSION = "agent:alpha:main"


class Agent:
    """An agent that has been listed on a live gateway, at time 1,000 ms."""

    def __init__(self) -> None:
        self.core = AgentCore(("gw", "alpha"))
        self.core.restore(None, [], [], 1_000)
        self.now = 1_000
        self.drafts: list[Draft] = []
        self.serial = 0
        self.tell(LinkUp(1_000, False, None), Listed("listed", 1_000, "Alpha", None))
        self.drafts.clear()

    def tell(self, *signals: Signal) -> "Agent":
        for signal in signals:
            self.now = max(self.now, signal.at)
            self.drafts += self.core.handle(signal, self.now)
        return self

    def wait(self, ms: int) -> "Agent":
        """Let time pass as an actor does: woken whenever something is due."""
        until = self.now + ms
        while (due := self.core.due(self.now)) is not None and due <= until:
            self.now = due
            self.drafts += self.core.tick(self.now)
        self.now = until
        return self

    def start(self, at: int, run: str = "run", session: str | None = SESSION) -> "Agent":
        return self.tell(RunStarted(f"{run}:{at}:start", at, run, session))

    def text(self, at: int, text: str, delta: str, run: str = "run") -> "Agent":
        return self.tell(TextSeen(f"{run}:{at}:{text}", at, run, SESSION, text, delta))

    def end(self, at: int, answer: str | None = None, run: str = "run") -> "Agent":
        """How the real gateway ends a run: its end, then an answer that is not the last word on it."""
        return self.tell(
            RunEnding(f"{run}:{at}:end", at, run, SESSION),
            RunAnswered(f"{run}:{at}:chat", at, run, SESSION, "complete", answer, provisional=True),
        )

    def history(self, at: int, *entries: HistoryEntry, purpose: str = "end") -> "Agent":
        return self.tell(HistorySeen(at, SESSION, entries, purpose))  # type: ignore[arg-type]

    def kinds(self) -> list[str]:
        return [draft.payload.kind for draft in self.drafts if isinstance(draft.payload, Activity)]

    def finals(self) -> list[tuple[str, str]]:
        payloads = (draft.payload for draft in self.drafts)
        return [(payload.text, payload.state) for payload in payloads if isinstance(payload, Final)]

    def status(self) -> list[tuple[str, str]]:
        payloads = (draft.payload for draft in self.drafts if not draft.ephemeral)
        return [(payload.status, payload.reason) for payload in payloads if isinstance(payload, Heartbeat)]


def said(text: str, at: int, *, ends: bool = True) -> HistoryEntry:
    return HistoryEntry("assistant", text, at, ends_run=ends)


def failed(error: str, at: int) -> HistoryEntry:
    return HistoryEntry("assistant", "", at, error=error)


def ids(drafts: Iterable[Draft]) -> list[str]:
    return [draft.event_id for draft in drafts]


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


def test_a_connection_lost_and_found_within_a_message() -> None:
    """Same gateway, same run: the history completes the message, and what tools did is declared unknown only if the
    run is still open."""
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "reset"))
    agent.tell(LinkUp(2_000, False, 1_140)).history(2_010, said("one two", 1_105), purpose="repair")
    assert agent.finals() == [("one two", "complete")]
    assert agent.kinds() == ["run.started", "stream.repaired", "run.finished"]


def test_a_run_that_goes_on_after_a_lost_connection_declares_one_gap() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "reset"))
    agent.tell(LinkUp(2_000, False, 1_140)).history(2_010, purpose="repair")
    agent.text(2_100, "one two three", " three").end(2_200, "one two three").history(
        2_205, said("one two three", 1_105)
    )
    assert agent.kinds() == ["run.started", "stream.gap", "run.finished"]
    assert agent.finals() == [("one two three", "complete")]


def test_a_restarted_gateway_interrupts_its_runs() -> None:
    """What the dead gateway had not stored is lost, and one event says so."""
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "service restart"))
    agent.tell(LinkUp(6_000, True, 1_140)).history(6_010, HistoryEntry("user", "please", 1_099), purpose="repair")
    assert agent.finals() == [("please", "complete"), ("one", "interrupted")]
    assert agent.kinds() == ["run.started", "stream.repaired", "stream.gap", "run.failed"]


def test_a_restarted_gateway_whose_history_cannot_be_read() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "service restart"))
    agent.tell(LinkUp(6_000, True, 1_140), HistoryMissing(6_010, SESSION, "no answer in time", "repair"))
    assert agent.finals() == [("one", "interrupted")]
    assert agent.kinds() == ["run.started", "stream.gap", "run.failed"]


def test_a_restarted_gateway_that_says_nothing_of_the_session() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "x"), LinkUp(6_000, True, 1_140))
    assert agent.wait(15_000).finals() == [("one", "interrupted")]


def test_a_run_that_ended_unseen_is_closed_by_its_successor() -> None:
    """A session's runs follow one another: a second one proves the end of the first."""
    agent = Agent().start(1_100, "one").text(1_110, "half", "half", "one").start(1_200, "two")
    assert agent.finals() == [("half", "interrupted")]
    assert agent.kinds() == ["run.started", "run.aborted", "run.started"]


def test_added_renamed_removed_and_back() -> None:
    agent = Agent()
    agent.tell(Listed("l1", 1_100, "Alpha", None), Listed("l2", 1_200, "Alpha the Great", None))
    agent.tell(Unlisted("u1", 1_300), Listed("l3", 1_400, "Alpha the Great", None))
    assert agent.kinds() == ["agent.added", "agent.removed", "agent.added"]
    assert [status for status, _ in agent.status()] == ["offline", "online"]


def test_a_blip_of_the_link_changes_no_status() -> None:
    agent = Agent().tell(LinkDown(2_000, "reset")).wait(1_500).tell(LinkUp(3_500, False, 1_990))
    assert agent.status() == []


def test_a_lost_link_degrades_then_takes_offline_and_recovers_by_itself() -> None:
    agent = Agent().tell(LinkDown(2_000, "reset")).wait(20_000).tell(LinkUp(22_500, False, 1_990))
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


def test_a_stream_that_stuck_at_a_directive_is_completed_from_history() -> None:
    """The gateway's own final may be cut short; its history is the truth, and is told once."""
    agent = Agent().start(1_100).text(1_110, "Hello in the", "Hello in the").end(1_200, "Hello in the")
    agent.history(1_205, said("Hello in the middle", 1_102))
    assert agent.finals() == [("Hello in the middle", "complete")]


def test_a_stream_that_stuck_in_a_directive_is_marked_and_the_truth_follows() -> None:
    agent = Agent().start(1_100).text(1_110, "[[reply_to", "[[reply_to").end(1_200, "[[reply_to")
    agent.history(1_205, said("Hello", 1_102))
    assert agent.finals() == [("[[reply_to", "interrupted"), ("Hello", "complete")]


def test_a_repair_whose_history_is_missing_is_declared_once() -> None:
    """What may be missing is said, run or no run."""
    agent = Agent().tell(LinkDown(1_150, "reset"), LinkUp(9_000, False, 1_140))
    agent.tell(HistoryMissing(9_010, SESSION, "no answer in time", "repair"))
    assert agent.kinds() == ["stream.gap"]


def test_a_second_lost_connection_does_not_end_the_wait_for_a_dead_runs_history() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "gone"))
    agent.tell(LinkUp(6_000, True, 1_140), LinkDown(6_100, "gone again")).wait(60_000)
    assert agent.finals() == []
    agent.tell(LinkUp(70_000, False, 1_140)).history(70_010, said("one two", 1_105), purpose="repair")
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
    agent.tell(LinkDown(1_100, "cut"), LinkUp(2_000, False, 1_090)).history(2_010, *older, purpose="repair")
    agent.text(2_100, "one two three", " three").end(2_200, "one two three")
    agent.history(2_205, *older, said("one two three", 1_002))
    assert agent.finals()[-1] == ("one two three", "complete")
    assert [text for text, _ in agent.finals()] == ["first", "answered", "second", "one two three"]
    assert agent.kinds() == ["run.started", "stream.gap", "run.finished"]


def test_no_beat_while_the_gateway_is_not_heard() -> None:
    """What a beat would say of a lost link would outlive the link's return."""
    agent = Agent().start(1_100).tell(LinkDown(7_000, "reset")).text(7_500, "late", "late")
    beats = [draft.payload for draft in agent.drafts if draft.ephemeral and draft.timestamp >= 7_000]
    assert beats == []


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
    agent = Agent().start(1_100).text(1_110, "one", "one").tell(LinkDown(1_150, "cut"), LinkUp(2_000, False, 1_140))
    agent.history(2_010, HistoryEntry("assistant", "one two", 1_102, error="terminated"), purpose="repair")
    assert agent.finals() == [("one two", "error")]


def test_an_answer_that_comes_after_the_last_word_changes_nothing() -> None:
    """The history may be there before the final whose truth it tells; and the final's text may be cut short."""
    agent = Agent().start(1_100).tell(RunEnding("e", 1_200, "run", SESSION))
    agent.history(1_205, said("Hello there.", 1_102))
    agent.tell(RunAnswered("a", 1_210, "run", SESSION, "complete", "[[reply_to_current", provisional=True))
    assert agent.finals() == [("Hello there.", "complete")]
