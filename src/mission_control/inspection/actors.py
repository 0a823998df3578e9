"""``mission-control actors``: the supervision tree of a running daemon, once or again and again."""

import trio
from rich.live import Live

from mission_control.inspection.daemon import Daemon, DaemonError, RefusedError, connected
from mission_control.inspection.picture import picture
from mission_control.inspection.screen import Screen
from mission_control.inspection.views import JsonView, LiveView, PlainView, View
from mission_control.inspection.watch import Moment, Watch
from mission_control.output import until_the_reader_has_enough, write
from mission_control.printable import json_line
from mission_control.target import Target


def run_actors(daemon: Target, *, interval: float | None, as_json: bool, everything: bool) -> int:
    """Show the tree, once or every ``interval`` seconds until interrupted; gives the exit code.

    Raises:
        DaemonError: see :func:`show` and :func:`follow`.
    """
    return until_the_reader_has_enough(lambda: _run(daemon, interval, as_json, everything))


def _run(daemon: Target, interval: float | None, as_json: bool, everything: bool) -> int:
    screen = Screen()
    if interval is None:
        trio.run(show, daemon, screen, as_json, everything)
    elif as_json:
        trio.run(watch, daemon, JsonView(), interval)
    elif screen.redraws:
        with Live(console=screen.console, auto_refresh=False, vertical_overflow="crop") as live:
            trio.run(watch, daemon, LiveView(daemon.http_url, screen, live, everything), interval)
    else:
        view = PlainView(url=daemon.http_url, screen=screen, everything=everything)
        trio.run(watch, daemon, view, interval)
    return 0


async def show(target: Target, screen: Screen, as_json: bool, everything: bool) -> None:
    """Show the tree once. Raises DaemonError."""
    async with connected(target) as daemon:
        answer = await daemon.actors()
    if as_json:
        write(json_line(answer.body))
    else:
        screen.show(picture(Moment(answer.actors), target.http_url, screen.frame(), everything=everything))


async def watch(target: Target, view: View, interval: float) -> None:
    """Show the tree every ``interval`` seconds. Raises as :func:`follow`."""
    async with connected(target) as daemon:
        await follow(daemon, view, interval)


async def follow(daemon: Daemon, view: View, interval: float) -> None:
    """Ask again and again.

    Raises:
        DaemonError: the very first request failed; later ones are tried again for ever.
        RefusedError: asking again is no use, as with a token that has changed.
    """
    seen = Watch()
    while True:
        try:
            answer = await daemon.actors()
        except RefusedError:
            raise
        except DaemonError as error:
            moment = seen.failed(str(error), trio.current_time())
            if moment is None:
                raise
            view.failed(moment)
        else:
            view.answered(answer, seen.answered(answer.actors, trio.current_time()))
        await trio.sleep(interval)
