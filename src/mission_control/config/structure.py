"""The merged tree made into typed settings, and every error on the way made into a problem with its place."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

import attrs
from cattrs import AttributeValidationNote, BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from mission_control.config import formats, numbers
from mission_control.config.layers import Text
from mission_control.config.merge import Merged
from mission_control.config.problems import Problem, UnacceptableError, kind_of, show, unknown
from mission_control.config.schema import KeyPath
from mission_control.settings import (
    Address,
    AuthSettings,
    GatewaySettings,
    JournalSettings,
    LivenessSettings,
    ReconnectSettings,
    Secret,
    Settings,
    StreamSettings,
)

Parser: TypeAlias = Callable[[Any], Any]

_SECTIONS: Final = (AuthSettings, JournalSettings, StreamSettings, LivenessSettings, ReconnectSettings)
_SECRET_KEYS: Final = frozenset({"token"})


def structure(merged: Merged) -> Settings | list[Problem]:
    """The settings, or everything that is wrong with them."""
    try:
        return _converter.structure(merged.tree, Settings)
    except BaseValidationError as error:
        return [problem for path, cause in _causes(error) for problem in _problems(path, cause, merged)]


def _causes(error: Exception, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Exception]]:
    """The innermost errors of a failed structuring, each with the path of the value that it is about."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            path = (*path, note.name)
        elif isinstance(note, IterableValidationNote):
            path = (*path, note.index)
    if isinstance(error, BaseValidationError):
        for cause in error.exceptions:
            yield from _causes(cause, path)
    else:
        yield path, error


def _problems(path: KeyPath, cause: Exception, merged: Merged) -> Iterator[Problem]:
    match cause:
        case ForbiddenExtraKeysError():
            known = [field.name for field in attrs.fields(cause.cl)]
            for key in sorted(cause.extra_fields):
                yield unknown(merged.source_of((*path, key)), key, known, ", ".join(known))
        case KeyError():
            yield Problem(str(merged.source_of(path)), "nothing", f"{path[-1]} must be set")
        case UnacceptableError():
            value = _value_at(merged.tree, path)
            found = cause.found or (kind_of(value) if path[-1] in _SECRET_KEYS else show(value))
            yield Problem(str(merged.source_of(path)), found, cause.allowed)
        case _:
            raise cause


def _value_at(tree: Any, path: KeyPath) -> Any:
    for part in path:
        tree = tree[part]
    return tree


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


def _several(parse_one: Parser) -> Parser:
    """A list; from a flag or the environment, texts with commas between them."""

    def parse(value: Any) -> tuple[Any, ...]:
        items = [item.strip() for item in value.split(",")] if isinstance(value, Text) else value
        if not isinstance(items, list):
            raise UnacceptableError("a list of texts")
        parsed = []
        for item in items:
            try:
                parsed.append(parse_one(item))
            except UnacceptableError as error:
                raise UnacceptableError(error.allowed, error.found or show(item)) from None
        return tuple(parsed)

    return parse


def _table(cls: type[Any]) -> Parser:
    def parse(value: Any) -> Any:
        if not isinstance(value, dict):
            raise UnacceptableError("a table")
        return _converter.structure(value, cls)

    return parse


def _gateways(value: Any) -> tuple[GatewaySettings, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnacceptableError("a list of tables: [[gateways]]")
    return _converter.structure(value, tuple[GatewaySettings, ...])


_OF_FIELD: Final[dict[tuple[type, str], Parser]] = {
    (Settings, "gateways"): _gateways,
    (GatewaySettings, "url"): formats.gateway_url,
    (GatewaySettings, "id"): formats.name,
    (AuthSettings, "allowed_origins"): _several(formats.origin),
    (AuthSettings, "allowed_hosts"): _several(formats.host),
    **{(Settings, field.name): _table(field.type) for field in attrs.fields(Settings) if field.type in _SECTIONS},
}


def _parser(cls: type[Any], name: str, annotation: Any) -> Parser:
    """How a field's value is read: by its name where it has a form of its own, else by its type."""
    if (cls, name) in _OF_FIELD:
        return _OF_FIELD[cls, name]
    if get_origin(annotation) is Literal:
        return _choice(get_args(annotation))
    if annotation is Address:
        return formats.address
    if annotation in (Path, Path | None):
        return _path
    if annotation == Secret | None:
        return formats.secret
    number_type, bounds = get_args(annotation)
    return numbers.parser(number_type, bounds)


def _hook(converter: Converter, cls: type[Any]) -> Callable[..., Any]:
    parsers = {
        name: _parser(cls, name, annotation) for name, annotation in get_type_hints(cls, include_extras=True).items()
    }
    overrides = {name: override(struct_hook=_ignoring_type(parse)) for name, parse in parsers.items()}
    return make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **overrides)  # type: ignore[arg-type]


def _ignoring_type(parse: Parser) -> Callable[[Any, Any], Any]:
    return lambda value, _type: parse(value)


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for cls in (GatewaySettings, *_SECTIONS, Settings):
        converter.register_structure_hook(cls, _hook(converter, cls))
    return converter


_converter: Final = _make_converter()
