"""What the edge is given by the composition root: everything it serves, and nothing of how that is made."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import trio
from attrs import Factory, frozen
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from actors.feed import FeedStatistics
from actors.links import LinkState
from actors.outbox import Outbox
from actors.subscribers import Joined, SubscribersStatistics, TooFarBehind
from mission_control.core.frames import Notice, Policy
from mission_control.core.sinks import SinkStatus
from mission_control.core.subscription import Filter
from mission_control.edge.audience import Audience
from mission_control.edge.pool_totals import PoolTotals
from mission_control.stores.journal import Journal
from runtime import DeadLetter, TreeNode


class SubscriberHub(Protocol):
    """:class:`actors.subscribers.Subscribers`."""

    async def join(self, outbox: Outbox, select: Filter, after: int) -> Joined | TooFarBehind: ...
    def leave(self, outbox: Outbox) -> None: ...
    def position(self, outbox: Outbox) -> int | None: ...
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
class LoopFigures:
    """The longest that one task kept the event loop so far, and the most computed between two polls, in seconds."""

    stall_s: float
    cpu_s: float


@frozen
class WriterFigures:
    """How many messages with events wait for the journal's writer, and since when storage refuses them, in ms."""

    waiting: int = 0
    stalled_since: int | None = None


@frozen
class RenderReport:
    """What one client measured since its last report: from an event's emission to its paint, in ms."""

    count: float
    p50: float
    p95: float
    p99: float
    max: float
    duplicates: int = 0
    gaps: int = 0


@frozen
class RenderFigures:
    """What all clients measured: counts since the start, and of late the worst of each percentile, in ms."""

    count: float = 0
    p50: float = 0
    p95: float = 0
    p99: float = 0
    max: float = 0
    duplicates: int = 0
    gaps: int = 0


@frozen
class Extension:
    """What an actor type from outside adds to the edge: ``routes`` below its own path, ``metrics`` of its own, and how
    its ``sinks`` stand."""

    name: str
    routes: Sequence[Route]
    metrics: CollectorRegistry
    feeds: Callable[[], Sequence[FeedStatistics]]
    sinks: Sequence[Callable[[], SinkStatus]] = ()


class Shutdown:
    """``begun`` is set when subscribers are to be sent away; whoever serves one holds this open while it does."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self._serving = 0
        self._left = trio.Event()

    @property
    def serving(self) -> int:
        """How many subscribers are being served."""
        return self._serving

    def __enter__(self) -> None:
        self._serving += 1

    def __exit__(self, *_: object) -> None:
        self._serving -= 1
        self._left.set()
        self._left = trio.Event()

    async def wait_left(self) -> None:
        """Wait until nobody is being served."""
        while self._serving:
            await self._left.wait()


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
    retry: Callable[[int], None]
    """Puts a dead letter back into its mailbox. Raises LookupError, MailboxFull, ActorStopped."""
    discard: Callable[[int], None]
    """Gives a dead letter up. Raises LookupError."""
    unready: Callable[[], Sequence[str]]
    """Why the daemon is not ready, a line each; empty when it is."""
    gateways: Callable[[], Mapping[str, LinkState]]
    """The links by the ids of their gateways. Not to be changed."""
    reconnect: Callable[[str], None]
    """Asks the connection to this gateway not to wait for its next attempt. Raises LookupError, ActorStopped."""
    loop: Callable[[], LoopFigures]
    reported: Callable[[RenderReport], None]
    rendered: Callable[[], RenderFigures]
    writer: Callable[[], WriterFigures] = WriterFigures
    audience: Audience = Factory(Audience)
    shutdown: Shutdown = Factory(Shutdown)
    notices: Callable[[], Sequence[Notice]] = tuple
    """The newest word on each subject that cannot go through the journal; connections look when they are woken."""
    max_subscribers: int = 1_000
    extensions: Sequence[Extension] = ()
    pool_totals: PoolTotals = Factory(PoolTotals)
    instance: str = Factory(lambda: secrets.token_hex(3))
    """Tells one start of the daemon from another."""
    started_at: int = Factory(lambda self: self.clock(), takes_self=True)
    """In ms."""
