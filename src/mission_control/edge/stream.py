"""``/v1/stream``: from an HTTP request to a :class:`~mission_control.edge.subscriber.Subscriber`."""

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from mission_control.core.frames import SUBPROTOCOL, CloseCode
from mission_control.edge import guard
from mission_control.edge.auth import host_problem, origin_problem
from mission_control.edge.services import Services
from mission_control.edge.session import Refuse
from mission_control.edge.snapshots import Snapshots
from mission_control.edge.subscriber import DisconnectedError, Subscriber


class StreamEndpoint:
    """The ASGI application behind ``/v1/stream``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._snapshots = Snapshots(services.journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        offered = SUBPROTOCOL in scope["subprotocols"]
        # Only an accepted connection can be told why it is refused: browsers hide the answer to a failed handshake.
        await socket.accept(SUBPROTOCOL if offered else None)
        subscriber = Subscriber(_WebSocketPeer(socket), self._services, self._snapshots)
        await subscriber.run(self._refusal(socket, offered))

    def _refusal(self, socket: WebSocket, offered: bool) -> Refuse | None:
        access, host = self._services.access, socket.headers.get("host")
        if problem := host_problem(access, host):
            return Refuse(CloseCode.ORIGIN, "host_not_allowed", problem)
        if problem := origin_problem(access, socket.headers.get("origin"), host):
            return Refuse(CloseCode.ORIGIN, "origin_not_allowed", problem)
        if not offered:
            return Refuse(CloseCode.BAD_REQUEST, "bad_request", f"Offer the subprotocol {SUBPROTOCOL}.")
        if self._services.shutdown.serving >= self._services.max_subscribers:
            return Refuse(CloseCode.TOO_SLOW, "too_many_subscribers", "The daemon serves as many as it may.")
        return None


class _WebSocketPeer:
    """A :class:`Peer` on Starlette's WebSocket behind hypercorn."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise DisconnectedError
        text_or_none: str | None = message.get("text")
        return message["bytes"] if text_or_none is None else text_or_none

    async def send(self, frame: str) -> None:
        await self._socket.send_text(frame)

    async def close(self, code: int, reason: str) -> None:
        # A close frame has room for 123 bytes of reason (RFC 6455, section 5.5).
        await self._socket.close(code, reason.encode()[:123].decode(errors="ignore"))

    def abort(self) -> None:
        guard.abort()
