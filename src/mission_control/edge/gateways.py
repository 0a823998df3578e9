"""What can be asked for of a gateway's connection over HTTP (docs/protocol.md, "Reconnecting a gateway")."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mission_control.core.diagnostic_views import AttemptView
from mission_control.edge.auth import MAX_SHOWN
from mission_control.edge.diagnostics import known
from mission_control.edge.problems import Problem, json_response
from mission_control.edge.query import Query
from mission_control.edge.services import Services
from runtime import ActorStopped


class GatewaysApi:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route("/v1/gateways/{id}/reconnect", self.reconnect, methods=["POST"])]

    async def reconnect(self, request: Request) -> Response:
        """Accepted is not connected: what comes of the attempt is told on the stream."""
        Query(request)
        name = request.path_params["id"]
        link = self._services.gateways().get(name)
        if link is None:
            detail = f"There is no gateway {name[:MAX_SHOWN]}. GET /v1/diagnostics lists those that are configured."
            raise Problem(404, "unknown_gateway", detail)
        try:
            self._services.reconnect(name)
        except ActorStopped:
            detail = f"The connection to {name[:MAX_SHOWN]} has stopped: the daemon is stopping or restarting."
            raise Problem(503, "restarting", detail, headers={"Retry-After": "1"}) from None
        told = link.status(name)
        return json_response(AttemptView(name, told.state, known(told.attempt, 0)), 202)
