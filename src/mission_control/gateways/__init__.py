"""Dialects: what gateways say, as the events of this program, and the wire they say it over."""
