"""A minute in which everything goes wrong at once, and what it cost: nothing."""

from pathlib import Path

import pytest
from attrs import evolve

from tests.chaos.plan import Plan, Trouble
from tests.chaos.trial import tried

MINUTE = Plan(seed=20)


async def test_a_minute_of_faults_and_crashes_costs_nothing(tmp_path: Path) -> None:
    """200 agents, every fault of the gateway's, restarts of it, a daemon that is killed, and 20 subscribers that come,
    go, stall and change their minds."""
    verdict = await tried(MINUTE, tmp_path)
    assert verdict.is_clean, "\n".join(verdict.lines())
    assert verdict.kills > 1
    assert verdict.judged["read"]["journal"] > 5_000


@pytest.mark.parametrize("trouble", ["full disk", "clock"])
async def test_a_full_disk_and_a_clock_that_steps_cost_nothing(tmp_path: Path, trouble: Trouble) -> None:
    plan = evolve(MINUTE, seconds=20.0, agents=50, trouble=frozenset({trouble}))
    verdict = await tried(plan, tmp_path)
    assert verdict.is_clean, "\n".join(verdict.lines())
    assert verdict.shortages > 1 or trouble == "clock"
