"""What a simulation consists of: how many agents, at what pace, from what seed."""

import random
import uuid
from typing import Final, Literal, TypeAlias

from attrs import field, frozen, validators

_NAMES: Final = ("builder", "researcher", "reviewer", "support", "ops", "writer", "analyst", "tester", "planner")

Profile: TypeAlias = Literal["chat", "burst", "idle", "tools"]
Dialect: TypeAlias = Literal["clawdbot", "openclaw", "envelope"]


@frozen
class Fleet:
    """A fleet of simulated agents.

    ``rate`` is how many agent events each agent makes a second, without pause, as a load; None is the natural pace,
    with conversations, tools, failures and silence. ``seed`` decides everything that the agents do and say. With the
    same seed a second simulation has the same run ids as the first, so to an observer that remembers the first it says
    nothing new. ``profile`` is what they are busy with (:mod:`mission_control.simulate.profiles`).
    """

    agents: int = field(default=5, validator=validators.ge(1))
    rate: float | None = field(default=None, validator=validators.optional(validators.gt(0)))
    seed: int = 0
    profile: Profile = "chat"

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """``builder``, ``researcher`` … and, when the names run out, ``builder-2`` …"""
        rounds = [divmod(index, len(_NAMES)) for index in range(self.agents)]
        return tuple(_NAMES[at] + (f"-{again + 1}" if again else "") for again, at in rounds)

    def random(self, purpose: str) -> random.Random:
        """A source of chance of its own for one purpose, so that no part of the simulation disturbs another."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311 - a simulation, not a secret


def new_id(rng: random.Random) -> str:
    """An id as gateways make them up."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
