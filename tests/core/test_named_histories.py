"""What an agent's core makes of a history that says whose each entry is, and of entries that come by themselves."""

from attrs import evolve

from mission_control.core.signals import EntrySeen, HistoryEntry, HistorySeen, LinkDown, LinkUp, RunAnswered, Settled
from tests.core.agents import SESSION, Agent, asked, failed, said


def of(run: str, entry: HistoryEntry) -> HistoryEntry:
    return evolve(entry, id=f"{run}-{entry.at}", run_id=run)


def outage(agent: Agent, *entries: HistoryEntry, under_way: frozenset[str] | None = None) -> Agent:
    """The connection was lost at 1,150 and is back at 2,000 ms, and the history has these."""
    agent.tell(LinkDown(1_150, "reset"), LinkUp(2_000, 1_140))
    return agent.tell(HistorySeen(2_010, SESSION, entries, "repair", under_way=under_way))


def test_a_stored_message_completes_the_one_that_streamed() -> None:
    """It is stored when it is complete, which is before its run ends."""
    agent = Agent().start(1_100).text(1_110, "one", "one")
    agent.tell(EntrySeen(1_150, SESSION, of("run", said("one two", 1_105))))
    assert agent.finals() == [("one two", "complete")]
    agent.text(1_160, "one two", " two")
    assert agent.finals() == [("one two", "complete")]


def test_a_stored_prompt_is_told_at_once_and_once() -> None:
    agent = Agent()
    prompt = of("run", asked("Hello?", 1_090))
    agent.tell(EntrySeen(1_095, SESSION, prompt), EntrySeen(1_096, SESSION, prompt))
    agent.start(1_100).tell(HistorySeen(1_200, SESSION, (prompt,), "end"))
    assert agent.finals() == [("Hello?", "complete")]


def test_a_stored_message_ends_no_run() -> None:
    """A run may be told something more when it has said what could be its last."""
    agent = Agent().start(1_100).text(1_110, "one", "one")
    agent.tell(EntrySeen(1_150, SESSION, of("run", said("one", 1_105))))
    assert agent.kinds() == ["run.started"]


def test_whose_a_message_is_decides_and_not_its_time() -> None:
    """What an aborted run had said is stored under the time of the abort, which is after it began to say it."""
    agent = Agent().start(1_100).text(1_110, "Once", "Once")
    agent.tell(RunAnswered("abort", 1_140, "run", SESSION, "aborted", None))
    aborted = evolve(of("run", said("Once upon", 1_141)), aborted=True)
    agent.tell(EntrySeen(1_150, SESSION, aborted))
    assert agent.finals() == [("Once", "aborted")]


def test_two_runs_that_said_the_same_are_told_apart() -> None:
    agent = Agent().start(1_100, "a").text(1_110, "same", "same", "a").end(1_120, "same", "a")
    agent.history(1_125, of("a", said("same", 1_105)))
    agent.start(1_130, "b").text(1_140, "sa", "sa", "b")
    outage(agent, of("a", said("same", 1_105)), of("b", said("same", 1_135)))
    assert agent.finals() == [("same", "complete"), ("same", "complete")]


def test_a_run_that_goes_on_is_not_ended_by_an_entry_that_could_be_its_last() -> None:
    """A message was put into it when it had answered the one before."""
    agent = Agent().start(1_100).text(1_110, "one", "one")
    outage(agent, of("run", said("one", 1_105)), of("other", asked("and?", 1_120)), under_way=frozenset({"run"}))
    assert "run.finished" not in agent.kinds()
    agent.text(2_100, "two", "two").end(2_200, "two").history(2_210, of("run", said("two", 1_900)))
    assert agent.finals() == [("one", "complete"), ("and?", "complete"), ("two", "complete")]
    assert agent.kinds()[-1] == "run.finished"


def test_a_run_that_was_aborted_unheard_is_known_to_be() -> None:
    agent = Agent().start(1_100).text(1_110, "Once", "Once")
    outage(agent, evolve(of("run", said("Once upon", 1_160)), aborted=True), under_way=frozenset())
    assert agent.finals() == [("Once upon", "aborted")]
    assert agent.kinds()[-1] == "run.aborted"


def test_a_run_that_left_nothing_and_does_not_go_on_is_over() -> None:
    """Where nobody says which runs go on, it would count as open, and its agent as stalled."""
    agent = outage(Agent().start(1_100), of("run", asked("Hello?", 1_090)), under_way=frozenset())
    assert agent.kinds()[-1] == "run.aborted"
    still = outage(Agent().start(1_100), of("run", asked("Hello?", 1_090)), under_way=None)
    assert "run.aborted" not in still.kinds()


def test_another_run_s_failure_is_not_this_one_s() -> None:
    agent = Agent().start(1_100).text(1_110, "one", "one")
    outage(agent, of("other", failed("500", 1_120)), under_way=frozenset({"run"}))
    assert "run.failed" not in [kind for kind in agent.kinds() if kind != "stream.repaired"]


def test_an_attempt_of_which_it_is_said_that_another_follows() -> None:
    """Its text, too, may be the first that is heard of that."""
    agent = Agent().start(1_100).text(1_110, "All sta", "All sta")
    agent.tell(RunAnswered("failed", 1_120, "run", SESSION, "error", None, "500", again=True))
    agent.text(1_200, "All stations", "All stations")
    assert agent.finals() == [("All sta", "error")]
    assert agent.kinds() == ["run.started", "run.failed", "run.started"]


def test_an_attempt_of_which_nothing_but_its_failure_is_heard() -> None:
    """No history has it: another one follows it."""
    agent = Agent().start(1_100)
    for at in (1_120, 1_240):
        agent.tell(RunAnswered(f"failed {at}", at, "run", SESSION, "error", None, "500", again=True))
    assert agent.kinds() == ["run.started", "run.failed", "run.started", "run.failed"]


def test_an_attempt_whose_failure_is_not_heard_has_failed_when_the_run_begins_again() -> None:
    """What it said may have been more."""
    agent = Agent().start(1_100).text(1_110, "All sta", "All sta").start(1_200)
    assert agent.finals() == [("All sta", "interrupted")]
    assert agent.kinds() == ["run.started", "run.failed", "run.started"]


def test_a_run_that_died_unheard_is_declared_though_the_next_process_goes_on_in_another() -> None:
    """OpenClaw tells the agent to go on, without another prompt."""
    agent = Agent().tell(LinkUp(1_000, None), LinkDown(1_150, "reset"), LinkUp(2_000, 1_140, booted_at=1_500))
    agent.start(2_005, "next")
    agent.history(2_010, of("gone", asked("please", 1_200)), purpose="repair").tell(Settled(2_020, SESSION))
    assert "stream.gap" in agent.kinds()
