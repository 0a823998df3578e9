"""How a value is read, by its setting's type."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from mission_control.config import formats, numbers
from mission_control.config.layers import Text
from mission_control.config.problems import UnacceptableError, show
from mission_control.config.schema import without_none
from mission_control.settings import Address, Between, Secret

Parser: TypeAlias = Callable[[Any], Any]
"""Takes what stood in the configuration; gives the value, or raises :class:`UnacceptableError`."""


class UnsupportedTypeError(TypeError):
    """No setting can have this type."""


def parser(annotation: Any) -> Parser:
    """How a value of this type is read.

    Raises:
        UnsupportedTypeError: it can stand in no configuration.
    """
    kind = without_none(annotation)
    arguments = get_args(kind)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in numbers.UNITS:
        return numbers.parser(kind, numbers.WIDEST[kind])
    match get_origin(kind), arguments:
        case origin, (number_type, Between() as bounds) if origin is Annotated and number_type in numbers.UNITS:
            return numbers.parser(number_type, bounds)
        case origin, choices if origin is Literal and all(isinstance(choice, str) for choice in choices):
            return _choice(choices)
        case origin, (item, ellipsis) if origin is tuple and ellipsis is ... and _can_be_item(item):
            return several(parser(item))
    raise UnsupportedTypeError(f"a setting cannot be of type {getattr(annotation, '__name__', annotation)}")


def _can_be_item(kind: Any) -> bool:
    return get_origin(kind) is not tuple and kind not in (Path, Secret, Address)


def several(parse_one: Parser) -> Parser:
    """A list; from a flag or the environment, texts with commas between them."""

    def parse(value: Any) -> tuple[Any, ...]:
        items = [Text(item.strip()) for item in value.split(",")] if isinstance(value, Text) else value
        if not isinstance(items, list):
            raise UnacceptableError("a list")
        parsed = []
        for item in items:
            try:
                parsed.append(parse_one(item))
            except UnacceptableError as error:
                raise UnacceptableError(error.allowed, error.found or show(item)) from None
        return tuple(parsed)

    return parse


def _choice(allowed: tuple[str, ...]) -> Parser:
    described = " or ".join(f'"{choice}"' for choice in allowed)

    def parse(value: Any) -> str:
        if value in allowed:
            return str(value)
        raise UnacceptableError(described)

    return parse


def _path(value: Any) -> Path:
    if isinstance(value, str) and value:
        return Path(value)
    raise UnacceptableError("the path of a file or directory")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise UnacceptableError("a text")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Text) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise UnacceptableError("true or false")


def _secret(value: Any) -> Secret:
    """What was read from a file of its own is one already."""
    return value if isinstance(value, Secret) else formats.secret(value)


_SIMPLE: dict[Any, Parser] = {
    bool: _boolean,
    str: _text,
    Path: _path,
    Secret: _secret,
    Address: formats.address,
}
