"""How far a source that numbers its own events has been followed, agent by agent.

A position is committed in one transaction with the events up to it, so that it is known exactly after any crash.
"""

from collections.abc import Mapping

from attrs import frozen

from mission_control.core.events import AgentKey
from mission_control.core.liveness import Statement
from mission_control.core.ordering import Holes


@frozen
class Position:
    """Where the events of one agent stand.

    ``sequence`` is the highest number that was taken, in the source's own counting. ``boot`` names the source's
    process, if it says; ``life`` counts how often it started to count, from 1. ``missing`` are the numbers below
    ``sequence`` that never came, and ``ends`` the runs that ended while their start may be among these, with the kind
    of their end. ``stated`` is what the source last said of the agent's status.
    """

    sequence: int
    boot: str | None = None
    life: int = 1
    missing: Holes = ()
    ends: tuple[tuple[str, str], ...] = ()
    stated: Statement | None = None


def of_gateway(positions: Mapping[AgentKey, Position], gateway: str) -> dict[str, Position]:
    """The positions of one gateway's agents, by their ids."""
    return {agent_id or "": position for (its, agent_id), position in positions.items() if its == gateway}
