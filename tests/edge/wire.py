"""Real HTTP for the tests: a server on loopback behind the guards, and clients that misbehave byte by byte."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from starlette.types import ASGIApp

from mission_control.edge import guard

SOON = 20.0
"""Seconds after which something counts as never. Nothing here takes long, unless a guard is missing."""
UPGRADE = (
    b"GET %b HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@asynccontextmanager
async def serving(
    app: ASGIApp, *, port: int = 0, user_timeout_s: float = 30.0, grace_s: float = 1.0
) -> AsyncIterator[int]:
    """Serve ``app``; the value is its port. Leaving stops it in order."""
    sockets = await guard.listen("127.0.0.1", port, user_timeout_s=user_timeout_s)
    port = sockets[0].getsockname()[1]
    stop = trio.Event()
    with trio.fail_after(SOON) as patience:
        async with trio.open_nursery() as nursery:

            async def serve(task_status: trio.TaskStatus[list[str]]) -> None:
                await guard.serve(app, sockets, shutdown=stop.wait, grace_s=grace_s, task_status=task_status)

            await nursery.start(serve)
            try:
                yield port
            finally:
                stop.set()
    assert not patience.cancel_called, "stopping was shielded, and took too long"


async def connect(port: int, *, receive_buffer: int | None = None) -> trio.SocketStream:
    """A TCP connection; ``receive_buffer`` makes one that is quickly full."""
    sock = trio.socket.socket(socket.AF_INET)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def read_head(stream: trio.SocketStream) -> bytes:
    """The head of an HTTP response, byte by byte so that nothing of what follows is taken."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = await stream.receive_some(1)
        assert byte, f"the connection ended within the head: {head!r}"
        head += byte
    return head


async def read_to_end(stream: trio.SocketStream) -> bytes:
    """All bytes until the server closes; a reset counts as the end."""
    data = b""
    try:
        async for chunk in stream:
            data += chunk
    except trio.BrokenResourceError:
        pass
    return data


async def upgrade(stream: trio.SocketStream, *headers: bytes, path: bytes = b"/") -> bytes:
    """Open a WebSocket by hand; the value is the response's head."""
    named = any(header.startswith(b"Host") for header in headers)
    lines = [*headers] if named else [b"Host: localhost", *headers]
    await stream.send_all(UPGRADE % path + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
    return await read_head(stream)


def ws_frame(payload: bytes, *, opcode: int = 1, final: bool = True) -> bytes:
    """A client's frame of less than 64 KiB, masked with zeros."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + bytes(4) + payload
    return head + bytes([0x80 | 126]) + struct.pack("!H", len(payload)) + bytes(4) + payload
