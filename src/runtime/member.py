"""A member of the tree: where it is, and whom it tells what becomes of it."""

from typing import TYPE_CHECKING, Protocol

import trio

from runtime.failure import Failure
from runtime.observe import DeadLetter, RuntimeEvent, WatcherFailed
from runtime.watch import Watched

if TYPE_CHECKING:
    from runtime.child import Child


class Host(Protocol):
    """What a child needs of its parent."""

    @property
    def path(self) -> str: ...

    def observe(self, event: RuntimeEvent) -> None: ...

    def exited(self, child: "Child") -> None: ...

    def bury(self, child: "Child", message: object, failure: Failure) -> DeadLetter: ...


class Member:
    """Has a name, a host (None for the root), and perhaps those who watch it."""

    __slots__ = ("host", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.host: Host | None = None

    @property
    def path(self) -> str:
        return self.name if self.host is None else f"{self.host.path}/{self.name}"

    def watched(self) -> Watched | None:
        """What others follow this member by."""
        return None

    def observe(self, event: RuntimeEvent) -> None:
        """To the observer only."""
        assert self.host is not None
        self.host.observe(event)

    def emit(self, event: RuntimeEvent) -> None:
        """To the observer, then to those who watch this member."""
        self.observe(event)
        watched = self.watched()
        if watched is not None:
            for error in watched._tell_watchers(event):
                now = trio.current_time()
                self.observe(WatcherFailed(self.path, now, Failure.of(error, now), error))
