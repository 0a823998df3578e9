"""One client's end of the stream over each of its transports, through real sockets, behind one small driver."""

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol
from urllib.parse import urlencode

import h11
import trio
from attrs import frozen

from mission_control.core.frames import SUBPROTOCOL
from mission_control.core.subscription import Cursor
from mission_control.gateways.transport import Link, LinkClosed, open_link
from tests.edge.wire import connect
from tests.gateways.whole import whole

PATH = "/v1/events/stream"
Select = Mapping[str, Sequence[str]]
"""A filter as a client writes it."""


class StreamEndedError(Exception):
    """The daemon ended the stream in order."""


class Frames(Protocol):
    """What one client hears."""

    async def take(self) -> str:
        """The next frame. Raises StreamEndedError."""


class Transport(Protocol):
    """How a client opens the stream."""

    def open(self, port: int, select: Select, cursor: Cursor | None) -> AbstractAsyncContextManager[Frames]:
        """Connect, and say hello or what amounts to it."""


class WebSocketFrames:
    """Frames off a WebSocket."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._waiting: deque[bytes] = deque()

    async def take(self) -> str:
        if not self._waiting:
            try:
                self._waiting += whole(await self.link.receive())
            except LinkClosed as closed:
                if closed.code is None:
                    raise
                raise StreamEndedError from None
        return self._waiting.popleft().decode()


class OverWebSocket:
    """``/v1/stream``."""

    @asynccontextmanager
    async def open(self, port: int, select: Select, cursor: Cursor | None) -> AsyncIterator[WebSocketFrames]:
        url = f"ws://127.0.0.1:{port}/v1/stream"
        async with open_link(url, max_message=2**26, subprotocol=SUBPROTOCOL) as link:
            where = {} if cursor is None else {"cursor": {"epoch": cursor.epoch, "offset": cursor.offset}}
            with suppress(LinkClosed):  # refused already: what was received says why
                await link.send(json.dumps({"op": "hello", "filter": select, **where}))
            yield WebSocketFrames(link)


@frozen
class SentEvent:
    """One event as an EventSource would dispatch it."""

    name: str
    data: str
    last_event_id: str


class EventSource:
    """The client of the HTML standard, as far as a server can tell, on a connection of its own."""

    def __init__(self, raw: trio.SocketStream) -> None:
        self.retry_ms: int | None = None
        self.last_event_id = ""
        self._raw = raw
        self._http = h11.Connection(h11.CLIENT)
        self._text = b""

    async def get(self, target: str, headers: Mapping[str, str], method: str = "GET") -> h11.Response:
        """Send the request; the value is the head of the answer."""
        lines = {"Host": "localhost", **headers}
        request = h11.Request(method=method, target=target, headers=list(lines.items()))
        await self._raw.send_all(self._http.send(request) + self._http.send(h11.EndOfMessage()))
        answer = await self._next()
        assert isinstance(answer, h11.Response)
        return answer

    async def body(self) -> bytes:
        """The rest of the answer, to its end."""
        rest = b""
        while isinstance(part := await self._next(), h11.Data):
            rest += part.data
        return rest

    async def event(self) -> SentEvent:
        """The next event. Raises StreamEndedError."""
        while True:
            block = await self._block()
            fields = [line.partition(": ") for line in block.split("\n") if not line.startswith(":")]
            named = {name: value for name, _, value in fields}
            assert len(named) == len(fields), "data in several lines would be joined by line feeds"
            assert named.keys() <= {"event", "id", "data", "retry"}
            self.last_event_id = named.get("id", self.last_event_id)
            self.retry_ms = int(named["retry"]) if "retry" in named else self.retry_ms
            if "data" in named:
                return SentEvent(named["event"], named["data"], self.last_event_id)

    async def _block(self) -> str:
        while b"\n\n" not in self._text:
            part = await self._next()
            if isinstance(part, h11.EndOfMessage):
                assert not self._text, "the stream ended within an event"
                raise StreamEndedError
            assert isinstance(part, h11.Data)
            self._text += part.data
        block, _, self._text = self._text.partition(b"\n\n")
        return block.decode()

    async def _next(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._raw.receive_some())
        return event


class SseFrames:
    """Frames off a stream of Server-Sent Events, with the id that each must have."""

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._epoch = ""

    async def take(self) -> str:
        before = self._source.last_event_id
        event = await self._source.event()
        frame = json.loads(event.data)
        assert event.name == frame["op"]
        self._epoch = frame["cursor"]["epoch"] if "cursor" in frame else self._epoch
        match event.name:
            case "snapshot":
                assert event.last_event_id == f"{self._epoch}:{frame['cursor']['offset']}"
            case "events":
                assert event.last_event_id == f"{self._epoch}:{frame['offset']}"
            case _:
                assert event.last_event_id == before, "only what the client now has may move its cursor"
        return event.data


@asynccontextmanager
async def event_source(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[EventSource]:
    async with await connect(port, receive_buffer=receive_buffer) as raw:
        yield EventSource(raw)


class OverSse:
    """``/v1/events/stream``; ``by_query``: with the cursor in the URL instead of the header."""

    def __init__(self, *, by_query: bool = False) -> None:
        self._by_query = by_query

    @asynccontextmanager
    async def open(self, port: int, select: Select, cursor: Cursor | None) -> AsyncIterator[SseFrames]:
        query = {name: ",".join(members) for name, members in select.items()}
        headers: dict[str, str] = {}
        if cursor is not None:
            where = f"{cursor.epoch}:{cursor.offset}"
            query |= {"last_event_id": where} if self._by_query else {}
            headers |= {} if self._by_query else {"Last-Event-ID": where}
        async with event_source(port) as source:
            answer = await source.get(f"{PATH}?{urlencode(query)}", headers)
            assert answer.status_code == 200
            yield SseFrames(source)
