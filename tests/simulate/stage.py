"""A simulated gateway played without clock or sockets."""

from typing import Any

import msgspec
from attrs import frozen

from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.schedule import Schedule
from mission_control.simulate.script import Action

START = 1_700_000_000_000


@frozen
class Recording:
    """What a gateway said in some seconds, what its agents did, and the gateway as it was at the end."""

    gateway: Gateway
    actions: list[tuple[str, Action]]
    frames: list[dict[str, Any]]

    def payloads(self, event: str) -> list[dict[str, Any]]:
        return [frame["payload"] for frame in self.frames if frame["event"] == event]


def play(fleet: Fleet, seconds: float) -> Recording:
    gateway = Gateway(fleet, START)
    schedule = Schedule(fleet, gateway.actors)
    actions, frames = [], []
    while schedule.next_at <= seconds:
        at = schedule.next_at
        for agent_id, action in schedule.take(until=at):
            actions.append((agent_id, action))
            frames += gateway.act(agent_id, action, START + round(at * 1000))
    return Recording(gateway, actions, [msgspec.json.decode(frame) for frame in frames])
