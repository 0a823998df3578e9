"""The events of a daemon, to iterate over."""

import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio

from mission_control.client.driver import JumpListener, NoticeListener, Options, StateListener, unheard
from mission_control.client.states import RECONNECT, Backoff, Batch
from mission_control.client.subscription import Subscription, running
from mission_control.core.events import Event
from mission_control.core.subscription import EVERYTHING, Cursor, Filter


class EventStream(Subscription):
    """What :func:`subscribe` gives: iterate over it, in one task at a time. Cancelling a wait for the next loses none.

    Nothing more is read from the daemon while an event is worked on, but for the rest of its frame. So to be slow is to
    be behind, and in the end to get a jump with reason ``slow_consumer``.
    """

    def __init__(self, options: Options, on_jump: JumpListener = unheard) -> None:
        super().__init__(options)
        self.cursor: Cursor | None = options.cursor
        """After the newest event that was iterated over: subscribe with it to go on from there."""
        self.filter = options.select
        """What the events are chosen by that are iterated over now."""
        self._on_jump = on_jump
        self._waiting: Batch | None = None
        self._arrived = anyio.Event()
        self._taken = anyio.Event()
        self._batch: Batch | None = None
        self._next = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event. Raises RefusedError."""
        while self._batch is None or self._next == len(self._batch.events):
            if self._batch is not None:
                self.cursor = self._batch.cursor
            if self._waiting is not None:
                self._take(self._waiting)
            else:
                self._check()
                self._arrived = anyio.Event()
                await self._arrived.wait()
        event = self._batch.events[self._next]
        self._next += 1
        if event.offset is not None:
            self.cursor = Cursor(self._batch.cursor.epoch, event.offset)
        return event

    def _take(self, batch: Batch) -> None:
        self._batch, self._next, self._waiting = batch, 0, None
        self._taken.set()
        self.filter = batch.select
        if batch.jump is not None:
            self._on_jump(batch.jump)

    async def _deliver(self, batch: Batch) -> None:
        """Once it waits here it will be iterated over, whatever becomes of the connection."""
        self._waiting, self._taken = batch, anyio.Event()
        self._stir()
        await self._taken.wait()

    def _stir(self, *_: object) -> None:
        self._arrived.set()


@asynccontextmanager
async def subscribe(
    url: str,
    *,
    token: str | None = None,
    filter: Filter = EVERYTHING,  # noqa: A002 - the protocol's word for it
    cursor: Cursor | None = None,
    tls: ssl.SSLContext | None = None,
    backoff: Backoff = RECONNECT,
    rng: random.Random | None = None,
    on_state: StateListener = unheard,
    on_jump: JumpListener = unheard,
    on_notice: NoticeListener = unheard,
) -> AsyncIterator[EventStream]:
    """Subscribe to the daemon whose stream is at ``url`` (``ws://HOST:PORT/v1/stream``).

    Without a ``cursor`` the stream begins now; with one it begins after it. ``on_state`` is called when the state of
    the connection changes, ``on_notice`` for what the daemon says besides, and ``on_jump`` in the course of the
    iteration, before the first event after a jump. ``tls`` is for certificates that the system does not trust.

    Raises:
        ValueError: ``url`` is not that of a WebSocket.
        RefusedError: from iterating, when the daemon refuses for good: wrong token, unknown types in the filter.
    """
    options = Options(
        url=url,
        token=token,
        select=filter,
        cursor=cursor,
        tls=tls,
        backoff=backoff,
        rng=rng,
        on_state=on_state,
        on_notice=on_notice,
    )
    async with running(EventStream(options, on_jump)) as stream:
        yield stream
