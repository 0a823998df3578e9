"""What an actor type may let its users set: an attrs class whose fields are settings like the daemon's own."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_type_hints

import attrs

from mission_control.config.values import parser

ENABLED: Final = "enabled"
"""The key in every actor type's table that is not one of its options."""

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
"""What an actor type and an option may be named: two underscores separate the parts of a variable's name."""


class OptionsError(Exception):
    """A class cannot be used for options; the text says why."""


def types_of(options: type[Any]) -> Mapping[str, Any]:
    """The options by name, each with its annotated type."""
    hints = get_type_hints(options, include_extras=True)
    return {field.name: hints[field.name] for field in attrs.fields(options) if field.name in hints}


def check_options(options: type[Any], *, needed: bool) -> None:
    """Pass a class that can be used.

    Args:
        needed: whether its actor type runs without being configured, so that every option needs a default.

    Raises:
        OptionsError: says what is wrong.
    """
    if not isinstance(options, type) or not attrs.has(options):
        raise OptionsError(f"its options must be an attrs class, not {options!r}")
    name = options.__qualname__
    try:
        kinds = types_of(options)
    except Exception as error:  # annotations are code
        raise OptionsError(f"the types of {name} cannot be found out: {error}") from error
    for field in attrs.fields(options):
        if not NAME.fullmatch(field.name) or field.name == ENABLED or not field.init:
            raise OptionsError(f"{name}.{field.name} cannot be an option's name")
        if needed and field.default is attrs.NOTHING:
            raise OptionsError(f"{name}.{field.name} has no default, so the type cannot be enabled by default")
        if field.name not in kinds:
            raise OptionsError(f"{name}.{field.name} has no type: annotate it")
        try:
            parser(kinds[field.name])
        except TypeError as error:  # no setting's type, or no type at all
            raise OptionsError(f"{name}.{field.name}: {error}") from error
