"""The simulated Clawdbot gateway as a source: the frames of ``gateway`` and the desks of ``desk``."""

from collections.abc import Mapping

from mission_control.simulate.chronicle import Witness
from mission_control.simulate.desk import GatewayDesk
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.runs import Actor
from mission_control.simulate.script import Action


class ClawdbotSource:
    """See :class:`mission_control.simulate.source.Source`."""

    def __init__(self, fleet: Fleet, token: str, now: int, witness: Witness) -> None:
        self._gateway = self._make_gateway(fleet, now, witness)
        self._token = token

    def _make_gateway(self, fleet: Fleet, now: int, witness: Witness) -> Gateway:
        return Gateway(fleet, now, witness)

    @property
    def agents_by_id(self) -> Mapping[str, Actor]:
        return self._gateway.actors

    def desk(self) -> GatewayDesk:
        return GatewayDesk(self._gateway, self._token)

    def act(self, agent_id: str, action: Action, now: int) -> list[bytes]:
        return self._gateway.act(agent_id, action, now)

    def conclude(self, now: int) -> list[bytes]:
        return self._gateway.conclude(now)

    def tick(self, now: int) -> list[bytes]:
        return [self._gateway.tick(now)]

    def health(self, now: int) -> list[bytes]:
        return [self._gateway.health_event(now)]

    def presence(self, now: int) -> list[bytes]:
        return [self._gateway.presence_event(now)]

    def shutdown(self, back_in_ms: int) -> list[bytes]:
        return [self._gateway.shutdown_event(back_in_ms)]

    def die(self, now: int) -> None:
        self._gateway.die(now)

    def boot(self, now: int) -> None:
        self._gateway.boot(now)
