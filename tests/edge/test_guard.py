"""What hypercorn must not be able to do to us; each test fails without its guard in ``edge/guard.py``."""

import socket
import sys
from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing
from starlette.types import Receive, Scope, Send

from mission_control.core.frames import MAX_CLIENT_FRAME
from mission_control.edge import guard
from tests.edge.wire import connect, read_head, read_to_end, serving, upgrade, ws_frame


async def _lifespan(receive: Receive, send: Send) -> None:
    for _ in ("startup", "shutdown"):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


class _App:
    """An ASGI application whose one endpoint is ``handle``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await self.handle(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"ok")


async def respond(send: Send, body: bytes) -> None:
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


async def accept(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


class _Flood(_App):
    """Sends for as long as the client is there, far more than any buffer holds."""

    def __init__(self) -> None:
        self.ended = trio.Event()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await accept(receive, send)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.watch, receive, nursery.cancel_scope)
                while True:
                    await send({"type": "websocket.send", "text": "x" * 100_000})
        finally:
            self.ended.set()

    async def watch(self, receive: Receive, scope: trio.CancelScope) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass
        scope.cancel()


async def test_a_client_that_takes_nothing_is_disconnected() -> None:
    """A subscriber whose machine froze must not hold its connection for ever (the kernel ends it)."""
    app = _Flood()
    async with serving(app, user_timeout_s=0.3) as port, await connect(port, receive_buffer=4096) as client:
        await upgrade(client)
        await app.ended.wait()


async def test_abort_cuts_a_connection_in_the_middle_of_a_send() -> None:
    """The stream can drop a client although hypercorn's send to it never returns."""

    class Aborting(_Flood):
        async def watch(self, receive: Receive, scope: trio.CancelScope) -> None:
            await trio.testing.wait_all_tasks_blocked(0.05)
            guard.abort()
            guard.abort()
            await super().watch(receive, scope)

    app = Aborting()
    async with serving(app) as port, await connect(port, receive_buffer=4096) as client:
        await upgrade(client)
        await app.ended.wait()


async def test_shutdown_does_not_wait_for_a_stuck_client() -> None:
    """One frozen dashboard must not keep the daemon from stopping."""
    app = _Flood()
    async with AsyncExitStack() as after_the_server, serving(app, grace_s=0.1) as port:
        client = await after_the_server.enter_async_context(await connect(port, receive_buffer=4096))
        await upgrade(client)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not app.ended.is_set()


async def test_a_message_over_the_bound_is_not_buffered() -> None:
    """However long a message is, memory holds one bound and one read of it; the next message is whole again."""
    received: list[int] = []
    done = trio.Event()

    class Measuring(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(receive, send)
            while len(received) < 3:
                received.append(len((await receive())["text"]))
            done.set()

    part = b"a" * 60_000
    async with serving(Measuring()) as port, await connect(port) as client:
        await upgrade(client)
        await client.send_all(ws_frame(b"b" * 60_000) + ws_frame(part, final=False))
        for _ in range(50):
            await client.send_all(ws_frame(part, opcode=0, final=False))
        await client.send_all(ws_frame(b"", opcode=0) + ws_frame(b"after"))
        await done.wait()
    first, cut, after = received
    assert (first, after) == (60_000, 5)
    assert MAX_CLIENT_FRAME < cut <= MAX_CLIENT_FRAME + 65_536


async def test_the_bound_counts_bytes_and_admits_a_message_of_just_that_size() -> None:
    """64 KiB means 65,536 bytes of UTF-8, however few characters those are."""
    received: list[str] = []
    done = trio.Event()

    class Keeping(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(receive, send)
            while len(received) < 2:
                received.append((await receive())["text"])
            done.set()

    exact = "é" * (MAX_CLIENT_FRAME // 2)
    halves = [exact[: len(exact) // 2].encode(), exact[len(exact) // 2 :].encode()]
    async with serving(Keeping()) as port, await connect(port) as client:
        await upgrade(client)
        await client.send_all(ws_frame(halves[0], final=False) + ws_frame(halves[1], opcode=0))
        # This one goes on and on, and still it arrives.
        await client.send_all(ws_frame(halves[0], final=False) + ws_frame(halves[1], opcode=0, final=False))
        await client.send_all(ws_frame(b"!", opcode=0, final=False))
        await done.wait()
    assert received == [exact, exact + "!"]


async def test_compression_is_not_negotiated() -> None:
    """permessage-deflate would make every subscriber compress every frame for itself."""

    class Accepting(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(receive, send)
            await send({"type": "websocket.send", "text": "a" * 1_000})

    async with serving(Accepting()) as port, await connect(port) as client:
        head = await upgrade(client, b"Sec-WebSocket-Extensions: permessage-deflate")
        assert b"101" in head
        assert b"extensions" not in head.lower()
        assert b"a" * 1_000 in await read_to_end(client)


async def test_sending_to_a_client_that_left_lets_others_run() -> None:
    """A loop that sends and doesn't notice the disconnect must not freeze the daemon."""
    others_ran = trio.Event()
    outcome: list[bool] = []
    finished = trio.Event()

    class Pushing(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(receive, send)
            while (await receive())["type"] != "websocket.disconnect":
                pass
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.other)
                for _ in range(10_000):
                    await send({"type": "websocket.send", "text": "x"})
                    if others_ran.is_set():
                        break
                outcome.append(others_ran.is_set())
            finished.set()

        async def other(self) -> None:
            others_ran.set()

    async with serving(Pushing()) as port:
        async with await connect(port) as client:
            await upgrade(client)
        await finished.wait()
    assert outcome == [True]


async def test_unread_websocket_messages_do_not_leak_the_connection() -> None:
    """An application that ends without reading leaves nothing behind, whatever the client has sent."""

    class Deaf(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(receive, send)
            await trio.testing.wait_all_tasks_blocked(0.05)

    async with serving(Deaf()) as port:
        await trio.testing.wait_all_tasks_blocked(0.05)
        before = trio.lowlevel.current_statistics().tasks_living
        async with await connect(port) as client:
            await upgrade(client)
            await client.send_all(ws_frame(b"hi") * 40)
            await read_to_end(client)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert trio.lowlevel.current_statistics().tasks_living == before


async def test_an_unread_request_body_does_not_leak_the_connection() -> None:
    """Nobody can pile up dead connections with big uploads to a path that reads no body."""
    size = 4 * 1024 * 1024

    async def upload(client: trio.SocketStream) -> None:
        try:
            await client.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
            await client.send_all(bytes(size))
        except trio.BrokenResourceError:
            pass

    class Busy(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await trio.testing.wait_all_tasks_blocked(0.05)
            await respond(send, b"ok")

    async with serving(Busy()) as port, await connect(port) as client, trio.open_nursery() as nursery:
        nursery.start_soon(upload, client)
        assert (await read_to_end(client)).startswith(b"HTTP/1.1 200")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "header",
    [
        b"Sec-WebSocket-Protocol: \xff",
        b"Sec-WebSocket-Version: 12",
    ],
)
async def test_a_broken_handshake_ends_its_own_connection_and_no_other(header: bytes) -> None:
    """One request must neither stop the server for everybody nor stay on as a dead connection."""
    async with serving(_App()) as port:
        async with await connect(port) as client:
            await client.send_all(
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + header + b"\r\n\r\n"
            )
            await read_to_end(client)
        async with await connect(port) as client:
            await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in await read_head(client)


@pytest.mark.parametrize(
    "opening",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n",
    ],
)
async def test_http2_is_not_spoken(opening: bytes) -> None:
    """The guards hold for HTTP/1.1; a client cannot talk its way around them."""
    async with serving(_App()) as port, await connect(port) as client:
        await client.send_all(opening)
        head = await read_head(client)
        assert head.startswith(b"HTTP/1.1 ")
        assert b" 101 " not in head


async def test_cancelling_serve_lets_open_requests_finish() -> None:
    """Whatever ends the daemon, a response that is under way arrives whole."""
    started, go_on = trio.Event(), trio.Event()

    class Slow(_App):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            started.set()
            await go_on.wait()
            await respond(send, b"whole")

    sockets = await guard.listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    async with trio.open_nursery() as outer:
        scope = trio.CancelScope()

        async def serve() -> None:
            with scope:
                await guard.serve(Slow(), sockets, shutdown=trio.sleep_forever)

        outer.start_soon(serve)
        await trio.testing.wait_all_tasks_blocked(0.05)
        async with await connect(port) as client:
            await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await started.wait()
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked(0.05)
            go_on.set()
            assert (await read_to_end(client)).endswith(b"whole")


async def test_both_address_families_are_served_on_one_port() -> None:
    """``localhost`` and ``::`` mean what they say: IPv4 and IPv6 clients get in by the same port."""
    for host, addresses in (("localhost", None), ("::", ["127.0.0.1", "::1"]), ("::1", ["::1"])):
        sockets = await guard.listen(host, 0)
        found = [sock.getsockname()[0] for sock in sockets]
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        port = sockets[0].getsockname()[1]
        for sock in sockets:
            sock.listen()
        for address in addresses or found:
            await (await trio.open_tcp_stream(address, port)).aclose()
        for sock in sockets:
            sock.close()


async def test_a_taken_port_is_reported_and_nothing_stays_bound() -> None:
    """An operator who starts a second daemon gets the error, not half a server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await guard.listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("hypercorn.trio.run", "TCPServer"),
        ("hypercorn.protocol", "H11Protocol"),
        ("hypercorn.protocol.h11", "WSStream"),
    ],
)
def test_every_part_that_is_replaced_is_still_there(module: str, part: str) -> None:
    """An upgrade of hypercorn that moves a guarded part must not go unnoticed."""
    assert getattr(sys.modules[module], part).__module__ == guard.__name__
