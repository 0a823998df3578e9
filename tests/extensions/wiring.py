"""What actor types are built with, of which nothing runs."""

import random
from pathlib import Path

from actors.roster import Roster
from actors.subscribers import Subscribers, Tally
from mission_control.app.host import Wiring
from mission_control.stores.memory import MemoryJournal
from runtime import Ref


def wiring() -> Wiring:
    return Wiring(
        journal=MemoryJournal(lambda: 1_000),
        persistence=Ref("persistence"),
        subscribers=Subscribers(Ref("subscribers"), Roster(), Tally()),
        clock=lambda: 1_000,
        rng=random.Random(0),
        directory=Path("nowhere"),
    )
