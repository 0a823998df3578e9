"""The webhook: POSTs chosen events to a URL, signed, one at a time and in order (docs/webhooks.md).

An actor type like any that a package adds. What is chosen and what an answer means is in
:mod:`mission_control.core.webhooks`. The mailbox holds what waits, and lets go of the oldest when there is too much: an
endpoint that is slow or gone costs nobody but itself. What is in hand stays in the mailbox until it is done with, so a
successor begins with it again, under the same ``webhook-id``.
"""

from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import count
from typing import Final as Constant

import httpx
import trio
from attrs import asdict
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from actors.webhook_options import WebhookOptions
from actors.webhook_record import BUCKETS, Figures, Record
from mission_control import __version__
from mission_control.core.webhooks import Answer, Delivery, Selection, Verdict, retry_after
from mission_control.extension import ActorType, Draft, Event, Host, SinkStatus, Status, event_id
from runtime import ActorSpec, Backoff, Inbox, Overflow, Ref

BACKOFF: Constant = Backoff(first=1.0, ceiling=300.0)
FAILING_AFTER: Constant = 3
"""So many failures in a row are an endpoint that fails."""
ALARM_EVERY_MS: Constant = 300_000
"""That an endpoint fails is said at most once in this time."""
LINE_EVERY_MS: Constant = 60_000
"""That events are given up is logged at most once in this time."""
REST_OF_ANSWER_S: Constant = 1.0
REST_OF_ANSWER_BYTES: Constant = 64 * 1024


class Webhook:
    """The actor. ``transport`` takes the place of the network; ``path`` is where it stands in the tree."""

    def __init__(
        self,
        host: Host,
        options: WebhookOptions,
        record: Record,
        path: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._host = host
        self._options = options
        self._record = record
        self._path = path
        self._transport = transport
        self._keys = options.keys

    async def run(self, inbox: Inbox[Delivery]) -> None:
        async with await _client(self._transport) as client:
            async for delivery in inbox:
                await self._see_through(delivery, client)

    async def _see_through(self, delivery: Delivery, client: httpx.AsyncClient) -> None:
        """Try until it is delivered or not worth another attempt."""
        for attempt in count(1):
            await trio.sleep_until(self._record.rest_until)
            answer = await self._attempt(delivery, client)
            now = self._host.clock()
            if answer.verdict is Verdict.DELIVERED:
                self._record.succeed(delivery, now)
                await self._say_that_it_works(now)
                return
            rest = max(answer.retry_after or 0.0, BACKOFF.delay(self._record.failures + 1, self._host.rng))
            self._record.fail(delivery, answer, now, rest=rest)
            await self._say_that_it_fails(now)
            too_old = now - delivery.at + rest * 1000 >= self._options.give_up_after_s * 1000
            if answer.verdict is Verdict.GIVE_UP or attempt >= self._options.attempts or too_old:
                self._give_up(delivery, answer, now)
                return

    async def _attempt(self, delivery: Delivery, client: httpx.AsyncClient) -> Answer:
        answer = Answer(problem=f"it does not answer within {self._options.timeout_s:g} s")
        headers = delivery.headers(self._keys, self._host.clock())
        url = self._options.url.reveal()
        with trio.move_on_after(self._options.timeout_s) as scope:
            try:
                async with client.stream("POST", url, content=delivery.body, headers=headers) as response:
                    wait = retry_after(response.headers, self._host.clock())
                    answer = Answer(response.status_code, retry_after=wait)
                    await _read_rest(response, scope)
            except httpx.HTTPError as error:
                if answer.status is None:
                    answer = Answer(problem=_described(error))
        return answer

    def _give_up(self, delivery: Delivery, answer: Answer, now: int) -> None:
        record = self._record
        record.given_up += 1
        if now >= record.next_line_at:
            record.next_line_at = now + LINE_EVERY_MS
            what = (delivery.event_id, self._options.endpoint, answer, record.given_up)
            self._host.log.warning("gave up sending %s to %s: %s (%d given up so far)", *what)

    async def _say_that_it_fails(self, now: int) -> None:
        record = self._record
        if record.failing_since is None and record.failures >= FAILING_AFTER and now >= record.next_alarm_at:
            record.failing_since, record.next_alarm_at = now, now + ALARM_EVERY_MS
            problem = "" if record.last_failed is None else record.last_failed.problem
            self._host.log.warning("%s fails: %s", self._options.endpoint, problem)
            await self._say("failing", f"{self._options.endpoint} takes no events: {problem}", now)

    async def _say_that_it_works(self, now: int) -> None:
        if self._record.failing_since is not None:
            self._record.failing_since = None
            self._host.log.info("%s works again", self._options.endpoint)
            await self._say("recovered", f"{self._options.endpoint} takes events again", now)

    async def _say(self, state: str, detail: str, now: int) -> None:
        status = Status("actor", self._path, state, detail)
        await self._host.publish(Draft(event_id("daemon", self._path, state, now), now, "daemon", None, status))


async def _client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """One that follows no redirect and keeps no cookie."""
    make = partial(
        httpx.AsyncClient,
        transport=transport,
        timeout=None,  # each attempt has its own
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"content-type": "application/json", "user-agent": f"mission-control/{__version__}"},
    )
    # It loads the certificate authorities, which takes tens of ms.
    return await trio.to_thread.run_sync(make) if transport is None else make()


async def _read_rest(response: httpx.Response, scope: trio.CancelScope) -> None:
    """Read an answer to its end, so that its connection can be used again; not if it is long or slow."""
    scope.deadline = min(scope.deadline, trio.current_time() + REST_OF_ANSWER_S)
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > REST_OF_ANSWER_BYTES:
            scope.cancel()


def _described(error: httpx.HTTPError) -> str:
    """Why there was no answer. Only the system's own words are repeated: others may quote the URL."""
    what = "no connection" if isinstance(error, httpx.ConnectError) else "no answer"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):  # those of TLS and of name resolution are among them
            return f"{what}: {cause}"
        cause = cause.__cause__ or cause.__context__
    return f"{what}: {type(error).__name__}"


def build(
    host: Host, options: WebhookOptions, *, transport: httpx.AsyncBaseTransport | None = None
) -> ActorSpec[Delivery]:
    path = f"root/extensions/{host.name}"
    selection = Selection(options.select, options.kinds, frozenset(options.statuses), own=path)
    record = Record(Histogram("delivery_seconds", "From choice to delivery.", registry=host.metrics, buckets=BUCKETS))
    ref: Ref[Delivery] = Ref(host.name, capacity=options.max_waiting, overflow=Overflow.DROP_OLDEST)

    def chosen(event: Event) -> Delivery | None:
        return Delivery.of(event, host.clock()) if selection.admits(event) else None

    def status() -> SinkStatus:
        return record.status(options.endpoint, ref.statistics(), host.clock())

    async def show(request: Request) -> JSONResponse:
        return JSONResponse(asdict(status()))

    host.subscribe(ref, options.select, wrap=chosen)
    host.routes(Route("/status", show))
    host.sink(status)
    host.metrics.register(Figures(record, ref.statistics))
    return ActorSpec(ref, lambda: Webhook(host, options, record, path, transport))


actor_type: Constant = ActorType(WebhookOptions, build, enabled=False)
