"""The merged tree made into typed settings, and every error on the way made into a problem with its place."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_type_hints

import attrs
from cattrs import AttributeValidationNote, BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from mission_control.config import formats
from mission_control.config.merge import Merged
from mission_control.config.options import ENABLED
from mission_control.config.problems import Problem, UnacceptableError, kind_of, show, unknown
from mission_control.config.schema import ACTORS, KeyPath
from mission_control.config.values import Parser, parser, several
from mission_control.settings import (
    AuthSettings,
    GatewaySettings,
    JournalSettings,
    LivenessSettings,
    ReconnectSettings,
    Secret,
    Settings,
    StreamSettings,
)

T = TypeVar("T")

_SECTIONS: Final = (AuthSettings, JournalSettings, StreamSettings, LivenessSettings, ReconnectSettings)


def structure(merged: Merged) -> Settings | list[Problem]:
    """The daemon's own settings, or everything that is wrong with them."""
    own = {name: value for name, value in merged.tree.items() if name != ACTORS}
    return _structured(_converter, merged, (), own, Settings)


def structure_options(
    merged: Merged, at: KeyPath, given: Mapping[str, Any], cls: type[T], *, whole: bool
) -> T | list[Problem]:
    """The options of an actor type that are ``given`` at ``at``, or everything that is wrong with them.

    Unless they have to be ``whole``, it is no problem that some are missing: the list may be empty.
    """
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook(cls, _hook(converter, cls))
    return _structured(converter, merged, at, given, cls, whole=whole)


def _structured(
    converter: Converter, merged: Merged, at: KeyPath, given: Mapping[str, Any], cls: type[T], *, whole: bool = True
) -> T | list[Problem]:
    try:
        return converter.structure(given, cls)
    except BaseValidationError as error:
        causes = [(path, cause) for path, cause in _causes(error, at) if whole or not _is_of_the_whole(cause)]
        return [problem for path, cause in causes for problem in _problems(path, cause, merged)]


def _is_of_the_whole(cause: Exception) -> bool:
    """Whether something is missing, or does not go together."""
    return isinstance(cause, KeyError | ValueError) and not isinstance(cause, UnacceptableError)


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
            known = [field.name for field in attrs.fields(cause.cl)] + [ENABLED] * (path[:1] == (ACTORS,))
            for key in sorted(cause.extra_fields):
                yield unknown(merged.source_of((*path, key)), key, known, ", ".join(known))
        case KeyError():
            yield Problem(str(merged.source_of(path)), "nothing", f"{path[-1]} must be set")
        case UnacceptableError():
            value = _value_at(merged.tree, path)
            found = cause.found or (kind_of(value) if merged.schema.kind(path) is Secret else show(value))
            yield Problem(str(merged.source_of(path)), found, cause.allowed)
        case ValueError() | TypeError() if path[:1] == (ACTORS,):  # raised by the options class itself
            yield Problem(str(merged.source_of(path)), "options that it cannot have", str(cause))
        case _:
            raise cause


def _value_at(tree: Any, path: KeyPath) -> Any:
    for part in path:
        tree = tree[part]
    return tree


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
    (AuthSettings, "allowed_origins"): several(formats.origin),
    (AuthSettings, "allowed_hosts"): several(formats.host),
    **{(Settings, field.name): _table(field.type) for field in attrs.fields(Settings) if field.type in _SECTIONS},
}


def _parser(cls: type[Any], name: str, annotation: Any) -> Parser:
    """How a field's value is read: by its name where it has a form of its own, else by its type."""
    return _OF_FIELD[cls, name] if (cls, name) in _OF_FIELD else parser(annotation)


def _hook(converter: Converter, cls: type[Any]) -> Callable[..., Any]:
    overrides = {
        name: override(omit=True) if (cls, name) == (Settings, ACTORS) else _override(_parser(cls, name, annotation))
        for name, annotation in get_type_hints(cls, include_extras=True).items()
    }
    return make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **overrides)  # type: ignore[arg-type]


def _override(parse: Parser) -> Any:
    return override(struct_hook=lambda value, _type: parse(value))


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for cls in (GatewaySettings, *_SECTIONS, Settings):
        converter.register_structure_hook(cls, _hook(converter, cls))
    return converter


_converter: Final = _make_converter()
