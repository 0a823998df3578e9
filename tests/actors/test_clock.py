"""The daemon's clock: that of the machine, without its steps."""

from hypothesis import given
from hypothesis import strategies as st

from actors.clock import SLEW, SteadyClock

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


class Machine:
    """Its clocks in ns: one that is set now and then, one that is not."""

    def __init__(self) -> None:
        self.wall, self.steady = START, 5 * SECOND
        self.clock = SteadyClock(lambda: self.wall, lambda: self.steady)

    def wait(self, seconds: float) -> int:
        self.wall += int(seconds * SECOND)
        self.steady += int(seconds * SECOND)
        return self.clock()


def test_it_is_the_machines_clock() -> None:
    assert Machine().wait(10) == (START + 10 * SECOND) // 1_000_000


def test_a_step_is_made_up_for_little_by_little() -> None:
    machine = Machine()
    machine.wall += 60 * SECOND
    assert machine.wait(10) == (START + 11 * SECOND) // 1_000_000
    machine.wait(3_600)
    assert machine.clock() == machine.wall // 1_000_000


@given(st.lists(st.tuples(st.integers(-3_600, 3_600), st.floats(0, 100)), max_size=20))
def test_however_it_is_set_time_goes_on_at_nearly_its_pace(steps: list[tuple[int, float]]) -> None:
    machine = Machine()
    before = machine.clock()
    for step, seconds in steps:
        machine.wall += step * SECOND
        after = machine.wait(seconds)
        assert (1 - SLEW) * seconds * 1000 - 2 <= after - before <= (1 + SLEW) * seconds * 1000 + 2
        before = after
