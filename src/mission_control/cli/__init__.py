"""The command line: ``mission-control`` and ``python -m mission_control``.

Exit codes: 0 done, 1 failed while running, 2 wrong usage or configuration, 130 interrupted. Whatever an operator can
mend is told in one message; a traceback is a fault of the program. Everything beyond click is imported where it is
used, so that help and mistakes are answered at once.
"""

from collections.abc import Sequence

import click

from mission_control import __version__
from mission_control.cli.chaos import simulate, verify
from mission_control.cli.daemon import check_config, run, version
from mission_control.cli.doctor import doctor
from mission_control.cli.observe import actors, dead_letters, tail
from mission_control.cli.outcomes import INTERRUPTED


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


for command in (run, check_config, tail, actors, dead_letters, doctor, simulate, verify, version):
    cli.add_command(command)
