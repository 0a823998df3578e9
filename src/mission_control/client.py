"""A subscriber in Python: the events of a running daemon, over any number of connections, once each and in order.

::

    async with subscribe("ws://127.0.0.1:8700/v1/stream") as stream:
        async for event in stream:
            print(event.offset, event.type)

A lost connection is taken up again where it ended, after a random wait (full jitter), for as long as it takes. Where
the daemon cannot continue, the stream jumps, and says so. Source: docs/protocol.md, section 2.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import Any, Final, Self, TypeAlias

import msgspec
import trio
from attrs import Factory, asdict, frozen

from mission_control import __version__
from mission_control.core.events import Event, LinkStateName, encode
from mission_control.core.frames import SUBPROTOCOL, CloseCode
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.gateways.transport import Link, LinkClosed, LinkFailed, open_link
from runtime import Backoff

WELCOME_S: Final = 10.0
"""How long the daemon may take from the connection's opening to its welcome."""
MAX_MESSAGE: Final = 256 * 1024 * 1024
RECONNECT: Final = Backoff(first=0.25, ceiling=10.0)
FINAL_CODES: Final = frozenset({CloseCode.BAD_REQUEST, CloseCode.UNAUTHENTICATED, CloseCode.ORIGIN})
"""Close codes after which the same request can never succeed."""


class RefusedError(Exception):
    """The daemon will not serve this request, however often it is made. ``code`` is the error frame's."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code


@frozen
class Jump:
    """The events after ``before`` and up to ``after`` were not delivered; ``before`` is None at the first connection.

    ``reason`` is that of the protocol's snapshot: ``first``, ``expired``, ``slow_consumer`` …
    """

    reason: str
    before: Cursor | None
    after: Cursor


StateListener: TypeAlias = Callable[[LinkStateName, str], None]
"""Called at each change of the connection's state, with one line that says why."""
JumpListener: TypeAlias = Callable[[Jump], None]


@frozen
class _Policy:
    ping_interval_ms: int = 15_000


@frozen
class _Frame:
    """Any frame from the daemon: ``op`` says which of the other fields count."""

    op: str
    events: list[Event] = Factory(list)
    offset: int = 0
    cursor: Cursor | None = None
    reason: str | None = None
    policy: _Policy = _Policy()
    code: str = ""
    message: str = ""


@frozen
class _Batch:
    """Events in order and the cursor after them."""

    events: list[Event]
    cursor: Cursor
    jump: Jump | None = None


class _LostError(Exception):
    """The connection ended or never came to be."""


_decode: Final = msgspec.json.Decoder(_Frame).decode


class EventStream:
    """What :func:`subscribe` gives: iterate over it, once."""

    def __init__(
        self,
        url: str,
        token: str | None,
        select: Filter,
        cursor: Cursor | None,
        backoff: Backoff,
        rng: random.Random,
        on_state: StateListener,
        on_jump: JumpListener,
    ) -> None:
        self.state: LinkStateName = "connecting"
        self.cursor = cursor
        """After the newest event that was iterated over: subscribe with it to go on from there."""
        self._url = url
        self._token = token
        self._filter = select
        self._received = cursor
        self._backoff = backoff
        self._rng = rng
        self._on_state = on_state
        self._on_jump = on_jump
        self._attempt = 0
        self._refused: RefusedError | None = None
        self._give, self._take = trio.open_memory_channel[_Batch](0)
        self._batch: _Batch | None = None
        self._next = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event. Raises RefusedError."""
        while self._batch is None or self._next == len(self._batch.events):
            if self._batch is not None:
                self.cursor = self._batch.cursor
                self._batch = None
            try:
                self._batch, self._next = await self._take.receive(), 0
            except trio.EndOfChannel:
                assert self._refused is not None
                raise self._refused from None
            if self._batch.jump is not None:
                self._on_jump(self._batch.jump)
        event = self._batch.events[self._next]
        self._next += 1
        if event.offset is not None:
            self.cursor = Cursor(self._batch.cursor.epoch, event.offset)
        return event

    # -- the connection ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Connect again and again; returns only when the daemon refuses for good."""
        with self._give:
            while True:
                try:
                    await self._connect()
                except RefusedError as refused:
                    self._refused = refused
                    self._change("disconnected", str(refused))
                    return
                except _LostError as lost:
                    self._attempt += 1
                    self._change("reconnecting", str(lost))
                    await trio.sleep(self._backoff.delay(self._attempt, self._rng))

    async def _connect(self) -> None:
        """One connection, from its opening to its end. Raises _LostError, RefusedError."""
        end: Exception = _LostError("nothing was heard from the daemon")
        with trio.move_on_after(WELCOME_S) as patience:
            try:
                async with (
                    open_link(self._url, max_message=MAX_MESSAGE, subprotocol=SUBPROTOCOL) as link,
                    trio.open_nursery() as nursery,
                ):
                    end = await self._converse(link, nursery, patience)
                    nursery.cancel_scope.cancel()
            except LinkFailed as failed:
                end = _LostError(str(failed))
        raise end

    async def _converse(self, link: Link, nursery: trio.Nursery, patience: trio.CancelScope) -> Exception:
        """Say hello and take frames until the connection ends; gives why. ``patience`` moves on with each frame."""
        error: _Frame | None = None
        interval = WELCOME_S / 2
        try:
            await link.send(self._hello())
            while True:
                for message in await link.receive():
                    frame = _decode(message)
                    if frame.op == "welcome":
                        interval = frame.policy.ping_interval_ms / 1000
                        nursery.start_soon(_ping, link, interval)
                        self._attempt = 0
                        self._change("connected", frame.reason or "continued")
                    elif frame.op == "error":
                        error = frame
                    patience.deadline = inf  # when whoever iterates is slow, that is not the daemon's silence
                    await self._deliver(frame)
                patience.deadline = trio.current_time() + 2 * interval
        except LinkClosed as closed:
            return _why(closed, error)
        except msgspec.DecodeError as malformed:
            return _LostError(f"what the daemon sent cannot be read: {malformed}")

    async def _deliver(self, frame: _Frame) -> None:
        """Hand over what the frame holds; only then does a later connection go on from behind it."""
        before = self._received
        match frame.op:
            case "snapshot" if frame.cursor is not None:
                jump = Jump(frame.reason or "", before, frame.cursor)
                await self._give.send(_Batch([], frame.cursor, jump))
                self._received = frame.cursor
            case "events" if before is not None:
                after = Cursor(before.epoch, frame.offset)
                await self._give.send(_Batch(frame.events, after))
                self._received = after

    def _hello(self) -> str:
        hello: dict[str, Any] = {
            "op": "hello",
            "client": {"name": "mission-control", "version": __version__},
            "filter": {name: sorted(members) for name, members in asdict(self._filter).items() if members},
        }
        if self._token is not None:
            hello["token"] = self._token
        if self._received is not None:
            hello["cursor"] = asdict(self._received)
        return encode(hello).decode()

    def _change(self, state: LinkStateName, why: str) -> None:
        self.state = state
        self._on_state(state, why)


async def _ping(link: Link, interval: float) -> None:
    """Show the daemon that someone is there."""
    with suppress(LinkClosed):
        while True:
            await trio.sleep(interval)
            await link.send('{"op":"ping","t":0}')


def _why(closed: LinkClosed, error: _Frame | None) -> Exception:
    said = error.message if error is not None else str(closed) or "the connection was lost"
    if closed.code in FINAL_CODES:
        return RefusedError(closed.code, error.code if error is not None else "", said)
    return _LostError(said)


def _unheard(*_: object) -> None:
    pass


@asynccontextmanager
async def subscribe(
    url: str,
    *,
    token: str | None = None,
    filter: Filter = EVERYTHING,  # noqa: A002 - the protocol's word for it
    cursor: Cursor | None = None,
    backoff: Backoff = RECONNECT,
    rng: random.Random | None = None,
    on_state: StateListener = _unheard,
    on_jump: JumpListener = _unheard,
) -> AsyncIterator[EventStream]:
    """Subscribe to the daemon whose stream is at ``url`` (``ws://HOST:PORT/v1/stream``).

    Without a ``cursor`` the stream begins now; with one it begins after it. Iterating over the stream raises
    :class:`RefusedError` when the daemon refuses for good: wrong token, unknown types in the filter.
    """
    stream = EventStream(url, token, filter, cursor, backoff, rng or random.Random(), on_state, on_jump)  # noqa: S311
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream._run)
        try:
            yield stream
        except Exception as error:  # carried around the nursery, which would wrap it in a group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
