"""Honesty about gateways that are no longer watched: the journal still shows how they were last seen."""

from collections.abc import Collection

from attrs import evolve

from mission_control.core.events import Draft, Heartbeat, Status
from mission_control.core.ids import event_id
from mission_control.core.views import Snapshot

REASON = "its gateway is no longer configured"


def retire(stored: Snapshot, configured: Collection[str], now: int) -> list[Draft]:
    """What has to be said of gateways outside ``configured`` and of their agents. Nothing, when it was said before."""
    drafts: list[Draft] = []
    for gateway in stored.gateways:
        if gateway.id not in configured and gateway.state != "disconnected":
            status = Status("gateway", gateway.id, "disconnected", "no longer configured", previous=gateway.state)
            drafts.append(Draft(event_id(gateway.id, "retired", now), now, gateway.id, None, status))
    for agent in stored.agents:
        if agent.gateway not in configured and agent.status != "offline":
            beat = Heartbeat("offline", agent.status, REASON, evolve(agent.clocks))
            name = event_id(agent.gateway, agent.id, "retired", now)
            drafts.append(Draft(name, now, agent.gateway, agent.id, beat))
    return drafts
