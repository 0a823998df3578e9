"""From an HTTP request to a :class:`~mission_control.edge.subscriber.Subscriber`, and the WebSocket under one."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from mission_control.core.frames import SUBPROTOCOL, CloseCode
from mission_control.edge import guard, sse
from mission_control.edge.auth import host_problem, origin_problem
from mission_control.edge.peer import DisconnectedError, Peer
from mission_control.edge.problems import Problem
from mission_control.edge.services import Services
from mission_control.edge.session import Refuse
from mission_control.edge.snapshots import Snapshots
from mission_control.edge.subscriber import Subscriber

_TOO_MANY: Final = ("too_many_subscribers", "The daemon serves as many as it may.")


class StreamEndpoint:
    """The ASGI application behind ``/v1/stream`` (WebSocket) and ``/v1/events/stream`` (Server-Sent Events)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._snapshots = Snapshots(services.journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(WebSocket(scope, receive, send))
        else:
            await self._events(Request(scope, receive, send), send)

    async def _websocket(self, socket: WebSocket) -> None:
        offered = SUBPROTOCOL in socket.scope["subprotocols"]
        # Only an accepted connection can be told why it is refused: browsers hide the answer to a failed handshake.
        await socket.accept(SUBPROTOCOL if offered else None)
        await self._serve(_WebSocketPeer(socket), self._refusal(socket, offered))

    async def _events(self, request: Request, send: Send) -> None:
        """Raises Problem. The access guard in front has checked host and token."""
        if problem := origin_problem(self._services.access, request.headers.get("origin"), request.headers.get("host")):
            raise Problem(403, "origin_not_allowed", problem)
        hello = sse.hello_of(request)
        if request.method == "HEAD":
            head = Response(headers=sse.HEADERS)
            del head.headers["content-length"]  # a stream has none
            await head(request.scope, request.receive, send)
            return
        if self._is_full():
            raise Problem(503, *_TOO_MANY, headers={"Retry-After": str(sse.RETRY_MS[1] // 1000)})
        await self._serve(sse.SsePeer(hello, self._services.journal.bounds().epoch, request.receive, send))

    async def _serve(self, peer: Peer, refusal: Refuse | None = None) -> None:
        await Subscriber(peer, self._services, self._snapshots).run(refusal)

    def _refusal(self, socket: WebSocket, offered: bool) -> Refuse | None:
        access, host = self._services.access, socket.headers.get("host")
        if problem := host_problem(access, host):
            return Refuse(CloseCode.ORIGIN, "host_not_allowed", problem)
        if problem := origin_problem(access, socket.headers.get("origin"), host):
            return Refuse(CloseCode.ORIGIN, "origin_not_allowed", problem)
        if not offered:
            return Refuse(CloseCode.BAD_REQUEST, "bad_request", f"Offer the subprotocol {SUBPROTOCOL}.")
        if self._is_full():
            return Refuse(CloseCode.TOO_SLOW, *_TOO_MANY)
        return None

    def _is_full(self) -> bool:
        return self._services.shutdown.serving >= self._services.max_subscribers


class _WebSocketPeer:
    """A :class:`Peer` on Starlette's WebSocket behind hypercorn."""

    transport: Final = "websocket"
    pings = True

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
