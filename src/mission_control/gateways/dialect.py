"""The seam to a kind of gateway: a sans-IO dialect, frames in, orders out.

A dialect knows a protocol and nothing of sockets, tasks or clocks. One instance serves one gateway for as long as the
daemon runs, over as many connections as it takes: it remembers between them what it needs to repair what was missed.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from attrs import frozen

from mission_control.core.signals import Signal
from mission_control.gateways.record import Record


@frozen
class Send:
    """Send this text message to the gateway."""

    text: str


@frozen
class Deliver:
    """Hand a signal to an agent's actor."""

    agent_id: str
    signal: Signal


@frozen
class Broadcast:
    """Hand a signal to the actors of all agents of this gateway."""

    signal: Signal


@frozen
class CatchingUp:
    """What happened from ``since`` (ms) on may be missing. It is being brought in, until :class:`CaughtUp`."""

    since: int


@frozen
class CaughtUp:
    """Everything that can be had of what was missing has been delivered."""


@frozen
class Established:
    """The handshake is done: the gateway is being heard. ``warnings`` are for the operator.

    ``protocol``: which version of its protocol is spoken; ``scopes``: what we may do there. None where it has none, or
    does not say.
    """

    detail: str
    warnings: Sequence[str] = ()
    protocol: int | None = None
    scopes: Sequence[str] | None = None


@frozen
class Refused:
    """This connection is of no use: close it and try again later. ``remedy`` is one line for the operator."""

    reason: str
    remedy: str


@frozen
class Later:
    """The gateway is not ready yet: close this connection and try again in ``after`` ms."""

    reason: str
    after: int


Order: TypeAlias = Send | Deliver | Broadcast | CatchingUp | CaughtUp | Established | Refused | Later


class Dialect(Protocol):
    """All times in ms. Orders are to be carried out in order."""

    kind: str
    max_message: int
    """Largest message to accept from the gateway, in bytes."""
    record: Record
    """What is counted and kept of the gateway."""

    def opened(self, now: int) -> list[Order]:
        """A connection is open."""

    def receive(self, frame: bytes, now: int) -> list[Order]:
        """A text message came. Whatever it holds, this raises nothing."""

    def oversized(self, size: int, beginning: bytes, now: int) -> list[Order]:
        """A text message of more than ``max_message`` came and was left out. ``beginning``: its first bytes."""

    def tick(self, now: int) -> list[Order]:
        """The time has come that :meth:`due` told."""

    def due(self, now: int) -> int | None:
        """When :meth:`tick` wants to be called if nothing comes before."""

    def closed(self, now: int, reason: str) -> list[Order]:
        """The connection has ended."""
