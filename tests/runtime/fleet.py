"""Pools to test with."""

import trio

from runtime import ActorSpec, Inbox, Intensity, Pool
from runtime.testing import Events, Probe


class Fleet:
    """A pool of probes that fail on negative messages, and all probes it ever made, by key."""

    def __init__(self, *, intensity: Intensity = Intensity(), **options: object) -> None:  # noqa: B008
        self.made: dict[str, list[Probe[int]]] = {}
        self.options = options
        self.events = Events()
        self.pool = Pool[str, int]("pool", self.spec_for, intensity=intensity, observer=self.events)

    def spec_for(self, key: str) -> ActorSpec[int]:
        async def fail(message: int) -> None:
            if message < 0:
                raise ValueError(message)

        probe = Probe[int](key, fail)
        self.made.setdefault(key, []).append(probe)
        return probe.spec(**self.options)


class Lingers:
    """Takes 3 s to end, cancelled or not."""

    live = 0

    async def run(self, inbox: Inbox[int]) -> None:
        assert Lingers.live == 0
        Lingers.live += 1
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)
            Lingers.live -= 1
