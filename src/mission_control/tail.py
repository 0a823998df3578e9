"""``mission-control tail``: the events of a running daemon as they happen, a line each.

Events go to standard output, what concerns the connection to standard error.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import trio
from rich.console import Console

from mission_control.client import Jump, RefusedError, subscribe
from mission_control.core import events
from mission_control.core.frames import CloseCode
from mission_control.core.subscription import Filter
from mission_control.event_lines import line
from mission_control.output import tell, until_the_reader_has_enough, write, write_json
from mission_control.printable import one_line
from mission_control.target import IF_UNAUTHENTICATED, IF_UNREACHABLE, Target

Show: TypeAlias = Callable[[events.Event], None]
Tell: TypeAlias = Callable[[str], None]


class UnreachableError(Exception):
    """The first connection failed: the daemon is not there, or not at this URL."""


def run_tail(daemon: Target, select: Filter, *, as_json: bool) -> int:
    """Print every event that ``select`` admits from now on, until interrupted; gives the exit code.

    Raises:
        UnreachableError, RefusedError: see :func:`follow`.
    """
    show: Show = show_json if as_json else partial(show_line, Console(highlight=False))

    def run() -> int:
        trio.run(follow, daemon, select, show, tell)
        return 0

    return until_the_reader_has_enough(run)


async def follow(daemon: Target, select: Filter, show: Show, tell: Tell) -> None:
    """Show every event that ``select`` admits; ``tell`` of lost connections and of events that were missed.

    Raises:
        UnreachableError: the very first connection failed; later ones are tried again for ever.
        RefusedError: the daemon will not serve this request.
    """
    was_connected = False
    unreachable: str | None = None

    def on_state(state: events.LinkStateName, why: str) -> None:
        nonlocal was_connected, unreachable
        if state == "reconnecting" and not was_connected:
            unreachable = why
            scope.cancel()
        elif was_connected and state != "disconnected":
            tell(f"{state}: {why}")
        was_connected = was_connected or state == "connected"

    def on_jump(jump: Jump) -> None:
        if jump.before is not None:
            tell(f"events were missed ({jump.reason}): those after {jump.before.offset} up to {jump.after.offset}")

    token = None if daemon.token is None else daemon.token.reveal()
    with trio.CancelScope() as scope:
        async with subscribe(daemon.url, token=token, filter=select, on_state=on_state, on_jump=on_jump) as stream:
            async for event in stream:
                show(event)
    if unreachable is not None:
        raise UnreachableError(unreachable)


def explain(error: BaseException, daemon: Target) -> str | None:
    """A failure of :func:`run_tail` with its remedy, or None when it is a fault of the program."""
    if isinstance(error, UnreachableError):
        return f"{daemon.url}: {one_line(str(error))}; {IF_UNREACHABLE}"
    if not isinstance(error, RefusedError):
        return None
    remedy = f"; {IF_UNAUTHENTICATED}" if error.close_code == CloseCode.UNAUTHENTICATED else ""
    return f"{daemon.url}: {one_line(str(error)).rstrip('.')}{remedy}"


def show_json(event: events.Event) -> None:
    """The envelope, a line."""
    write_json(events.encode(event))


def show_line(console: Console, event: events.Event) -> None:
    """A line for people: coloured and cut to the width of a terminal; plain and whole into a pipe."""
    text = line(event)
    if console.is_terminal:
        console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        write(text.plain)
