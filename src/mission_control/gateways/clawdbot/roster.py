"""The agents that the gateway lists, and how the list changes."""

from attrs import define, field

from mission_control.core.ids import event_id
from mission_control.core.signals import Listed, Unlisted
from mission_control.gateways.clawdbot.frames import Health, HealthAgent, sane
from mission_control.gateways.dialect import Deliver


@define
class Roster:
    """``gateway`` is the gateway's id in our configuration."""

    gateway: str
    _agents: dict[str, HealthAgent] = field(init=False, factory=dict)

    def update(self, health: Health, now: int) -> list[Deliver]:
        """Who was added, has changed or is gone according to a health report, at ``now`` in ms."""
        if health.agents is None:
            return []
        orders: list[Deliver] = []
        agents = {agent.agentId.lower(): agent for agent in health.agents if agent.agentId}
        for agent_id, agent in agents.items():
            if self._agents.get(agent_id) != agent:
                beat = agent.heartbeat
                interval = sane(beat.everyMs or 0) or None if beat is not None and beat.enabled else None
                name = event_id(self.gateway, agent_id, "listed", health.ts)
                orders.append(Deliver(agent_id, Listed(name, now, agent.name or agent_id, interval)))
        for agent_id in self._agents.keys() - agents.keys():
            name = event_id(self.gateway, agent_id, "unlisted", health.ts)
            orders.append(Deliver(agent_id, Unlisted(name, now)))
        self._agents = agents
        return orders

    def only_beating(self) -> str | None:
        """The agent that beats by itself, if there is just one: a heartbeat does not say whose it is."""
        beating = [name for name, one in self._agents.items() if one.heartbeat is not None and one.heartbeat.everyMs]
        return beating[0] if len(beating) == 1 else None
