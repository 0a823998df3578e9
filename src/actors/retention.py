"""Retention: keeps the journal within its limits, a slice at a time."""

from typing import Final as Constant

import trio

from actors.clock import Clock
from mission_control.stores.journal import Journal, JournalUnavailableError, Retention

EVERY_SECONDS: Constant = 30.0
BETWEEN_SLICES: Constant = 0.05
"""Seconds of rest between two slices of one round, in which commits go first."""


async def keep_within(journal: Journal, policy: Retention, clock: Clock) -> None:
    """Run forever. Storage that refuses is tried again at the next round."""
    while True:
        await trio.sleep(EVERY_SECONDS)
        more = True
        while more:
            try:
                more = (await journal.retain(policy, clock())).more
            except JournalUnavailableError:
                more = False
            await trio.sleep(BETWEEN_SLICES)
