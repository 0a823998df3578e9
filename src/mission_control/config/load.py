"""Settings from all their places: flags over environment over file over defaults."""

import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import frozen

from mission_control.config.formats import secret
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
from mission_control.config.problems import DEFAULT, ConfigError, Problem, Source, UnacceptableError
from mission_control.config.rules import broken_rules
from mission_control.config.schema import KeyPath
from mission_control.config.structure import structure
from mission_control.settings import Secret, Settings

FILE_NAME = "mission-control.toml"


@frozen
class Loaded:
    """Settings, where each was set, and the configuration file, if there is one.

    A setting that is missing from ``sources`` has its default.
    """

    settings: Settings
    sources: Mapping[KeyPath, Source]
    file: Path | None


def load(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Settings:
    """The effective settings. Reads the configuration file and the files that hold secrets, and nothing else.

    Raises:
        ConfigError: with everything that is wrong.
    """
    return resolve(flags, environ, cwd).settings


def resolve(flags: Flags, environ: Mapping[str, str], cwd: Path, platform: str = sys.platform) -> Loaded:
    """Like :func:`load`, with the sources. ``platform`` is as in :data:`sys.platform`.

    Raises:
        ConfigError: with everything that is wrong.
    """
    home = home_of(environ)
    file = config_file(flags, environ, cwd)
    defaults = Layer([Leaf(("data_dir",), str(default_data_dir(environ, platform)), DEFAULT, home)])
    layers = [defaults, from_environment(environ, cwd), from_flags(flags, cwd)]
    if file is not None:
        layers.insert(1, from_file(file))
    merged = merge(layers, home)
    _imply_auth_mode(merged)
    outcome = structure(merged)
    problems = list(merged.problems)
    if isinstance(outcome, Settings):
        settings, unread = _with_secrets(outcome, merged)
        problems += [*unread, *broken_rules(settings, merged.source_of)]
    else:
        problems += outcome
    if problems or not isinstance(outcome, Settings):
        raise ConfigError(problems)
    return Loaded(settings, merged.sources, file)


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


def _with_secrets(settings: Settings, merged: Merged) -> tuple[Settings, list[Problem]]:
    """Tokens read from their files; what could not be read is told."""
    problems: list[Problem] = []

    def read(path: Path | None, token: Secret | None, key: KeyPath) -> Secret | None:
        if path is None:
            return token
        try:
            return secret(path.read_text(encoding="utf-8").strip())
        except OSError as error:
            found = f"{path}: {error.strerror or error}"
        except UnicodeDecodeError:
            found = f"{path}: not text"
        except UnacceptableError as error:
            found = f"{path}: {error.found or 'empty'}"
        problems.append(Problem(str(merged.source_of(key)), found, "a readable file with the token alone in it"))
        return None

    gateways = tuple(
        attrs.evolve(gateway, token=read(gateway.token_file, gateway.token, ("gateways", index, "token_file")))
        for index, gateway in enumerate(settings.gateways)
    )
    auth = attrs.evolve(
        settings.auth, token=read(settings.auth.token_file, settings.auth.token, ("auth", "token_file"))
    )
    return attrs.evolve(settings, gateways=gateways, auth=auth), problems
