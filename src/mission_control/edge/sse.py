"""The stream as Server-Sent Events (WHATWG HTML, section 9.2): a :class:`Peer` on an HTTP response.

The subscriber behind it is the WebSocket's, and so is each frame's JSON. What differs is the client's side of the
conversation: a request says all that a client can say here, so the peer says it as the hello, and nothing after it.
"""

import re
import secrets
from typing import Final

import trio
from starlette.requests import Request
from starlette.types import Receive, Send

from mission_control.core.events import encode
from mission_control.core.frames import Head, head_of
from mission_control.core.subscription import Cursor
from mission_control.edge import guard
from mission_control.edge.auth import bearer_token
from mission_control.edge.peer import DisconnectedError
from mission_control.edge.problems import SEALED, bad_parameter
from mission_control.edge.query import Query

HEADERS: Final = {**SEALED, "content-type": "text/event-stream", "x-accel-buffering": "no"}
"""``x-accel-buffering`` tells nginx to pass on what comes when it comes."""
RETRY_MS: Final = (1_000, 3_000)
"""How long a client waits before it reconnects, at least and at most: each its own time, so that they spread out."""

_ID: Final = re.compile(r"(?P<epoch>[^\s,]+):(?P<offset>[0-9]{1,16})")


def hello_of(request: Request) -> str:
    """The hello that a request amounts to. Raises Problem."""
    query = Query(request, "agents", "types", "gateways", "last_event_id")
    select = query.filter()
    hello = {
        "op": "hello",
        "token": bearer_token(request.headers.get("authorization")),
        "filter": {"agents": select.agents, "types": select.types, "gateways": select.gateways},
        "cursor": _cursor(request, query.text("last_event_id")),
    }
    return encode(hello).decode()


class SsePeer:
    """A :class:`Peer` whose client says ``hello`` and then only listens; ``epoch`` is the journal's."""

    transport: Final = "sse"
    pings = False

    def __init__(self, hello: str, epoch: str, receive: Receive, send: Send) -> None:
        self._hello: str | None = hello
        self._epoch = epoch
        self._receive = receive
        self._send = send
        self._opened = False
        self._listening = trio.CancelScope()

    async def receive(self) -> str:
        hello, self._hello = self._hello, None
        if hello is not None:
            return hello
        with self._listening:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        raise DisconnectedError

    async def send(self, frame: str) -> None:
        if not self._opened:
            # Not before the first frame, so that the subscriber is counted before anyone else can be let in.
            self._opened = True
            headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._write(f"retry: {_retry_ms()}\n\n")
        head = head_of(frame)
        await self._write(f"event: {head.op}\n{self._id(head)}data: {frame}\n\n")

    async def close(self, code: int, reason: str) -> None:
        """End the response: the ``error`` event before it has said why. hypercorn's answer is a disconnect."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self._listening.cancel()  # whoever was the one to read that answer

    def abort(self) -> None:
        guard.abort()

    async def _write(self, text: str) -> None:
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    def _id(self, head: Head) -> str:
        """The line with the cursor after a frame, for the frames that move it.

        A welcome does not: whoever lost the connection before the snapshot that follows would go on from behind it.
        """
        if head.op == "events":
            return f"id: {self._epoch}:{head.offset}\n"
        if head.op == "snapshot" and head.cursor is not None:
            return f"id: {head.cursor.epoch}:{head.cursor.offset}\n"
        return ""


def _cursor(request: Request, parameter: str | None) -> Cursor | None:
    """Where to go on from. The header counts: a browser sends it with the URL that its page began with."""
    header = ", ".join(request.headers.getlist("last-event-id"))  # two are as good as none
    before = None if parameter is None else _parsed("last_event_id", parameter)
    return _parsed("Last-Event-ID", header) if header else before


def _parsed(name: str, value: str) -> Cursor:
    found = _ID.fullmatch(value)
    if found is None:
        allowed = "EPOCH:OFFSET, which is the id of an event of this stream; leave it out to begin with a snapshot"
        raise bad_parameter(name, f'"{value}"', allowed)
    return Cursor(found["epoch"], int(found["offset"]))


def _retry_ms() -> int:
    least, most = RETRY_MS
    return least + secrets.randbelow(most - least)
