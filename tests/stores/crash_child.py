"""A daemon to be killed: appends events 1, 2, 3 … to a journal, and prints the head after each commit.

``python -m tests.stores.crash_child PATH SEED (append|retain)``
"""

import random
import sys
from pathlib import Path

import trio

from mission_control.core.events import AgentKey, Draft
from mission_control.core.positions import Position
from mission_control.stores import sqlite_head
from mission_control.stores.journal import Retention
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.samples import activity, chunk, final

AGENTS = 5
SOURCE: AgentKey = ("gw", "source")
"""A source that was followed as far as the newest event of each commit."""
CHUNKS = 10
REPEATED = 7
"""After a start the newest events come once more, as from a gateway that repeats what it is not sure of."""


def event(number: int) -> Draft:
    """Event ``number`` of an endless script, from 1; its id says which it is."""
    turn, agent = divmod(number - 1, AGENTS)
    message, step = divmod(turn, CHUNKS + 2)
    key = ("gw", f"agent-{agent}")
    name = f"{agent}/{message}"
    if step < CHUNKS:
        return chunk(name, step, f"{number} ", of=key, event_id=f"e{number}")
    if step == CHUNKS:
        return final(name, f"text of {name}", of=key, event_id=f"e{number}")
    return activity(f"e{number}", of=key)


async def run(path: Path, rng: random.Random, *, retaining: bool) -> None:
    sqlite_head.FOLD_EVERY = 60  # type: ignore[misc]  # so that folding, too, is interrupted
    async with SqliteJournal.open(path, now=lambda: 0) as journal:
        number = max(1, journal.bounds().head - REPEATED)
        while True:
            batch = [event(number + index) for index in range(rng.randint(1, 40))]
            number += len(batch)
            commit = await journal.append(batch, {SOURCE: Position(number - 1)})
            print(commit.head, flush=True)
            if retaining:
                await journal.retain(Retention(compact_after_s=0), now=0)


if __name__ == "__main__":
    trio.run(lambda: run(Path(sys.argv[1]), random.Random(int(sys.argv[2])), retaining=sys.argv[3] == "retain"))
