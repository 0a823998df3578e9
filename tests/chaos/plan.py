"""What is to go wrong, for how long."""

from typing import Literal, TypeAlias

from attrs import frozen

Trouble: TypeAlias = Literal["crashes", "full disk", "clock"]

FAULTS = (
    "drop=0.001,dup=0.01,reorder=0.01,delay=50ms,disconnect=12s,restart=25s,truncate=0.0005,garbage=0.0005,stall=1s"
)


@frozen
class Plan:
    """``rate``: events a second of each agent. ``trouble``: what befalls the daemon besides the gateway's faults: it is
    killed (``crashes``), it cannot write for some seconds now and then (``full disk``), its clock steps (``clock``)."""

    seed: int
    seconds: float = 60.0
    agents: int = 200
    rate: float = 2.0
    profile: str = "tools"
    dialect: str = "clawdbot"
    faults: str = FAULTS
    trouble: frozenset[Trouble] = frozenset({"crashes"})
