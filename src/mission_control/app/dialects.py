"""The kinds of gateways by name: what a dialect is made from."""

from collections.abc import Callable, Mapping
from typing import Final as Constant

from attrs import frozen

from mission_control import __version__
from mission_control.core.positions import Position
from mission_control.core.views import Snapshot, last_heard
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Dialect
from mission_control.gateways.envelope import EnvelopeDialect
from mission_control.gateways.record import Record
from mission_control.settings import GatewayKind, GatewaySettings


@frozen
class Known:
    """What is known of a gateway when its dialect is made: its settings, and what the journal has of it.

    ``epoch`` is the journal's; ``positions`` are those of the agents whose events the gateway numbers itself;
    ``record`` is what was counted and kept of it since the daemon's start.
    """

    gateway: GatewaySettings
    epoch: str
    stored: Snapshot
    positions: Mapping[str, Position]
    record: Record

    @property
    def token(self) -> str | None:
        return None if self.gateway.token is None else self.gateway.token.reveal()


def make_dialect(
    gateway: GatewaySettings, epoch: str, stored: Snapshot, positions: Mapping[str, Position], record: Record
) -> Dialect:
    """A dialect of the gateway's kind that knows what the journal knows."""
    return DIALECTS[gateway.kind](Known(gateway, epoch, stored, positions, record))


def _clawdbot(known: Known) -> Dialect:
    runs = {run.run_id: (agent.id, run.session) for agent in known.stored.agents for run in agent.runs}
    credentials = Credentials(instance_id=f"mission-control-{known.epoch[:12]}", version=__version__, token=known.token)
    return ClawDialect(
        known.gateway.id,
        credentials,
        runs=runs,
        last_heard=last_heard(known.stored),
        missing_since=next((view.missing_since for view in known.stored.gateways), None),
        record=known.record,
    )


def _envelope(known: Known) -> Dialect:
    return EnvelopeDialect(
        known.gateway.id, known.token, known.positions, last_heard=last_heard(known.stored), record=known.record
    )


DIALECTS: Constant[Mapping[GatewayKind, Callable[[Known], Dialect]]] = {"clawdbot": _clawdbot, "envelope": _envelope}
