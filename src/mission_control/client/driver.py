"""Carries out what the session decides, on trio and on asyncio: connections, the clock, the handing over."""

import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import floor, inf
from typing import Final, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from attrs import frozen

from mission_control.client.link import Link, LinkLost, open_link
from mission_control.client.session import Session
from mission_control.client.states import Action, Backoff, Batch, Changed, Deliver, Jump, Noticed, Send
from mission_control.core.events import LinkStateName
from mission_control.core.frames import SUBPROTOCOL, Notice
from mission_control.core.subscription import Cursor, Filter

MAX_MESSAGE: Final = 256 * 1024 * 1024

StateListener: TypeAlias = Callable[[LinkStateName, str], None]
"""Called at each change of the connection's state, with one line that says why."""
JumpListener: TypeAlias = Callable[[Jump], None]
NoticeListener: TypeAlias = Callable[[Notice], None]


def unheard(*_: object) -> None:
    """The listener of who does not listen."""


@frozen(kw_only=True)
class Options:
    """What a subscription is made with; :func:`mission_control.client.subscribe` says what each is."""

    url: str
    token: str | None
    select: Filter
    cursor: Cursor | None = None
    tls: ssl.SSLContext | None
    backoff: Backoff
    rng: random.Random | None
    on_state: StateListener = unheard
    on_notice: NoticeListener = unheard


class Driver:
    """One subscription on the network. ``deliver`` takes each batch and may make the connection wait."""

    def __init__(self, options: Options, deliver: Callable[[Batch], Awaitable[None]]) -> None:
        self._options = options
        self._deliver = deliver
        rng = options.rng or random.Random()  # noqa: S311 - spreads attempts in time, keeps no secret
        self.session = Session(
            token=options.token,
            select=options.select,
            cursor=options.cursor,
            backoff=options.backoff,
            chance=rng.random,
        )
        self._moved = anyio.Event()
        self._outbox: MemoryObjectSendStream[str] | None = None

    async def run(self) -> None:
        """Connect again and again; returns only when the session is stopped."""
        await self._carry_out(self.session.start(self.now()))
        while self.session.link != "stopped":
            if self.session.link == "waiting":
                await self._until(self.session.wake_at)
                await self._carry_out(self.session.tick(self.now()))
            else:
                await self._connect()

    def refilter(self, select: Filter) -> None:
        for action in self.session.refilter(select, self.now()):
            self._carry_out_nowait(action)

    def now(self) -> int:
        """The session's time: ms from anywhere, never set back."""
        return round(anyio.current_time() * 1000)

    def wall(self, moment: float | None) -> int | None:
        """A moment of the session's time in ms since the Unix epoch, by the clock as it stands now."""
        return None if moment is None else floor(time.time() * 1000 + moment - self.now())

    # -- one connection ---------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """One connection, from its opening to its end."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_time, tasks.cancel_scope)
            try:
                async with self._linked() as (link, outbox):
                    tasks.start_soon(_write, link, outbox)
                    await self._converse(link)
            except LinkLost as lost:
                await self._carry_out(self.session.closed(lost.code, str(lost), self.now()))
            tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def _linked(self) -> AsyncIterator[tuple[Link, MemoryObjectReceiveStream[str]]]:
        options = self._options
        async with open_link(options.url, max_message=MAX_MESSAGE, subprotocol=SUBPROTOCOL, tls=options.tls) as link:
            self._outbox, waiting = anyio.create_memory_object_stream[str](inf)
            try:
                yield link, waiting
            finally:
                self._outbox.close()
                waiting.close()
                self._outbox = None

    async def _converse(self, link: Link) -> None:
        """Say hello and take frames until the session is done with this link. Raises LinkLost."""
        await self._carry_out(self.session.opened(self.now()))
        while self.session.has_socket:
            for message in await link.receive():
                await self._carry_out(self.session.received(message, self.now()))

    async def _keep_time(self, connection: anyio.CancelScope) -> None:
        """Tell the session the time when it asked for it, and end a connection that it then gives up.

        One that it gives up because of a frame ends where frames are taken, once what they brought is handed over.
        """
        while True:
            await self._until(self.session.wake_at)
            if not self.session.has_socket:
                return
            await self._carry_out(self.session.tick(self.now()))
            if self.session.link == "waiting":
                connection.cancel()

    async def _until(self, moment: float | None) -> None:
        """Wait for a moment of the session's time, or until something has happened that may have changed it."""
        self._moved = anyio.Event()
        with anyio.CancelScope(deadline=inf if moment is None else moment / 1000):
            await self._moved.wait()

    # -- actions ----------------------------------------------------------------------------------------------------

    async def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Deliver):
                self.session.pause()
                await self._deliver(action.batch)
                for late in self.session.resume(self.now()):
                    self._carry_out_nowait(late)
            else:
                self._carry_out_nowait(action)
        self._moved.set()

    def _carry_out_nowait(self, action: Action) -> None:
        match action:
            case Send(text):
                if self._outbox is not None:
                    self._outbox.send_nowait(text)
            case Changed(state, why):
                self._options.on_state(state, why)
            case Noticed(notice):
                self._options.on_notice(notice)
            case Deliver():
                raise AssertionError("only a frame brings something to deliver")
        self._moved.set()


async def _write(link: Link, outbox: MemoryObjectReceiveStream[str]) -> None:
    """Send what waits, until the link is left. One that is lost is the receiver's to tell."""
    try:
        async for text in outbox:
            await link.send(text)
    except (LinkLost, anyio.ClosedResourceError):
        pass
