"""What a simulation by the command line is to be."""

from pathlib import Path

from attrs import frozen

from mission_control.settings import Address
from mission_control.simulate.faults import Faults
from mission_control.simulate.fleet import Dialect, Fleet


@frozen
class Plan:
    """``duration`` in seconds, None for ever. Without a ``truth`` file nothing is kept of what happens."""

    fleet: Fleet
    faults: Faults
    listen: Address
    duration: float | None
    truth: Path | None
    dialect: Dialect = "clawdbot"
