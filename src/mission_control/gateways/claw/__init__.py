"""The gateway that began as Clawdbot and is now OpenClaw: the handshake, and the protocol that comes out of it."""

from mission_control.gateways.claw.dialect import ClawDialect
from mission_control.gateways.claw.handshake import Credentials

__all__ = ["ClawDialect", "Credentials"]
