"""What goes wrong at once for a while, and what it cost: nothing."""

from pathlib import Path

import pytest

from tests.chaos.plan import Plan, Trouble
from tests.chaos.trial import tried


@pytest.mark.parametrize("trouble", ["crashes", "full disk", "clock"])
async def test_crashes_a_full_disk_and_a_clock_that_steps_cost_nothing(tmp_path: Path, trouble: Trouble) -> None:
    """With 200 agents for a minute, a gateway with all faults, and twenty subscribers that come, go, stall and change
    their minds."""
    verdict = await tried(Plan(seed=20, trouble=frozenset({trouble})), tmp_path)
    assert verdict.is_clean, "\n".join(verdict.lines())
    assert verdict.kills > 0 or trouble != "crashes"
    assert verdict.shortages > 0 or trouble != "full disk"
    assert verdict.judged["read"]["journal"] > 1_000
