"""What waits for one client of the simulated gateway."""

import trio
from trio.testing import MockClock

from mission_control.simulate.fanout import Outlet


async def test_what_is_queued_behind_bytes_on_their_way_comes_before_the_farewell(autojump_clock: MockClock) -> None:
    """A client that is turned away reads the answer that says so."""
    outlet = Outlet(1_000)
    outlet.put(b"challenge")
    assert await outlet.get() == b"challenge"
    outlet.put(b"refusal")
    outlet.close(1008, "unauthorized")
    outlet.put(b"too late")
    assert await outlet.get() == b"refusal"
    with trio.fail_after(1):
        assert await outlet.get() == b""
    assert outlet.farewell == (1008, "unauthorized")


async def test_a_client_that_takes_too_little_is_told_nothing_but_the_farewell(autojump_clock: MockClock) -> None:
    """What it has not taken is given up."""
    outlet = Outlet(10)
    outlet.put(b"x" * 11)
    with trio.fail_after(1):
        assert await outlet.get() == b""
    assert outlet.farewell == (1008, "slow consumer")
