"""The stream over a real socket: hypercorn, its guards and a WebSocket client."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from mission_control.core.frames import SUBPROTOCOL, CloseCode
from mission_control.edge.services import Access
from mission_control.edge.stream import StreamEndpoint
from mission_control.gateways.transport import Link, LinkClosed, open_link
from tests.edge.wire import connect, read_to_end, serving, upgrade, ws_frame
from tests.edge.world import World, world
from tests.gateways.whole import whole
from tests.stores.samples import activity, chunk, final


@asynccontextmanager
async def streaming(there: World, port: int = 0) -> AsyncIterator[int]:
    """Serve the stream of a world; the value is the port."""
    app = Starlette(routes=[WebSocketRoute("/v1/stream", StreamEndpoint(there.services))])
    async with serving(app, port=port) as bound:
        yield bound


@asynccontextmanager
async def client(port: int, *, subprotocol: str | None = SUBPROTOCOL) -> AsyncIterator[Link]:
    url = f"ws://127.0.0.1:{port}/v1/stream"
    async with open_link(url, max_message=2**24, subprotocol=subprotocol) as link:
        yield link


class Frames:
    """Takes frames off a link, decoded, one by one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: list[dict[str, Any]] = []

    async def take(self) -> dict[str, Any]:
        if not self._waiting:
            self._waiting = [json.loads(message) for message in whole(await self._link.receive())]
        return self._waiting.pop(0)


async def welcomed(link: Link, **fields: str) -> Frames:
    """Say hello, and take welcome and snapshot."""
    await link.send(json.dumps({"op": "hello", **fields}))
    frames = Frames(link)
    assert [(await frames.take())["op"] for _ in range(2)] == ["welcome", "snapshot"]
    return frames


async def refusal(frames: Frames) -> tuple[int | None, dict[str, Any]]:
    """The close code and the error frame before it."""
    error = await frames.take()
    with pytest.raises(LinkClosed) as closed:
        await frames.take()
    return closed.value.code, error


async def test_events_arrive_while_they_happen() -> None:
    """From the commit through registry, server and socket to the client, in order, with nothing between them lost."""
    async with world() as there, streaming(there) as port, client(port) as link:
        frames = await welcomed(link)
        await there.commit(*(chunk("m", index, "grüße ") for index in range(100)))
        await there.commit(final("m", "grüße " * 100))
        offsets: list[int] = []
        while len(offsets) < 101:
            offsets += [event["offset"] for event in (await frames.take())["events"]]
        assert offsets == list(range(1, 102))


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (b"Origin: https://evil.example", b"origin_not_allowed"),
        (b"Origin: null", b"origin_not_allowed"),
        (b"Host: evil.example", b"host_not_allowed"),
    ],
)
async def test_foreign_pages_are_told_that_they_may_not_connect(header: bytes, word: bytes) -> None:
    """A page of another site gets a close code that ends its attempts, and no data."""
    async with world() as there, streaming(there) as port, await connect(port) as raw:
        assert b" 101 " in await open_stream(raw, header)
        await raw.send_all(ws_frame(b'{"op":"hello"}'))
        said = b""
        async for chunk in raw:
            said += chunk
            if int(CloseCode.ORIGIN).to_bytes(2, "big") in said:
                break
        else:
            raise AssertionError(f"no close code came: {said!r}")
        await raw.send_all(ws_frame(int(CloseCode.ORIGIN).to_bytes(2, "big"), opcode=8))
        said += await read_to_end(raw)
    assert word in said
    assert b"welcome" not in said


async def test_the_daemon_s_own_page_may_connect() -> None:
    """Same host and port as the page was loaded from, by whichever loopback name."""
    async with world() as there, streaming(there) as port:
        for name in (b"127.0.0.1", b"localhost", b"[::1]"):
            async with await connect(port) as raw:
                authority = name + b":%d" % port
                await open_stream(raw, b"Host: " + authority, b"Origin: http://" + authority)
                await raw.send_all(ws_frame(b'{"op":"hello"}'))
                assert b'"op":"welcome"' in await raw.receive_some()


async def open_stream(raw: trio.SocketStream, *headers: bytes) -> bytes:
    return await upgrade(raw, *headers, b"Sec-WebSocket-Protocol: mission-control.v1", path=b"/v1/stream")


async def test_the_subprotocol_is_required() -> None:
    """A client that speaks something else learns it at once."""
    async with world() as there, streaming(there) as port, client(port, subprotocol=None) as link:
        code, error = await refusal(Frames(link))
    assert (code, error["code"]) == (CloseCode.BAD_REQUEST, "bad_request")
    assert SUBPROTOCOL in error["message"]


async def test_the_token_is_checked_before_anything_is_told() -> None:
    """With a token configured, only hello with that token opens the stream."""
    access = Access(token="right", loopback_only=True)
    async with world(access=access) as there, streaming(there) as port:
        async with client(port) as link:
            await link.send('{"op":"hello","token":"wrong"}')
            code, error = await refusal(Frames(link))
            assert (code, error["code"]) == (CloseCode.UNAUTHENTICATED, "unauthenticated")
        async with client(port) as link:
            await welcomed(link, token="right")


async def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    """However much more the client sends, it can read why."""
    async with world() as there, streaming(there) as port, client(port) as link:
        frames = await welcomed(link)
        await link.send("x" * 5_000_000)
        code, error = await refusal(frames)
    assert (code, error["code"]) == (CloseCode.TOO_LARGE, "frame_too_large")


async def test_more_subscribers_than_allowed() -> None:
    """The one too many is told to come back; the others don't notice."""
    async with world(max_subscribers=1) as there, streaming(there) as port, client(port) as first:
        frames = await welcomed(first)
        async with client(port) as second:
            code, error = await refusal(Frames(second))
        assert (code, error["code"]) == (CloseCode.TOO_SLOW, "too_many_subscribers")
        await there.commit(activity("a"))
        assert len((await frames.take())["events"]) == 1


async def test_the_daemon_s_end() -> None:
    """Subscribers hear 1012 and nobody is left."""
    async with world() as there, streaming(there) as port, client(port) as link:
        frames = await welcomed(link)
        there.services.shutdown.begun.set()
        code, error = await refusal(frames)
        assert (code, error["code"]) == (CloseCode.RESTARTING, "restarting")
        await there.services.shutdown.wait_left()


async def test_a_client_that_vanishes_without_a_word_is_forgotten() -> None:
    """A closed laptop lid leaves no subscriber behind."""
    async with world() as there, streaming(there) as port:
        async with await connect(port) as raw:
            await open_stream(raw)
            await raw.send_all(ws_frame(b'{"op":"hello"}'))
            assert b'"op":"welcome"' in await raw.receive_some()
        await there.services.shutdown.wait_left()
        assert there.services.subscribers.statistics().subscribers == 0
