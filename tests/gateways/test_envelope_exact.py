"""Whatever happens between a source and the journal: its events are there once, in order, and the rest is said."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.gateways.followed import SCRIPT, WORDS, Stage

steps = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["", "", "", "", "drop", "repeat", "delay", "delay"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 900, 2_500])),
    st.tuples(st.just("work"), st.sampled_from([1, 3, 10_000])),
    st.tuples(
        st.sampled_from(["connect", "connect", "cut", "restart_source", "crash_connection", "crash_agent", "kill"])
    ),
)
programs = st.lists(steps, max_size=60)


def play(stage: Stage, program: list[tuple[str, ...]]) -> Stage:
    for name, *arguments in [("connect",), *program]:
        getattr(stage, name)(*arguments)
    stage.settle()
    return stage


def chunks_behind(number: int) -> list[int]:
    """Those that cannot be told before this event of the source's, if it is a chunk."""
    turn, step = divmod(number - 1, len(SCRIPT))
    steps = range(step + 1, len(SCRIPT)) if SCRIPT[step] == "chunk" else ()
    return [turn * len(SCRIPT) + later + 1 for later in steps if SCRIPT[later] == "chunk"]


def in_order(stage: Stage) -> None:
    """Each of the source's events once; and those of one life in its order, but for those that were declared late, and
    chunks that waited for those."""
    journaled = [tuple(map(int, name.split("."))) for name in stage.journaled()]
    assert len(set(journaled)) == len(journaled)
    late = {
        (life, number)
        for life in {life for life, _ in journaled}
        for first, last in stage.followed.repairs()
        for missing in range(first, last + 1)
        for number in (missing, *chunks_behind(missing))
    }
    for life in {life for life, _ in journaled}:
        numbers = [number for its, number in journaled if its == life and (its, number) not in late]
        assert numbers == sorted(numbers)


@settings(max_examples=300)
@example([("say", ""), ("say", "drop"), ("say", ""), ("say", ""), ("say", "")])
@given(programs)
def test_a_source_that_resumes_loses_nothing(program: list[tuple[str, ...]]) -> None:
    """Every event that it can still give is journaled, and every message of its present life is whole."""
    stage = play(Stage(boots=True, resumes=True), program)
    in_order(stage)
    present = stage.source.book
    journaled = set(stage.journaled())
    assert [sent.id for sent in present if sent.is_activity and sent.id not in journaled] == []
    for turn in range(len(present) // len(SCRIPT)):
        message = stage.message(stage.source.life, turn)
        assert message is not None
        assert (message.text, message.state) == ("".join(WORDS), "complete")
    (view, *_) = [*stage.followed.projection.agents.values(), None]
    if present and view is not None:
        unfinished = [f"r{stage.source.life}-{len(present) // len(SCRIPT)}"] * (len(present) % len(SCRIPT) > 0)
        assert [run.run_id for run in view.runs] == unfinished


@settings(max_examples=300)
@given(programs)
def test_a_source_that_cannot_resume_loses_nothing_in_silence(program: list[tuple[str, ...]]) -> None:
    """Every number up to the last one that came was journaled or is declared missing, and none is both."""
    stage = play(Stage(boots=True, resumes=False), program)
    in_order(stage)
    declared = stage.declared()
    journaled = {tuple(map(int, name.split("."))) for name in stage.journaled()}
    lives = sorted({life for life, _ in journaled})
    for place, life in enumerate(lives, 1):
        mine = {sent.sequence for sent in stage.source.everything if sent.life == life}
        there = {number for its, number in journaled if its == life}
        activities = {sent.sequence for sent in stage.source.everything if sent.life == life and sent.is_activity}
        missing = declared.get(place, set())
        assert there.isdisjoint(missing)
        assert missing <= mine
        first = min(there) if place == 1 else 1
        assert {number for number in activities if first <= number <= max(there)} <= there | missing


@settings(max_examples=300)
@given(programs)
def test_a_source_that_names_no_boots_loses_nothing_that_came(program: list[tuple[str, ...]]) -> None:
    """It is told apart by its ids alone: whatever came is journaled, even where its numbers say that it was there."""
    stage = Stage(boots=False, resumes=False)
    killed = {name for name, *_ in program} & {"kill", "crash_connection"}
    play(stage, program)
    in_order(stage) if "restart_source" not in {name for name, *_ in program} else None
    journaled = set(stage.journaled())
    lost = [sent for sent in stage.source.everything if sent.id in stage.delivered and sent.id not in journaled]
    assert killed or not [sent.id for sent in lost if sent.is_activity]


@pytest.mark.parametrize("boots", [True, False])
def test_a_source_that_repeats_all_of_its_past_is_recognised(boots: bool) -> None:
    """At each connection, after each crash: nothing twice, and no new life where there is none."""
    stage = Stage(boots=boots, resumes=False)
    for _ in range(4):
        stage.connect()
        for sent in stage.source.book:
            stage._hear(sent.frame)
        for _ in range(5):
            stage.say()
        stage.work()
        stage.kill()
    assert stage.journaled() == [f"1.{number}" for number in range(1, 21)]
    assert stage.followed.activities("stream.") == []
