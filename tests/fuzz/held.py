"""How much a dialect, an agent or a client keeps in memory, against what it may.

Whatever is said, and for however long: each of their containers has its bound. Those that fill up by intent are listed
here with the constant that says how far. Of the others none may hold much, and none more after a while than before it.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from mission_control.client.states import NOTICES_KEPT
from mission_control.core.calls import CALLS_KEPT
from mission_control.core.echoes import RUNS_KEPT
from mission_control.core.ordering import MOST_HOLES
from mission_control.core.past import FINALS_KEPT, SESSIONS_KEPT
from mission_control.core.projection import FEED_KEPT, FINALS_PER_AGENT
from mission_control.core.runs import CLOSED_RUNS, OPEN_RUNS
from mission_control.core.told_messages import OPEN_MESSAGES, WAITING_CHUNKS
from mission_control.edge.renders import REPORTS_KEPT
from mission_control.gateways.asked import HOUR_MINUTES
from mission_control.gateways.clawdbot.places import KNOWN_RUNS, SHORT_KEYS
from mission_control.gateways.clawdbot.repair import MOST_WAITING
from mission_control.gateways.envelope.dialect import MOST_AGENTS
from mission_control.gateways.oddities import MOST_KEPT
from mission_control.gateways.openclaw.dialect import REASONS_KEPT
from mission_control.gateways.openclaw.speech import RUNS_KEPT as SPEECHES_KEPT

MOST: Final = 512
"""Of anything that is not listed: the room that the state of a moment may take."""

LIMITS: Final[Mapping[str, int]] = {
    "Asked._minutes": HOUR_MINUTES,
    "Calls._known": CALLS_KEPT,
    "Echoes._last_text": RUNS_KEPT,
    "EnvelopeDialect._sources": MOST_AGENTS,
    "Oddities._kept": sum(MOST_KEPT.values()),
    "OpenMessages._written": OPEN_RUNS,
    "OpenclawDialect._reasons": REASONS_KEPT,
    "Past._finals": SESSIONS_KEPT,
    "Past._finals[]": FINALS_KEPT,
    "Past._prompts": SESSIONS_KEPT,
    "Past._whole": SESSIONS_KEPT,
    "Places._open": KNOWN_RUNS,
    "Places._places": KNOWN_RUNS,
    "Places._short": SHORT_KEYS,
    "Position.ends": MOST_HOLES,
    "Position.missing": MOST_HOLES,
    "Projection._feed": FEED_KEPT,
    "Projection._finals_of[]": FINALS_PER_AGENT,
    "Repair._waiting[]": MOST_WAITING,
    "RenderReports._newest": REPORTS_KEPT,
    "RunBook._closed": CLOSED_RUNS,
    "RunBook._open": OPEN_RUNS,
    "RunBook._recalled": CLOSED_RUNS,
    "Session.notices": NOTICES_KEPT,
    "Speech._runs": SPEECHES_KEPT,
    "ToldMessage.waiting": WAITING_CHUNKS,
    "ToldMessages._open": OPEN_MESSAGES,
}
"""By class and field; ``[]`` is for what is within. A window says itself how many it holds."""

FOREIGN: Final = frozenset(
    (
        *("AgentView.runs", "AgentView.sessions", "Projection._finals", "Projection._finals_of"),
        *("Projection.agents", "Projection.gateways", "Projection.open"),
    )
)
"""A client's view has what its daemon says there is."""


@frozen
class Held:
    """The size of the largest container of a field, and how large it may be; None if nothing says so."""

    size: int
    most: int | None


def check_held(*roots: object) -> None:
    """Nothing that can be reached from here holds more than it may."""
    for name, found in held(*roots).items():
        most = MOST if found.most is None else found.most
        assert found.size <= most, f"{name} holds {found.size}, and may hold {most}"


def check_growth(before: Mapping[str, Held], after: Mapping[str, Held]) -> None:
    """What is not meant to fill up has not become larger while the same was said again of other things."""
    for name, found in after.items():
        size = before[name].size if name in before else 0
        assert found.most is not None or found.size <= size, f"{name} grows: it held {size}, now {found.size}"


def held(*roots: object) -> dict[str, Held]:
    """What each field holds, by class and field."""
    found: dict[str, Held] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, int | None, object]] = [("", None, root) for root in roots]
    while waiting:
        name, most, value = waiting.pop()
        if isinstance(value, str | bytes | int | float | None | type) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping | list | tuple | set | frozenset | deque):
            if name not in FOREIGN and not (isinstance(value, tuple) and name.endswith("[]")):  # a record, no container
                size = max(len(value), found[name].size if name in found else 0)
                found[name] = Held(size, LIMITS.get(name, most))
            waiting += [(f"{name}[]", None, item) for item in _items(value)]
        else:
            owner, room = type(value).__name__, getattr(value, "_size", None)
            owner = owner if room is None else f"{owner}({room})"
            waiting += [(f"{owner}.{field}", room, inner) for field, inner in _fields(value)]
    return found


def _items(value: Any) -> list[Any]:
    return list(value.values() if isinstance(value, Mapping) else value)


def _fields(value: Any) -> Iterator[tuple[str, object]]:
    if hasattr(value, "__dict__"):
        yield from value.__dict__.items()
    elif attrs.has(value.__class__):
        for field in attrs.fields(value.__class__):
            if hasattr(value, field.name):
                yield field.name, getattr(value, field.name)
