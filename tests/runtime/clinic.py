"""Actors that fall ill of messages."""

import trio

from runtime import Backoff, Intensity, Ref
from runtime.testing import Events, Probe

AT_ONCE = Backoff(first=0)
PLENTY = Intensity.unlimited()


class Clinic:
    """Its actors crash on what is sick, as long as it is."""

    def __init__(self) -> None:
        self.sick: set[object] = set()
        self.events = Events()

    def probe(self, name: str, *, capacity: int = 1024) -> Probe[object]:
        async def examine(message: object) -> None:
            if message in self.sick:
                raise ValueError(message)

        return Probe(name, examine, capacity=capacity)


async def bury(ref: Ref[object], message: object) -> None:
    ref.tell(message)
    await trio.sleep(1)
