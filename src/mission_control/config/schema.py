"""Which settings exist, and what each is called in files, messages and the environment.

Those of installed actor types come on top of the daemon's own: ``("actors", NAME, OPTION)``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import Factory, frozen

from mission_control.settings import ActorSettings, GatewaySettings, Secret, Settings

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a setting stands: ``("auth", "mode")``, ``("gateways", 0, "url")``."""

PREFIX: Final = "MISSION_CONTROL_"
ACTORS: Final = "actors"
FILE_SUFFIX: Final = "_file"
"""``token_file`` names the file that ``token`` is in, and so for every secret."""


@cache
def schema() -> Mapping[KeyPath, Any]:
    """Every setting of the daemon's own with its annotated type; the index of a gateway stands as 0."""
    return MappingProxyType(dict(_fields(Settings, ())))


@frozen
class Schema:
    """Every setting with its annotated type.

    Below the paths in ``passed_over`` anything may stand: it is not for the reader of the settings at hand to judge.
    """

    types: Mapping[KeyPath, Any] = Factory(schema)
    passed_over: frozenset[KeyPath] = frozenset()

    def __contains__(self, path: KeyPath) -> bool:
        return general(path) in self.types or any(path[: len(start)] == start for start in self.passed_over)

    def kind(self, path: KeyPath) -> Any:
        """The type that a value has when it is set; None for what is no setting."""
        return without_none(self.types.get(general(path)))

    def secret_of(self, path: KeyPath) -> KeyPath | None:
        """The secret that is in the file which the setting at ``path`` names, if it is such a setting."""
        *parents, last = path
        if self.kind(path) is not Path or not isinstance(last, str) or not last.endswith(FILE_SUFFIX):
            return None
        secret = (*parents, last.removesuffix(FILE_SUFFIX))
        return secret if self.kind(secret) is Secret else None

    def rival_of(self, path: KeyPath) -> KeyPath | None:
        """The setting that this one excludes: a secret its file, and the file the secret."""
        *parents, last = path
        file = (*parents, f"{last}{FILE_SUFFIX}")
        return file if self.secret_of(file) == path else self.secret_of(path)


def without_none(annotation: Any) -> Any:
    """The type of a value that is set: ``X`` of ``X | None``, and other types as they are."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else annotation


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
        if annotation == Mapping[str, ActorSettings]:
            continue
        if GatewaySettings in get_args(annotation):
            yield from _fields(GatewaySettings, (*prefix, name, 0))
        elif attrs.has(annotation) and annotation.__name__.endswith("Settings"):
            yield from _fields(annotation, (*prefix, name))
        else:
            yield (*prefix, name), annotation
