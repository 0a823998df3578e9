"""The commands that put a dashboard to the test: simulate, verify."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mission_control.cli.outcomes import attempt, told_as_usage

if TYPE_CHECKING:
    from mission_control.settings import Address
    from mission_control.simulate.faults import Faults
    from mission_control.simulate.fleet import Dialect, Profile
    from mission_control.simulate.plan import Plan
    from mission_control.target import Target

_PROFILES = ("chat", "burst", "idle", "tools")
_DIALECTS = ("clawdbot", "openclaw", "envelope")


@click.command(short_help="Serve a simulated gateway, with faults if wanted.")
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True, help="Where; 0 is a free port."
)
@click.option(
    "--agents", type=click.IntRange(1, 10_000), default=5, show_default=True, help="How many agents there are."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 10_000, min_open=True),
    help="Events a second of each agent; without it they have a natural pace.",
)
@click.option("--seed", type=int, help="Decides all that happens; without it, another one each time.")
@click.option(
    "--profile", type=click.Choice(_PROFILES), default="chat", show_default=True, help="What the agents are busy with."
)
@click.option("--faults", metavar="LIST", default="", help="What goes wrong, such as drop=0.01,delay=50ms,restart=20s.")
@click.option("--duration", metavar="TIME", help="Stop after this long, such as 60s; without it, at an interrupt.")
@click.option("--truth", metavar="FILE", help="Write what really happened, at the end.")
@click.option(
    "--token-file",
    metavar="FILE",
    default="simulated-gateway-token",
    show_default=True,
    help="File with the token that clients must show; made if there is none.",
)
@click.option("--dialect", type=click.Choice(_DIALECTS), default="clawdbot", show_default=True, help="What it speaks.")
def simulate(token_file: str, **options: Any) -> int:
    """Serve a gateway of simulated agents, and let go wrong what can: lost frames, cuts, restarts.

    When the time is over, or at an interrupt, the agents come to an end, clients may fetch what they still want, and
    the truth is written: every message, run and tool call that there really was. verify compares a daemon with it.

    \b
    Faults, each with its share of all event frames or with a duration:
      drop dup reorder truncate garbage   a share: 0.01 is one in a hundred
      delay                               up to so long, in order
      stall                               nothing is sent for so long, now and then
      disconnect restart                  about every so long

    \b
    Examples:
      mission-control simulate --agents 20 --rate 10
      mission-control simulate --seed 7 --faults drop=0.01,restart=20s --duration 60s --truth truth.jsonl
    """
    from mission_control.operator_token import ensure_token

    plan = _plan(**options)
    file = Path(token_file).absolute()
    with told_as_usage():
        token = ensure_token(file)

    from actors.clock import wall_clock
    from mission_control.simulate.kit import explain, introduce, run_kit

    def announce(url: str) -> None:
        click.echo("\n".join(introduce(plan, url, file)))

    return attempt(lambda: run_kit(plan, token.reveal(), wall_clock, announce), lambda error: explain(error, plan))


def _plan(
    listen: str,
    agents: int,
    rate: float | None,
    seed: int | None,
    profile: "Profile",
    faults: str,
    duration: str | None,
    truth: str | None,
    dialect: "Dialect",
) -> "Plan":
    from secrets import randbits

    from mission_control.simulate.fleet import Fleet
    from mission_control.simulate.plan import Plan

    if profile == "idle" and rate is not None:
        raise click.UsageError("--rate: the profile idle has a pace of its own; leave --rate out")
    fleet = Fleet(agents=agents, rate=rate, seed=randbits(32) if seed is None else seed, profile=profile)
    file = None if truth is None else Path(truth).absolute()
    return Plan(fleet, _faults(faults), _address(listen), _seconds(duration), file, dialect)


def _faults(text: str) -> "Faults":
    from mission_control.simulate.faults import Faults, FaultsError

    try:
        return Faults.parse(text)
    except FaultsError as error:
        raise click.BadParameter(str(error), param_hint="--faults") from None


def _address(text: str) -> "Address":
    from mission_control.config.formats import address
    from mission_control.config.problems import UnacceptableError

    try:
        return address(text)
    except UnacceptableError as error:
        raise click.BadParameter(f"{text!r}; give {error.allowed}", param_hint="--listen") from None


def _seconds(text: str | None) -> float | None:
    from mission_control.config.units import SECONDS_IN, quantity

    if text is None:
        return None
    try:
        seconds = quantity(text, SECONDS_IN)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{text!r}; give a duration, such as 60s", param_hint="--duration")
    return seconds


@click.command(short_help="Compare a daemon with the truth of a simulation.")
@click.option("--truth", metavar="FILE", required=True, help="What simulate wrote.")
@click.option("--journal", metavar="DIR", help="The daemon's data directory, or the journal's file.")
@click.option("--url", metavar="URL", help="The running daemon, such as http://127.0.0.1:8700.")
@click.option("--token", metavar="TOKEN", help="Its operator token; other users of this machine may see it.")
@click.option("--token-file", metavar="FILE", help="File that holds its operator token.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict with all that was found, as JSON on one line.")
def verify(truth: str, journal: str | None, as_json: bool, **daemon: str | None) -> int:
    """Say what of a simulation a daemon has lost, repeated, reordered or altered, and what it declared instead.

    Reads the journal's file, the history over HTTP and the stream from its beginning; compares them with the truth and
    with each other. Exit code 0 when the first four are none, else 1.

    \b
    Examples:
      mission-control verify --truth truth.jsonl --url http://127.0.0.1:8700
      mission-control verify --truth truth.jsonl --journal data --json | jq .counts
    """
    if journal is None and daemon["url"] is None:
        raise click.UsageError("nothing to compare with: give --journal, --url, or both")
    target = None if daemon["url"] is None else _target(daemon)

    from mission_control.verify.run import Sources, explain, run_verify

    sources = Sources(Path(truth), None if journal is None else Path(journal), target)
    return attempt(lambda: run_verify(sources, as_json=as_json), lambda error: explain(error, sources))


def _target(options: dict[str, str | None]) -> "Target":
    from mission_control.target import TargetFlags, target

    with told_as_usage():
        return target(TargetFlags(**options), os.environ, Path.cwd())
