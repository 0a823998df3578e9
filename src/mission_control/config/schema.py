"""Which settings exist, and what each is called in files, messages and the environment."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias, get_args, get_type_hints

import attrs

from mission_control.settings import GatewaySettings, Settings

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a setting stands: ``("auth", "mode")``, ``("gateways", 0, "url")``."""

PREFIX: Final = "MISSION_CONTROL_"


@cache
def schema() -> Mapping[KeyPath, Any]:
    """Every setting with its annotated type; the index of a gateway stands as 0."""
    return MappingProxyType(dict(_fields(Settings, ())))


def general(path: KeyPath) -> KeyPath:
    """The path under which a setting stands in :func:`schema`: that of the first gateway for any."""
    return tuple(0 if isinstance(part, int) else part for part in path)


def dotted(path: KeyPath) -> str:
    """A path as it is written in messages: ``auth.mode``, ``gateways[0].url``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def from_dotted(key: str) -> KeyPath:
    """The reverse of :func:`dotted`; what it gives for other texts is the path of no setting."""
    parts = key.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def variable(path: KeyPath) -> str:
    """The environment variable of a setting."""
    return PREFIX + "__".join(str(part) for part in path).upper()


def from_variable(name: str) -> KeyPath:
    """The reverse of :func:`variable`; what it gives for other names is the path of no setting."""
    parts = name.removeprefix(PREFIX).split("__")
    return tuple(int(part) if part.isdecimal() else part.lower() for part in parts)


def _fields(cls: type[Any], prefix: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    for name, annotation in get_type_hints(cls, include_extras=True).items():
        if GatewaySettings in get_args(annotation):
            yield from _fields(GatewaySettings, (*prefix, name, 0))
        elif attrs.has(annotation) and annotation.__name__.endswith("Settings"):
            yield from _fields(annotation, (*prefix, name))
        else:
            yield (*prefix, name), annotation
