"""The webhook over real sockets: what a receiver gets to see."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import h11
import pytest
import trio
import trustme
from attrs import define, evolve, field

from actors.webhook import actor_type
from mission_control.settings import Secret
from mission_control.testing import Bench, activity, running
from tests.actors.webhooks import OPTIONS, verified

SOON = 10.0
"""Seconds within which everything here happens, unless something is broken."""


@define
class Receiver:
    """An HTTP server that answers each request with the next of its ``answers``, then with 204."""

    answers: list[h11.Response] = field(factory=list)
    requests: list[tuple[h11.Request, bytes]] = field(factory=list)
    connections: int = 0
    port: int = 0
    _arrived: trio.Event = field(init=False, factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        request: h11.Request | None = None
        body = b""
        async with stream:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(bytes(await stream.receive_some()))
                elif isinstance(event, h11.Request):
                    request, body = event, b""
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert request is not None
                    await self._answer(connection, stream, request, body)
                    if connection.our_state is h11.MUST_CLOSE:
                        return
                    connection.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed):
                    return

    async def _answer(
        self, connection: h11.Connection, stream: trio.abc.Stream, request: h11.Request, body: bytes
    ) -> None:
        answer = self.answers.pop(0) if self.answers else h11.Response(status_code=204, headers=[])
        self.requests.append((request, body))
        await stream.send_all((connection.send(answer) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        self._arrived.set()

    async def wait_requests(self, count: int) -> None:
        while len(self.requests) < count:
            self._arrived = trio.Event()
            await self._arrived.wait()


@asynccontextmanager
async def receiving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    receiver.port = listeners[0].socket.getsockname()[1]

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await receiver.serve(stream if tls is None else trio.SSLStream(stream, tls, server_side=True))
        except trio.BrokenResourceError:
            return  # the client hung up, as it may

    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(trio.serve_listeners, serve, listeners))
            yield receiver
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def sending(url: str, attempts: int = 12) -> AsyncIterator[Bench]:
    async with running(actor_type, evolve(OPTIONS, url=Secret(url), attempts=attempts), name="webhook") as there:
        yield there


async def refusal_of(there: Bench) -> str:
    """Commit an event that will be given up; gives what is logged of it."""
    lines: list[str] = []
    given_up = trio.Event()

    class Listen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())
            given_up.set()

    log, listen = logging.getLogger("mission_control.extension.webhook"), Listen()
    log.addHandler(listen)
    try:
        await there.commit(activity("alpha", "run.failed"))
        await given_up.wait()
    finally:
        log.removeHandler(listen)
    return lines[0]


async def test_a_receiver_can_verify_what_it_gets() -> None:
    """All over one connection, with the credentials of the URL where HTTP has them."""
    url = "http://who:password@localhost:{}/hook?key=1"
    async with receiving(Receiver()) as receiver, sending(url.format(receiver.port)) as there:
        drafts = [activity("alpha", "run.failed", f"naïve {number}") for number in range(3)]
        await there.commit(*drafts)
        await receiver.wait_requests(3)
    assert receiver.connections == 1
    for (request, body), draft in zip(receiver.requests, drafts, strict=True):
        headers = {name.decode(): value.decode() for name, value in request.headers}
        assert verified(headers, body).event_id == draft.event_id
        assert (request.method, request.target) == (b"POST", b"/hook?key=1")
        assert headers["host"] == f"localhost:{receiver.port}"
        assert headers["authorization"] == "Basic d2hvOnBhc3N3b3Jk"
        assert headers["user-agent"].startswith("mission-control/")
        assert headers["content-length"] == str(len(body))


async def test_a_receiver_may_close_after_each_answer() -> None:
    closing = [h11.Response(status_code=200, headers=[("connection", "close")]) for _ in range(3)]
    async with receiving(Receiver(closing)) as receiver, sending(f"http://localhost:{receiver.port}") as there:
        await there.commit(*(activity("alpha", "run.failed") for _ in range(4)))
        await receiver.wait_requests(4)
    assert receiver.connections == 4


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_takes_nothing_elsewhere(code: int) -> None:
    """Neither event nor signature nor credentials reach whom an answer names."""
    async with receiving(Receiver()) as elsewhere:
        target = f"http://localhost:{elsewhere.port}/"
        redirect = h11.Response(status_code=code, headers=[("location", target), ("content-length", "0")])
        async with receiving(Receiver([redirect])) as receiver, sending(f"http://localhost:{receiver.port}") as there:
            line = await refusal_of(there)
    assert (len(receiver.requests), elsewhere.connections) == (1, 0)
    assert f"{code}, a redirect, which is not followed" in line
    assert target not in line


async def test_nobody_listens() -> None:
    """The system's own words are told."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    with trio.fail_after(SOON):
        async with sending(f"http://localhost:{port}/secret", attempts=1) as there:
            line = await refusal_of(there)
    assert f"to http://localhost:{port}: no connection: " in line


class TestCertificates:
    async def test_a_known_authority_is_believed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """``SSL_CERT_FILE`` names others than those that everybody knows."""
        authority, tls = await _authority()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with receiving(Receiver(), tls) as receiver, sending(f"https://localhost:{receiver.port}") as there:
            await there.commit(activity("alpha", "run.failed"))
            await receiver.wait_requests(1)

    async def test_no_other_is(self, tmp_path: Path) -> None:
        """Nothing is sent to whom cannot prove who it is."""
        _, tls = await _authority()
        async with receiving(Receiver(), tls) as receiver, sending(f"https://localhost:{receiver.port}", 1) as there:
            line = await refusal_of(there)
        assert receiver.requests == []
        assert "CERTIFICATE_VERIFY_FAILED" in line


async def _authority() -> tuple[trustme.CA, ssl.SSLContext]:
    authority = await trio.to_thread.run_sync(trustme.CA)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    return authority, tls
