"""WebSocket frames from a gateway, told apart without a protocol library (RFC 6455, section 5.2).

A gateway's traffic is thousands of small, whole text frames a second. Taking those straight out of the byte stream
costs a fraction of what a general WebSocket implementation does with them. One that is too large is left out, and only
its beginning kept: such an implementation would end the link over it. Everything else is rare and subtle, so it is not
interpreted here but passed on, byte for byte, to that implementation: control frames, fragmented or binary messages,
and whatever breaks the protocol.

Theory of operation. The walker is always in one of four places:

======== ======================================================== =====================================================
place    meaning                                                  left when
======== ======================================================== =====================================================
frame    at the start of a frame, no message is open              the frame is known: taken, left out, or passed on
large    within a message that is left out                        its last byte has gone by
payload  within a frame that is passed on                         its last byte has been passed
message  between the fragments of a message that is passed on     its last fragment (FIN) begins
bypass   after a Close frame or a violation                       never: the library has the last word
======== ======================================================== =====================================================

After a *message* was passed on, :meth:`FrameWalker.walk` stops: what follows it must not overtake it, and only the
caller knows when the library has handed it over. Text is not checked to be UTF-8; whoever decodes it does that.
"""

from attrs import define, frozen

BEGINNING_BYTES = 16 * 1024
"""How much is kept of a message that is left out."""

_TEXT = 0x81  # FIN + opcode 1
_FIN = 0x80
_RESERVED_BITS = 0x70
_CONTINUATION, _CLOSE = 0x0, 0x8
_DATA = (0x1, 0x2)
_CONTROL = (0x8, 0x9, 0xA)
_MASKED = 0x80


@frozen
class Oversized:
    """A text message that was left out. ``size`` in bytes; ``beginning``: its first bytes, the ``len`` of this."""

    size: int
    beginning: bytes

    def __len__(self) -> int:
        return len(self.beginning)


@define
class _Large:
    """A message on its way out."""

    size: int
    left: int
    beginning: bytes = b""

    def pass_by(self, data: bytes) -> None:
        self.left -= len(data)
        if len(self.beginning) < BEGINNING_BYTES:
            self.beginning = (self.beginning + data)[:BEGINNING_BYTES]


@frozen
class Walked:
    """What a walk found. All of ``messages`` came before a message that ended in ``passed``.

    ``message_passed`` tells that ``passed`` completes a message; walk on (with no bytes) once it was delivered.
    """

    messages: list[bytes | Oversized]
    passed: bytes
    message_passed: bool


class FrameWalker:
    """Splits what a server sends into complete text messages and bytes for the protocol library.

    ``max_message`` is the largest payload in bytes that is taken. In fragments it is left to the library to refuse a
    larger one.
    """

    def __init__(self, max_message: int) -> None:
        self.closed = False
        """Whether the server's Close frame has been passed on."""
        self._max_message = max_message
        self._buffer = bytearray()
        self._needed = 0  # bytes that the buffer must hold before the next frame is complete
        self._stopped = False
        self._large: _Large | None = None
        self._payload_left = 0
        self._ends_message = False
        self._in_message = False
        self._bypass = False

    @property
    def stopped(self) -> bool:
        """Whether the last walk stopped behind a passed message, so that bytes may be waiting to be walked."""
        return self._stopped

    def walk(self, data: bytes = b"") -> Walked:
        """Take ``data`` as the next bytes from the server."""
        self._stopped = False
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return Walked([], b"", message_passed=False)
            data = bytes(self._buffer)
            self._buffer.clear()
        self._needed = 0
        messages: list[bytes | Oversized] = []
        passed: list[bytes] = []
        position = self._walk(data, messages, passed)
        self._buffer += data[position:]
        return Walked(messages, b"".join(passed), self._stopped)

    def _walk(self, data: bytes, messages: list[bytes | Oversized], passed: list[bytes]) -> int:
        """Walk as far as possible; gives the position of the first byte that was not used up."""
        take, max_message = messages.append, self._max_message
        position, end = 0, len(data)
        while not self._stopped:
            if self._bypass:
                passed.append(data[position:])
                return end
            if self._large is not None:
                stop = min(end, position + self._large.left)
                self._large.pass_by(data[position:stop])
                position = stop
                if self._large.left:
                    break
                take(Oversized(self._large.size, self._large.beginning))
                self._large = None
                continue
            if self._payload_left:
                stop = min(end, position + self._payload_left)
                passed.append(data[position:stop])
                self._payload_left -= stop - position
                position = stop
                if self._payload_left:
                    break
                self._end_frame()
                continue
            body = position + 2
            if body > end:
                self._needed = 2
                break
            first, size = data[position], data[position + 1]
            shortest = 0
            if size == 126:
                body, shortest = position + 4, 126
            elif size == 127:
                body, shortest = position + 10, 1 << 16
            if shortest:
                if body > end:
                    self._needed = body - position
                    break
                size = int.from_bytes(data[position + 2 : body], "big")
            elif size > 127:
                self._bypass = True  # masked, which a server must not do
                continue
            if first == _TEXT and shortest <= size <= max_message and not self._in_message:
                stop = body + size
                if stop > end:
                    self._needed = stop - position
                    break
                take(data[body:stop])
                position = stop
                continue
            if first == _TEXT and shortest <= size and max_message < size < 1 << 63 and not self._in_message:
                self._large = _Large(size, size)
                position = body
                continue
            if self._violates(first, size, shortest):
                self._bypass = True
                continue
            passed.append(data[position:body])
            position = body
            self._begin_passing(first, size)
        return position

    def _violates(self, first: int, size: int, shortest: int) -> bool:
        """Whether a frame breaks the protocol in a way that makes its boundaries, or the message's, doubtful."""
        opcode = first & 0x0F
        if first & _RESERVED_BITS or size < shortest or size >> 63:
            return True
        if opcode in _CONTROL:
            return size > 125 or not first & _FIN
        return opcode != _CONTINUATION if self._in_message else opcode not in _DATA

    def _begin_passing(self, first: int, size: int) -> None:
        opcode = first & 0x0F
        is_data = opcode not in _CONTROL
        self._ends_message = is_data and bool(first & _FIN)
        if is_data:
            self._in_message = not self._ends_message
        elif opcode == _CLOSE:
            self._bypass = self.closed = True
        self._payload_left = size
        if not size:
            self._end_frame()

    def _end_frame(self) -> None:
        self._stopped = self._ends_message
        self._ends_message = False
