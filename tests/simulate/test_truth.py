"""The ground truth: what the history has and what it has not, and the file that it is written to."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from mission_control.simulate.chronicle import Witness
from mission_control.simulate.clawdbot_voice import ClawdbotVoice
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.runs import Actor
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.script import (
    Abort,
    Action,
    Ask,
    Break,
    CallTool,
    Fail,
    Finish,
    Retry,
    Say,
    ToolEnds,
)
from mission_control.truth import (
    Cut,
    Header,
    Message,
    Record,
    Restart,
    Run,
    Tool,
    TruthError,
    read_truth,
    write_truth,
)
from tests.simulate.stage import START

KEY = "agent:alpha:main"
ASK = Ask(KEY, "What now?")
READ = CallTool("read", {"path": "a.txt"})


def after(*actions: Action, died: bool = False) -> list[Record]:
    """The truth of an agent that does an action a second and perhaps dies with its gateway."""
    records: list[Record] = []
    actor = Actor("alpha", (KEY,), Fleet().random("test"), ClawdbotVoice(), records.append)
    for second, action in enumerate(actions):
        list(actor.act(action, START + second * 1000))
    if died:
        actor.die(START + len(actions) * 1000)
    return records


def told(records: list[Record]) -> str:
    """Each record in a word or two."""
    words: list[str] = []
    for record in records:
        match record:
            case Message():
                words.append(f"{record.role} {record.state}")
            case Run():
                words.append(f"run {record.outcome}")
            case Tool():
                words.append({None: "tool lost", True: "tool failed", False: "tool done"}[record.failed])
    return ", ".join(words)


@pytest.mark.parametrize(
    ("actions", "died", "expected"),
    [
        ([ASK, Say("a"), Finish()], False, "user complete, assistant complete, run complete"),
        ([ASK, Say("a"), Break()], False, "user complete, assistant error, run error"),
        ([ASK, Say("a"), Abort()], False, "user lost, assistant aborted, run aborted"),
        ([ASK, Say("a")], True, "user lost, assistant lost, run lost"),
        ([ASK], True, "user lost, run lost"),
        ([ASK, Say("a")], False, ""),
        (
            [ASK, Say("a"), READ, ToolEnds("x"), Say("b"), Finish()],
            False,
            "user complete, assistant complete, tool done, assistant complete, run complete",
        ),
        (
            [ASK, READ, ToolEnds("x", failed=True), Say("b"), Finish()],
            False,
            "user complete, tool failed, assistant complete, run complete",
        ),
        ([ASK, READ], True, "user complete, tool lost, run lost"),
        (
            [ASK, Fail("500"), Retry(), Say("a"), Finish()],
            False,
            "user complete, run error, assistant complete, run complete",
        ),
        ([ASK, Fail("500")], True, "user complete, run error"),
    ],
)
def test_the_truth_of_a_run(actions: list[Action], died: bool, expected: str) -> None:
    """Each message, run and call once, when it is over and it is known what became of it."""
    assert told(after(*actions, died=died)) == expected


def test_a_retry_is_another_attempt_of_the_same_run() -> None:
    """Two records under one id, each with its own time."""
    first, second = (each for each in after(ASK, Fail("500"), Retry(), Say("a"), Finish()) if isinstance(each, Run))
    assert first.run == second.run
    assert (first.began, first.ended) == (START, START + 1000)
    assert (second.began, second.ended) == (START + 2000, START + 4000)


def test_a_prompt_in_a_session_with_a_history_is_stored_at_once() -> None:
    """It is complete although its run is aborted."""
    records = after(ASK, Say("a"), Finish(), Ask(KEY, "And now?"), Say("b"), Abort())
    assert [each.state for each in records if isinstance(each, Message) and each.role == "user"] == ["complete"] * 2


def play(fleet: Fleet, seconds: float, witness: Witness) -> Gateway:
    """A fleet's gateway after some time, its last runs brought to an end."""
    gateway = Gateway(fleet, START, witness)
    schedule = Schedule(fleet, gateway.actors)
    while schedule.next_at <= seconds:
        at = schedule.next_at
        for agent_id, action in schedule.take(until=at):
            gateway.act(agent_id, action, START + round(at * 1000))
    gateway.conclude(START + round(seconds * 1000))
    return gateway


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet(agents=5, seed=1),
        Fleet(agents=5, seed=1, profile="tools"),
        Fleet(agents=5, seed=1, profile="idle"),
        Fleet(agents=5, seed=1, rate=5),
        Fleet(agents=5, seed=1, rate=5, profile="tools"),
        Fleet(agents=5, seed=1, rate=2, profile="burst"),
    ],
    ids=lambda fleet: f"{fleet.profile}-{fleet.rate}",
)
def test_what_is_stored_is_what_the_history_has(fleet: Fleet) -> None:
    """Texts, times and tool calls, whatever agents are busy with."""
    records: list[Record] = []
    gateway = play(fleet, 240, records.append)
    true: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for record in records:
        if isinstance(record, Message) and record.state in ("complete", "error"):
            true[record.session][record.role, record.text, str(record.began)] += 1
        if isinstance(record, Tool):
            true[record.session]["tool", record.call] += 1
    sessions = {session.key: session for session in gateway.sessions()}
    assert sum(len(counted) for counted in true.values()) > 10
    for key, session in sessions.items():
        kept: Counter[tuple[str, ...]] = Counter()
        for entry in session.history(1000):
            text = "".join(part.get("text", "") for part in entry["content"])
            if entry["role"] == "toolResult":
                kept["tool", entry["toolCallId"]] += 1
            elif text:
                kept[entry["role"], text, str(entry["timestamp"])] += 1
        assert true[key] == kept


def test_a_burst_is_of_all_agents_at_once() -> None:
    """Silence between bursts, and ten times the rate within one."""
    records: list[Record] = []
    play(Fleet(agents=10, seed=1, rate=2, profile="burst"), 60, records.append)
    begins = sorted({run.began // 1000 for run in records if isinstance(run, Run)})
    assert 4 < len(begins) < 12
    one = next(each for each in records if isinstance(each, Message) and each.role == "assistant")
    assert (one.ended - one.began) / len(one.text.split()) == pytest.approx(50, rel=0.2)


HEADER = Header(seed=7, agents=2, profile="chat", faults="drop=0.1", started_at=START, ended_at=START + 5)


def test_a_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    """In order of time, whenever it became known."""
    file = tmp_path / "truth.jsonl"
    message = Message("a", "s", "r", "user", "naïve 🙂\n", "complete", START + 1, START + 4)
    cut = Cut(START + 2, "abrupt")
    restart = Restart(START + 3, START + 4, "announced")
    write_truth(file, HEADER, [restart, message, cut])
    truth = read_truth(file)
    assert truth.header == HEADER
    assert truth.records == (message, cut, restart)
    assert truth.of(Cut, Restart) == (cut, restart)
    assert len(file.read_bytes().splitlines()) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["truth.jsonl"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty: the simulation writes it when it ends"),
        ("{}", "holds no ground truth"),
        ("rubbish", "holds no ground truth"),
        ('{"format":"x","version":1,"seed":1,"agents":1,"profile":"chat","started_at":1,"ended_at":1}', "is x 1, and"),
    ],
)
def test_a_file_that_is_no_truth_is_told_so(tmp_path: Path, content: str, told: str) -> None:
    """With what to do about it, where something can be done."""
    file = tmp_path / "truth.jsonl"
    file.write_text(content)
    with pytest.raises(TruthError, match=told):
        read_truth(file)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """Whoever edits a truth by hand finds it."""
    file = tmp_path / "truth.jsonl"
    write_truth(file, HEADER, [Cut(START, "abrupt")])
    file.write_text(file.read_text() + '{"kind":"cut"}\n')
    with pytest.raises(TruthError, match="line 3"):
        read_truth(file)
