"""Numbers in narrow columns: short, and never misleading."""

import pytest

from mission_control.inspection.wording import ago, duration, percent, rate, several


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (-1, "0ms"),
        (0.0004, "0ms"),
        (0.04, "40ms"),
        (0.9994, "999ms"),
        (0.9999, "1s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (309, "5m 09s"),
        (3_599.9, "1h 00m"),
        (7_380, "2h 03m"),
        (86_399, "23h 59m"),
        (273_600, "3d 04h"),
        (8_640_000, "100d 00h"),
    ],
)
def test_durations_have_their_two_coarsest_units(seconds: float, text: str) -> None:
    """Rounding carries over: there is never a sixtieth second."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("then", "text"), [(0, "1m 40s ago"), (99_001, "just now"), (100_000, "just now"), (10**9, "just now")]
)
def test_nothing_was_in_the_future(then: int, text: str) -> None:
    """Clocks may be set; what is said of a moment stays sensible."""
    assert ago(100_000, then) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "0.0"), (0.04, "0.04"), (0.999, "1.00"), (3.21, "3.2"), (99.94, "99.9"), (118.4, "118"), (12_345, "12,345")],
)
def test_rates_have_the_digits_that_matter(per_second: float, text: str) -> None:
    assert rate(per_second) == text


@pytest.mark.parametrize(
    ("fraction", "text"), [(0, "0%"), (0.0001, "<1%"), (0.009, "<1%"), (0.25, "25%"), (0.999, "100%"), (1.2, "100%")]
)
def test_a_little_is_not_nothing(fraction: float, text: str) -> None:
    """Zero is said only of what did nothing at all."""
    assert percent(fraction) == text


def test_one_is_not_several() -> None:
    assert [several(count, "line", "lines") for count in (0, 1, 2_000)] == ["0 lines", "1 line", "2,000 lines"]
