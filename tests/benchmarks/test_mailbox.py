"""The runtime's benchmark: it runs as a whole, and judges rightly. What it measures depends on the machine."""

import json

import pytest

from benchmarks.contenders.crowds import Order
from benchmarks.crowd import CrowdCost, CrowdError, crowd
from benchmarks.machine import Machine
from benchmarks.mailbox import QUICK, live, main
from benchmarks.mailbox_result import BATCHED, BY_HAND, ONE_BY_ONE, Crowds, Result
from benchmarks.rounds import Figures, Measure, compete, quantile
from runtime import RuntimeEvent, Started, State, Stopped


def test_the_quick_mode_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Each contender does all that it can do, and every figure is there."""
    assert main(["--quick", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [sorted(figures) for figures in result["measures"].values()] == [
        ["Pykka", "runtime, get", "runtime, peek and drop", "trio channel, receive", "trio channel, receive_nowait"],
        ["runtime, get", "runtime, peek and drop", "trio channel, receive"],
        ["Pykka", "runtime", "trio channel and event"],
        ["Pykka", "runtime, pool", "trio task and channel"],
        ["runtime", "trio nursery for each life"],
    ]
    for figures in result["measures"].values():
        for each in figures.values():
            assert 0 < each["slowest"] <= each["rate"] <= each["fastest"]
            assert all(each[name] > 0 for name in ("ratio", "cpu", "cpu_ratio"))
            assert 0 < each["p50"] <= each["p95"] <= each["p99"] <= each["worst"]
    assert sorted(result["crowds"]) == ["pool", "pykka", "supervisor", "trio"]
    assert all(cost["count"] == 20 for costs in result["crowds"].values() for cost in costs)
    assert result["failures"] == {}
    assert len(result["goals"]) == 4
    assert {"Python", "trio", "attrs", "pykka"} == set(result["machine"]["versions"])


def figures(ratio: float) -> Figures:
    return Figures(1, 1, 1, 1, cpu=1, cpu_ratio=ratio, p50=1, p95=1, p99=1, worst=1)


def result(batched: float, one_by_one: float, each: CrowdCost) -> Result:
    measure = Measure("mail", "messages", {}, BY_HAND, 1)
    told = {BY_HAND: figures(1), ONE_BY_ONE: figures(one_by_one), BATCHED: figures(batched)}
    crowds = Crowds({"supervisor": {each.count: [each]}}, {"Pykka, 20,000": "can't start new thread"})
    return Result(Machine("none", {}), (0, 0, 0), (0, 0, 0), 1, {"mail": (measure, told)}, crowds)


GOOD = CrowdCost(20_000, 3.0, 1.9, 4.5, resident=8_192, traced=8_000)


@pytest.mark.parametrize(
    ("batched", "one_by_one", "each", "holds"),
    [
        pytest.param(5.0, 0.8, GOOD, [True, True, True, True], id="just reached"),
        pytest.param(4.9, 0.8, GOOD, [False, True, True, True], id="batches too slow"),
        pytest.param(5.0, 0.79, GOOD, [True, False, True, True], id="one by one too slow"),
        pytest.param(5.0, 0.8, CrowdCost(200, 1, 1, 2, 8_193, 8_000), [True, True, False, True], id="too many pages"),
        pytest.param(5.0, 0.8, CrowdCost(200, 1, 1, 2, 8_192, 8_193), [True, True, False, True], id="too many bytes"),
        pytest.param(5.0, 0.8, CrowdCost(200, 3.1, 1.9, 5, 1, 1), [True, True, True, False], id="too slow to stop"),
    ],
)
def test_each_goal_is_judged(batched: float, one_by_one: float, each: CrowdCost, holds: list[bool]) -> None:
    """Each figure decides its own goal, and a missed one shows in the report, as does a crowd that could not live."""
    outcome = result(batched, one_by_one, each)
    assert [goal.holds for goal in outcome.goals()] == holds
    report = "\n".join(outcome.report())
    assert ("MISSED" in report) is (not all(holds))
    assert "can't start new thread" in report


def test_contenders_take_turns_in_changing_order() -> None:
    """Nobody always comes first; the step that warms up is not counted, and ratios are those of median rounds."""
    calls: list[tuple[str, int]] = []

    def way(label: str, seconds: float, steps: int) -> list[float]:
        calls.append((label, steps))
        return [seconds] * steps

    ways = {"a": lambda steps: way("a", 0.5, steps), "b": lambda steps: way("b", 0.25, steps)}
    found = compete(Measure("", "", ways, "a", steps=4, per_step=10), rounds=3)
    assert [label for label, steps in calls if steps == 4] == ["a", "b", "b", "a", "a", "b"]
    assert (found["a"].rate, found["b"].rate, found["b"].ratio, found["b"].p99) == (20, 40, 2, 0.25)


def test_quantiles() -> None:
    """By nearest rank, from one figure or many."""
    hundred = [float(number) for number in range(1, 101)]
    assert [quantile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert [quantile([7.0], share) for share in (0.5, 1.0)] == [7, 7]


def test_a_crowd_that_cannot_live_says_why() -> None:
    """The process's last word reaches whoever asked for it."""
    with pytest.raises(CrowdError, match="KeyError: 'nobody'"):
        crowd("nobody", 1)


@pytest.mark.parametrize("weak", ["pykka", "supervisor"])
def test_only_threads_may_be_too_many(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a system has no thread left for Pykka is a figure of its own; anything else that fails is a bug."""

    def lives(kind: str, count: int) -> CrowdCost:
        if kind == weak:
            raise CrowdError("can't start new thread")
        return GOOD

    monkeypatch.setattr("benchmarks.mailbox.crowd", lives)
    if weak == "supervisor":
        with pytest.raises(CrowdError):
            live(QUICK)
    else:
        crowds = live(QUICK)
        assert crowds.failures == {"Pykka, 20": "can't start new thread"}
        assert sorted(crowds.costs) == ["pool", "supervisor", "trio"]


def started(path: str) -> RuntimeEvent:
    return Started(path, 0, 1)


def stopped(path: str) -> RuntimeEvent:
    return Stopped(path, 0, 0, State.STOPPED, None)


@pytest.mark.parametrize(
    ("events", "ordered"),
    [
        pytest.param([started("r/a"), started("r/b"), stopped("r/b"), stopped("r/a")], True, id="in order"),
        pytest.param([started("r/b"), started("r/a")], False, id="started out of order"),
        pytest.param([started("r/a"), started("r/b"), stopped("r/a"), stopped("r/b")], False, id="stopped in order"),
    ],
)
def test_disorder_is_seen(events: list[RuntimeEvent], ordered: bool) -> None:
    """That a crowd started and stopped in order means something only if disorder would have been seen."""
    order = Order()
    for event in events:
        order(event)
    assert order.ordered is ordered
