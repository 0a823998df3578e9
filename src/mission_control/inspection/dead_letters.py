"""``mission-control dead-letters``: the messages that no actor could handle: shown, tried again, given up."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import trio

from mission_control.core.events import encode
from mission_control.inspection.daemon import Daemon, ProblemError, connected
from mission_control.inspection.picture import letter_lines
from mission_control.inspection.screen import Screen
from mission_control.output import tell, until_the_reader_has_enough, write
from mission_control.printable import json_line, one_line
from mission_control.target import Target

Action: TypeAlias = Literal["retry", "discard"]


def run_list(daemon: Target, *, as_json: bool) -> int:
    """Show all dead letters, oldest first; gives the exit code. Raises DaemonError."""
    return until_the_reader_has_enough(lambda: trio.run(show, daemon, Screen(), as_json))


def run_settle(daemon: Target, action: Action, letters: Sequence[str]) -> int:
    """Retry or discard these letters, all that there are if none is named; gives the exit code. Raises DaemonError."""
    return until_the_reader_has_enough(lambda: trio.run(settle, daemon, action, letters))


async def show(target: Target, screen: Screen, as_json: bool) -> int:
    async with connected(target) as daemon:
        actors = (await daemon.actors()).actors
    if as_json:
        for letter in actors.dead_letters:
            write(json_line(encode(letter)))
        return 0
    for letter in actors.dead_letters:
        screen.show(letter_lines(letter, actors.time, screen.charset))
    if not actors.dead_letters:
        tell("there are no dead letters")
    return 0


async def settle(target: Target, action: Action, letters: Sequence[str]) -> int:
    """One letter after the other. What cannot be done with one does not keep the others; it makes the exit code 1."""
    failed = False
    async with connected(target) as daemon:
        named = letters or [letter.id for letter in (await daemon.actors()).actors.dead_letters]
        for letter in named:
            try:
                write(await _settle_one(daemon, action, letter))
            except ProblemError as problem:
                tell(f"{letter}: {problem}")
                failed = True
    if not named:
        tell("there are no dead letters")
    return 1 if failed else 0


async def _settle_one(daemon: Daemon, action: Action, letter: str) -> str:
    if action == "retry":
        done = await daemon.retry(letter)
        return one_line(f"{done.id}: back in the mailbox of {done.path}")
    done = await daemon.discard(letter)
    return one_line(f"{done.id}: discarded, for {done.path}: {done.message}")
