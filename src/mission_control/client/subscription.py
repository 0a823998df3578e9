"""What everyone who follows a daemon can ask of the connection, whatever becomes of the events."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import anyio.lowlevel

from mission_control.client.driver import Driver, Options
from mission_control.client.link import parse_url
from mission_control.client.states import Batch
from mission_control.core.events import LinkStateName
from mission_control.core.frames import Notice
from mission_control.core.subscription import Filter


class Subscription(ABC):
    """A subscription that connects by itself, again and again, until it is left or refused for good.

    Times are in ms since the Unix epoch, by this machine's clock.
    """

    def __init__(self, options: Options) -> None:
        parse_url(options.url)  # now rather than in a task, so that a mistake is raised where it was made
        self._driver = Driver(options, self._deliver)
        self._session = self._driver.session
        self._over = False

    @property
    def state(self) -> LinkStateName:
        """``connecting`` for the first time, ``connected``, ``reconnecting``, or ``disconnected``: refused for good."""
        return self._session.state

    @property
    def problem(self) -> str | None:
        """Why there is no connection, in one line; None while there is one."""
        return None if self._session.problem is None else self._session.problem.message

    @property
    def attempt(self) -> int:
        """Attempts that have failed since a connection last held."""
        return self._session.attempt

    @property
    def retry_at(self) -> int | None:
        """When the next attempt begins, while it is waited for."""
        return self._driver.wall(self._session.retry_at)

    @property
    def fresh_at(self) -> int | None:
        """When what was delivered was last known to be current: its age counts from here. None before that."""
        return self._driver.wall(self._session.fresh_at)

    @property
    def duplicates(self) -> int:
        """Events that were left out, because they, or what they say, had been there before."""
        return self._session.duplicates

    @property
    def gaps(self) -> int:
        """How often something was missing in the stream, and a fresh snapshot was asked for."""
        return self._session.gaps

    @property
    def malformed(self) -> int:
        """Frames, and entries of frames, that could not be read and were left out."""
        return self._session.malformed

    @property
    def notices(self) -> Sequence[Notice]:
        """What the daemon said on this connection besides events: the newest word on each subject."""
        return tuple(self._session.notices)

    async def refilter(self, filter: Filter) -> None:  # noqa: A002 - the protocol's word for it
        """Follow what ``filter`` admits instead.

        Returns at once: the change is a jump with reason ``filter``, up to which the old filter counts. A filter that
        the daemon cannot serve refuses the subscription.
        """
        self._driver.refilter(filter)
        await anyio.lowlevel.checkpoint()

    async def _run(self) -> None:
        try:
            await self._driver.run()
        finally:
            self._over = True
            self._stir()

    def _check(self) -> None:
        """Raise once nothing comes any more."""
        if self._session.refused is not None:
            raise self._session.refused
        if self._over:
            raise anyio.ClosedResourceError("the subscription was left")

    @abstractmethod
    async def _deliver(self, batch: Batch) -> None:
        """Take what a frame brought. Until this returns, no more is read from the daemon."""

    @abstractmethod
    def _stir(self, *_: object) -> None:
        """Wake up whoever waits: something is different."""


S = TypeVar("S", bound=Subscription)


@asynccontextmanager
async def running(subscription: S) -> AsyncIterator[S]:
    """Keep it connected meanwhile. What the body raises comes out as it is."""
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(subscription._run)
        try:
            yield subscription
        except Exception as error:  # carried around the task group, which would wrap it in a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
