"""``mission-control actors``: the supervision tree of a running daemon, once or again and again."""

import trio
from rich.live import Live

from mission_control.inspection.daemon import Daemon, DaemonError, RefusedError, connected
from mission_control.inspection.screen import Screen
from mission_control.inspection.views import JsonView, LiveView, PlainView, View
from mission_control.inspection.watch import Moment, Watch
from mission_control.output import until_the_reader_has_enough
from mission_control.target import Target


def run_actors(target: Target, *, interval: float | None, as_json: bool, everything: bool) -> int:
    """Show the tree, once or every ``interval`` seconds until interrupted; gives the exit code.

    Raises:
        DaemonError: see :func:`follow`.
    """
    return until_the_reader_has_enough(lambda: _run(target, interval, as_json, everything))


def _run(target: Target, interval: float | None, as_json: bool, everything: bool) -> int:
    screen = Screen()
    if interval is not None and screen.redraws and not as_json:
        with Live(console=screen.console, auto_refresh=False, vertical_overflow="crop") as live:
            trio.run(_watch, target, LiveView(target.http_url, screen, live, everything), interval)
        return 0
    view = JsonView() if as_json else PlainView(url=target.http_url, screen=screen, everything=everything)
    trio.run(_look, target, view) if interval is None else trio.run(_watch, target, view, interval)
    return 0


async def _look(target: Target, view: View) -> None:
    async with connected(target) as daemon:
        answer = await daemon.actors()
    view.answered(answer, Moment(answer.actors))


async def _watch(target: Target, view: View, interval: float) -> None:
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
