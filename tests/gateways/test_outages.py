"""Whatever is lost and found again: the page ends with what the gateway's history has, and every run has its end.

Connections are cut, the daemon is killed, and the gateway dies, at any time and again before a repair is done; frames
are lost, come twice or come late.
"""

from typing import Literal, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from mission_control.core.events import Chunk, Final
from mission_control.gateways.clawdbot.numbering import WAIT_MS
from tests.gateways.scripted import Ending, Frame, Say, Script
from tests.gateways.stage import START, Fault, Stage

Incident: TypeAlias = tuple[int, int, Literal["cut", "kill the daemon", "kill the gateway"]]
"""How long after the one before it (ms), how long there is no connection then (ms), and what happens."""

END = {
    "stop": "run.finished",
    "breaks": "run.failed",
    "fails": "run.failed",
    "aborted": "run.aborted",
    "died": "run.failed",
}

CUT = ("aborted", "died")
"""What was being said then is in no history."""

words = st.sampled_from(("ok", "done", "tide", "pump"))


def says(least: int) -> st.SearchStrategy[Say]:
    said = st.lists(words, min_size=least, max_size=6).map(tuple)
    return st.builds(Say, said, st.sampled_from((1, 10, 60)))


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    answers = (*draw(st.lists(says(0), max_size=2)), draw(says(1)))
    endings: tuple[Ending, ...] = ("stop", "stop", "breaks", "fails", "aborted")
    end = draw(st.sampled_from(endings))
    failures = draw(st.sampled_from((0, 0, 0, 1)))
    return Script(answers, end, failures, draw(st.sampled_from((1, 5, 50, 1_000))))


incidents: st.SearchStrategy[list[Incident]] = st.lists(
    st.tuples(
        st.integers(1, 3_000),
        st.sampled_from((1, 20, 200, 3_000)),
        st.sampled_from(("cut", "cut", "kill the daemon", "kill the gateway")),
    ),
    max_size=5,
)


faults: st.SearchStrategy[dict[int, Fault]] = st.dictionaries(
    st.integers(0, 60), st.sampled_from(("lost", "lost", "twice", "late")), max_size=6
)


def staged(
    latency: int, sessions: list[list[Script]], first: int, then: list[Incident], faults: dict[int, Fault]
) -> Stage:
    """The scripts played to their end, with all incidents, and time for everything to settle."""
    stage = Stage(latency, faults)
    over = [stage.gateway.play(f"agent:alpha:{name}", run, START) for name, run in zip("ab", sessions, strict=False)]
    at = START + first
    stage.agenda.at(at, stage.connect)
    actions = {"cut": stage.lose, "kill the daemon": stage.kill_daemon, "kill the gateway": stage.kill_gateway}
    for after, down, what in then:
        at += after
        stage.agenda.at(at, actions[what])
        at += max(down, 100 if what == "kill the gateway" else 0)
        stage.agenda.at(at, stage.connect)
    stage.play(max(at, *over) + 55_000)
    return stage


latencies = st.sampled_from((0, 2, 10, 40, 200))
histories = st.lists(st.lists(scripts(), min_size=1, max_size=4), min_size=1, max_size=2)
beginnings = st.sampled_from((0, 0, 100, 1_500))


# Nothing but the end of the failed run was heard, and both programs were killed before its history was there.
@example(
    latency=200,
    sessions=[
        [
            Script((Say(("ok",), 60), Say(("ok",), 1)), "stop", 0, 5),
            Script((Say(("done",), 10),), "fails", 0, 1),
            Script((Say((), 60), Say((), 1), Say(("ok",), 1)), "stop", 0, 1),
            Script((Say(("done", "tide", "pump", "tide", "done", "tide"), 10),), "stop", 0, 1000),
        ],
    ],
    first=100,
    then=[(114, 20, "kill the gateway"), (195, 200, "kill the daemon"), (1878, 1, "cut")],
)
# All that was heard of the run was its start, which waited for a history when the connection was lost.
@example(40, [[Script((Say(("ok", "done"), 10),), "stop", 0, 1)]], 0, [(1, 3_000, "cut")])
# The first repair of all was cut short, and the daemon killed before the next one.
@example(40, [[Script((Say((), 1), Say(("ok",), 1)), "stop", 0, 1)]], 0, [(16, 1, "cut"), (1, 1, "kill the daemon")])
# The same examples each time.
@settings(max_examples=200, derandomize=True)
@given(latencies, histories, beginnings, incidents)
def test_nothing_is_lost_doubled_or_mistaken(
    latency: int, sessions: list[list[Script]], first: int, then: list[Incident]
) -> None:
    assert_all_is_as_it_was(latency, sessions, first, then, {})


# Of the failed run nothing but its end is heard, and while its session is being repaired.
@example(10, [[Script((Say((), 1), Say(("ok",), 1)), "fails", 0, 50)]], 100, [], {1: "lost"})
@example(0, [[Script((Say((), 1), Say(("ok",), 1)), "fails", 0, 50)]], 100, [], {0: "lost"})
# What is left of the first connection is an answer told at its end, and the run's later attempt has its own.
@example(
    40,
    [[Script((Say(("ok", "tide", "done"), 1), Say((), 1), Say(("done", "tide"), 60)), "aborted", 1, 50)]],
    100,
    [(38, 1, "cut")],
    {0: "lost"},
)
# The same examples each time: a random search finds in about one of two thousand a run that broke off, of which nothing
# but its answer was heard (without the break), right behind a frame that was lost.
@settings(max_examples=200, derandomize=True)
@given(latencies, histories, beginnings, incidents, faults)
def test_lost_repeated_and_late_frames_are_made_good(
    latency: int, sessions: list[list[Script]], first: int, then: list[Incident], faults: dict[int, Fault]
) -> None:
    assert_all_is_as_it_was(latency, sessions, first, then, faults)


def assert_all_is_as_it_was(
    latency: int, sessions: list[list[Script]], first: int, then: list[Incident], faults: dict[int, Fault]
) -> None:
    stage = staged(latency, sessions, first, then, faults)
    assert_messages_are_their_chunks(stage)
    for session in stage.gateway.sessions:
        assert shown(stage, session) == remembered(stage, session)
    assert_tools_are_told_once(stage, first)
    assert_runs_have_their_ends(stage)
    assert_gaps_are_of_runs_that_went_on(stage, latency + (WAIT_MS if faults else 0))
    assert_unheard_runs_are_declared(stage, first)
    assert stage.crowded == []


def assert_messages_are_their_chunks(stage: Stage) -> None:
    """Each has one final, last, and it has what was streamed. What was cut off, and nobody heard of it, stays open."""
    texts: dict[str, str] = {}
    ended: set[str] = set()
    for draft in stage.journal.values():
        match draft.payload:
            case Chunk(message_id=name, start=start, delta=delta):
                assert name not in ended
                assert start == len(texts.get(name, ""))
                texts[name] = texts.get(name, "") + delta
            case Final(message_id=name) as final:
                assert name not in ended
                assert final.text == texts.get(name, "") or not final.chunks
                ended.add(name)
    for name in texts.keys() - ended:
        assert stage.gateway.runs[name.split("/")[1]].end in CUT


def shown(stage: Stage, session: str) -> list[tuple[str, str, bool]]:
    """Role, text, and whether it broke off. What was cut short for good is in no history."""
    mine = sorted((final for final in stage.finals if final.session == session), key=lambda final: final.timestamp)
    return [
        (final.role, final.text, final.state == "error")
        for final in mine
        if final.state != "aborted"
        if final.state != "interrupted" or stage.gateway.runs[final.run_id].end not in CUT
    ]


def remembered(stage: Stage, session: str) -> list[tuple[str, str, bool]]:
    entries = sorted(stage.gateway.sessions[session].entries, key=lambda entry: entry["timestamp"])
    told = [entry for entry in entries if entry["role"] != "toolResult"]
    texts = [entry["content"] if entry["role"] == "user" else entry["content"][0]["text"] for entry in told]
    return [(entry["role"], text, "errorMessage" in entry) for entry, text in zip(told, texts, strict=True) if text]


def assert_tools_are_told_once(stage: Stage, first: int) -> None:
    """Each call and each result that is stored, but for what was over when the gateway was first heard."""
    told: dict[tuple[str, str], int] = {}
    for _, activity in stage.activities("tool."):
        assert isinstance(activity.detail, dict)
        step = activity.detail["call_id"], activity.kind
        told[step] = told.get(step, 0) + 1
    assert set(told.values()) <= {1}
    for stored in stage.gateway.sessions.values():
        for entry in stored.entries:
            if entry["timestamp"] >= START + first:
                steps = {(part["id"], "tool.started") for part in calls_of(entry)}
                steps |= {(entry["toolCallId"], "tool.finished")} if entry["role"] == "toolResult" else set()
                assert steps <= told.keys()


def calls_of(entry: Frame) -> list[Frame]:
    return [part for part in entry["content"] if part["type"] == "toolCall"] if entry["role"] == "assistant" else []


def assert_runs_have_their_ends(stage: Stage) -> None:
    """Starts and ends take turns, and the last end is the true one, as far as it could be known."""
    told: dict[str, list[str]] = {}
    for _, activity in stage.activities("run."):
        if activity.run_id is UNSET:
            assert activity.kind == "run.failed"  # in an outage: whose attempt it was is not known
            continue
        if activity.kind == "run.queued":
            continue  # so it looks when nothing is heard of a run but that its failed attempt is called final
        kinds = told.setdefault(str(activity.run_id), [])
        assert (activity.kind == "run.started") == (len(kinds) % 2 == 0)
        kinds.append(activity.kind)
    for run_id, kinds in told.items():
        run = stage.gateway.runs[run_id]
        possible = {END[run.end]}
        if run.tried > 1:
            possible.add("run.failed")  # the attempt after that was never heard
        if run.end == "aborted":
            possible |= {"run.started", "run.failed"}  # it was not heard, nor any later run; perhaps the gateway died
        if run.end == "died":
            possible |= {"run.started", "run.aborted"}  # the daemon was killed before the repair after it
        assert kinds[-1] in possible


def assert_gaps_are_of_runs_that_went_on(stage: Stage, delay: int) -> None:
    """``delay``: how old an answer of the gateway may be when it is heeded, in ms."""
    for draft, activity in stage.activities("stream.gap"):
        if activity.run_id is UNSET:
            continue
        run = stage.gateway.runs[str(activity.run_id)]
        assert run.end in CUT or run.ended >= draft.timestamp - delay


def assert_unheard_runs_are_declared(stage: Stage, first: int) -> None:
    """Of a run that finished in an outage unheard, one event says that there was one. An attempt at a run that was
    heard before may show by its message alone, if nothing but its end was heard (docs/clawdbot.md)."""
    last = {str(activity.run_id): activity.kind for _, activity in stage.activities("run.")}
    for session in stage.gateway.sessions:
        its = [run for run in stage.gateway.runs.values() if run.session == session]
        runs = [run for run in its if run.end == "stop"]
        unheard = [run for run in runs if last.get(run.run_id, "run.failed") == "run.failed"]
        gaps = (gap.detail for _, gap in stage.activities("stream.gap") if gap.session == session)
        told = [detail["runs"] for detail in gaps if isinstance(detail, dict) and "runs" in detail]
        first_attempts = [run for run in unheard if run.began > START + first and run.tried == 1]
        cut = [run for run in its if run.end in CUT and run.run_id not in last]  # each left its prompt at most
        assert len(first_attempts) <= sum(told) <= len(unheard) + len(cut)
