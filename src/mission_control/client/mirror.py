"""A copy of what the daemon knows, always the newest state."""

import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
from attrs import evolve

from mission_control.client.driver import Options
from mission_control.client.states import RECONNECT, Backoff, Batch
from mission_control.client.subscription import Subscription, running
from mission_control.client.view import View
from mission_control.core.subscription import EVERYTHING, Cursor, Filter


class Mirror(Subscription):
    """What :func:`mirror` gives. Look at :attr:`view` at any time: it changes only while you wait for something."""

    def __init__(self, options: Options) -> None:
        super().__init__(evolve(options, on_state=self._stir, on_notice=self._stir))
        self._stirred = anyio.Event()

    @property
    def view(self) -> View:
        """The state at :attr:`cursor`; ``view.whole`` is false before the first snapshot."""
        return self._session.view

    @property
    def cursor(self) -> Cursor | None:
        """Where :attr:`view` stands; None before the first snapshot, and while a gap is made good."""
        return self._session.cursor

    @property
    def filter(self) -> Filter:
        """What :attr:`view` is chosen by."""
        return self._session.select

    async def changed(self) -> None:
        """Wait until the view or the connection is not what it was at the last call, at first at the beginning.

        Raises:
            RefusedError: the daemon refuses for good, and nothing will change any more.
        """
        self._check()
        await self._stirred.wait()
        self._stirred = anyio.Event()
        self._check()

    async def _deliver(self, batch: Batch) -> None:
        self._stir()
        await anyio.lowlevel.checkpoint()  # whoever waits has a look between two frames

    def _stir(self, *_: object) -> None:
        self._stirred.set()


@asynccontextmanager
async def mirror(
    url: str,
    *,
    token: str | None = None,
    filter: Filter = EVERYTHING,  # noqa: A002 - the protocol's word for it
    tls: ssl.SSLContext | None = None,
    backoff: Backoff = RECONNECT,
    rng: random.Random | None = None,
) -> AsyncIterator[Mirror]:
    """Keep a copy of the state of the daemon whose stream is at ``url`` (``ws://HOST:PORT/v1/stream``).

    Nobody has to look for it to stay current. ``tls`` is for certificates that the system does not trust.

    Raises:
        ValueError: ``url`` is not that of a WebSocket.
        RefusedError: from waiting for a change, when the daemon refuses for good.
    """
    options = Options(url=url, token=token, select=filter, tls=tls, backoff=backoff, rng=rng)
    async with running(Mirror(options)) as copy:
        yield copy
