"""The seam between the stream and its transports: ``stream.py`` has the WebSocket, ``sse.py`` Server-Sent Events."""

from typing import Literal, Protocol


class DisconnectedError(Exception):
    """The client has gone."""


class Peer(Protocol):
    """What a stream needs of a connection."""

    @property
    def transport(self) -> Literal["websocket", "sse"]: ...

    @property
    def pings(self) -> bool:
        """Whether the client can say that it is still there, so that its silence means that it is not."""

    async def receive(self) -> str | bytes:
        """The next message. Raises DisconnectedError."""

    async def send(self, frame: str) -> None:
        """Send; returns silently when the client has gone."""

    async def close(self, code: int, reason: str) -> None:
        """Begin the end: :meth:`receive` raises DisconnectedError when it is reached."""

    def abort(self) -> None:
        """Cut the connection, even in the middle of a send."""
