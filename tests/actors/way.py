"""The way to a simulated gateway, without sockets and in trio's time: it can be shut, or lead nowhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from mission_control.gateways import transport
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.server import Simulation
from mission_control.testing import clock
from tests.pipeline.network import Network, Serve, Wire

URL = "ws://gateway.test:1"
TOKEN = "token"


class Way(Network):
    """``tried`` are the times of all attempts. An attempt on a way that is ``endless`` never ends by itself."""

    def __init__(self, nursery: trio.Nursery, serve: Serve) -> None:
        super().__init__(nursery, serve)
        self.tried: list[float] = []
        self.endless = False

    async def connect(self, endpoint: object) -> Wire:
        self.tried.append(trio.current_time())
        if self.endless:
            await trio.sleep_forever()
        return await super().connect(endpoint)


@asynccontextmanager
async def leading_to_a_gateway(token: str = TOKEN) -> AsyncIterator[tuple[Way, Simulation]]:
    """For as long as the block lasts, the only way there is: to a gateway that admits with this token."""
    simulation = Simulation(Fleet(agents=1, seed=1), token, clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulation.keep_time)
        way = Way(nursery, simulation.serve)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transport, "_connect", way.connect)
            yield way, simulation
        nursery.cancel_scope.cancel()
