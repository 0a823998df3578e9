"""What the daemon tells the person who started it, on standard output."""

from collections.abc import Iterator

import click

from mission_control import __version__
from mission_control.discovery import Choice
from mission_control.settings import Address, Settings

POINT_AT_A_GATEWAY = "mission-control run --gateway ws://HOST:PORT --gateway-token-file FILE"


def dashboard_url(listening: Address) -> str:
    """A URL at which a browser on this machine finds the dashboard. ``listening`` has the port that was bound."""
    return f"http://{listening.from_here()}/"


def announce(settings: Settings, choice: Choice, url: str) -> None:
    """Say where the dashboard is, what it shows, where its data lies and who may look.

    Of the lines, the one that begins with ``dashboard`` ends with ``url``: programs read it.
    """
    click.echo("\n".join(_lines(settings, choice, url)))


def _lines(settings: Settings, choice: Choice, url: str) -> Iterator[str]:
    yield f"Mission Control {__version__}"
    yield _line("dashboard", url)
    for gateway in choice.gateways:
        token = "" if gateway.token is not None else ", without a token"
        yield _line("gateway", f"{gateway.id} at {gateway.url} ({choice.reason}{token})")
    if choice.simulated:
        agents = "1 agent" if choice.simulated == 1 else f"{choice.simulated} agents"
        yield _line("gateway", f"SIMULATED, {agents}: {choice.reason}")
        yield _line("", f"to watch a real one: {POINT_AT_A_GATEWAY}")
    yield _line("data", str(settings.data_dir))
    yield _line("access", _access(settings))
    for warning in choice.warnings:
        yield _line("warning", warning)


def _access(settings: Settings) -> str:
    if settings.auth.mode == "none":
        return "whoever can use this machine, without a token"
    where = "the configured one" if settings.auth.token_file is None else f"in {settings.auth.token_file}"
    return f"with the operator token ({where})"


def _line(label: str, text: str) -> str:
    return f"{label:<10} {text}"
