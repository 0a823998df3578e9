"""The link to a gateway, over real sockets on loopback: nothing lost, nothing leaks, every end says why."""

import ssl
from contextlib import suppress

import pytest
import trio
import trustme
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from mission_control.gateways.framing import BEGINNING_BYTES, Oversized
from mission_control.gateways.tap import INBOX_BYTES
from mission_control.gateways.transport import Link, LinkClosed, LinkFailed, open_link
from tests.gateways.raw_server import Handler, Peer, serving
from tests.gateways.whole import whole

MAX = 1 << 22


async def receive_all(link: Link) -> tuple[list[str], LinkClosed]:
    """Everything until the link's end, and the end."""
    received: list[str] = []
    with trio.fail_after(10):
        while True:
            try:
                received += [message.decode() for message in whole(await link.receive())]
            except LinkClosed as end:
                return received, end


async def conversation(handler: Handler, max_message: int = MAX) -> tuple[list[str], LinkClosed]:
    """What a client gets from a server that behaves like ``handler``."""
    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}/", max_message=max_message) as link:
        return await receive_all(link)


async def failure(url: str) -> LinkFailed:
    with trio.fail_after(10), pytest.raises(LinkFailed) as failed:
        async with open_link(url, max_message=MAX):
            pytest.fail("the link must not open")
    assert failed.value.remedy
    assert "\n" not in failed.value.remedy
    return failed.value


async def test_messages_arrive_in_order_whatever_their_form() -> None:
    """Fragmented messages keep their place among whole ones, and pings in their middle are answered."""
    pongs: list[bytes] = []

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(
            TextMessage("1"),
            TextMessage("2a", message_finished=False),
            Ping(b"mid"),
            TextMessage("2b"),
            TextMessage("3"),
            TextMessage("", message_finished=False),
            TextMessage(""),
            TextMessage("5" * 200_000),
            TextMessage("6é", message_finished=False),
            TextMessage("🙂" * 40_000),
            TextMessage("7"),
        )
        pong = await peer.next_event()
        assert isinstance(pong, Pong)
        pongs.append(bytes(pong.payload))
        await peer.close(1000, "done")

    received, end = await conversation(handler)
    assert received == ["1", "2a2b", "3", "", "5" * 200_000, "6é" + "🙂" * 40_000, "7"]
    assert (end.code, end.reason) == (1000, "done")
    assert pongs == [b"mid"]


async def test_frames_that_come_with_the_handshake_are_not_lost() -> None:
    """A server may write its first message into the same packet as its HTTP answer."""

    async def handler(peer: Peer) -> None:
        held: list[bytes] = []
        send_all, peer.stream.send_all = peer.stream.send_all, lambda data: _append(held, data)  # type: ignore[method-assign]
        await peer.accept()
        await peer.send(TextMessage("challenge"), TextMessage("x" * 100_000))
        peer.stream.send_all = send_all  # type: ignore[method-assign]
        await peer.stream.send_all(b"".join(held))
        await peer.close(1000, "")

    received, _ = await conversation(handler)
    assert received == ["challenge", "x" * 100_000]


async def _append(held: list[bytes], data: bytes | bytearray | memoryview) -> None:
    held.append(bytes(data))


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1008, "slow consumer"), (1012, "service restart"), (4001, "ünïcode")]
)
async def test_a_close_tells_code_and_reason_after_the_last_message(code: int, reason: str) -> None:
    """What was sent before a close is received before it, and the close says what the gateway said."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(TextMessage("last"))
        await peer.close(code, reason)

    received, end = await conversation(handler)
    assert received == ["last"]
    assert (end.code, end.reason) == (code, reason)


async def test_a_lost_connection_has_no_code() -> None:
    """A reset and a hang-up without a close frame end the link with code None, again and again."""

    async def reset(peer: Peer) -> None:
        await peer.accept()
        await peer.send(TextMessage("x"))
        await peer.next_event()
        peer.reset()

    async with serving(reset) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        assert await link.receive() == [b"x"]
        await link.send("go")
        for _ in range(2):
            with trio.fail_after(10), pytest.raises(LinkClosed) as closed:
                await link.receive()
            assert closed.value.code is None
        with pytest.raises(LinkClosed):
            await link.send("anyone?")

    async def hang_up(peer: Peer) -> None:
        await peer.accept()
        await peer.stream.send_all(b"\x81\x05hal")

    received, end = await conversation(hang_up)
    assert received == []
    assert end.code is None


async def test_an_oversized_message_is_left_out_and_told_in_its_place() -> None:
    """It costs neither the link nor the messages around it, and no more memory than its beginning."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(TextMessage("before"), TextMessage("x" * 3_000_000), TextMessage("after"))
        await peer.close(1000, "")

    received: list[bytes | Oversized] = []
    with trio.fail_after(10):
        async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=1_000) as link:
            while len(received) < 3:
                received += await link.receive()
            with pytest.raises(LinkClosed) as closed:
                await link.receive()
    assert received == [b"before", Oversized(3_000_000, b"x" * BEGINNING_BYTES), b"after"]
    assert (closed.value.code, closed.value.by_peer) == (1000, True)


async def test_an_oversized_message_in_fragments_ends_the_link_and_says_so() -> None:
    """It is never buffered whole; the messages before it are received, and it is not the gateway that closes."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(TextMessage("before"))
        await peer.send(*[TextMessage("x" * 600, message_finished=False)] * 2, TextMessage("x"))
        await peer.next_event()

    received, end = await conversation(handler, max_message=1000)
    assert received == ["before"]
    assert (end.code, end.by_peer) == (1009, False)
    assert "1000 bytes" in end.reason


async def test_a_message_of_exactly_the_limit_is_received() -> None:
    """The limit counts what may pass."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(TextMessage("x" * 500))
        await peer.close(1000, "")

    assert (await conversation(handler, max_message=500))[0] == ["x" * 500]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x85\0\0\0\0hello", 1002, id="masked"),
        pytest.param(b"\x83\x00", 1002, id="reserved opcode"),
        pytest.param(b"\x01\x01\xff\x80\x00", 1007, id="fragmented message that is not UTF-8"),
    ],
)
async def test_a_protocol_violation_ends_the_link(data: bytes, code: int) -> None:
    """A peer that breaks the protocol gives an orderly end with the fitting code, not an exception of the library."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.stream.send_all(b"\x81\x02ok" + data)
        await peer.next_event()

    received, end = await conversation(handler)
    assert received == ["ok"]
    assert (end.code, end.by_peer) == (code, False)


async def test_a_binary_message_is_handed_over_in_its_place() -> None:
    """Gateways speak text; whoever reads this one says that it is none, and the link goes on."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        for message in (TextMessage("one"), BytesMessage(b"\0\xff"), TextMessage("two")):
            await peer.send(message)

    messages: list[bytes] = []
    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        while len(messages) < 3:
            messages += whole(await link.receive())
    assert messages == [b"one", b"\0\xff", b"two"]


async def test_sending_reaches_the_peer_and_no_origin_is_sent() -> None:
    """The request names host, path and query, and no Origin; text arrives unchanged; leaving closes politely."""
    seen: list[object] = []

    async def handler(peer: Peer) -> None:
        request = await peer.accept()
        seen.extend([request.target, request.host, [name for name, _ in request.extra_headers if name == b"origin"]])
        message = await peer.next_event()
        assert isinstance(message, TextMessage)
        seen.append(message.data)
        close = await peer.next_event()
        assert isinstance(close, CloseConnection)
        seen.append(close.code)
        await peer.send(close.response())

    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}/gw?x=1", max_message=MAX) as link:
        await link.send('{"ä": "🙂"}')
        assert link.peer == f"127.0.0.1:{port}"
    assert seen == ["/gw?x=1", f"127.0.0.1:{port}", [], '{"ä": "🙂"}', 1000]


async def test_a_consumer_that_does_not_take_stops_the_reading_and_loses_nothing() -> None:
    """Past the inbox's bound the socket is left alone, so the sender is held up; later everything arrives."""
    block = "x" * 100_000
    sent = 0

    async def handler(peer: Peer) -> None:
        nonlocal sent
        await peer.accept()
        for number in range(200):
            await peer.send(TextMessage(f"{number} {block}"))
            sent += 1
        await peer.close(1000, "")

    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        with trio.fail_after(10):
            while link.statistics().bytes < INBOX_BYTES:
                await trio.lowlevel.checkpoint()
            await trio.testing.wait_all_tasks_blocked(0.02)
        assert sent < 200
        assert link.statistics().bytes < INBOX_BYTES + 500_000
        received, _ = await receive_all(link)
    assert [int(message.split()[0]) for message in received] == list(range(200))


async def test_a_backlog_comes_in_batches() -> None:
    """However much waits, one receive gives no more than can be handled without holding up the event loop."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*[TextMessage(f"{number}") for number in range(2000)], TextMessage("x" * 300_000))
        await peer.send(*[TextMessage("y" * 50_000) for _ in range(10)])
        await peer.close(1000, "")

    batches = []
    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        with trio.fail_after(10):
            while link.statistics().messages < 2011:
                await trio.lowlevel.checkpoint()
            with suppress(LinkClosed):
                while True:
                    batches.append(await link.receive())
    assert max(map(len, batches)) == 256
    assert [len(message) for batch in batches for message in batch][2000:] == [300_000, *[50_000] * 10]
    assert all(sum(map(len, batch[:-1])) < 1 << 17 for batch in batches)


async def test_a_ping_that_was_read_is_answered_although_nobody_receives() -> None:
    """Messages waiting for the consumer, fragmented ones too, do not keep a pong back."""
    answered = trio.Event()

    async def handler(peer: Peer) -> None:
        await peer.accept()
        fragments = [TextMessage("a", message_finished=False), TextMessage("b")]
        await peer.send(TextMessage("x"), *fragments, *fragments, *fragments, Ping(b"alive?"))
        assert isinstance(await peer.next_event(), Pong)
        answered.set()

    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX):
        with trio.fail_after(10):
            await answered.wait()


async def test_leaving_is_bounded_when_the_peer_does_not_answer_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that ignores the close and goes on sending what nobody takes cannot hold the daemon up."""
    monkeypatch.setattr("mission_control.gateways.transport._CLOSE_SECONDS", 0.05)

    async def handler(peer: Peer) -> None:
        await peer.accept()
        while True:
            await peer.send(TextMessage("x" * 100_000))

    with trio.fail_after(10):
        async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
            await link.receive()


async def test_what_the_body_raises_arrives_as_it_is() -> None:
    """The link adds no exception group around its user's error, and hides none behind its own closing."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await peer.next_event()

    async with serving(handler) as port:
        with pytest.raises(ZeroDivisionError):
            async with open_link(f"ws://127.0.0.1:{port}", max_message=MAX):
                raise ZeroDivisionError

        async def fail_while_cancelled() -> None:
            with trio.CancelScope() as scope:
                async with open_link(f"ws://127.0.0.1:{port}", max_message=MAX):
                    scope.cancel()
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_while_cancelled()


async def test_cancelling_a_receive_loses_nothing() -> None:
    """A consumer may give up waiting and come back."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        assert isinstance(await peer.next_event(), TextMessage)
        await peer.send(TextMessage("1"), TextMessage("2"))
        await peer.close(1000, "")

    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        with trio.move_on_after(0) as cancelled:
            await link.receive()
        assert cancelled.cancelled_caught
        await link.send("go")
        assert (await receive_all(link))[0] == ["1", "2"]


async def test_a_send_that_is_cut_short_ends_the_link() -> None:
    """Half a frame may be on its way: nothing can follow it, so the link says that it is over."""

    async def handler(peer: Peer) -> None:
        await peer.accept()
        await trio.sleep_forever()

    async with serving(handler) as port, open_link(f"ws://127.0.0.1:{port}", max_message=MAX) as link:
        with trio.move_on_after(0.02) as cut:
            await link.send("x" * 20_000_000)
        assert cut.cancelled_caught
        with pytest.raises(LinkClosed, match="cut short"):
            await link.receive()


async def test_nothing_listens() -> None:
    """A refused connection is told from other failures."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    assert f"nothing listens on 127.0.0.1:{port}" in str(await failure(f"ws://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "127.0.0.1:18789", "ws://", "ws://host:port", "ws://127.0.0.1:99999", ""]
)
async def test_an_address_that_is_none(url: str) -> None:
    """A wrong address is the operator's to correct, and says what one looks like."""
    assert "ws://HOST:PORT" in (await failure(url)).remedy


async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the host."""

    async def fail(*_: object, **__: object) -> None:
        raise trio.socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(trio, "open_tcp_stream", fail)
    assert "gateway.invalid" in str(await failure("ws://gateway.invalid"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>endless", "200 OK", id="a web page"),
        pytest.param(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403", id="forbidden"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "SSH-2.0", id="another protocol"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "ended", id="a bad handshake"),
        pytest.param(b"x" * 100_000, "ended", id="garbage"),
        pytest.param(b"", "ended", id="nothing"),
    ],
)
async def test_an_answer_that_opens_no_websocket(answer: bytes, said: str) -> None:
    """Whatever else listens on the port, opening ends with what it answered, without waiting for it to finish."""

    async def handler(peer: Peer) -> None:
        await peer.next_event()
        await peer.stream.send_all(answer)
        if answer.startswith(b"HTTP"):
            await peer.stream.receive_some()

    async with serving(handler) as port:
        assert said in str(await failure(f"ws://127.0.0.1:{port}/"))


async def test_a_reset_during_the_handshake() -> None:
    """A connection that breaks before it is a WebSocket is a failure to open, not a closed link."""

    async def handler(peer: Peer) -> None:
        await peer.next_event()
        peer.reset()

    async with serving(handler) as port:
        assert "before a WebSocket was open" in str(await failure(f"ws://127.0.0.1:{port}/"))


async def test_opening_can_be_cancelled() -> None:
    """A server that accepts and stays silent is the caller's timeout to end."""

    async def handler(peer: Peer) -> None:
        await trio.sleep_forever()

    async with serving(handler) as port:
        with trio.move_on_after(0.05) as scope:
            async with open_link(f"ws://127.0.0.1:{port}/", max_message=MAX):
                pytest.fail("the link must not open")
        assert scope.cancelled_caught


class TestTls:
    """wss:// checks certificates against what the system trusts."""

    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def server(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    async def test_messages_pass(
        self, authority: trustme.CA, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a trusted certificate a wss link works like any other, its end included."""

        async def handler(peer: Peer) -> None:
            await peer.accept()
            await peer.send(TextMessage("a"), TextMessage("b" * 300_000))
            await peer.close(1012, "service restart")

        with authority.cert_pem.tempfile() as path:
            monkeypatch.setenv("SSL_CERT_FILE", path)
            async with (
                serving(handler, server) as port,
                open_link(f"wss://127.0.0.1:{port}/", max_message=MAX) as link,
            ):
                received, end = await receive_all(link)
        assert received == ["a", "b" * 300_000]
        assert end.code == 1012

    async def test_an_untrusted_certificate_is_refused(self, server: ssl.SSLContext) -> None:
        """No data is exchanged with a gateway that cannot prove who it is."""

        async def handler(peer: Peer) -> None:
            await peer.next_event()

        async with serving(handler, server) as port:
            assert "certificate" in str(await failure(f"wss://127.0.0.1:{port}/"))

    async def test_a_server_without_tls(self) -> None:
        """The wrong scheme is named as the likely mistake."""

        async def handler(peer: Peer) -> None:
            await peer.stream.receive_some()
            await peer.stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with serving(handler) as port:
            assert "ws://" in (await failure(f"wss://127.0.0.1:{port}/")).remedy
