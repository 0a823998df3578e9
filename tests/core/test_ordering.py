"""The reorder window: whatever a source repeats, swaps or loses, its events go on in order, and the rest is known."""

from collections.abc import Sequence

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.ordering import MOST_HOLES, ReorderWindow, SeenWindow, with_hole, without

SIZE = 8
WAIT = 2_000


@define
class Line:
    """A window to which events come one a ms; an event's number is its sequence, and its name unless it has another."""

    certain: bool = True
    expected: int = 1
    now: int = 0
    out: list[int] = field(init=False, factory=list)
    window: ReorderWindow[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.window = ReorderWindow(self.expected, size=SIZE, wait_ms=WAIT)

    def come(self, *sequences: int, name: str = "") -> "Line":
        for sequence in sequences:
            self.now += 1
            taken = self.window.take(sequence, f"{name}{sequence}", sequence, self.now, certain=self.certain)
            assert len(self.window) <= SIZE
            self.out += taken
        return self

    def wait(self, ms: int) -> "Line":
        self.now += ms
        self.out += self.window.expire(self.now)
        return self


@st.composite
def shuffled(draw: st.DrawFn) -> list[int]:
    """Numbers from 1, none further from its place than the window is wide, some of them repeated later."""
    count = draw(st.integers(1, 60))
    late = {number: draw(st.integers(0, SIZE)) for number in range(1, count + 1)}
    order = sorted(late, key=lambda number: (number + late[number], number))
    for number in draw(st.lists(st.sampled_from(order), max_size=10)):
        order.insert(draw(st.integers(order.index(number) + 1, len(order))), number)
    return order


@given(shuffled())
def test_any_order_within_the_window_is_repaired(order: Sequence[int]) -> None:
    """Each event once, in the source's order, nothing given up, and every repetition counted."""
    line = Line().come(*order)
    assert line.out == list(range(1, max(order) + 1))
    assert (line.window.holes, len(line.window)) == ((), 0)
    assert line.window.repeats == len(order) - max(order)


@given(shuffled(), st.sets(st.integers(2, 59)), st.booleans())
def test_each_hole_is_given_up_once(order: Sequence[int], lost: set[int], by_time: bool) -> None:
    """What is lost is a hole; the rest goes on in order, once the window has waited for what may still come."""
    came = [number for number in order if number not in lost]
    line = Line().come(*came)
    line.wait(WAIT) if by_time else line.out.extend(line.window.flush())
    assert line.out == sorted(set(came))
    missing = {number for first, last in line.window.holes for number in range(first, last + 1)}
    assert missing == set(range(1, max(came, default=0) + 1)) - set(came)
    starts = [first for first, _ in line.window.holes]
    assert starts == sorted(set(starts))
    assert all(last + 1 not in missing for _, last in line.window.holes)


@given(st.lists(st.tuples(st.integers(1, 2**53), st.integers(0, 3_000), st.booleans()), max_size=80))
def test_its_memory_is_bounded_whatever_comes(steps: Sequence[tuple[int, int, bool]]) -> None:
    """It never holds more than its size, never keeps what has waited too long, and gives nothing twice."""
    line = Line(certain=False)
    for number, (sequence, pause, waits) in enumerate(steps):
        line.come(sequence, name=f"{number}/")
        if waits:
            line.wait(pause)
        assert len(line.window.holes) <= MOST_HOLES
        due = line.window.due()
        assert (due is None) == (len(line.window) == 0)
    line.wait(WAIT)
    assert len(line.window) == 0
    assert len(line.out) + line.window.repeats == len(steps)


def test_a_hole_waits_no_longer_than_its_time() -> None:
    """The time counts from what came first behind the hole, and all holes before that are given up together."""
    line = Line().come(1, 5).wait(1_000).come(3)
    assert (line.out, line.window.due()) == ([1], 2 + WAIT)
    line.wait(WAIT - 1_000 - 2)
    assert line.out == [1]
    line.wait(1)
    assert (line.out, line.window.holes) == ([1, 3, 5], ((2, 2), (4, 4)))


def test_more_than_it_holds_gives_up_the_first_hole_only() -> None:
    """A burst behind a hole goes on at once, up to the next hole."""
    line = Line().come(*range(2, 9), 10, 12)
    assert (line.out, line.window.holes, len(line.window)) == (list(range(2, 9)), ((1, 1),), 2)


def test_what_comes_after_its_hole_was_given_up_goes_straight_through() -> None:
    """It is late, and neither lost nor a repetition; a second time it is one."""
    line = Line().come(1, 4).wait(WAIT).come(3, 5, 3)
    assert (line.out, line.window.holes, line.window.repeats) == ([1, 4, 3, 5], ((2, 2),), 1)


def test_a_certain_source_repeats_a_number_under_any_name() -> None:
    """While it numbers on, a number that has passed was heard."""
    line = Line(expected=58).come(20, 57, 58, name="again")
    assert (line.out, line.window.repeats) == ([58], 2)


def test_an_uncertain_source_starts_over_under_new_names() -> None:
    """Without a word of the source, an old number under a new name means a new life, put in order like the first."""
    line = Line(certain=False).come(1, 2, 3, 5).come(2, 1, 3, name="new")
    assert line.out == [1, 2, 3, 5, 1, 2, 3]
    assert line.come(1, 2, 3).out == [1, 2, 3, 5, 1, 2, 3]
    assert line.window.expected == 4


def test_the_oldest_hole_is_asked_for_once() -> None:
    """After a lost connection the source repeats itself from there; if it cannot fill it, it is not asked again."""
    line = Line().come(1, 3, 5).wait(WAIT)
    assert [line.window.ask_after(), line.window.ask_after()] == [1, 5]
    again = ReorderWindow[int](6, line.window.holes)
    assert [again.ask_after(), again.ask_after()] == [1, 5]
    assert ReorderWindow[int](9_000, ((2, 2), (8_000, 8_001))).ask_after() == 7_999


@given(st.lists(st.integers(1, 30), max_size=40))
def test_holes_lose_exactly_what_comes(numbers: Sequence[int]) -> None:
    """Each number is missing until it has come, and once."""
    holes, missing = with_hole((), 5, 25), set(range(5, 26))
    for number in numbers:
        filled = without(holes, number)
        assert (filled is None) == (number not in missing)
        if filled is not None:
            holes = filled
            missing.discard(number)
        assert {one for first, last in holes for one in range(first, last + 1)} == missing


def test_only_the_newest_names_are_remembered() -> None:
    """A window of names is of its size."""
    seen = SeenWindow(2)
    assert [seen.first_time(name) for name in "abac"] == [True, True, False, True]
    assert ("a" in seen, "b" in seen, seen.repeats) == (False, True, 1)
