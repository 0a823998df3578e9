"""The simulated OpenClaw gateway: what its predecessor's is, in protocol 4 (docs/openclaw.md).

It listens before it is ready. Its hello names the process and the granted scopes; who claims none is given none. A
history names its messages, and has what a run that goes on has said. What only subscribers hear everybody hears.
"""

from typing import Any, ClassVar, Final

from attrs import define, field

from mission_control.simulate.chronicle import Witness
from mission_control.simulate.clawdbot import ClawdbotSource
from mission_control.simulate.desk import GatewayDesk, Params, RefusedError
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Client, Gateway
from mission_control.simulate.openclaw_voice import OpenclawVoice

READY_AFTER_MS: Final = 300


@define
class OpenclawGateway(Gateway):
    protocol: ClassVar[int] = 4
    unclaimed: ClassVar[tuple[str, ...]] = ()

    _voices: dict[str, OpenclawVoice] = field(init=False, factory=dict)
    _boot_id: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._boot_id = self.new_id()

    def _voice(self, agent_id: str) -> OpenclawVoice:
        voice = OpenclawVoice(agent_id, self.fleet.random(f"{agent_id}/messages"))
        self._voices[agent_id] = voice
        return voice

    def boot(self, now: int) -> None:
        super().boot(now)
        self._boot_id = self.new_id()

    def ready_in(self, now: int) -> int:
        """After how many ms it admits clients."""
        return max(0, self.started_at + READY_AFTER_MS - now)

    def hello(self, client: Client, now: int) -> dict[str, Any]:
        hello = super().hello(client, now)
        hello["server"] = {"version": "simulated", "bootId": self._boot_id, "connId": self.new_id()}
        hello["snapshot"]["presence"] = []
        return hello | {"auth": {"method": "token", "role": client.role, "scopes": client.scopes}}

    def history(self, key: str, limit: int) -> dict[str, Any]:
        history = super().history(key, limit)
        session = self.session(key)
        if session is None:
            return history
        agent_id = key.lower().split(":")[1]
        run = self.actors[agent_id].under_way(key)
        info: dict[str, Any] = {"hasActiveRun": run is not None, "activeRunIds": [] if run is None else [run.id]}
        history |= {"hasMore": session.has_more(limit), "sessionInfo": info}
        if run is not None:
            history["inFlightRun"] = self._voices[agent_id].under_way(run)
        return history


class OpenclawDesk(GatewayDesk):
    def __init__(self, gateway: OpenclawGateway, token: str) -> None:
        super().__init__(gateway, token)
        self._starting = gateway.ready_in
        self._methods["sessions.subscribe"] = lambda _, __: {"subscribed": True}

    def _admit(self, method: str, params: Params, now: int) -> dict[str, Any]:
        if wait := self._starting(now):
            raise RefusedError(
                "gateway starting; retry shortly",
                code="UNAVAILABLE",
                close=1013,
                details={"reason": "startup-sidecars"},
                retryable=True,
                retryAfterMs=wait,
            )
        return super()._admit(method, params, now)


class OpenclawSource(ClawdbotSource):
    """See :class:`mission_control.simulate.source.Source`."""

    _gateway: OpenclawGateway

    def _make_gateway(self, fleet: Fleet, now: int, witness: Witness) -> OpenclawGateway:
        return OpenclawGateway(fleet, now, witness)

    def desk(self) -> OpenclawDesk:
        return OpenclawDesk(self._gateway, self._token)
