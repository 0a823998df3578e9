"""The settings of installed actor types: ``[actors.NAME]``, checked as the daemon's own are (docs/extending.md)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mission_control.config.merge import Merged
from mission_control.config.options import ENABLED, types_of
from mission_control.config.problems import Problem, Source, UnacceptableError, show, unknown
from mission_control.config.schema import ACTORS, KeyPath, Schema, schema
from mission_control.config.structure import structure_options
from mission_control.config.values import parser
from mission_control.settings import ActorSettings

if TYPE_CHECKING:
    from mission_control.plugins import Found, Installed

_parse_enabled: Final = parser(bool)


def schema_with(actors: "Found | None") -> Schema:
    """The schema with the options of all installed types; None: whatever is set of actors is passed over."""
    if actors is None:
        return Schema(passed_over=frozenset({(ACTORS,)}))
    types = dict(schema())
    for name, one in actors.installed.items():
        types[ACTORS, name, ENABLED] = bool
        types.update({(ACTORS, name, option): kind for option, kind in types_of(one.type.options).items()})
    return Schema(types, frozenset((ACTORS, name) for name in actors.broken))


def actor_settings(merged: Merged, actors: "Found | None") -> tuple[Mapping[str, ActorSettings], Sequence[Problem]]:
    """What is set of each installed type, and everything that is wrong with it."""
    if actors is None:
        return {}, []
    tables = merged.tree.get(ACTORS, {})
    if not isinstance(tables, dict):
        allowed = "a table for each actor type: [actors.NAME]"
        return {}, [Problem(str(merged.source_of((ACTORS,))), show(tables), allowed)]
    problems = [problem for name in tables for problem in _unusable(name, tables[name], merged, actors)]
    settings: dict[str, ActorSettings] = {}
    for name, one in actors.installed.items():
        outcome = _settings(one, merged, tables.get(name))
        if isinstance(outcome, ActorSettings):
            settings[name] = outcome
        else:
            problems += outcome
    return settings, problems


def _unusable(name: str, table: Any, merged: Merged, actors: "Found") -> Iterator[Problem]:
    """A table that asks for what is not there, or cannot be used."""
    source = merged.source_of((ACTORS, name))
    broken = actors.broken.get(name)
    if broken is not None:
        if not _is_off(table):
            found = f"{broken.package} cannot be used: {broken.problem}"
            yield Problem(str(source), found, f"{broken.remedy}; or set enabled = false here")
    elif name not in actors.installed:
        known = sorted(actors.installed)
        names = ", ".join(known) or "none is installed"
        allowed = f"{names}; another one comes with its package, installed beside Mission Control"
        yield unknown(source, name, known, allowed, "actor type")


def _settings(one: "Installed", merged: Merged, table: Any) -> ActorSettings | Sequence[Problem]:
    """``table`` is None when nothing is set."""
    at = (ACTORS, one.name)
    asked_for = table is not None
    given = table if asked_for else {}
    if not isinstance(given, dict):
        return [Problem(str(merged.source_of(at)), show(given), "a table")]
    given = dict(given)
    enabled = _enabled(given.pop(ENABLED, asked_for or one.type.enabled), merged, at)
    if isinstance(enabled, Problem):
        return [enabled]
    options = structure_options(merged, at, given, one.type.options, whole=enabled)
    if isinstance(options, list):
        return options or ActorSettings(enabled=False, options=None)
    if asked_for and not one.type.enabled:
        merged.sources.setdefault((*at, ENABLED), Source(f"implied by {merged.source_of(at)}"))
    return ActorSettings(enabled=enabled, options=options, asked_for=asked_for and enabled)


def _enabled(value: Any, merged: Merged, at: KeyPath) -> bool | Problem:
    try:
        return bool(_parse_enabled(value))
    except UnacceptableError as error:
        return Problem(str(merged.source_of((*at, ENABLED))), show(value), error.allowed)


def _is_off(table: Any) -> bool:
    with suppress(UnacceptableError):
        return isinstance(table, dict) and ENABLED in table and not _parse_enabled(table[ENABLED])
    return False
