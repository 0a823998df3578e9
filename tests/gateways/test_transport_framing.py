"""The frame walker: what it takes and passes on is exactly what a whole WebSocket implementation would deliver."""

import struct
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import CLIENT, Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from mission_control.gateways.framing import BEGINNING_BYTES, FrameWalker, Oversized

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
PLENTY = 1 << 20


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """An unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + struct.pack("!H", size)
    else:
        length = b"\x7f" + struct.pack("!Q", size)
    return bytes([(0x80 if fin else 0) | opcode]) + length + payload


@frozen
class Received:
    """What a client got: data messages in order, and control events in order."""

    messages: list[str | bytes | Oversized]
    controls: list[object]


class Library:
    """A whole WebSocket implementation as the client.

    A text of one frame that is larger than ``max_message`` is told as such.
    """

    def __init__(self, max_message: int = PLENTY) -> None:
        self._max_message = max_message
        self._connection = Connection(CLIENT)
        self._parts: list[Any] = []
        self.received = Received([], [])

    def feed(self, data: bytes) -> None:
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    self._parts.append(event.data)
                    if event.message_finished:
                        self.received.messages.append(self._message(event))
                        self._parts.clear()
                case Ping() | Pong() | CloseConnection():
                    self.received.controls.append(event)

    def _message(self, last: TextMessage | BytesMessage) -> str | bytes | Oversized:
        joiner: Any = "" if isinstance(last, TextMessage) else b""
        message: str | bytes = joiner.join(self._parts)
        if isinstance(message, str) and len(self._parts) == 1 and (size := len(message.encode())) > self._max_message:
            return Oversized(size, message.encode()[:BEGINNING_BYTES])
        return message


def through_walker(chunks: Iterable[bytes], max_message: int = PLENTY) -> Received:
    """What is received when a walker stands before the library."""
    walker, library = FrameWalker(max_message), Library()
    for chunk in chunks:
        walked = walker.walk(chunk)
        while True:
            library.received.messages.extend(
                message.decode() if isinstance(message, bytes) else message for message in walked.messages
            )
            before = len(library.received.messages)
            library.feed(walked.passed)
            assert len(library.received.messages) - before == walked.message_passed
            if not walker.stopped:
                break
            walked = walker.walk()
    return library.received


def through_library(data: bytes, max_message: int = PLENTY) -> Received:
    library = Library(max_message)
    library.feed(data)
    return library.received


texts = st.one_of(
    st.text("a é\n{🙂", max_size=40),
    st.sampled_from(["x" * 125, "x" * 126, "é" * 63, "y" * 65_535, "y" * 65_536, "z" * 200_000]),
)
controls = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)).map(lambda ping: frame(*ping))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A data message: whole, or in fragments with control frames between them."""
    opcode = draw(st.sampled_from([TEXT, TEXT, TEXT, BINARY]))
    payload = draw(texts).encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    out = b""
    for index, part in enumerate(parts):
        out += frame(0 if index else opcode, part, fin=index == len(parts) - 1)
        if index < len(parts) - 1:
            out += b"".join(draw(st.lists(controls, max_size=2)))
    return out


streams = st.lists(st.one_of(messages(), controls), max_size=8).map(b"".join)


@st.composite
def segmented(draw: st.DrawFn) -> list[bytes]:
    """A stream of frames, sometimes with a Close in it, cut anywhere."""
    data = draw(streams)
    if draw(st.booleans()):
        data += frame(CLOSE, struct.pack("!H", 1012) + b"restart") + draw(streams)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(segmented())
def test_any_segmentation_of_any_frames_gives_what_the_library_gives(chunks: list[bytes]) -> None:
    """Messages keep content, kind and order; control frames keep content and order; nothing follows a Close."""
    assert through_walker(chunks) == through_library(b"".join(chunks))


@given(streams, st.integers(0, 300), st.integers(1, 300_000))
def test_texts_over_the_limit_are_left_out_in_their_place(data: bytes, max_message: int, cut: int) -> None:
    """Each of one frame is told with its size and its beginning, and whatever stands around it is as it was."""
    chunks = [data[i : i + cut] for i in range(0, len(data), cut)]
    assert through_walker(chunks, max_message) == through_library(data, max_message)


@given(streams)
def test_one_byte_at_a_time(data: bytes) -> None:
    """A frame's head may arrive in as many pieces as it has bytes."""
    data = data[:1000]
    assert through_walker(data[i : i + 1] for i in range(len(data))) == through_library(data)


@pytest.mark.parametrize(
    "violation",
    [
        pytest.param(b"\x81\x85\0\0\0\0hello", id="masked"),
        pytest.param(b"\xc1\x05hello", id="reserved bit"),
        pytest.param(b"\x83\x05hello", id="reserved opcode"),
        pytest.param(b"\x80\x05hello", id="continuation of nothing"),
        pytest.param(b"\x81\x7e\x00\x05hello", id="length not minimal (16 bit)"),
        pytest.param(b"\x81\x7f" + (300).to_bytes(8, "big") + b"x" * 300, id="length not minimal (64 bit)"),
        pytest.param(b"\x81\x7f" + b"\xff" * 8, id="length over 63 bit"),
        pytest.param(b"\x09\x00", id="fragmented ping"),
        pytest.param(b"\x89\x7e\x00\x7e" + b"x" * 126, id="long ping"),
        pytest.param(frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), id="message within a message"),
    ],
)
def test_after_a_violation_the_library_gets_every_byte(violation: bytes) -> None:
    """What breaks the protocol is judged by the library, and nothing after it is taken for a message."""
    walker = FrameWalker(PLENTY)
    after = frame(TEXT, b"after")
    walked = walker.walk(frame(TEXT, b"before") + violation + after)
    assert walked.messages == [b"before"]
    assert walked.passed == violation + after
    assert walker.walk(after).passed == after


def test_a_large_message_is_copied_once_however_it_is_cut() -> None:
    """A message in thousands of pieces is walked when it is complete, not at each piece."""
    payload = b"x" * 200_000
    data = frame(TEXT, payload)
    walker = FrameWalker(PLENTY)
    found = [walker.walk(data[i : i + 100]).messages for i in range(0, len(data), 100)]
    assert found[-1] == [payload]
    assert not any(found[:-1])


def test_what_is_left_out_is_not_kept() -> None:
    """A gigabyte costs no more memory than its beginning."""
    walker = FrameWalker(PLENTY)
    assert walker.walk(b"\x81\x7f" + struct.pack("!Q", 1 << 30)).messages == []
    piece = b"x" * (1 << 20)
    tracemalloc.start()
    try:
        told = [message for _ in range(1 << 10) for message in walker.walk(piece).messages]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert told == [Oversized(1 << 30, b"x" * BEGINNING_BYTES)]
    assert walker.walk(frame(TEXT, b"after")).messages == [b"after"]
