"""The WebSocket under the client: sizes, TLS, refusals and ends, on trio and on asyncio."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
import trustme
from anyio.abc import ByteStream

from mission_control.client.link import Link, LinkLost, open_link
from mission_control.core.frames import SUBPROTOCOL
from tests.client.fake_daemon import Peer, fake_daemon, on_both, run

MIB = 1024 * 1024


@asynccontextmanager
async def linked(**daemon: ssl.SSLContext | str | None) -> AsyncIterator[tuple[Link, Peer]]:
    """Both ends of a link."""
    async with (
        fake_daemon(**daemon) as there,  # type: ignore[arg-type]
        open_link(there.url, max_message=64 * MIB, subprotocol=SUBPROTOCOL) as link,
    ):
        yield link, await there.connection()


async def lost(link: Link) -> tuple[int, str]:
    try:
        while True:
            await link.receive()
    except LinkLost as end:
        return end.code, str(end)


@on_both
def test_a_large_message_comes_whole(backend: str) -> None:
    """A snapshot may have many MiB, in one frame or in fragments, and what follows it keeps its place."""

    async def main() -> None:
        text = "grüße " * (4 * MIB)
        async with linked() as (link, peer), anyio.create_task_group() as tasks:

            async def speak() -> None:
                await peer.say(text, '"next"')
                await peer.say_in_parts('"a', "b", 'c"')

            tasks.start_soon(speak)
            messages: list[bytes] = []
            while len(messages) < 3:
                messages += await link.receive()
            assert messages == [text.encode(), b'"next"', b'"abc"']

    run(backend, main)


@on_both
def test_a_message_without_a_bound_ends_the_link(backend: str) -> None:
    """What is larger than the bound is not taken into memory."""

    async def main() -> None:
        async with fake_daemon() as daemon, open_link(daemon.url, max_message=1000, subprotocol=SUBPROTOCOL) as link:
            peer = await daemon.connection()
            await peer.say("x" * 1000)
            assert await link.receive() == [b"x" * 1000]
            await peer.say_in_parts("x" * 600, "x" * 600)
            code, _ = await lost(link)
            assert code == 1009

    run(backend, main)


@on_both
def test_how_a_link_ends(backend: str) -> None:
    """What came before the end is received; then the code and the reason are told, each time one asks."""

    async def main() -> None:
        async with linked() as (link, peer):
            await peer.say("1", "2")
            await peer.close(1012, "soon back")
            assert await link.receive() == [b"1", b"2"]
            assert await lost(link) == (1012, "soon back")
            assert await lost(link) == (1012, "soon back")
            with pytest.raises(LinkLost):
                await link.send("too late")
        async with linked() as (link, peer):
            await peer.cut()
            assert await lost(link) == (1006, "the connection was lost")
        async with linked() as (link, peer):
            await peer.say_bytes(b"1")
            assert await lost(link) == (1003, "a message is not text")

    run(backend, main)


@on_both
def test_the_goodbye_is_said(backend: str) -> None:
    """A daemon that is left is told so, also when the leaving is a cancellation."""

    async def main() -> None:
        async with fake_daemon() as daemon:
            with anyio.CancelScope() as scope:
                async with open_link(daemon.url, max_message=1000, subprotocol=SUBPROTOCOL):
                    peer = await daemon.connection()
                    scope.cancel()
                    await anyio.sleep_forever()
            with pytest.raises(anyio.EndOfStream):
                await peer.heard("more")
            assert peer.farewell == 1000

    run(backend, main)


@on_both
def test_over_tls(backend: str) -> None:
    """``wss://`` checks the certificate against what the system trusts, or against what the caller gives."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def main() -> None:
        async with fake_daemon(tls=server) as daemon:
            with pytest.raises(LinkLost, match=r"certificate of 127\.0\.0\.1 was not accepted"):
                async with open_link(daemon.url, max_message=1000, subprotocol=SUBPROTOCOL):
                    pass
            async with open_link(daemon.url, max_message=10 * MIB, subprotocol=SUBPROTOCOL, tls=trusting) as link:
                peer = await daemon.connection()
                await link.send('{"op":"hello"}')
                await peer.heard("hello")
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(peer.say, "x" * 5 * MIB)
                    assert [len(message) for message in await link.receive()] == [5 * MIB]
                await peer.cut()
                assert await lost(link) == (1006, "the connection was lost")
        async with fake_daemon() as plain:
            with pytest.raises(LinkLost, match="no TLS connection"):
                async with open_link(
                    plain.url.replace("ws:", "wss:"), max_message=1000, subprotocol=SUBPROTOCOL, tls=trusting
                ):
                    pass

    run(backend, main)


@asynccontextmanager
async def server(handler: Callable[[ByteStream], Awaitable[None]]) -> AsyncIterator[str]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handler)
        yield f"ws://127.0.0.1:{port}/v1/stream"
        tasks.cancel_scope.cancel()


@on_both
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "'404 Not Found' instead of opening"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "'200 OK' instead of opening"),
        (b"SSH-2.0-OpenSSH_9\r\n", "ended the connection before"),
        (b"", "ended the connection before"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "opened no proper WebSocket"),
    ],
)
def test_what_is_no_daemon_is_told(backend: str, answer: bytes, why: str) -> None:
    """The reason helps to find the mistake: another port, a proxy, something else that listens there."""

    async def handle(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            if answer:
                await stream.send(answer)

    async def main() -> None:
        async with server(handle) as url:
            with pytest.raises(LinkLost, match=why):
                async with open_link(url, max_message=1000, subprotocol=SUBPROTOCOL):
                    pass
        async with fake_daemon(subprotocol=None) as daemon:
            with pytest.raises(LinkLost, match="does not speak the stream protocol"):
                async with open_link(daemon.url, max_message=1000, subprotocol=SUBPROTOCOL):
                    pass
        with pytest.raises(LinkLost, match="nothing listens on"):
            async with open_link(url, max_message=1000, subprotocol=SUBPROTOCOL):
                pass
        with pytest.raises(LinkLost, match="could not be reached"):
            async with open_link("ws://nowhere.invalid/", max_message=1000, subprotocol=SUBPROTOCOL):
                pass

    run(backend, main)


@on_both
def test_the_token_stays_out_of_the_log(backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that logs everything of everyone must not log the operator's token."""

    async def main() -> None:
        async with linked() as (link, peer):
            await link.send('{"op":"hello","token":"very-secret"}')
            await peer.heard("hello")

    caplog.set_level("DEBUG", logger="mission_control")
    caplog.set_level("DEBUG")
    run(backend, main)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mission_control")]
    assert "very-secret" not in "".join(ours)
