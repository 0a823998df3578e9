"""The seam to storage: what the daemon asks of a journal. Adapters: ``sqlite.py``, ``memory.py``.

Every adapter passes the same contract suite, ``tests/stores/contract.py``.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from attrs import frozen

from mission_control.core.events import AgentKey, Draft, Event
from mission_control.core.ledger import Commit
from mission_control.core.percentiles import Percentiles
from mission_control.core.positions import Position
from mission_control.core.subscription import Bounds, Filter
from mission_control.core.views import AgentView, MessageView, Snapshot


class JournalError(Exception):
    """A journal could not do what was asked. Nothing of the call took effect."""


class JournalUnavailableError(JournalError):
    """Storage refuses for now (disk full, locked): the same call may succeed later."""


class JournalCorruptError(JournalError):
    """What is stored cannot be read, or was written by a newer version; carries the remedy."""


@frozen
class Page:
    """Journaled events in offset order, and the offset up to which the journal was looked through.

    A page may be short of its limit, even empty, before the head: ``scanned_to`` is where the next one begins.
    ``bounds`` are those at the moment of reading. Retention has removed everything up to ``trimmed_to``; between it
    and ``bounds.floor`` only chunks of finished messages can be missing.
    """

    events: Sequence[Event]
    scanned_to: int
    bounds: Bounds
    trimmed_to: int


@frozen
class AgentMemory:
    """What an agent actor needs to go on where its predecessor stopped.

    ``open`` holds the messages without a final, oldest first; ``recent`` the newest finals, oldest first. ``position``
    is how far its source was followed, if that numbers its own events.
    """

    view: AgentView | None
    open: Sequence[MessageView]
    recent: Sequence[MessageView]
    position: Position | None = None


@frozen
class Retention:
    """How much is kept. What exceeds any of the three limits goes, oldest first.

    Chunks of finished messages older than ``compact_after_s`` go too: their final holds the whole text.
    """

    max_age_s: float = 7 * 24 * 3600.0
    max_events: int = 2_000_000
    max_bytes: int = 2 * 1024**3
    compact_after_s: float = 600.0


@frozen
class Retained:
    """What one round of retention did. ``more`` says that it stopped at its slice and should be called again."""

    removed: int
    compacted: int
    floor: int
    more: bool


@frozen
class JournalStatistics:
    """What a journal knows of itself, as of the last call that it has answered.

    ``kind`` names the adapter. ``events`` counts what is kept, and ``oldest_at`` (ms) is when the oldest of it was
    emitted. Retention has removed everything up to ``trimmed_to``, and the chunks of the messages that had ended by
    ``compacted_to``. ``bytes`` on disk are as of the last slice of retention, and None where there is no disk.
    ``commit_ms`` is of the newest commits.
    """

    kind: str
    bounds: Bounds
    trimmed_to: int
    compacted_to: int
    events: int
    bytes: int | None
    oldest_at: int | None
    commit_ms: Percentiles | None
    schema: int


class Journal(Protocol):
    """An append-only log of events with the projection at its head.

    Methods are safe to call from several tasks at once. ``append`` has one caller at a time: the persistence actor.
    """

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        """Commit the drafts that are new, durably, in order, in one transaction.

        The same transaction keeps ``positions``, each in the place of the one before: how far the sources of these
        agents are followed with these drafts, whether they are new or not.

        Raises:
            JournalUnavailableError: nothing was committed; the same batch may be tried again.
        """

    def bounds(self) -> Bounds:
        """Epoch, floor and head, as of the last commit."""

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        """Up to ``limit`` (at least one) events with ``offset > after`` that ``select`` admits, in offset order."""

    async def snapshot(self, select: Filter) -> Snapshot:
        """The projection at the head, atomically."""

    async def conversation(
        self, key: AgentKey, *, session: str | None, before: int | None, limit: int
    ) -> Sequence[MessageView]:
        """Finals of an agent with ``offset < before``, newest first."""

    async def feed(self, *, key: AgentKey | None, kinds: Set[str], before: int | None, limit: int) -> Sequence[Event]:
        """Activities with ``offset < before``, newest first.

        ``kinds`` holds kinds and families as in :mod:`mission_control.core.kinds`; an empty set means all.
        """

    async def memory(self, key: AgentKey, recent: int) -> AgentMemory:
        """An agent's state at the head, with its newest ``recent`` finals."""

    async def positions(self, gateway: str) -> Mapping[str, Position]:
        """How far a gateway's agents, by their ids, were followed according to the last commit."""

    async def known(self, drafts: Sequence[Draft]) -> Set[str]:
        """The event ids of those drafts that :meth:`append` would leave out."""

    async def retain(self, policy: Retention, now: int) -> Retained:
        """One bounded slice of retention. ``now`` in ms."""

    def statistics(self) -> JournalStatistics:
        """From memory: it never waits, whatever becomes of storage."""

    async def aclose(self) -> None:
        """Checkpoint and close. Idempotent."""
