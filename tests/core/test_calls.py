"""Tool calls: each start and each end is told once, whoever tells of it first."""

from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.calls import CALLS_KEPT, Calls
from mission_control.core.events import Activity
from mission_control.core.signals import StoredCall, ToolPhase

SESSION = "agent:alpha:main"


def stored(call_id: str = "call", at: int = 100, *, ended: int | None = 120, failed: bool = False) -> StoredCall:
    return StoredCall(call_id, "read", at, {}, ended, {}, failed)


def test_a_history_brings_what_the_stream_did_not() -> None:
    calls = Calls()
    assert calls.missing(SESSION, stored(ended=None)) == ["started"]
    assert calls.missing(SESSION, stored()) == ["finished"]
    assert calls.missing(SESSION, stored()) == []
    assert calls.missing(SESSION, stored("other", failed=True)) == ["started", "failed"]


def test_what_was_heard_is_not_brought_in_again() -> None:
    calls = Calls()
    assert calls.heard(SESSION, "call", "started", 110)
    assert calls.missing(SESSION, stored()) == ["finished"]
    assert calls.heard(SESSION, "late", "finished", 130), "the start was lost"
    assert calls.missing(SESSION, stored("late", ended=129)) == ["started"]


def test_what_a_history_told_of_is_an_echo_once() -> None:
    """The live frames were on their way when the history was read."""
    calls = Calls()
    calls.missing(SESSION, stored())
    assert not calls.heard(SESSION, "call", "progress", 112)
    assert not calls.heard(SESSION, "call", "started", 110)
    assert not calls.heard(SESSION, "call", "finished", 120)
    assert calls.heard(SESSION, "call", "started", 510), "a model that gives its ids again"
    assert calls.heard(SESSION, "call", "finished", 520)


def test_an_id_that_is_given_again_is_another_call() -> None:
    """Told apart by their requests: the known call was heard before this one was asked for."""
    calls = Calls()
    calls.heard(SESSION, "call", "started", 110)
    calls.heard(SESSION, "call", "finished", 120)
    assert calls.missing(SESSION, stored(at=100)) == []
    assert calls.missing(SESSION, stored(at=500, ended=520)) == ["started", "finished"]


def test_an_end_that_is_heard_alone_is_not_that_of_an_older_call() -> None:
    """The model gave the id again, and the start of the later call was lost."""
    calls = Calls()
    calls.heard(SESSION, "call", "started", 110)
    calls.heard(SESSION, "call", "finished", 120)
    assert calls.heard(SESSION, "call", "finished", 520)
    assert calls.missing(SESSION, stored(at=500, ended=520)) == ["started"]


def test_calls_of_different_sessions_have_nothing_to_do_with_each_other() -> None:
    calls = Calls()
    calls.heard("agent:alpha:other", "call", "started", 110)
    assert calls.missing(SESSION, stored()) == ["started", "finished"]


def test_a_successor_knows_what_the_journal_holds() -> None:
    calls = Calls()
    told = [("tool.started", 110), ("tool.progress", 112), ("tool.finished", 120), ("run.finished", 130)]
    calls.restore((at, Activity(kind, "", session=SESSION, detail={"call_id": "call"})) for kind, at in told)
    assert calls.missing(SESSION, stored()) == []
    assert calls.began(SESSION, "call") == 110


def test_how_long_a_call_took_is_known_only_if_its_start_was_heard() -> None:
    calls = Calls()
    calls.missing(SESSION, stored(ended=None))
    assert calls.began(SESSION, "call") is None
    assert not calls.heard(SESSION, "call", "started", 110)
    assert calls.began(SESSION, "call") == 110


def test_memory_is_bounded() -> None:
    calls = Calls()
    for number in range(2 * CALLS_KEPT):
        calls.heard(SESSION, f"call-{number}", "started", number)
    assert calls.began(SESSION, "call-0") is None
    assert calls.began(SESSION, f"call-{2 * CALLS_KEPT - 1}") is not None
    assert len(calls._known) == CALLS_KEPT


@given(st.lists(st.sampled_from(("hear start", "hear end", "read early", "read late")), max_size=12))
def test_every_step_is_told_once_in_any_order(steps: list[str]) -> None:
    """One call whose steps come at most once from the stream, and from as many histories as may be."""
    calls = Calls()
    told: list[str] = []
    heard: set[str] = set()
    for step in steps:
        match step:
            case "read early":
                told += calls.missing(SESSION, stored(ended=None))
            case "read late":
                told += calls.missing(SESSION, stored())
            case _ if step not in heard:
                heard.add(step)
                phase: ToolPhase = "started" if step == "hear start" else "finished"
                told += [phase] if calls.heard(SESSION, "call", phase, 110) else []
    assert len(told) == len(set(told))
    known = {"started"} if heard & {"hear start"} or any("read" in step for step in steps) else set()
    assert set(told) == known | ({"finished"} if {"hear end", "read late"} & set(steps) else set())
