"""OpenClaw's protocol, version 4. The mapping to events is a table in docs/openclaw.md."""

from mission_control.gateways.openclaw.dialect import OpenclawDialect

__all__ = ["OpenclawDialect"]
