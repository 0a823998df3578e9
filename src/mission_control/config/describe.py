"""The effective settings as text, each with its source; secrets masked."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from mission_control.config.load import Loaded
from mission_control.config.numbers import UNITS
from mission_control.config.options import ENABLED
from mission_control.config.problems import DEFAULT
from mission_control.config.schema import KeyPath, dotted, schema
from mission_control.settings import Settings


def describe(loaded: Loaded) -> Iterator[str]:
    """A line for each setting, ``key = value  # source``, in the order of the documentation."""
    shown = [
        (dotted(path), show_value(loaded.schema.kind(path), value_at(loaded.settings, path)), path)
        for path in _paths(loaded)
    ]
    width = max(len(key) + len(value) for key, value, _ in shown)
    for key, value, path in shown:
        padding = " " * (min(width, 60) - len(key) - len(value))
        yield f"{key} = {value}{padding}  # {loaded.sources.get(path, DEFAULT)}"


def value_at(settings: Settings, path: KeyPath) -> Any:
    """The value of a setting."""
    node: Any = settings
    match path:
        case ("actors", str(name), "enabled"):
            return settings.actors[name].enabled
        case ("actors", str(name), *rest):
            node, path = settings.actors[name].options, tuple(rest)
    for part in path:
        node = node[part] if isinstance(part, int) else getattr(node, part)
    return node


def show_value(kind: Any, value: Any) -> str:
    """A value of this type as it would be written in the file; what is not set shows as ``(none)``."""
    if value is None:
        return "(none)"
    if kind is bool:
        return str(value).lower()
    number_type = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if number_type in (int, float):
        return UNITS[number_type].show(value)
    if number_type in UNITS:
        return json.dumps(UNITS[number_type].show(value))
    return json.dumps(list(value) if isinstance(value, tuple) else str(value), ensure_ascii=False)


def _paths(loaded: Loaded) -> Iterator[KeyPath]:
    for path in schema():
        if path[0] != "gateways":
            yield path
    for index in range(len(loaded.settings.gateways)):
        for path in schema():
            if path[0] == "gateways":
                yield ("gateways", index, *path[2:])
    for path in loaded.schema.types:
        if path[0] == "actors" and (path[-1] == ENABLED or loaded.settings.actors[str(path[1])].options is not None):
            yield path
