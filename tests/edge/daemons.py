"""A daemon from its sockets to its journal on disk, one life at a time: what a client can be away from."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from mission_control.core.subscription import Cursor, Filter
from mission_control.edge.app import build_app
from mission_control.edge.static import Dashboard
from mission_control.edge.stream import StreamEndpoint
from mission_control.stores.journal import Page
from mission_control.stores.sqlite import SqliteJournal
from tests.edge.wire import serving
from tests.edge.world import World, world
from tests.stores.samples import ALPHA, FakeClock, activity

Meddle = Callable[[SqliteJournal], Awaitable[object]]


@frozen
class Daemon:
    """One life of a daemon."""

    there: World
    port: int

    async def commit(self, *names: str, of: tuple[str, str | None] = ALPHA) -> None:
        """An activity of each name."""
        await self.there.commit(*(activity(name, of=of) for name in names))

    def at(self, offset: int) -> Cursor:
        return Cursor(self.there.journal.bounds().epoch, offset)


class Interrupted:
    """A journal to which something happens after its first page was read."""

    def __init__(self, journal: Any, between: Callable[[], Awaitable[object]]) -> None:
        self._journal, self._between = journal, between
        self._read = 0

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        self._read += 1
        if self._read == 2:
            await self._between()
        page: Page = await self._journal.read(after, limit, select)
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


@asynccontextmanager
async def daemon(path: Path, *, between: Meddle | None = None, **changes: Any) -> AsyncIterator[Daemon]:
    """A daemon over the journal at ``path``; ``changes`` go to its :func:`world`.

    ``between`` happens to the journal after its first page was read.
    """
    clock = FakeClock()
    async with SqliteJournal.open(path, durability="normal", now=clock) as journal:
        used: Any = journal if between is None else Interrupted(journal, partial(between, journal))
        async with (
            world(used, clock=clock, **changes) as there,
            serving(build_app(there.services, Dashboard({}), StreamEndpoint(there.services))) as port,
        ):
            yield Daemon(there, port)
