"""What goes wrong at once for a while, and what it cost: nothing."""

from pathlib import Path

import pytest
from attrs import evolve

from tests.chaos.plan import Plan, Trouble
from tests.chaos.trial import tried

SUITE = Plan(seed=20, seconds=20.0, agents=50, faults="dup=0.01,reorder=0.01,disconnect=8s")
"""Faults that cost nothing by the clock of any machine. `make chaos` has the others, and more of everything."""


@pytest.mark.parametrize("trouble", ["crashes", "full disk", "clock"])
async def test_crashes_a_full_disk_and_a_clock_that_steps_cost_nothing(tmp_path: Path, trouble: Trouble) -> None:
    """With twenty subscribers that come, go, stall and change their minds."""
    verdict = await tried(evolve(SUITE, trouble=frozenset({trouble})), tmp_path)
    assert verdict.is_clean, "\n".join(verdict.lines())
    assert verdict.kills > 0 or trouble != "crashes"
    assert verdict.shortages > 0 or trouble != "full disk"
    assert verdict.judged["read"]["journal"] > 1_000
