"""The supervision tree, in the order in which it starts. It stops in reverse: who sends stops before who receives.

::

    root (one for one)
    ├── subscribers      the subscriber registry
    ├── persistence      the one writer
    ├── retention        keeps the journal within its limits
    ├── extensions       a supervisor for each actor type that is installed and enabled
    ├── agents           a pool, one actor per agent
    ├── gateway …        a connection actor per gateway
    └── edge             HTTP and WebSocket

Extensions see the last events of the agents and gateways that stop before them, and can still publish. One that the
program depends on has its place at the root, before ``extensions``.

One for one, because mailboxes outlive incarnations and every actor rebuilds itself from the journal: no restart needs a
neighbour's.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count
from typing import Any
from typing import Final as Constant

import trio
from attrs import asdict

from actors.clock import Clock
from actors.connection import Retry
from actors.links import LinkState
from actors.persistence import Append, JournalHealth, PersistenceActor, PersistenceMessage
from actors.retention import keep_within
from actors.roster import Roster
from actors.subscribers import SubscriberMessage, Subscribers, Tally
from mission_control import __version__
from mission_control.app.extensions import build_extensions
from mission_control.app.host import Wiring
from mission_control.app.loop_meter import LoopMeter
from mission_control.app.observing import RuntimeObserver, daemon_status
from mission_control.app.parts import Parts, retention
from mission_control.app.retired import retire
from mission_control.core.events import Status
from mission_control.core.frames import Notice, Policy
from mission_control.core.subscription import EVERYTHING
from mission_control.edge.renders import RenderReports
from mission_control.edge.services import Access, Extension, LoopFigures, Services, WriterFigures
from mission_control.extension import Place
from mission_control.plugins import Found
from mission_control.settings import GatewaySettings, Settings
from mission_control.stores.journal import Journal
from runtime import (
    ActorSpec,
    DeadLetter,
    Intensity,
    Ref,
    Restart,
    ServiceSpec,
    Supervisor,
    TreeNode,
)

MAILBOX: Constant = 8_192
"""Capacity of the mailboxes that everything flows through; a full one slows the gateways' sockets down."""
OWN_NAMES: Constant = ("subscribers", "persistence", "retention", "extensions", "agents", "edge")

Edge = Callable[[Services], Awaitable[None]]


class Daemon:
    """The parts, put together. ``edge`` serves subscribers until its services' shutdown begins.

    ``actor_types`` are the installed ones, of which those run that the settings enable. Raises UnusableActorTypeError.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        gateways: Sequence[GatewaySettings],
        *,
        edge: Edge,
        meter: LoopMeter,
        clock: Clock,
        simulated: bool = False,
        rng: random.Random | None = None,
        actor_types: Found | None = None,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._meter = meter
        self._simulated = simulated
        self._health = JournalHealth()
        roster, tally = Roster(), Tally()
        self._links = {gateway.id: LinkState() for gateway in gateways}
        self._serial = count()
        self.stopped = trio.Event()
        self.persistence: Ref[PersistenceMessage] = Ref("persistence", capacity=MAILBOX)
        self.observer = RuntimeObserver(self.persistence, clock)
        registry: Ref[SubscriberMessage] = Ref("subscribers", capacity=MAILBOX)
        subscribers = Subscribers(registry, roster, tally)
        rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        extensions = build_extensions(
            actor_types or Found(),
            settings.actors,
            Wiring(journal, self.persistence, subscribers, clock, rng, settings.data_dir),
            taken=OWN_NAMES,
        )
        self.services = self._services(subscribers, extensions.served)
        parts = Parts(settings, journal, self.persistence, self._links, clock, rng)
        agents = parts.agents()
        connections = {gateway.id: parts.connection(gateway, agents) for gateway in gateways}
        self._connections = {name: spec.ref for name, spec in connections.items()}
        self.root = Supervisor(
            "root",
            [
                ActorSpec(registry, partial(parts.registry, roster, tally)),
                ActorSpec(
                    self.persistence, partial(PersistenceActor, journal, registry, self._health, clock), grace=10
                ),
                ServiceSpec("retention", partial(keep_within, journal, retention(settings.journal), clock)),
                *extensions.supervisors[Place.ROOT],
                Supervisor("extensions", extensions.supervisors[Place.EXTENSIONS], intensity=Intensity.unlimited()),
                agents,
                *connections.values(),
                ServiceSpec(
                    "edge",
                    partial(edge, self.services),
                    restart=Restart.TRANSIENT,
                    stop=self.services.shutdown.begun.set,
                    grace=10,
                ),
            ],
            intensity=Intensity(restarts=20, within=60),
            rng=rng,
            observer=self.observer,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the tree until :meth:`stop`. Raises runtime.RestartIntensityExceeded when something keeps failing."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.root.run)
            stored = await self._journal.snapshot(EVERYTHING)
            self._journal_status("started", f"Mission Control {__version__} started")
            if retired := retire(stored, self._links.keys(), self._clock()):
                await self.persistence.send(Append(retired))
            task_status.started()
        self.stopped.set()

    def stop(self) -> None:
        """Stop in order; :meth:`run` returns when that is done. Idempotent."""
        self._journal_status("stopping", "Mission Control is stopping")
        self.root.stop()

    def _journal_status(self, state: str, detail: str) -> None:
        draft = daemon_status(self._clock, next(self._serial), Status("daemon", "mission-control", state, detail))
        self.persistence.tell(Append((draft,)))

    # -- parts ------------------------------------------------------------------------------------------------------

    def _services(self, subscribers: Subscribers, extensions: Sequence[Extension]) -> Services:
        stream, auth = self._settings.stream, self._settings.auth
        kept: dict[str, Any] = asdict(retention(self._settings.journal))
        renders = RenderReports(self._clock)
        return Services(
            journal=self._journal,
            subscribers=subscribers,
            policy=Policy(stream.ping_interval_ms, stream.max_buffer_bytes, stream.flush_interval_ms, kept),
            replay_limit=stream.replay_limit,
            source="simulated" if self._simulated else "live",
            access=Access(
                token=None if auth.mode == "none" or auth.token is None else auth.token.reveal(),
                loopback_only=self._settings.listen.is_loopback,
                allowed_hosts=frozenset(auth.allowed_hosts),
                allowed_origins=frozenset(auth.allowed_origins),
            ),
            clock=self._clock,
            tree=self._tree,
            dead_letters=self._dead_letters,
            retry=self._retry,
            discard=self._discard,
            unready=self._unready,
            gateways=lambda: self._links,
            reconnect=self._reconnect,
            loop=lambda: LoopFigures(self._meter.worst_s, self._meter.worst_cpu_s),
            reported=renders.add,
            rendered=renders.figures,
            writer=self._writer,
            notices=self._notices,
            extensions=extensions,
        )

    def _tree(self) -> TreeNode:
        return self.root.tree()

    def _dead_letters(self) -> Sequence[DeadLetter]:
        return self.root.dead_letters()

    def _retry(self, letter: int) -> None:
        self.root.retry(letter)

    def _discard(self, letter: int) -> None:
        self.root.discard(letter)

    def _reconnect(self, gateway: str) -> None:
        self._connections[gateway].tell(Retry())

    def _unready(self) -> Sequence[str]:
        if self._health.stalled is None:
            return ()
        return (f"events are not being stored since {self._health.since}: {self._health.stalled}",)

    def _writer(self) -> WriterFigures:
        return WriterFigures(self.persistence.statistics().depth, self._health.since)

    def _notices(self) -> Sequence[Notice]:
        return () if self._health.notice is None else (self._health.notice,)
