"""For tests of the webhook: an endpoint without a network, and a receiver that verifies as docs/webhooks.md says."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import trio
from attrs import define, evolve, field

from actors.webhook import build
from actors.webhook_options import WebhookOptions
from mission_control.core.events import Event, decode_event
from mission_control.extension import ActorType
from mission_control.settings import Secret
from mission_control.testing import Bench, clock, running

KEY = bytes(range(100, 132))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
URL = "https://who:password@hooks.example.com/T0/secret?key=1"

OPTIONS = WebhookOptions(
    url=Secret(URL), secret=Secret(SECRET), types=("activity.event", "heartbeat", "system.status"), kinds=()
)


def verified(headers: Mapping[str, str], body: bytes, key: bytes = KEY) -> Event:
    """The event, if it is signed with this key; written from the specification, without our code."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    mac.update(headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body)
    expected = base64.b64encode(mac.digest()).decode()
    signatures = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    assert ["v1", expected] in signatures
    assert headers["content-type"] == "application/json"
    return decode_event(body)


@define
class Endpoint:
    """Answers as its script says, and then with 204. What it got is in ``received``."""

    script: list[httpx.Response | Exception | float] = field(factory=list)
    always: Callable[[Event], httpx.Response] | None = None
    received: list[tuple[float, httpx.Request]] = field(factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """A number in the script is how many seconds it takes to answer with 204."""
        await trio.lowlevel.checkpoint()
        self.received.append((trio.current_time(), request))
        assert abs(int(request.headers["webhook-timestamp"]) - clock() / 1000) <= 1
        event = verified(request.headers, request.content)
        if self.always is not None:
            return _unread(self.always(event))
        match self.script.pop(0) if self.script else 0.0:
            case httpx.Response() as response:
                return _unread(response)
            case Exception() as error:
                raise error
            case seconds:
                await trio.sleep(seconds)
                return _unread(httpx.Response(204))

    @property
    def events(self) -> list[str]:
        """The ids of the events that it got, attempt by attempt."""
        return [decode_event(request.content).event_id for _, request in self.received]

    @property
    def pauses(self) -> list[float]:
        """The seconds between the attempts."""
        times = [at for at, _ in self.received]
        return [later - earlier for earlier, later in pairwise(times)]


class _Nothing(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: tuple[bytes, ...] = ()
        for part in parts:
            yield part


def _unread(response: httpx.Response) -> httpx.Response:
    """As it comes from a network."""
    return httpx.Response(response.status_code, headers=response.headers, stream=_Nothing())


def refused() -> httpx.ConnectError:
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = ConnectionRefusedError("connection refused")
    return error


@asynccontextmanager
async def sending(
    endpoint: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]], **options: Any
) -> AsyncIterator[Bench]:
    """The webhook with the real everything but the network."""
    actor_type = ActorType(WebhookOptions, partial(build, transport=httpx.MockTransport(endpoint)), enabled=False)
    async with running(actor_type, evolve(OPTIONS, **options), name="webhook") as there:
        yield there


async def status(there: Bench) -> dict[str, Any]:
    async with there.client() as client:
        answer = await client.get("/status")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found
