"""The load: the simulated gateway in a process of its own, until it is terminated."""

import json
import sys
import time
from functools import partial

import trio

from mission_control.simulate import Fleet, serve_simulation


def _clock() -> int:
    return time.time_ns() // 1_000_000


async def main(fleet: Fleet) -> None:
    """Serve, and print the address as one line of JSON."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_simulation, fleet, clock=_clock))
        print(json.dumps({"url": address.url, "token": address.token}), flush=True)


if __name__ == "__main__":
    agents, rate, seed = sys.argv[1:]
    trio.run(main, Fleet(agents=int(agents), rate=float(rate), seed=int(seed)))
