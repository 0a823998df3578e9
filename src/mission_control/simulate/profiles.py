"""What a fleet is busy with. Each profile is a script for an agent; ``Fleet.rate`` sets its pace, or nature does.

- ``chat``: answers without pause at the rate; at the natural pace, everything that agents do.
- ``burst``: silence, then all agents at once, ten times as fast as the rate (1 where there is none).
- ``idle``: hardly anything: now and then a run. It has its own pace.
- ``tools``: runs full of tool calls that report as they go.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mission_control.simulate import prose
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.script import (
    Action,
    Ask,
    CallTool,
    Finish,
    Say,
    Step,
    ToolEnds,
    ToolPrints,
    answers,
    natural,
    uses_tools,
)
from mission_control.simulate.source import HasSessions

BURST_FACTOR: Final = 10
SILENCE_SECONDS: Final = 4.0
_LONGEST_TEXT: Final = 60  # pieces
_IDLE_PAUSES: Final = (20.0, 90.0)


def scripts(fleet: Fleet, actors: Mapping[str, HasSessions], life: int = 0) -> list[Iterator[Step]]:
    """A script for each agent, in the order of ``actors``; another one for each ``life`` of the gateway's process."""
    texts = prepared_texts(fleet.random("texts"))
    suffix = f"/{life}" if life else ""
    return [
        _script(fleet, fleet.random(f"{agent_id}/script{suffix}"), actor.session_keys, texts)
        for agent_id, actor in actors.items()
    ]


def _script(
    fleet: Fleet, rng: random.Random, sessions: Sequence[str], texts: Sequence[Sequence[Say]]
) -> Iterator[Step]:
    match fleet.profile:
        case "burst":
            return bursts(rng, sessions[0], fleet.rate or 1.0, texts)
        case "idle":
            return natural(rng, sessions, {answers: 1}, _IDLE_PAUSES)
        case "tools" if fleet.rate is not None:
            return steady_tools(rng, sessions[0], fleet.rate)
        case "tools":
            return natural(rng, sessions, {uses_tools: 1})
        case _ if fleet.rate is not None:
            return steady(rng, sessions[0], fleet.rate, texts)
    return natural(rng, sessions)


def steady(rng: random.Random, session: str, rate: float, texts: Sequence[Sequence[Say]]) -> Iterator[Step]:
    """A load: ``rate`` agent events a second without pause, made of prepared ``texts``."""
    interval = 1 / rate
    wait = rng.uniform(0, interval)
    while True:
        yield wait, Ask(session, "Go on.")
        for say in rng.choice(texts):
            yield interval, say
        yield interval, Finish()
        wait = interval


def bursts(rng: random.Random, session: str, rate: float, texts: Sequence[Sequence[Say]]) -> Iterator[Step]:
    """Silence, and then an answer as fast as ten times the rate: every agent's begins within the same moment."""
    interval = 1 / (rate * BURST_FACTOR)
    cycle = SILENCE_SECONDS + (_LONGEST_TEXT + 2) * interval
    wait = SILENCE_SECONDS + rng.uniform(0, interval)
    while True:
        text = rng.choice(texts)
        yield wait, Ask(session, "All of you, now.")
        for say in text:
            yield interval, say
        yield interval, Finish()
        wait = cycle - (len(text) + 1) * interval


def steady_tools(rng: random.Random, session: str, rate: float) -> Iterator[Step]:
    """A load of tool calls: ``rate`` agent events a second without pause."""
    interval = 1 / rate
    wait = rng.uniform(0, interval)
    while True:
        yield wait, Ask(session, "Look into it.")
        for action in _busy_run(rng):
            yield interval, action
        wait = interval


def _busy_run(rng: random.Random) -> Iterator[Action]:
    for _ in range(rng.randint(2, 5)):
        if rng.random() < 0.5:
            yield from map(Say, prose.tokens(prose.preamble(rng)))
        yield CallTool("exec", {"command": prose.command(rng)})
        for _ in range(rng.randint(1, 4)):
            yield ToolPrints(prose.output_line(rng))
        yield ToolEnds("exit code 1", failed=True) if rng.random() < 0.1 else ToolEnds()
    yield from map(Say, prose.tokens(prose.paragraph(rng, 1)))
    yield Finish()


def prepared_texts(rng: random.Random) -> list[list[Say]]:
    """Texts for :func:`steady`, of 20 to 60 pieces each."""
    pieces = [prose.tokens(prose.paragraph(rng, 8))[: rng.randint(20, _LONGEST_TEXT)] for _ in range(64)]
    return [[Say(piece) for piece in text] for text in pieces]
