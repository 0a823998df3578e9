"""Numbers, durations and sizes within their bounds."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from mission_control.config.layers import Text
from mission_control.config.problems import UnacceptableError
from mission_control.config.units import BYTES_IN, SECONDS_IN, quantity, show_bytes, show_duration
from mission_control.settings import Between, Bytes, Milliseconds, Seconds

_LARGEST: Final = 2**53
"""Up to here floating point counts exactly; TOML's ``inf`` and ``nan`` are beyond it."""


@frozen
class Unit:
    """How numbers of a type are written, read and shown. ``factors`` are relative to the type's own unit."""

    described: str
    factors: Mapping[str, float]
    show: Callable[[Any], str]
    convert: Callable[[float], Any]


UNITS: Final[Mapping[Any, Unit]] = {
    int: Unit("a whole number", {}, str, int),
    float: Unit("a number", {}, lambda number: f"{number:.12g}", float),
    Bytes: Unit('a size such as "512MiB", or a number of bytes', BYTES_IN, show_bytes, int),
    Seconds: Unit('a duration such as "90s" or "7d", or a number of seconds', SECONDS_IN, show_duration, float),
    Milliseconds: Unit(
        'a duration such as "50ms", or a number of milliseconds',
        {name: seconds * 1000 for name, seconds in SECONDS_IN.items()},
        lambda milliseconds: show_duration(milliseconds / 1000),
        int,
    ),
}

WIDEST: Final[Mapping[Any, Between]] = {
    int: Between(),
    float: Between(),
    Bytes: Between(0),
    Seconds: Between(0),
    Milliseconds: Between(0),
}
"""The bounds of numbers that have none of their own."""


def parser(number_type: Any, bounds: Between) -> Callable[[Any], Any]:
    """A function that reads a number of the given type within its bounds."""
    unit = UNITS[number_type]
    least, most = bounds.least, bounds.most
    allowed = unit.described
    if least is not None:
        allowed += f", at least {unit.show(least)}"
    if most is not None:
        allowed += f", at most {unit.show(most)}"

    def parse(value: Any) -> Any:
        number = _number(value, unit)
        if number is None or (least is not None and number < least) or (most is not None and number > most):
            raise UnacceptableError(allowed)
        return unit.convert(number)

    return parse


def _number(value: Any, unit: Unit) -> float | None:
    """The value in the unit of its type, or None. Text is a number when it has a unit or nothing but text exists."""
    number: float
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and (unit.factors or isinstance(value, Text)):
        try:
            number = quantity(value, unit.factors)
        except ValueError:
            return None
    elif isinstance(value, int | float):
        number = value
    else:
        return None
    if not abs(number) < _LARGEST or (unit.convert is int and number != int(number)):
        return None
    return number
