"""What the edge is given by the composition root: everything it serves, and nothing of how that is made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import trio
from attrs import Factory, define, frozen

from actors.outbox import Outbox
from actors.subscribers import Joined, SubscribersStatistics, TooFarBehind
from mission_control.core.frames import Policy
from mission_control.core.subscription import Filter
from mission_control.gateways.dialect import DialectStatistics
from mission_control.stores.journal import Journal
from runtime import DeadLetter, TreeNode


class SubscriberHub(Protocol):
    """:class:`actors.subscribers.Subscribers`."""

    async def join(self, outbox: Outbox, select: Filter, after: int) -> Joined | TooFarBehind: ...
    def leave(self, outbox: Outbox) -> None: ...
    def statistics(self) -> SubscribersStatistics: ...


@frozen
class Access:
    """Who may look. ``token`` None means everyone who can connect.

    ``allowed_hosts`` and ``allowed_origins`` are lower case and come on top of the daemon's own address.
    ``loopback_only``: the daemon listens on loopback, so that requests must name a loopback host.
    """

    token: str | None
    loopback_only: bool
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()


@frozen
class GatewayFigures:
    """One gateway's link, for metrics. ``requests`` is what was asked of it since the start."""

    up: bool
    reconnects: int
    dialect: DialectStatistics


@frozen
class RenderReport:
    """What one client measured since its last report, in ms."""

    count: float
    p50: float
    p95: float
    p99: float
    max: float


@define
class Shutdown:
    """``begun`` is set when subscribers are to be sent away; whoever serves one leaves when it has done so."""

    begun: trio.Event = Factory(trio.Event)


@frozen
class Services:
    """Callables give the state at the time of the call and never block."""

    journal: Journal
    subscribers: SubscriberHub
    policy: Policy
    replay_limit: int
    source: Literal["live", "simulated"]
    access: Access
    clock: Callable[[], int]
    tree: Callable[[], TreeNode]
    dead_letters: Callable[[], Sequence[DeadLetter]]
    unready: Callable[[], Sequence[str]]
    """Why the daemon is not ready, a line each; empty when it is."""
    gateways: Callable[[], Mapping[str, GatewayFigures]]
    loop_stall_s: Callable[[], float]
    """The longest that one task kept the event loop so far."""
    reported: Callable[[RenderReport], None]
    shutdown: Shutdown = Factory(Shutdown)
