"""The HTTP interface of a running daemon, as far as the command line needs it (docs/protocol.md, "HTTP")."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from attrs import define, frozen

from mission_control import __version__
from mission_control.core.actor_views import ActorsView, LetterView
from mission_control.core.diagnostic_views import DiagnosticsView
from mission_control.core.frames import PROTOCOL
from mission_control.printable import one_line
from mission_control.target import IF_UNAUTHENTICATED, IF_UNREACHABLE, Target

PATIENCE_S: Final = 10.0
"""How long the daemon may be silent while it is connected to or asked."""

T = TypeVar("T")


class DaemonError(Exception):
    """The daemon did not do what was asked of it; the text is one line for people."""


class UnreachableError(DaemonError):
    """There is no answer of the daemon's at present. Asking again later may help."""


class RefusedError(DaemonError):
    """The same request can never succeed; the text says what to do instead."""


@define(eq=False)
class ProblemError(DaemonError):
    """The daemon answered with a problem (RFC 9457)."""

    status: int
    code: str
    detail: str

    def __str__(self) -> str:
        return self.detail


@frozen
class _Problem:
    status: int
    code: str
    detail: str


@frozen
class _Config:
    """What every daemon tells everyone, whatever its version."""

    protocol: int
    version: str


@frozen
class Answer:
    """What was answered: as it came, and read."""

    body: bytes
    actors: ActorsView


class Daemon:
    """Every request raises DaemonError, whose subclasses say whether asking again can help."""

    def __init__(self, client: httpx.AsyncClient, target: Target) -> None:
        self._client = client
        self._base = target.http_url
        self._headers = {} if target.token is None else {"authorization": f"Bearer {target.token.reveal()}"}

    async def actors(self) -> Answer:
        """The tree and the dead letters."""
        body = await self._ask("GET", "/v1/actors")
        return Answer(body, await self._read(body, ActorsView))

    async def diagnostics(self) -> DiagnosticsView:
        """How its gateways are."""
        return await self.get("/v1/diagnostics", DiagnosticsView)

    async def version(self) -> str:
        """Its version, which it tells everyone."""
        return (await self.get("/v1/config", _Config)).version

    async def get(self, path: str, kind: type[T]) -> T:
        """What is answered at a path of the HTTP interface."""
        return await self._read(await self._ask("GET", path), kind)

    async def retry(self, letter: str) -> LetterView:
        """Put the message of a dead letter back into the mailbox that it came from; gives the letter, which is gone."""
        body = await self._ask("POST", f"/v1/dead-letters/{quote(letter, safe='')}/retry")
        return await self._read(body, LetterView)

    async def discard(self, letter: str) -> LetterView:
        """Give a dead letter up; gives the letter, which is gone."""
        body = await self._ask("DELETE", f"/v1/dead-letters/{quote(letter, safe='')}")
        return await self._read(body, LetterView)

    async def _ask(self, method: str, path: str) -> bytes:
        try:
            answer = await self._client.request(method, f"{self._base}{path}", headers=self._headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(_why(error)) from error
        if not answer.is_success:
            raise _refusal(answer)
        return answer.content

    async def _read(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError:
            raise RefusedError(await self._misunderstood()) from None

    async def _misunderstood(self) -> str:
        """Why its answers cannot be read."""
        try:
            config = msgspec.json.decode(await self._ask("GET", "/v1/config"), type=_Config)
        except (DaemonError, msgspec.MsgspecError):
            return NO_DAEMON
        return (
            f"the daemon is version {config.version} (protocol {config.protocol}) and this command {__version__} "
            f"(protocol {PROTOCOL}): they do not understand each other; use the command that came with the daemon"
        )


NO_DAEMON: Final = "what answers there is no Mission Control; give the daemon's --url, such as http://127.0.0.1:8700"

_PASSING: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What a proxy says while the daemon behind it restarts."""


@asynccontextmanager
async def connected(target: Target, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Daemon]:
    """Speak to the daemon over one connection, which is made with the first request and renewed when it is lost.

    The environment's proxies and ``.netrc`` are not heeded, and no redirect is followed: the token goes to the daemon
    alone. ``transport`` takes the place of the network.
    """
    async with httpx.AsyncClient(
        transport=transport or httpx.AsyncHTTPTransport(verify=ssl.create_default_context(), trust_env=False),
        trust_env=False,
        timeout=PATIENCE_S,
    ) as client:
        yield Daemon(client, target)


def explain(error: BaseException, target: Target) -> str | None:
    """A failure with its remedy, or None when it is a fault of the program."""
    if not isinstance(error, DaemonError):
        return None
    text = one_line(str(error)).rstrip(".")
    if isinstance(error, UnreachableError):
        text += f"; {IF_UNREACHABLE}"
    return f"{target.http_url}: {text}"


def _refusal(answer: httpx.Response) -> DaemonError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.MsgspecError:
        return _foreign(answer)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return RefusedError(f"{problem.detail.rstrip('.')}; {IF_UNAUTHENTICATED}")
    return ProblemError(problem.status, problem.code, problem.detail)


def _foreign(answer: httpx.Response) -> DaemonError:
    """An answer that no daemon gives: somebody else's, or a proxy's."""
    if answer.status_code in _PASSING:
        return UnreachableError(f"a proxy answers {answer.status_code} {answer.reason_phrase}")
    if answer.has_redirect_location:
        return RefusedError(f"it redirects to {answer.headers['location']}; give that place as --url")
    return RefusedError(NO_DAEMON)


def _why(error: httpx.HTTPError | httpx.InvalidURL) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {PATIENCE_S:g} s"
    cause: BaseException | None = error
    while cause is not None and not str(cause):  # what TLS has to say stands further down
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__ if cause is None else str(cause)
