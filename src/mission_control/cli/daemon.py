"""The commands that are about the daemon on this machine: run, check-config, version."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mission_control import __version__
from mission_control.cli.outcomes import attempt, told_as_usage

if TYPE_CHECKING:
    from mission_control.config import Flags, Loaded
    from mission_control.plugins import Found
    from mission_control.settings import Settings


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that set settings, gathered into the argument ``flags``."""
    options = (
        click.option("--config", metavar="FILE", help="Configuration file, instead of the usual places."),
        click.option("--gateway", metavar="URL", help="Watch this gateway (ws:// or wss://) and no other."),
        click.option("--gateway-token", metavar="TOKEN", help="Its token; other users of this machine may see it."),
        click.option("--gateway-token-file", metavar="FILE", help="File that holds its token."),
        click.option("--listen", metavar="HOST:PORT", help="Where to serve; port 0 is any free one."),
        click.option("--data-dir", metavar="DIR", help="Where the journal lies."),
        click.option("--simulate", metavar="N", help="Watch N simulated agents instead of a gateway."),
        click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error."),
        click.option("--log-format", metavar="FORMAT", help="text or json."),
        click.option("--set", "assign", metavar="KEY=VALUE", multiple=True, help="Any other setting; repeatable."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Watch the gateway and serve the dashboard.")
@settings_options
def run(**options: Any) -> int:
    """Watch the gateway and serve the dashboard until interrupted.

    Without --gateway or a configured one, a gateway on this machine is looked for; with none running, a simulation
    is shown.

    \b
    Examples:
      mission-control run
      mission-control run --gateway ws://127.0.0.1:18789 --gateway-token-file token
      mission-control run --simulate 20 --listen 127.0.0.1:0
      mission-control run --listen 0.0.0.0:8700 --set auth.mode=token
    """
    from mission_control import logs, plugins

    actor_types = plugins.find()
    settings = _with_operator_token(_resolve(_flags(options), actor_types).settings)
    logs.setup(settings.log_level, settings.log_format, settings.secrets())
    from mission_control import app  # all that runs: too much to load for somebody who mistyped a flag
    from mission_control.failures import explain

    return attempt(lambda: app.run(settings, actor_types), lambda error: explain(error, settings))


@click.command("check-config", short_help="Print the settings in effect.")
@settings_options
def check_config(**options: Any) -> None:
    """Check the settings and print those in effect, each with its source. Secrets are masked.

    Takes the flags of run, so that what they would do can be seen.

    \b
    Examples:
      mission-control check-config
      mission-control check-config --config /etc/mission-control.toml
      MISSION_CONTROL_JOURNAL__MAX_AGE=30d mission-control check-config
    """
    from mission_control.config.describe import describe
    from mission_control.config.home import home_of
    from mission_control.discovery import discover
    from mission_control.operator_token import FILE_NAME
    from mission_control.plugins import find

    actor_types = find()
    loaded = _resolve(_flags(options), actor_types)
    click.echo(f"# configuration file: {loaded.file or 'none'}")
    for line in describe(loaded):
        click.echo(line)
    for broken in actor_types.broken.values():
        click.echo(f"# warning: {broken}")
    if loaded.settings.auth.mode == "token" and loaded.settings.auth.token is None:
        click.echo(f"# the operator token is kept in {loaded.settings.data_dir / FILE_NAME}, made on first run")
    if loaded.settings.gateways or loaded.settings.simulate:
        return
    discovery = discover(os.environ, home_of(os.environ))
    for candidate in discovery.candidates:
        click.echo(f"# set up on this machine, watched if it runs: {candidate.url} (from {candidate.found})")
    if not discovery.candidates:
        click.echo("# no gateway is configured or set up on this machine: run shows a simulation")
    for warning in discovery.warnings:
        click.echo(f"# warning: {warning}")


@click.command(short_help="Print versions.")
def version() -> None:
    """Print the versions of Mission Control and of what it runs on.

    \b
    Example:
      mission-control version
    """
    import platform

    click.echo(f"mission-control {__version__}")
    click.echo(f"python {platform.python_version()} on {platform.platform()}")


def _flags(options: dict[str, Any]) -> "Flags":
    from mission_control.config import Flags

    return Flags(**options)


def _resolve(flags: "Flags", actor_types: "Found") -> "Loaded":
    from mission_control.config import resolve

    with told_as_usage():
        return resolve(flags, os.environ, Path.cwd(), actors=actor_types)


def _with_operator_token(settings: "Settings") -> "Settings":
    from mission_control.operator_token import ensure_operator_token

    with told_as_usage():
        return ensure_operator_token(settings)
