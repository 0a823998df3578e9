"""The simulated gateways as the daemon sees them: through the dialect and the agents' state machines, without I/O."""

from collections import Counter

import pytest

from mission_control.core.events import Chunk
from mission_control.simulate.clawdbot import ClawdbotSource
from mission_control.simulate.faults import Faults
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.openclaw import OpenclawSource
from tests.simulate.observer import MakeSource, Observer

SOURCES = pytest.mark.parametrize("make", [ClawdbotSource, OpenclawSource])
HARM = "drop=0.01,dup=0.01,reorder=0.02"


@SOURCES
@pytest.mark.parametrize("after", [0, 61.5, 100, 200, 300, 333])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_observed_is_what_happened(make: MakeSource, seed: int, after: float) -> None:
    """Every message, run and tool call once, and nothing that was never said or done.

    Also when the daemon comes in the middle of runs that began before it.
    """
    observer = Observer(make, Fleet(agents=5, seed=seed)).watch(500, after=after).conclude()
    statistics = observer.dialect.record.statistics()
    assert observer.established
    assert (statistics.unknown_frames, statistics.malformed_frames) == (0, 0)
    verdict = observer.verdict()
    assert verdict.is_clean, verdict.findings


@SOURCES
@pytest.mark.parametrize("profile", ["chat", "tools"])
@pytest.mark.parametrize("faults", [HARM, "disconnect=5s", "restart=15s", f"{HARM},disconnect=5s,restart=15s"])
def test_whatever_goes_wrong_is_made_good_or_declared(make: MakeSource, faults: str, profile: str) -> None:
    """Nothing is lost, repeated, reordered or altered."""
    fleet = Fleet(agents=5, seed=2, profile="chat" if profile == "chat" else "tools")
    verdict = Observer(make, fleet, Faults.parse(faults)).watch(180).conclude().verdict()
    assert verdict.is_clean, verdict.findings


@SOURCES
def test_a_load_is_observed_chunk_by_chunk(make: MakeSource) -> None:
    """Every piece that a load's agents say becomes one chunk, and every message is complete."""
    observer = Observer(make, Fleet(agents=10, rate=20, seed=1)).watch(30, after=0.5)
    counts = Counter(type(draft.payload) for draft in observer.drafts if not draft.ephemeral)
    said = Counter(activity.kind for activity in observer.activities())
    assert counts[Chunk] + said["run.started"] + said["run.finished"] == pytest.approx(10 * 20 * 29.5, rel=0.04)
    assert {final.state for final in observer.finals()} == {"complete"}


def test_an_openclaw_that_is_not_ready_is_tried_again_when_it_says() -> None:
    """At its start, and after each restart."""
    observer = (
        Observer(OpenclawSource, Fleet(agents=2, rate=5, seed=1), Faults.parse("restart=5s")).watch(30).conclude()
    )
    assert len(observer.waits) > 2
    assert all(0 < after <= 300 for after in observer.waits)
    assert all("protocol 4" in detail for detail in observer.established)
