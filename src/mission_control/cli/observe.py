"""The commands that talk to a running daemon: tail, actors, dead-letters."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mission_control.cli.outcomes import attempt, told_as_usage

if TYPE_CHECKING:
    from mission_control.inspection.dead_letters import Action
    from mission_control.target import Target


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that name a daemon and show it a token, for :func:`_target`."""
    options = (
        click.option("--url", metavar="URL", help="The daemon's URL, such as http://127.0.0.1:8700."),
        click.option("--token", metavar="TOKEN", help="Operator token; other users of this machine may see it."),
        click.option("--token-file", metavar="FILE", help="File that holds the operator token."),
        click.option("--config", metavar="FILE", help="Configuration file to take URL and token from."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Print events as they happen.")
@_target_options
@click.option("--agent", "agents", metavar="ID", multiple=True, help="Only this agent; repeatable.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only this type of event; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print envelopes as JSON, one a line.")
def tail(agents: tuple[str, ...], types: tuple[str, ...], as_json: bool, **options: str | None) -> int:
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

    if unknown := unknown_types(frozenset(types)):
        raise click.BadParameter(f"no such type of event: {', '.join(unknown)}", param_hint="--type")
    daemon = _target(options)
    select = Filter(agents=frozenset(agents), types=frozenset(types))

    from mission_control.tail import explain, run_tail

    return attempt(lambda: run_tail(daemon, select, as_json=as_json), lambda error: explain(error, daemon))


@click.command(short_help="Show the tree of actors.")
@_target_options
@click.option("--watch", is_flag=True, help="Show it again and again, with rates, until interrupted.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1, max=3600),
    default=1.0,
    show_default=True,
    help="The pause between two looks of --watch.",
)
@click.option("--all", "everything", is_flag=True, help="Every child of every pool, every failure, every dead letter.")
@click.option("--json", "as_json", is_flag=True, help="Print what the daemon answers, as JSON on one line.")
def actors(watch: bool, interval: float, everything: bool, as_json: bool, **options: str | None) -> int:
    """Show what a running daemon is made of: its actors with their state, restarts, mail and last failures.

    MAIL is how much waits, of how much may; PEAK the most there was; OLDEST how long the oldest has waited; BUSY how
    much of the time the actor was at work, not waiting for mail. Of a large pool the worst few children are shown.

    Without --url that is the daemon which the settings describe, and its token is found too.

    \b
    Examples:
      mission-control actors
      mission-control actors --watch
      mission-control actors --json | jq .tree.children[].mailbox.depth
    """
    daemon = _target(options)

    from mission_control.inspection.actors import run_actors
    from mission_control.inspection.daemon import explain

    pause = interval if watch else None
    return attempt(
        lambda: run_actors(daemon, interval=pause, as_json=as_json, everything=everything),
        lambda error: explain(error, daemon),
    )


class _ListByDefault(click.Group):
    """A group whose options alone are those of its command ``list``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("dead-letters", cls=_ListByDefault, short_help="Show, retry or discard dead letters.")
def dead_letters() -> None:
    """Messages that crashed their actor twice and were set aside. Without a command they are listed.

    The newest 100 are kept, until the daemon stops.

    \b
    Examples:
      mission-control dead-letters
      mission-control dead-letters retry 3f9c2a-1
      mission-control dead-letters discard --all
    """


@dead_letters.command("list", short_help="Show all dead letters.")
@_target_options
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def list_(as_json: bool, **options: str | None) -> int:
    """Show each dead letter with its id, its actor, the exception and the message, the oldest first.

    \b
    Examples:
      mission-control dead-letters list
      mission-control dead-letters list --json | jq -r .id
    """
    daemon = _target(options)

    from mission_control.inspection.daemon import explain
    from mission_control.inspection.dead_letters import run_list

    return attempt(lambda: run_list(daemon, as_json=as_json), lambda error: explain(error, daemon))


def _letters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which dead letters: some by their ids, or all."""
    command = click.option("--all", "everything", is_flag=True, help="All dead letters that there are.")(command)
    return click.argument("letters", metavar="[ID]...", nargs=-1)(command)


@dead_letters.command(short_help="Put messages back into their mailboxes.")
@_letters
@_target_options
def retry(letters: tuple[str, ...], everything: bool, **options: str | None) -> int:
    """Put the messages of dead letters back into their actors' mailboxes, as new mail.

    One that crashes its actor twice again becomes a new dead letter, with a new id.

    \b
    Examples:
      mission-control dead-letters retry 3f9c2a-1 3f9c2a-2
      mission-control dead-letters retry --all
    """
    return _settle("retry", letters, everything, options)


@dead_letters.command(short_help="Give messages up.")
@_letters
@_target_options
def discard(letters: tuple[str, ...], everything: bool, **options: str | None) -> int:
    """Give dead letters up. Their messages are printed, and then nowhere any more.

    \b
    Examples:
      mission-control dead-letters discard 3f9c2a-1
      mission-control dead-letters discard --all
    """
    return _settle("discard", letters, everything, options)


def _settle(action: "Action", letters: tuple[str, ...], everything: bool, options: dict[str, str | None]) -> int:
    if bool(letters) == everything:
        raise click.UsageError("name dead letters by their ids, or give --all")
    daemon = _target(options)

    from mission_control.inspection.daemon import explain
    from mission_control.inspection.dead_letters import run_settle

    return attempt(lambda: run_settle(daemon, action, letters), lambda error: explain(error, daemon))


def _target(options: dict[str, str | None]) -> "Target":
    """The daemon that the flags name, or the one that the settings describe."""
    from mission_control.target import TargetFlags, target

    with told_as_usage():
        return target(TargetFlags(**options), os.environ, Path.cwd())
