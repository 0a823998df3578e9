"""The edge: what browsers and other subscribers talk to (docs/protocol.md)."""
