"""The supervision tree, in the order in which it starts. It stops in reverse: who sends stops before who receives.

::

    root (one for one)
    ├── subscribers      the subscriber registry
    ├── persistence      the one writer
    ├── retention        keeps the journal within its limits
    ├── agents           a pool, one actor per agent
    ├── gateway …        a connection actor per gateway
    └── edge             HTTP and WebSocket

One for one, because mailboxes outlive incarnations and every actor rebuilds itself from the journal: no restart needs a
neighbour's.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any
from typing import Final as Constant

import trio
from attrs import asdict

from actors.agent import AgentActor, AgentSettings
from actors.clock import Clock
from actors.connection import Agents, ConnectionActor, Gateway, Retry
from actors.links import LinkState
from actors.persistence import Append, JournalHealth, PersistenceActor, PersistenceMessage, stalled_notice
from actors.retention import keep_within
from actors.roster import Roster
from actors.subscribers import SubscriberMessage, SubscriberRegistry, Subscribers, Tally
from mission_control import __version__
from mission_control.app.loop_meter import LoopMeter
from mission_control.app.observing import RuntimeObserver, daemon_status
from mission_control.app.retired import retire
from mission_control.core.events import AgentKey, Status
from mission_control.core.frames import Notice, Policy
from mission_control.core.liveness import LivenessPolicy
from mission_control.core.runs import RunPolicy
from mission_control.core.signals import Signal
from mission_control.core.subscription import EVERYTHING
from mission_control.core.views import Snapshot
from mission_control.edge.renders import RenderReports
from mission_control.edge.services import Access, GatewayFigures, LoopFigures, Services
from mission_control.gateways.clawdbot import ClawdbotDialect, Credentials
from mission_control.gateways.dialect import Dialect
from mission_control.settings import GatewaySettings, Settings
from mission_control.stores.journal import Journal, Retention
from runtime import (
    ActorSpec,
    Backoff,
    DeadLetter,
    Intensity,
    Pool,
    Ref,
    Restart,
    ServiceSpec,
    Supervisor,
    TreeNode,
)

MAILBOX: Constant = 8_192
"""Capacity of the mailboxes that everything flows through; a full one slows the gateways' sockets down."""
AGENT_MAILBOX: Constant = 1_024

Edge = Callable[[Services], Awaitable[None]]


class Daemon:
    """The parts, put together. ``edge`` serves subscribers until its services' shutdown begins."""

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
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        self._meter = meter
        self._simulated = simulated
        self._health = JournalHealth()
        self._roster, self._tally = Roster(), Tally()
        self._links = {gateway.id: LinkState() for gateway in gateways}
        self._serial = count()
        self.stopped = trio.Event()
        self.persistence: Ref[PersistenceMessage] = Ref("persistence", capacity=MAILBOX)
        self.observer = RuntimeObserver(self.persistence, clock)
        registry: Ref[SubscriberMessage] = Ref("subscribers", capacity=MAILBOX)
        self.services = self._services(Subscribers(registry, self._roster, self._tally))
        agents = self._agents()
        self.root = Supervisor(
            "root",
            [
                ActorSpec(registry, self._registry),
                ActorSpec(
                    self.persistence, partial(PersistenceActor, journal, registry, self._health, clock), grace=10
                ),
                ServiceSpec("retention", partial(keep_within, journal, self._retention(), clock)),
                agents,
                *(self._connection(gateway, agents) for gateway in gateways),
                ServiceSpec(
                    "edge",
                    partial(edge, self.services),
                    restart=Restart.TRANSIENT,
                    stop=self.services.shutdown.begun.set,
                    grace=10,
                ),
            ],
            intensity=Intensity(restarts=20, within=60),
            rng=self._rng,
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

    def _registry(self) -> SubscriberRegistry:
        stream = self._settings.stream
        return SubscriberRegistry(
            self._journal,
            self._roster,
            self._tally,
            flush_interval=stream.flush_interval_ms / 1000,
            ping_interval=stream.ping_interval_ms / 1000,
        )

    def _agents(self) -> Agents:
        liveness = self._settings.liveness
        policies = AgentSettings(
            LivenessPolicy(
                link_grace_ms=int(liveness.degraded_after_s * 1000),
                offline_after_ms=int(liveness.offline_after_s * 1000),
                stall_after_ms=int(liveness.stall_after_s * 1000),
            ),
            RunPolicy(),
        )

        def spec(key: AgentKey) -> ActorSpec[Signal]:
            gateway, agent_id = key
            ref: Ref[Signal] = Ref(f"{gateway}/{agent_id}", capacity=AGENT_MAILBOX)
            link = self._links[gateway]
            return ActorSpec(
                ref, lambda: AgentActor(key, self._journal, self.persistence, link, policies, self._clock), grace=2
            )

        return Pool("agents", spec, intensity=Intensity(restarts=10, within=60), rng=self._rng, observer=self.observer)

    def _connection(self, gateway: GatewaySettings, agents: Agents) -> ActorSpec[Retry]:
        reconnect = self._settings.reconnect
        target = Gateway(
            gateway.id,
            gateway.url,
            partial(self._dialect, gateway),
            Backoff(first=reconnect.first_s, ceiling=reconnect.ceiling_s),
        )
        ref: Ref[Retry] = Ref(f"gateway {gateway.id}", capacity=16)
        link = self._links[gateway.id]
        return ActorSpec(
            ref,
            lambda: ConnectionActor(target, self._journal, agents, self.persistence, link, self._clock, self._rng),
        )

    def _dialect(self, gateway: GatewaySettings, stored: Snapshot) -> Dialect:
        """A dialect that knows what the journal knows: open runs, and when the gateway was last heard."""
        runs = {run.run_id: (agent.id, run.session) for agent in stored.agents for run in agent.runs}
        heard = [view.last_event_at for view in stored.gateways] + [view.last_event_at for view in stored.agents]
        credentials = Credentials(
            instance_id=f"mission-control-{self._journal.bounds().epoch[:12]}",
            version=__version__,
            token=None if gateway.token is None else gateway.token.reveal(),
        )
        return ClawdbotDialect(
            gateway.id,
            credentials,
            runs=runs,
            last_heard=max((at for at in heard if at is not None), default=None),
        )

    def _retention(self) -> Retention:
        journal = self._settings.journal
        return Retention(journal.max_age, journal.max_events, journal.max_bytes, journal.compact_after)

    def _services(self, subscribers: Subscribers) -> Services:
        stream, auth = self._settings.stream, self._settings.auth
        retention: dict[str, Any] = asdict(self._retention())
        renders = RenderReports(self._clock)
        return Services(
            journal=self._journal,
            subscribers=subscribers,
            policy=Policy(stream.ping_interval_ms, stream.max_buffer_bytes, stream.flush_interval_ms, retention),
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
            unready=self._unready,
            gateways=self._figures,
            loop=lambda: LoopFigures(self._meter.worst_s, self._meter.worst_cpu_s),
            reported=renders.add,
            rendered=renders.figures,
            notices=self._notices,
        )

    def _tree(self) -> TreeNode:
        return self.root.tree()

    def _dead_letters(self) -> Sequence[DeadLetter]:
        return self.root.dead_letters()

    def _unready(self) -> Sequence[str]:
        if self._health.stalled is None:
            return ()
        return (f"events are not being stored since {self._health.since}: {self._health.stalled}",)

    def _notices(self) -> Sequence[Notice]:
        return tuple(stalled_notice(reason) for reason in (self._health.stalled,) if reason is not None)

    def _figures(self) -> Mapping[str, GatewayFigures]:
        return {
            gateway: GatewayFigures(link.up, link.reconnects, link.statistics())
            for gateway, link in self._links.items()
        }
