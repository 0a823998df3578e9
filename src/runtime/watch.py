"""Following another part of the tree: its lifecycle as it happens, or just its end."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

import trio
from trio.lowlevel import Task, checkpoint, current_task

from runtime.errors import ActorStopped, WaitsForItself
from runtime.observe import RuntimeEvent, Started, Stopped


class Followed(Protocol):
    """What a child can say of itself."""

    name: str

    def current(self) -> Started | None: ...

    def contains(self, lineage: Collection[Task]) -> bool: ...


def lineage() -> Collection[Task]:
    """The current task and all above it."""
    tasks = [current_task()]
    while tasks[-1].parent_nursery is not None:
        tasks.append(tasks[-1].parent_nursery.parent_task)
    return set(tasks)


class Watched:
    """What others may follow: a Ref, a supervisor, a pool. All it keeps is made when somebody follows."""

    __slots__ = ("_followed", "_stopped", "_told_stopped", "_watchers")

    def __init__(self) -> None:
        self._followed: Followed | None = None  # from when it has its place in a tree until it has stopped
        self._stopped: Stopped | None = None
        self._told_stopped: trio.Event | None = None
        self._watchers: dict[object, Callable[[RuntimeEvent], None]] | None = None

    async def wait_stopped(self) -> Stopped:
        """Wait until no incarnation lives and none will follow; returns how it ended, at once when it has.

        Waits through restarts. An address that has no place in a tree yet is waited for, too.
        Raises WaitsForItself in a task of the actor itself, or below the supervisor or pool.
        """
        if self._stopped is None:
            if self._followed is not None and self._followed.contains(lineage()):
                raise WaitsForItself(self._followed.name)
            if self._told_stopped is None:
                self._told_stopped = trio.Event()
            await self._told_stopped.wait()
            assert self._stopped is not None
        else:
            await checkpoint()
        return self._stopped

    @contextmanager
    def watch(self, callback: Callable[[RuntimeEvent], None]) -> Iterator[None]:
        """Within the block, ``callback`` is called with every event about this one, in order, as it happens.

        The first call comes at once when it runs (with Started, as of then) or has stopped for good (with Stopped):
        so nothing is missed between the two. Otherwise the next event is the first. Stopped is always the last.

        The callback must not wait; typically it tells its actor: ``ref.watch(lambda event: me.tell(Changed(event)))``.
        What it raises at the first call is the caller's; later it is contained and reported as WatcherFailed, but
        for ActorStopped: whoever would be told is gone.
        """
        if self._watchers is None:
            self._watchers = {}
        token = object()
        self._watchers[token] = callback
        try:
            now = self._stopped if self._followed is None else self._followed.current()
            if now is not None:
                callback(now)
            yield
        finally:
            del self._watchers[token]

    # The kernel's part

    def _tell_watchers(self, event: RuntimeEvent) -> list[Exception]:
        """Returns what the callbacks raised."""
        if isinstance(event, Stopped):
            self._stopped = event
            self._followed = None
            if self._told_stopped is not None:
                self._told_stopped.set()
        errors: list[Exception] = []
        for token in tuple(self._watchers or ()):
            callback = (self._watchers or {}).get(token)  # an earlier one may have ended this one's watch
            try:
                if callback is not None:
                    callback(event)
            except ActorStopped:
                pass
            except Exception as error:
                errors.append(error)
        return errors
