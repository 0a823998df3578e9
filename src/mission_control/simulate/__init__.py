"""A gateway that is not one: simulated agents behind the real gateway's protocol, for demonstration, tests and load.

It speaks a gateway's protocol over a WebSocket on loopback, so that whatever observes it does exactly what it does with
the real one. In layers, each knowing only those before it: ``prose`` and ``script`` (what agents do, and when),
``sessions`` and ``voice`` (what a gateway remembers and says about it, ``clawdbot_voice`` and ``openclaw_voice`` in
their ways), ``runs`` (the agents), ``gateway`` and ``desk`` (one process and one client, without a socket; what is
different with OpenClaw is in ``openclaw``), ``schedule``, ``fanout`` and ``server`` (clock and sockets).
"""

from mission_control.simulate.fleet import Fleet
from mission_control.simulate.server import SimulationAddress, serve_simulation

__all__ = ["Fleet", "SimulationAddress", "serve_simulation"]
