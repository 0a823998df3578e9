"""What agents do, as pure scripts: endless iterators of (seconds to wait, action).

A script knows nothing of frames, clocks or sockets. :mod:`mission_control.simulate.runs` turns its actions into what
the gateway would say about them.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from mission_control.simulate import prose


@frozen
class Ask:
    """A user's message reaches an agent, and a run begins."""

    session: str
    prompt: str


@frozen
class AskWhileBusy:
    """A user's message reaches a session whose run still goes on; it is answered by a later run."""


@frozen
class Say:
    """The next piece of the answer."""

    delta: str


@frozen
class CallTool:
    """The message so far is complete, and the agent waits for a tool."""

    name: str
    arguments: dict[str, Any]


@frozen
class ToolPrints:
    """More output of a running command."""

    text: str


@frozen
class ToolEnds:
    """The tool's result, or what went wrong. A command's result is what it printed."""

    text: str = ""
    failed: bool = False


@frozen
class Finish:
    """The run ends with its last message complete."""


@frozen
class Break:
    """The model's answer breaks off; what it said so far stays."""


@frozen
class Fail:
    """The model gives no answer at all. ``again``: the run will be retried."""

    error: str
    again: bool = False


@frozen
class Retry:
    """The failed run is tried again."""


@frozen
class Abort:
    """A user stops the run."""


Action: TypeAlias = Ask | AskWhileBusy | Say | CallTool | ToolPrints | ToolEnds | Finish | Break | Fail | Retry | Abort
Step: TypeAlias = tuple[float, Action]
Course: TypeAlias = Callable[[random.Random, str], Iterator[Step]]
"""What follows a prompt in a session, up to the run's end."""


def natural(
    rng: random.Random,
    sessions: Sequence[str],
    courses: "Mapping[Course, int] | None" = None,
    pauses: tuple[float, float] = (2, 14),
) -> Iterator[Step]:
    """An agent that answers, uses tools, goes quiet for a while, and hangs or fails now and then.

    The first of ``sessions`` is the agent's main one. ``courses`` are weighted; ``pauses`` in seconds.
    """
    courses = courses or EVERYTHING
    pause = rng.uniform(pauses[0] / 10, pauses[0] * 2)
    while True:
        session = sessions[0] if rng.random() < 0.75 else rng.choice(sessions)
        yield pause, Ask(session, prose.prompt(rng))
        [course] = rng.choices(tuple(courses), tuple(courses.values()))
        yield from course(rng, session)
        pause = rng.uniform(45, 120) if rng.random() < 0.08 else rng.uniform(*pauses)


def _speaks(rng: random.Random, text: str) -> Iterator[Step]:
    """Stream a text at a pace of its own, after the time that a model takes to begin."""
    pace = rng.uniform(0.02, 0.09)
    wait = rng.uniform(0.3, 1.2)
    for piece in prose.tokens(text):
        yield wait, Say(piece)
        wait = pace * rng.uniform(0.4, 1.8)


def answers(rng: random.Random, session: str) -> Iterator[Step]:
    interrupted = rng.random() < 0.08
    for number, step in enumerate(_speaks(rng, prose.answer(rng))):
        if interrupted and number == 5:
            yield 0.01, AskWhileBusy()
        yield step
    yield 0.02, Finish()
    if interrupted:
        yield 1.0, Ask(session, prose.prompt(rng))
        yield from _speaks(rng, prose.paragraph(rng, 2))
        yield 0.02, Finish()


def uses_tools(rng: random.Random, session: str) -> Iterator[Step]:
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.7:
            yield from _speaks(rng, prose.preamble(rng))
        yield from (_reads(rng) if rng.random() < 0.5 else _executes(rng))
    yield from _speaks(rng, prose.answer(rng))
    yield 0.02, Finish()


def _hangs(rng: random.Random, session: str) -> Iterator[Step]:
    """A command that says nothing for longer than an operator should wait without being told."""
    yield from _speaks(rng, prose.preamble(rng))
    yield 0.1, CallTool("exec", {"command": prose.command(rng)})
    yield rng.uniform(0.2, 1.2), ToolPrints(prose.output_line(rng))
    yield rng.uniform(80, 160), ToolEnds()
    yield from _speaks(rng, prose.answer(rng))
    yield 0.02, Finish()


def _reads(rng: random.Random) -> Iterator[Step]:
    path = prose.file_path(rng)
    yield 0.1, CallTool("read", {"path": path})
    if rng.random() < 0.12:
        yield 0.02, ToolEnds(f"ENOENT: no such file or directory, access '{path}'", failed=True)
    else:
        yield rng.uniform(0.01, 0.2), ToolEnds(prose.file_text(rng))


def _executes(rng: random.Random) -> Iterator[Step]:
    yield 0.1, CallTool("exec", {"command": prose.command(rng)})
    for _ in range(rng.randint(1, 5)):
        yield rng.uniform(0.2, 1.2), ToolPrints(prose.output_line(rng))
    yield rng.uniform(0.1, 0.5), ToolEnds()


def _fails(rng: random.Random, session: str) -> Iterator[Step]:
    error = prose.model_error(rng)
    yield rng.uniform(1.0, 1.5), Fail(error, again=True)
    for wait in (2.0, 4.0, 8.0):
        yield wait, Retry()
        if rng.random() < 0.6:
            yield from _speaks(rng, prose.paragraph(rng, 2))
            yield 0.02, Finish()
            return
        yield rng.uniform(1.0, 1.5), Fail(error, again=wait < 8)


def _breaks_off(rng: random.Random, session: str) -> Iterator[Step]:
    yield from _part(rng, prose.answer(rng))
    yield 0.3, Break()


def _is_aborted(rng: random.Random, session: str) -> Iterator[Step]:
    yield from _part(rng, prose.answer(rng))
    yield 0.05, Abort()


def _part(rng: random.Random, text: str) -> Iterator[Step]:
    """The beginning of a text, at least two pieces of it."""
    pieces = list(_speaks(rng, text))
    yield from pieces[: max(2, int(len(pieces) * rng.uniform(0.2, 0.8)))]


EVERYTHING: Final[Mapping[Course, int]] = {
    answers: 46,
    uses_tools: 36,
    _hangs: 2,
    _fails: 6,
    _breaks_off: 4,
    _is_aborted: 6,
}
"""Everything that an operator must be able to see."""
