"""The parts of the tree that need more than a constructor: the registry, the agents, the connections to gateways."""

import random
from collections.abc import Mapping
from functools import partial
from typing import Final as Constant

from attrs import frozen

from actors.agent import AgentActor, AgentMessage, AgentSettings
from actors.clock import Clock
from actors.connection import Agents, ConnectionActor, Gateway, Retry
from actors.links import LinkState
from actors.persistence import PersistenceMessage
from actors.roster import Roster
from actors.subscribers import SubscriberRegistry, Tally
from mission_control.app.dialects import make_dialect
from mission_control.core.events import AgentKey
from mission_control.core.liveness import LivenessPolicy
from mission_control.core.runs import RunPolicy
from mission_control.settings import GatewaySettings, JournalSettings, Settings
from mission_control.stores.journal import Journal, Retention
from runtime import ActorSpec, Backoff, Intensity, KeepLatest, Pool, Ref

AGENT_MAILBOX: Constant = 1_024


@frozen
class Parts:
    """Makes them, from what they share."""

    settings: Settings
    journal: Journal
    persistence: Ref[PersistenceMessage]
    links: Mapping[str, LinkState]
    clock: Clock
    rng: random.Random

    def registry(self, roster: Roster, tally: Tally) -> SubscriberRegistry:
        stream = self.settings.stream
        return SubscriberRegistry(
            self.journal,
            roster,
            tally,
            flush_interval=stream.flush_interval_ms / 1000,
            ping_interval=stream.ping_interval_ms / 1000,
        )

    def agents(self) -> Agents:
        liveness = self.settings.liveness
        policies = AgentSettings(
            LivenessPolicy(
                link_grace_ms=int(liveness.degraded_after_s * 1000),
                offline_after_ms=int(liveness.offline_after_s * 1000),
                stall_after_ms=int(liveness.stall_after_s * 1000),
            ),
            RunPolicy(),
        )

        def spec(key: AgentKey) -> ActorSpec[AgentMessage]:
            gateway, agent_id = key
            ref: Ref[AgentMessage] = Ref(f"{gateway}/{agent_id}", capacity=AGENT_MAILBOX)
            link = self.links[gateway]
            return ActorSpec(
                ref, lambda: AgentActor(key, self.journal, self.persistence, link, policies, self.clock), grace=2
            )

        return Pool("agents", spec, intensity=Intensity(restarts=10, within=60))

    def connection(self, gateway: GatewaySettings, agents: Agents) -> ActorSpec[Retry]:
        reconnect = self.settings.reconnect
        target = Gateway(
            gateway.id,
            gateway.url,
            partial(make_dialect, gateway, self.journal.bounds().epoch),
            Backoff(first=reconnect.first_s, ceiling=reconnect.ceiling_s),
        )
        # One that asks for it is as good as many.
        ref: Ref[Retry] = Ref(f"gateway {gateway.id}", overflow=KeepLatest(type))
        link = self.links[gateway.id]
        return ActorSpec(
            ref, lambda: ConnectionActor(target, self.journal, agents, self.persistence, link, self.clock, self.rng)
        )


def retention(journal: JournalSettings) -> Retention:
    return Retention(journal.max_age, journal.max_events, journal.max_bytes, journal.compact_after)
