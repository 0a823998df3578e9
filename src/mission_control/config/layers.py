"""The places that settings come from, each read into the same form: values with their path and source."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import Factory, frozen

from mission_control.config.problems import Problem, Source, unknown
from mission_control.config.schema import (
    PREFIX,
    KeyPath,
    Schema,
    dotted,
    from_dotted,
    from_variable,
    variable,
)

CONFIG_VARIABLE: Final = "MISSION_CONTROL_CONFIG"
_SHORTCUTS: Final = {"GATEWAY_URL": "url", "GATEWAY_TOKEN": "token", "GATEWAY_TOKEN_FILE": "token_file"}

# Kubernetes sets these for every Service named mission-control, so they are nobody's typing error.
_FOREIGN = re.compile(r"(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)", re.ASCII)


class Text(str):
    """A value from a place that knows only text (flags, environment): numbers and lists are read from it."""

    __slots__ = ()


@frozen
class Leaf:
    """One value that was set. Relative paths in it count from ``base``."""

    path: KeyPath
    value: Any
    source: Source
    base: Path


@frozen
class Layer:
    """What one place sets. ``gateway`` holds the fields of the single-gateway shortcut, by name."""

    leaves: Sequence[Leaf] = ()
    gateway: Mapping[str, Leaf] = Factory(dict)
    problems: Sequence[Problem] = ()


@frozen(kw_only=True)
class Flags:
    """What the command line sets. ``assign`` holds ``KEY=VALUE`` pairs for settings without a flag of their own."""

    config: str | None = None
    listen: str | None = None
    data_dir: str | None = None
    log_level: str | None = None
    log_format: str | None = None
    simulate: str | None = None
    gateway: str | None = None
    gateway_token: str | None = None
    gateway_token_file: str | None = None
    assign: tuple[str, ...] = ()


def from_file(file: Path) -> Layer:
    """The settings in a TOML file."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Layer(problems=[Problem(str(file), "no such file", "a configuration file in TOML")])
    except OSError as error:
        return Layer(problems=[Problem(str(file), error.strerror or str(error), "a file that can be read")])
    except UnicodeDecodeError:
        return Layer(problems=[Problem(str(file), "bytes that are not UTF-8", "TOML, which is UTF-8")])
    except tomllib.TOMLDecodeError as error:
        return Layer(problems=[Problem(str(file), str(error), "TOML 1.0")])
    leaves = [Leaf(path, value, Source(str(file), dotted(path)), file.parent) for path, value in _flatten(document)]
    return Layer(leaves)


def from_environment(environ: Mapping[str, str], cwd: Path, schema: Schema) -> Layer:
    """The settings in ``MISSION_CONTROL_*`` variables; an empty one counts as not set."""
    leaves: list[Leaf] = []
    gateway: dict[str, Leaf] = {}
    problems: list[Problem] = []
    for variable_name in sorted(environ):
        name = variable_name.removeprefix(PREFIX)
        if name == variable_name or not environ[variable_name] or variable_name == CONFIG_VARIABLE:
            continue
        source = Source(f"environment variable {variable_name}")
        value = Text(environ[variable_name])
        if name in _SHORTCUTS:
            field = _SHORTCUTS[name]
            gateway[field] = Leaf(("gateways", 0, field), value, source, cwd)
        elif (path := from_variable(variable_name)) in schema and variable(path) == variable_name:
            leaves.append(Leaf(path, value, source, cwd))
        elif not _FOREIGN.fullmatch(name):
            names = [*map(variable, schema.types), CONFIG_VARIABLE, *(PREFIX + shortcut for shortcut in _SHORTCUTS)]
            allowed = f"{PREFIX} and the setting's path in capitals with __ between its parts"
            problems.append(unknown(source, variable_name, names, allowed))
    return Layer(leaves, gateway, problems)


def from_flags(flags: Flags, cwd: Path, schema: Schema) -> Layer:
    """The settings on the command line."""
    leaves: list[Leaf] = []
    problems: list[Problem] = []
    for key in ("listen", "data_dir", "log_level", "log_format", "simulate"):
        value = getattr(flags, key)
        if value is not None:
            leaves.append(Leaf((key,), Text(value), Source("--" + key.replace("_", "-")), cwd))
    for pair in flags.assign:
        key, separator, value = pair.partition("=")
        source = Source(f"--set {key}")
        path = from_dotted(key)
        if not separator:
            problems.append(Problem(str(source), "no value", "KEY=VALUE, such as journal.durability=normal"))
        elif path not in schema:
            known = [dotted(path) for path in schema.types]
            problems.append(unknown(source, key, known, "a setting's path, such as journal.durability"))
        else:
            leaves.append(Leaf(path, Text(value), source, cwd))
    given = {
        "url": ("--gateway", flags.gateway),
        "token": ("--gateway-token", flags.gateway_token),
        "token_file": ("--gateway-token-file", flags.gateway_token_file),
    }
    gateway = {
        field: Leaf(("gateways", 0, field), Text(value), Source(flag), cwd)
        for field, (flag, value) in given.items()
        if value is not None
    }
    return Layer(leaves, gateway, problems)


def _flatten(node: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Tables and lists of tables taken apart; whatever is empty or plain stays as it is."""
    if isinstance(node, dict) and (node or not path):
        for key, value in node.items():
            yield from _flatten(value, (*path, key))
    elif isinstance(node, list) and node and all(isinstance(item, dict) and item for item in node):
        for index, item in enumerate(node):
            yield from _flatten(item, (*path, index))
    else:
        yield path, node
