"""The ranges of options: what lies outside is refused when it is given, by an error that names option and range."""

from collections.abc import Callable
from typing import Any

from runtime.errors import InvalidOption

Validator = Callable[[Any, Any, Any], None]


def check_number(owner: str, option: str, value: object, minimum: float, *, exclusive: bool = False) -> None:
    """Raises InvalidOption unless ``value`` is a number of at least ``minimum`` (exclusive: greater than it)."""
    if not _is_number(value, minimum, exclusive=exclusive):
        bound = "greater than" if exclusive else "of at least"
        raise InvalidOption(owner, option, value, f"a number {bound} {minimum:g}")


def check_type(owner: str, option: str, value: object, kind: type) -> None:
    """Raises InvalidOption unless ``value`` is of the type ``kind``."""
    if not isinstance(value, kind):
        raise InvalidOption(owner, option, value, f"of the type {kind.__name__}")


def check_name(owner: str, value: object) -> None:
    """Raises InvalidOption unless it is a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidOption(f"a {owner}", "the name", value, "a string that is not empty")


# For the fields of attrs classes. They are made for each child, so a good value costs one look at it and no more.


def at_least(minimum: float, *, exclusive: bool = False) -> Validator:
    def check(instance: Any, attribute: Any, value: object) -> None:
        if not _is_number(value, minimum, exclusive=exclusive):
            check_number(_owner(instance), attribute.name, value, minimum, exclusive=exclusive)

    return check


def above(minimum: float) -> Validator:
    return at_least(minimum, exclusive=True)


def of_type(kind: type) -> Validator:
    def check(instance: Any, attribute: Any, value: object) -> None:
        if not isinstance(value, kind):
            check_type(_owner(instance), attribute.name, value, kind)

    return check


def callable_by(remedy: str) -> Validator:
    def check(instance: Any, attribute: Any, value: object) -> None:
        if not callable(value):
            raise InvalidOption(_owner(instance), attribute.name, value, f"callable ({remedy})")

    return check


def named(instance: Any, attribute: Any, value: Any) -> None:
    check_name(type(instance).__name__, value)


def _is_number(value: object, minimum: float, *, exclusive: bool) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value > minimum if exclusive else value >= minimum


def _owner(instance: object) -> str:
    kind = type(instance).__name__
    name = getattr(instance, "name", None)
    return kind if name is None else f"{kind} {name!r}"
