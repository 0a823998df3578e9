"""A gateway that is not one: simulated agents behind the real gateway's protocol, for demonstration, tests and load.

It speaks the Clawdbot gateway's protocol 3 over a WebSocket on loopback, so that whatever observes it does exactly what
it does with the real one. In layers, each knowing only those before it: ``prose`` and ``script`` (what agents do, and
when), ``sessions`` and ``runs`` (what a gateway remembers and says about it), ``gateway`` and ``desk`` (one process and
one client, without a socket), ``schedule``, ``fanout`` and ``server`` (clock and sockets).
"""

from mission_control.simulate.fleet import Fleet
from mission_control.simulate.server import SimulationAddress, serve_simulation

__all__ = ["Fleet", "SimulationAddress", "serve_simulation"]
