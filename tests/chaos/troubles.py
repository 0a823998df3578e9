"""What befalls the daemon: it is killed, its disk is full, its clock steps."""

from random import Random
from resource import RLIM_INFINITY

import trio

from tests.chaos.daemon import Daemon


async def kill_now_and_then(daemon: Daemon, rng: Random) -> None:
    """Without a warning, about every ten seconds; it is back within two."""
    while True:
        await trio.sleep(rng.uniform(6, 14))
        await daemon.kill()
        await trio.sleep(rng.uniform(0.1, 1.5))
        await daemon.start()


async def fill_the_disk_now_and_then(daemon: Daemon, rng: Random) -> None:
    """For some seconds no file of the daemon's may grow beyond what is there: its writes fail as on a full disk."""
    while True:
        await trio.sleep(rng.uniform(4, 9))
        daemon.limit_files(0)
        daemon.shortages += 1
        await trio.sleep(rng.uniform(1, 4))
        daemon.limit_files(RLIM_INFINITY)
