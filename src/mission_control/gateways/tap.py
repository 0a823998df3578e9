"""A byte stream that keeps a WebSocket's text messages for itself and passes the rest on to a protocol library.

It stands between the socket and the library: the library drives it by asking for bytes, and sees only the handshake,
control frames and the messages that :mod:`mission_control.gateways.framing` does not take.
"""

from collections import deque
from collections.abc import Sequence

import trio
from attrs import frozen

from mission_control.gateways.framing import FrameWalker, Oversized

INBOX_BYTES = 1 << 20
"""How many bytes may wait for the consumer before the socket is no longer read."""

BATCH_MESSAGES = 256
BATCH_BYTES = 1 << 17
"""Most that the consumer is handed at once: what it does with a batch, it does without letting others run."""

_READ_BYTES = 1 << 18
_HEAD_BYTES = 1 << 14
_END_OF_HEAD = b"\r\n\r\n"


@frozen
class InboxStatistics:
    """What waits for the consumer."""

    messages: int
    bytes: int


class Inbox:
    """Messages on their way to one consumer, counted in bytes.

    Putting never waits, since it happens where pings must still be answered; whoever produces asks
    :meth:`wait_for_room` before making more.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._messages: deque[bytes | Oversized] = deque()
        self._bytes = 0
        self._filled = trio.Event()
        self._emptied = trio.Event()
        self._owed = 0
        self._closed = False

    def put(self, messages: Sequence[bytes | Oversized]) -> None:
        """Add messages; they are dropped when the inbox is closed."""
        if messages and not self._closed:
            self._messages.extend(messages)
            self._bytes += sum(map(len, messages))
            self._filled.set()

    def owe(self) -> None:
        """Announce that one message comes by another way, and that nothing may be put before it."""
        self._owed += 1

    def pay(self, message: bytes) -> None:
        """Put the message that was owed."""
        self._owed -= 1
        self.put([message])
        self._emptied.set()

    def close(self) -> None:
        """Take nothing more. What is in can still be got; waiting ends."""
        self._closed = True
        self._filled.set()
        self._emptied.set()

    async def get(self) -> list[bytes | Oversized]:
        """Wait for messages and take a batch of them; an empty list once the inbox is closed and empty."""
        await self._filled.wait()
        batch: list[bytes | Oversized] = []
        taken = 0
        while self._messages and len(batch) < BATCH_MESSAGES and taken < BATCH_BYTES:
            message = self._messages.popleft()
            batch.append(message)
            taken += len(message)
        self._bytes -= taken
        if not self._messages and not self._closed:
            self._filled = trio.Event()
        self._emptied.set()
        return batch

    def statistics(self) -> InboxStatistics:
        return InboxStatistics(len(self._messages), self._bytes)

    async def wait_for_room(self) -> None:
        """Return when nothing is owed and less than ``max_bytes`` wait, or the inbox is closed. May not checkpoint."""
        while not self._closed and (self._owed or self._bytes >= self._max_bytes):
            self._emptied = trio.Event()
            await self._emptied.wait()


class TapStream(trio.abc.Stream):
    """The stream that the library reads and writes; text messages go to ``inbox`` instead.

    Reading pauses for ``pause`` seconds after a read that did not fill the buffer: with arrivals spread evenly 2 ms
    halve the work per message, and a message that comes after silence is not delayed by it.
    """

    def __init__(self, stream: trio.abc.Stream, *, max_message: int, pause: float = 0.002) -> None:
        self.inbox = Inbox(INBOX_BYTES)
        self.ended = trio.Event()
        """Set when no more bytes will come, or when the server answered with something else than a WebSocket."""
        self.refusal: str | None = None
        """The HTTP status line of an answer that was not ``101 Switching Protocols``."""
        self._stream = stream
        self._walker = FrameWalker(max_message)
        self._pause = pause
        self._shaking_hands = True
        self._unread = b""
        self._read_again_at = 0.0

    @property
    def closed_by_peer(self) -> bool:
        """Whether the server has said that it closes the WebSocket."""
        return self._walker.closed

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next bytes for the library; ``max_bytes`` is not looked at. Empty at the end of the stream."""
        if self._shaking_hands:
            return await self._receive_head()
        while True:
            await self.inbox.wait_for_room()
            data = b"" if self._walker.stopped else await self._read()
            if not data and not self._walker.stopped:
                return b""
            walked = self._walker.walk(data)
            self.inbox.put(walked.messages)
            if walked.message_passed:
                self.inbox.owe()
            if walked.passed:
                return walked.passed

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self.ended.set()
        await self._stream.aclose()

    async def _receive_head(self) -> bytes:
        """The server's HTTP answer up to its empty line, so that the library gets no frame along with it.

        Anything but a WebSocket is turned into the end of the stream: the library would read the whole answer first,
        and that may never end.
        """
        received = b""
        while _END_OF_HEAD not in received:
            data = await self._read()
            if not data or len(received) > _HEAD_BYTES:
                self.ended.set()
                return b""
            received += data
        head, _, self._unread = received.partition(_END_OF_HEAD)
        self._shaking_hands = False
        status = head.partition(b"\r\n")[0]
        if status.split(b" ")[1:2] != [b"101"]:
            self.refusal = status.decode("ascii", "replace")
            self.ended.set()
            return b""
        return head + _END_OF_HEAD

    async def _read(self) -> bytes:
        """The next bytes from the socket; empty at its end."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        if trio.current_time() < self._read_again_at:
            await trio.sleep_until(self._read_again_at)
        try:
            data = bytes(await self._stream.receive_some(_READ_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        if len(data) < _READ_BYTES:
            self._read_again_at = trio.current_time() + self._pause
        return data
