"""The command line: ``mission-control`` and ``python -m mission_control``.

Exit codes: 0 done, 1 failed while running, 2 wrong usage or configuration, 130 interrupted. Whatever an operator can
mend is told in one message; a traceback is a fault of the program. Everything beyond click is imported where it is
used, so that help and mistakes are answered at once.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mission_control import __version__

if TYPE_CHECKING:
    from mission_control.config import Flags, Loaded
    from mission_control.settings import Settings

INTERRUPTED = 130
"""What shells report for a program that SIGINT ended: 128 + 2."""


class ConfigurationError(click.ClickException):
    """Settings that cannot be used."""

    exit_code = 2


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    try:
        result = cli.main(args, prog_name="mission-control", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
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


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed while running, 2 wrong usage or configuration, 130 interrupted.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """See AI agents behind a Clawdbot gateway, live, in the browser.

    \b
    Examples:
      mission-control run
      mission-control tail --agent alpha
    """


@cli.command(short_help="Watch the gateway and serve the dashboard.")
@_settings_options
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
    settings = _with_operator_token(_resolve(_flags(options)).settings)
    _set_up_logs(settings)
    from mission_control import app
    from mission_control.failures import explain

    return _attempt(lambda: app.run(settings), lambda error: explain(error, settings))


@cli.command("check-config", short_help="Print the settings in effect.")
@_settings_options
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

    loaded = _resolve(_flags(options))
    click.echo(f"# configuration file: {loaded.file or 'none'}")
    for line in describe(loaded):
        click.echo(line)
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


@cli.command(short_help="Print versions.")
def version() -> None:
    """Print the versions of Mission Control and of what it runs on.

    \b
    Example:
      mission-control version
    """
    import platform

    click.echo(f"mission-control {__version__}")
    click.echo(f"python {platform.python_version()} on {platform.platform()}")


@cli.command(short_help="Print events as they happen.")
@click.option("--url", metavar="URL", help="The daemon's URL, such as http://127.0.0.1:8700.")
@click.option("--token", metavar="TOKEN", help="Operator token; other users of this machine may see it.")
@click.option("--token-file", metavar="FILE", help="File that holds the operator token.")
@click.option("--config", metavar="FILE", help="Configuration file to take URL and token from.")
@click.option("--agent", "agents", metavar="ID", multiple=True, help="Only this agent; repeatable.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only this type of event; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print envelopes as JSON, one a line.")
def tail(
    url: str | None,
    token: str | None,
    token_file: str | None,
    config: str | None,
    agents: tuple[str, ...],
    types: tuple[str, ...],
    as_json: bool,
) -> int:
    """Print events of a running daemon as they happen, until interrupted.

    Without --url that is the daemon which the settings describe, and its token is found too.

    \b
    Types: conversation.chunk, conversation.final, activity.event, heartbeat, system.status; one may end in .*

    \b
    Examples:
      mission-control tail
      mission-control tail --agent alpha --type "conversation.*"
      mission-control tail --json --type activity.event | jq .payload.title
    """
    from mission_control.core.subscription import Filter, unknown_types
    from mission_control.target import TargetFlags, target

    if unknown := unknown_types(frozenset(types)):
        raise click.BadParameter(f"no such type of event: {', '.join(unknown)}", param_hint="--type")
    flags = TargetFlags(url=url, token=token, token_file=token_file, config=config)
    with _told_as_usage():
        daemon = target(flags, os.environ, Path.cwd())
    select = Filter(agents=frozenset(agents), types=frozenset(types))

    from mission_control.tail import explain, run_tail

    return _attempt(lambda: run_tail(daemon, select, as_json=as_json), lambda error: explain(error, daemon))


def _flags(options: dict[str, Any]) -> "Flags":
    from mission_control.config import Flags

    return Flags(**options)


def _resolve(flags: "Flags") -> "Loaded":
    from mission_control.config import resolve

    with _told_as_usage():
        return resolve(flags, os.environ, Path.cwd())


def _with_operator_token(settings: "Settings") -> "Settings":
    from mission_control.operator_token import ensure_operator_token

    with _told_as_usage():
        return ensure_operator_token(settings)


@contextmanager
def _told_as_usage() -> Iterator[None]:
    """Settings that cannot be used end the program with a message and exit code 2."""
    from mission_control.config import ConfigError

    try:
        yield
    except ConfigError as error:
        raise ConfigurationError(str(error)) from error


def _set_up_logs(settings: "Settings") -> None:
    from mission_control import logs

    tokens = [settings.auth.token, *(gateway.token for gateway in settings.gateways)]
    logs.setup(settings.log_level, settings.log_format, [token for token in tokens if token is not None])


def _attempt(call: Callable[[], int], explain: Callable[[BaseException], str | None]) -> int:
    """The exit code of ``call``; failures that ``explain`` knows become messages."""
    try:
        return call()
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Exception, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt):
            return INTERRUPTED
        text = explain(error)
        if text is None:
            raise
        raise click.ClickException(text) from error
