"""The command that says what is wrong: doctor."""

import os
from pathlib import Path
from typing import Any

import click

from mission_control.cli.daemon import settings_options
from mission_control.cli.outcomes import attempt, told_as_usage


@click.command(short_help="Say what is wrong, and what to do about it.")
@settings_options
@click.option("--url", metavar="URL", help="Ask this daemon alone, such as http://127.0.0.1:8700.")
@click.option("--token", metavar="TOKEN", help="Operator token; other users of this machine may see it.")
@click.option("--token-file", metavar="FILE", help="File that holds the operator token.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON on one line, for a report.")
def doctor(url: str | None, token: str | None, token_file: str | None, as_json: bool, **options: Any) -> int:
    """Check configuration, machine, daemon and gateways; each line is ok, a warning or a problem with its remedy.

    A daemon that runs is asked how its gateways are, what it asks of them, and what they said that it did not
    understand. Without one, the gateways are greeted from here. Takes the flags of run. Nothing is changed.

    What is printed holds no token and nothing of what agents and their users said. Exit code 0 without a problem, else
    1.

    \b
    Examples:
      mission-control doctor
      mission-control doctor --gateway ws://127.0.0.1:18789 --gateway-token-file token
      mission-control doctor --url https://mission-control.example.com --token-file operator-token --json
    """
    from mission_control.target import TargetFlags, given_token, target

    named = TargetFlags(url=url, token=token, token_file=token_file, config=options["config"])
    with told_as_usage():
        daemon = None if url is None else target(named, os.environ, Path.cwd())
        shown = given_token(named, os.environ, Path.cwd())

    from mission_control.config import Flags
    from mission_control.doctor.run import Place, run_doctor, run_remote
    from mission_control.plugins import find

    def look() -> int:
        if daemon is not None:
            return run_remote(daemon, as_json=as_json)
        return run_doctor(Place(find(), os.environ, Path.cwd()), Flags(**options), shown, as_json=as_json)

    return attempt(look, lambda error: None)
