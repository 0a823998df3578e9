"""``mission-control dead-letters``: the messages that no actor could handle: shown, tried again, given up."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeAlias

import trio

from mission_control.core.events import encode
from mission_control.inspection.daemon import Daemon, ProblemError, connected
from mission_control.inspection.picture import letter_lines
from mission_control.inspection.screen import Screen
from mission_control.output import tell, until_the_reader_has_enough, write, write_json
from mission_control.printable import one_line
from mission_control.target import Target

Action: TypeAlias = Literal["retry", "discard"]

NONE: Final = "there are no dead letters"


def run_list(target: Target, *, as_json: bool) -> int:
    """Show all dead letters, oldest first; gives the exit code. Raises DaemonError."""
    return _run(target, lambda daemon: listed(daemon, Screen(), as_json=as_json))


def run_settle(target: Target, action: Action, letters: Sequence[str]) -> int:
    """Retry or discard these letters, all that there are if none is named; gives the exit code. Raises DaemonError."""
    return _run(target, lambda daemon: settled(daemon, action, letters))


def _run(target: Target, work: Callable[[Daemon], Awaitable[int]]) -> int:
    async def run() -> int:
        async with connected(target) as daemon:
            return await work(daemon)

    return until_the_reader_has_enough(lambda: trio.run(run))


async def listed(daemon: Daemon, screen: Screen, *, as_json: bool) -> int:
    """Show all dead letters: in three lines each, or as one line of JSON."""
    actors = (await daemon.actors()).actors
    for letter in actors.dead_letters:
        if as_json:
            write_json(encode(letter))
        else:
            screen.show(letter_lines(letter, actors.time, screen.charset))
    if not actors.dead_letters:
        tell(NONE)
    return 0


async def settled(daemon: Daemon, action: Action, letters: Sequence[str]) -> int:
    """One letter after the other. What cannot be done with one does not keep the others; it makes the exit code 1."""
    failed = False
    named = letters or [letter.id for letter in (await daemon.actors()).actors.dead_letters]
    for letter in named:
        try:
            write(await _settle(daemon, action, letter))
        except ProblemError as problem:
            tell(f"{letter}: {problem}")
            failed = True
    if not named:
        tell(NONE)
    return 1 if failed else 0


async def _settle(daemon: Daemon, action: Action, letter: str) -> str:
    if action == "retry":
        done = await daemon.retry(letter)
        return one_line(f"{done.id}: back in the mailbox of {done.path}")
    done = await daemon.discard(letter)
    return one_line(f"{done.id}: discarded, for {done.path}: {done.message}")
