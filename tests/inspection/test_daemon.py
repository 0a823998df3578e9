"""Asking a daemon over HTTP: what is read of its answers, where the token goes, and what is said when it goes wrong."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import trio

from mission_control.inspection.daemon import (
    DaemonError,
    ProblemError,
    RefusedError,
    UnreachableError,
    connected,
    explain,
)
from mission_control.settings import Secret
from mission_control.target import Target
from runtime import DeadLetter, Failure, MailboxFull
from tests.edge.given import GUARDED, TOKEN, TREE, services
from tests.inspection.answering import TARGET, handled, ids, problem, real, scripted
from tests.inspection.given import actor, actors

LETTER = DeadLetter(7, "root/a", "Signal(…)", Failure("ValueError", "no such run", "a:1 in run", 0.0), 0.0)
HTML = httpx.Response(200, html="<html>")


async def told(*answers: httpx.Response | Exception) -> tuple[type[Exception], str]:
    """The error that comes of these answers to a look at the actors, and what the operator reads of it."""
    async with scripted(*answers) as daemon:
        with pytest.raises(DaemonError) as caught:
            await daemon.actors()
    text = explain(caught.value, TARGET)
    assert text is not None
    return caught.type, text


async def test_the_real_daemon_is_understood() -> None:
    """What the edge says is what is read here; the token opens it."""
    async with real(services(access=GUARDED, tree=lambda: TREE), TOKEN) as daemon:
        answer = await daemon.actors()
    assert [child.name for child in answer.actors.tree.children] == ["persistence", "agents", "edge"]
    assert json.loads(answer.body)["tree"]["name"] == "root"


async def test_letters_are_retried_and_discarded_by_the_real_daemon() -> None:
    """Each goes to its own method and path, with what the daemon thinks of it as the result."""
    done: list[tuple[str, int]] = []
    given = services(
        access=GUARDED,
        dead_letters=lambda: (LETTER,),
        retry=lambda letter: done.append(("retry", letter)),
        discard=lambda letter: done.append(("discard", letter)),
        instance="abc",
    )
    async with real(given, TOKEN) as daemon:
        assert (await daemon.retry("abc-7")).path == "root/a"
        assert (await daemon.discard("abc-7")).message == "Signal(…)"
        with pytest.raises(ProblemError, match="no dead letter abc-8"):
            await daemon.retry("abc-8")
    assert done == [("retry", 7), ("discard", 7)]


async def test_a_problem_of_the_daemons_is_told_in_its_words() -> None:
    """It names the remedy itself."""

    def retry(_: int) -> None:
        raise MailboxFull("a", 10)

    async with real(services(dead_letters=lambda: (LETTER,), retry=retry, instance="abc")) as daemon:
        with pytest.raises(ProblemError, match="try again later") as caught:
            await daemon.retry("abc-7")
    assert (caught.value.status, caught.value.code) == (503, "mailbox_full")


async def test_an_id_is_no_path() -> None:
    """Whatever is typed as an id stays one: no other request is made of it."""
    asked: list[httpx.Request] = []
    async with scripted(problem(404, "unknown_dead_letter", "none"), asked=asked) as daemon:
        for letter in ("../actors", "a/b", "a?x=1", "a#b", "%2e%2e"):
            with pytest.raises(ProblemError):
                await daemon.discard(letter)
    assert ids(asked) == [
        f"DELETE /v1/dead-letters/{one}" for one in ("..%2Factors", "a%2Fb", "a%3Fx%3D1", "a%23b", "%252e%252e")
    ]


@pytest.mark.parametrize(
    ("answers", "kind", "hints"),
    [
        ([httpx.ConnectError("refused")], UnreachableError, ("refused", "is it running there", "--url")),
        ([httpx.ReadTimeout("")], UnreachableError, ("no answer within 10 s", "is it running there")),
        ([httpx.RemoteProtocolError("")], UnreachableError, ("RemoteProtocolError",)),
        ([httpx.Response(502, html="<html>")], UnreachableError, ("a proxy answers 502 Bad Gateway",)),
        ([problem(401, "unauthenticated", "The token is wrong.")], RefusedError, ("wrong; give the", "--token-file")),
        ([problem(403, "host_not_allowed", "Add it to auth.allowed_hosts.")], ProblemError, ("auth.allowed_hosts",)),
        ([problem(500, "internal_error", "Its log says why.")], ProblemError, ("log says why",)),
        ([HTML], RefusedError, ("no Mission Control", "--url")),
        ([httpx.Response(404, html="<html>")], RefusedError, ("no Mission Control", "--url")),
        ([httpx.Response(301, headers={"location": "https://a.example/"})], RefusedError, ("https://a.example/ ;",)),
        (
            [httpx.Response(200, json={"tree": {}}), httpx.Response(200, json={"protocol": 1, "version": "0.0.9"})],
            RefusedError,
            ("version 0.0.9 (protocol 1)", "use the command that came with the daemon"),
        ),
        ([httpx.Response(200, json={"tree": {}}), httpx.ConnectError("")], RefusedError, ("no Mission Control",)),
    ],
)
async def test_what_went_wrong_is_told_with_the_remedy(
    answers: list[httpx.Response | Exception], kind: type[Exception], hints: tuple[str, ...]
) -> None:
    """Not there, no token, another version, another program: each has its own way out, and names the daemon."""
    found, text = await told(*answers)
    assert found is kind
    assert text.startswith("http://127.0.0.1:8700: ")
    assert all(hint.replace(" ;", ";") in text for hint in hints)


async def test_nothing_that_a_stranger_answers_drives_the_terminal() -> None:
    """Whoever listens at a mistyped address gets no say over the screen."""
    _, text = await told(problem(500, "x", "evil\x1b[2J\nError: forged"))
    assert "\x1b" not in text
    assert "\n" not in text


def test_a_fault_of_the_program_is_not_hidden() -> None:
    assert explain(ValueError("bug"), TARGET) is None


async def test_a_daemon_that_is_not_there_is_told_over_a_real_socket() -> None:
    """The words come from the system, and are there."""
    sock = trio.socket.socket()
    await sock.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can be there
    target = Target(f"ws://127.0.0.1:{sock.getsockname()[1]}/v1/stream", None)
    async with connected(target) as daemon:
        with pytest.raises(UnreachableError, match=r"\w+"):
            await daemon.actors()
    sock.close()


async def test_a_daemon_without_tls_is_told_from_one_that_is_not_there() -> None:
    """``https`` where ``http`` belongs is a common slip; the words of TLS give it away."""

    async def plain(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with trio.open_nursery() as nursery:
        port = await listening(nursery, plain)
        async with connected(Target(f"wss://127.0.0.1:{port}/v1/stream", None)) as daemon:
            with pytest.raises(UnreachableError, match="SSL"):
                await daemon.actors()
        nursery.cancel_scope.cancel()


# --- the token ---


@pytest.mark.parametrize("url", ["ws://a/v1/stream", "wss://a:8700/behind/a/proxy/v1/stream", "ws://a/behind/a/proxy"])
async def test_the_token_goes_into_the_header_of_the_daemons_own_url(url: str) -> None:
    """URLs end up in logs, headers do not."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return problem(401, "unauthenticated", "no")

    async with handled(answer, Target(url, Secret("hidden"))) as daemon:
        with pytest.raises(RefusedError):
            await daemon.actors()
    (request,) = asked
    assert str(request.url) == url.replace("ws", "http", 1).removesuffix("/v1/stream") + "/v1/actors"
    assert request.headers["authorization"] == "Bearer hidden"


async def test_no_redirect_is_followed() -> None:
    """Where it leads is not where the token belongs."""
    asked: list[httpx.Request] = []
    there = httpx.Response(307, headers={"location": "http://evil.example/v1/actors"})
    async with scripted(there, asked=asked) as daemon:
        with pytest.raises(RefusedError, match=r"redirects to http://evil\.example/v1/actors; give"):
            await daemon.actors()
    assert len(asked) == 1


async def test_an_answer_that_leads_nowhere_is_no_daemons() -> None:
    async with scripted(httpx.Response(304)) as daemon:
        with pytest.raises(RefusedError, match="no Mission Control"):
            await daemon.actors()


async def test_the_environment_sends_the_token_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would see the token; a ``.netrc`` would take its place."""
    received: list[bytes] = []

    async def proxy(stream: trio.SocketStream) -> None:
        received.append(await stream.receive_some())

    async def daemon(stream: trio.SocketStream) -> None:
        received.append(await stream.receive_some())
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with trio.open_nursery() as nursery:
        port = await listening(nursery, daemon)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{await listening(nursery, proxy)}")
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password mine\n")
        monkeypatch.setenv("NETRC", str(netrc))
        async with connected(Target(f"ws://127.0.0.1:{port}/v1/stream", None)) as client:
            with pytest.raises(RefusedError):
                await client.actors()
        nursery.cancel_scope.cancel()
    (request,) = received
    assert request.startswith(b"GET /v1/actors HTTP/1.1\r\n")
    assert b"authorization" not in request.lower()


async def listening(nursery: trio.Nursery, serve: Callable[[trio.SocketStream], Awaitable[object]]) -> int:
    """The port at which ``serve`` is called for each connection."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, listeners)
    port: int = listeners[0].socket.getsockname()[1]
    return port


async def test_fields_of_a_newer_daemon_are_passed_over() -> None:
    """That is how the protocol grows."""
    async with scripted(actors(actor("a"))) as daemon:
        body = (await daemon.actors()).body
    newer = body.replace(b'"name":', b'"new":[1,{}],"name":').replace(b'"time":', b'"newer":null,"time":')
    async with scripted(httpx.Response(200, content=newer)) as daemon:
        assert (await daemon.actors()).actors == actors(actor("a"))
