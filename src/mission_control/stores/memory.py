"""The journal in memory: what every other adapter must do, written as plainly as it can be said.

Nothing survives the process. Tests of actors use it, and the model-based test holds the others against it.
"""

from collections.abc import Callable, Mapping, Sequence, Set

import trio
from attrs import evolve, frozen

from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Event, Final, Payload
from mission_control.core.kinds import admits
from mission_control.core.ledger import Commit, Entry, Ledger, left_out
from mission_control.core.positions import Position, of_gateway
from mission_control.core.projection import began_at, finished, newest_activities
from mission_control.core.subscription import Bounds, Filter
from mission_control.core.views import MessageView, Snapshot
from mission_control.stores.journal import AgentMemory, JournalStatistics, Page, Retained, Retention


@frozen
class _Stored:
    """A journaled event and when it was committed, in ms."""

    offset: int
    event: Event
    payload: Payload
    committed: int


class MemoryJournal:
    """A :class:`~mission_control.stores.journal.Journal` without a file. ``now`` gives ms."""

    def __init__(self, now: Callable[[], int], epoch: str = "memory") -> None:
        self._now = now
        self._ledger = Ledger(epoch)
        self._log: list[_Stored] = []
        self._ids: set[str] = set()
        self._finished: dict[str, MessageView] = {}
        self._positions: dict[AgentKey, Position] = {}
        self._floor = 0
        self._trimmed_to = 0
        self._compacted_to = 0

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        await trio.lowlevel.checkpoint()
        after = self._ledger.head
        entries, duplicates = self._ledger.admit(drafts, self._ids, self._finished.keys())
        committed = self._now()
        for entry in entries:
            self._store(entry, committed)
        self._positions.update(positions or {})
        return Commit(self._ledger.epoch, after, self._ledger.head, [entry.event for entry in entries], duplicates)

    def bounds(self) -> Bounds:
        return Bounds(self._ledger.epoch, self._floor, self._ledger.head)

    async def read(self, after: int, limit: int, select: Filter) -> Page:
        await trio.lowlevel.checkpoint()
        events = [
            stored.event
            for stored in self._log
            if stored.offset > after and select.admits(stored.event.type, stored.event.gateway, stored.event.agent_id)
        ][:limit]
        scanned_to = self._ledger.head if len(events) < limit else events[-1].offset or after
        return Page(events, max(after, scanned_to), self.bounds(), self._trimmed_to)

    async def snapshot(self, select: Filter) -> Snapshot:
        await trio.lowlevel.checkpoint()
        snapshot = self._ledger.projection.snapshot(self.bounds().cursor, select)
        activities = (one.event for one in reversed(self._log) if isinstance(one.payload, Activity))
        return evolve(snapshot, feed=newest_activities(activities, select))

    async def conversation(
        self, key: AgentKey, *, session: str | None, before: int | None, limit: int
    ) -> Sequence[MessageView]:
        await trio.lowlevel.checkpoint()
        return [
            view
            for view in reversed(self._finished.values())
            if (view.gateway, view.agent_id) == key
            and session in (None, view.session)
            and (before is None or view.offset < before)
        ][:limit]

    async def feed(self, *, key: AgentKey | None, kinds: Set[str], before: int | None, limit: int) -> Sequence[Event]:
        await trio.lowlevel.checkpoint()
        return [
            stored.event
            for stored in reversed(self._log)
            if isinstance(stored.payload, Activity)
            and key in (None, stored.event.key)
            and admits(kinds, stored.payload.kind)
            and (before is None or stored.offset < before)
        ][:limit]

    async def memory(self, key: AgentKey, recent: int) -> AgentMemory:
        newest = await self.conversation(key, session=None, before=None, limit=recent)
        view, opened = self._ledger.projection.recall(key)
        return AgentMemory(view, opened, newest[::-1], self._positions.get(key))

    async def positions(self, gateway: str) -> Mapping[str, Position]:
        await trio.lowlevel.checkpoint()
        return of_gateway(self._positions, gateway)

    async def known(self, drafts: Sequence[Draft]) -> Set[str]:
        await trio.lowlevel.checkpoint()
        return left_out(drafts, self._ids, self._finished.keys())

    async def retain(self, policy: Retention, now: int) -> Retained:
        await trio.lowlevel.checkpoint()
        compacted = self._remove(self._compactable(now - policy.compact_after_s * 1000))
        trimmed = self._excess(policy, now)
        if trimmed:
            self._trimmed_to = max(self._trimmed_to, trimmed[-1].offset)
            self._ledger.projection.forget(self._trimmed_to)
            self._finished = {name: view for name, view in self._finished.items() if view.offset > self._trimmed_to}
        return Retained(self._remove(trimmed), compacted, self._floor, more=False)

    def statistics(self) -> JournalStatistics:
        return JournalStatistics(
            kind="memory",
            bounds=self.bounds(),
            trimmed_to=self._trimmed_to,
            compacted_to=self._compacted_to,
            events=len(self._log),
            bytes=None,
            oldest_at=self._log[0].event.timestamp if self._log else None,
            commit_ms=None,
            schema=0,
        )

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def _store(self, entry: Entry, committed: int) -> None:
        if entry.event.offset is None:
            return
        self._log.append(_Stored(entry.event.offset, entry.event, entry.payload, committed))
        self._ids.add(entry.event.event_id)
        if isinstance(entry.payload, Final):
            message_id = entry.payload.message_id
            chunks = (one for one in self._log if _message_of(one) == message_id)
            began = next((chunk.event.timestamp for chunk in chunks), began_at(entry.event, entry.payload))
            self._finished[message_id] = finished(entry.event, entry.payload, began)

    def _compactable(self, horizon: float) -> list[_Stored]:
        """The chunks of messages whose final was committed by ``horizon``."""
        finals = [one for one in self._log if isinstance(one.payload, Final) and one.committed <= horizon]
        done = {one.payload.message_id for one in finals if isinstance(one.payload, Final)}
        self._compacted_to = max(self._compacted_to, *(one.offset for one in finals), 0)
        return [one for one in self._log if _message_of(one) in done]

    def _excess(self, policy: Retention, now: int) -> list[_Stored]:
        """The oldest events, without the chunks of open messages, that are beyond age, number or size."""
        removable = [one for one in self._log if _message_of(one) not in self._ledger.projection.open]
        too_old = [index for index, one in enumerate(removable, 1) if one.committed <= now - policy.max_age_s * 1000]
        count = max(len(self._log) - policy.max_events, max(too_old, default=0), 0)
        size = self._bytes() - sum(len(bytes(one.event.payload)) for one in removable[:count])
        while size > policy.max_bytes and count < len(removable):
            size -= len(bytes(removable[count].event.payload))
            count += 1
        return removable[:count]

    def _remove(self, gone: Sequence[_Stored]) -> int:
        offsets = {one.offset for one in gone}
        self._log = [one for one in self._log if one.offset not in offsets]
        self._ids -= {one.event.event_id for one in gone}
        self._floor = max(self._floor, *offsets, 0)
        return len(offsets)

    def _bytes(self) -> int:
        return sum(len(bytes(one.event.payload)) for one in self._log)


def _message_of(stored: _Stored) -> str | None:
    """The message that a chunk belongs to."""
    return stored.payload.message_id if isinstance(stored.payload, Chunk) else None
