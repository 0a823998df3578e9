"""The ranges of options: what lies outside is refused when it is given, by an error that names option and range."""

from collections.abc import Callable
from typing import Any

from runtime.errors import InvalidOption

Validator = Callable[[Any, Any, Any], None]


def check_number(owner: str, option: str, value: object, minimum: float, *, exclusive: bool = False) -> None:
    """Raises InvalidOption unless ``value`` is a number of at least ``minimum`` (exclusive: greater than it)."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
    if not (number > minimum or (number == minimum and not exclusive)):
        raise InvalidOption(
            owner, option, value, f"a number {'greater than' if exclusive else 'of at least'} {minimum:g}"
        )


def check_type(owner: str, option: str, value: object, kind: type) -> None:
    """Raises InvalidOption unless ``value`` is of the type ``kind``."""
    if not isinstance(value, kind):
        raise InvalidOption(owner, option, value, f"of the type {kind.__name__}")


def at_least(minimum: float) -> Validator:
    """For the field of an attrs class."""
    return lambda instance, attribute, value: check_number(_owner(instance), attribute.name, value, minimum)


def above(minimum: float) -> Validator:
    """For the field of an attrs class."""
    return lambda instance, attribute, value: check_number(
        _owner(instance), attribute.name, value, minimum, exclusive=True
    )


def of_type(kind: type) -> Validator:
    """For the field of an attrs class."""
    return lambda instance, attribute, value: check_type(_owner(instance), attribute.name, value, kind)


def callable_by(remedy: str) -> Validator:
    """For the field of an attrs class."""

    def check(instance: Any, attribute: Any, value: object) -> None:
        if not callable(value):
            raise InvalidOption(_owner(instance), attribute.name, value, f"callable ({remedy})")

    return check


def named(instance: Any, attribute: Any, value: Any) -> None:
    """For the field of an attrs class."""
    check_name(type(instance).__name__, value)


def check_name(owner: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidOption(f"a {owner}", "the name", value, "a string that is not empty")


def _owner(instance: object) -> str:
    kind = type(instance).__name__
    name = getattr(instance, "name", None)
    return kind if name is None else f"{kind} {name!r}"
