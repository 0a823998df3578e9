"""The Clawdbot gateway's protocol, version 3. The mapping to events is a table in docs/clawdbot.md."""

from mission_control.gateways.clawdbot.dialect import ClawdbotDialect
from mission_control.gateways.clawdbot.repairing import Before, Greeting

__all__ = ["Before", "ClawdbotDialect", "Greeting"]
