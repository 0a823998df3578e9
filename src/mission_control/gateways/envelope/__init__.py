"""Any source that sends events in Mission Control's own envelope over a WebSocket: docs/envelope.md."""

from mission_control.gateways.envelope.dialect import EnvelopeDialect

__all__ = ["EnvelopeDialect"]
