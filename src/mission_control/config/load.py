"""Settings from all their places: flags over environment over file over defaults."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from mission_control.config.actors import actor_settings, schema_with
from mission_control.config.home import default_config_dir, default_data_dir, expand_home, home_of
from mission_control.config.layers import (
    CONFIG_VARIABLE,
    Flags,
    Layer,
    Leaf,
    from_environment,
    from_file,
    from_flags,
)
from mission_control.config.merge import Merged, merge
from mission_control.config.problems import DEFAULT, ConfigError, Source
from mission_control.config.rules import broken_rules
from mission_control.config.schema import KeyPath, Schema
from mission_control.config.secret_files import read_secret_files
from mission_control.config.structure import structure
from mission_control.settings import Settings

if TYPE_CHECKING:
    from mission_control.plugins import Found

FILE_NAME = "mission-control.toml"


@frozen
class Loaded:
    """Settings, where each was set, and the configuration file, if there is one.

    A setting that is missing from ``sources`` has its default.
    """

    settings: Settings
    sources: Mapping[KeyPath, Source]
    file: Path | None
    schema: Schema


def load(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Settings:
    """The effective settings of the daemon itself. Reads the configuration file and the files that hold secrets.

    Raises:
        ConfigError: with everything that is wrong.
    """
    return resolve(flags, environ, cwd).settings


def resolve(
    flags: Flags,
    environ: Mapping[str, str],
    cwd: Path,
    platform: str = sys.platform,
    actors: "Found | None" = None,
) -> Loaded:
    """Like :func:`load`, with the sources, and with the settings of the ``actors`` that are installed.

    Without ``actors``, what is set of them is passed over. ``platform`` is as in :data:`sys.platform`.

    Raises:
        ConfigError: with everything that is wrong.
    """
    home = home_of(environ)
    file = config_file(flags, environ, cwd)
    schema = schema_with(actors)
    defaults = Layer([Leaf(("data_dir",), str(default_data_dir(environ, platform)), DEFAULT, home)])
    layers = [defaults, from_environment(environ, cwd, schema), from_flags(flags, cwd, schema)]
    if file is not None:
        layers.insert(1, from_file(file))
    merged = merge(layers, home, schema)
    _imply_auth_mode(merged)
    read_secret_files(merged)
    of_actors, refused = actor_settings(merged, actors)
    outcome = structure(merged)
    problems = [*merged.problems, *refused]
    problems += broken_rules(outcome, merged.source_of) if isinstance(outcome, Settings) else outcome
    if problems or not isinstance(outcome, Settings):
        raise ConfigError(problems)
    return Loaded(attrs.evolve(outcome, actors=of_actors), merged.sources, file, schema)


def config_file(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to read: the named one, else the first that exists of the working and the user's directory."""
    home = home_of(environ)
    named = flags.config or environ.get(CONFIG_VARIABLE)
    if named:
        return cwd / expand_home(named, home)
    usual = [cwd / FILE_NAME, default_config_dir(environ) / FILE_NAME]
    return next((path for path in usual if path.is_file()), None)


def _imply_auth_mode(merged: Merged) -> None:
    """A configured operator token means that it is wanted."""
    auth = merged.tree.get("auth")
    if not isinstance(auth, dict) or "mode" in auth:
        return
    given = next((key for key in ("token", "token_file") if key in auth), None)
    if given is not None:
        auth["mode"] = "token"
        merged.sources["auth", "mode"] = Source(f"implied by {merged.source_of(('auth', given))}")
