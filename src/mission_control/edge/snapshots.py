"""Snapshots as JSON, made once for all subscribers who want the same one at about the same time.

After a restart of the daemon every dashboard comes back within seconds and wants a snapshot; making each its own would
keep the loop busy for longer than the restart took. A snapshot stays exact at its cursor however old it is, so one that
was made just now serves as well as a new one.
"""

from collections import OrderedDict
from typing import Final

import trio
from attrs import frozen

from mission_control.core.events import encode
from mission_control.core.subscription import Cursor, Filter
from mission_control.stores.journal import Journal

MAX_AGE_S: Final = 0.5
MAX_KEPT: Final = 8
"""For how many filters one is kept; each may have a few MiB."""


@frozen
class EncodedSnapshot:
    """``body`` is the JSON of a :class:`~mission_control.core.views.Snapshot`."""

    cursor: Cursor
    body: bytes
    made_at: float


class Snapshots:
    """Makes and shares them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept: OrderedDict[Filter, EncodedSnapshot] = OrderedDict()
        self._making = trio.Lock()

    async def get(self, select: Filter, at_least: int) -> EncodedSnapshot:
        """A snapshot whose cursor is at ``at_least`` or beyond.

        ``at_least`` must not be beyond the journal's head. Raises JournalError.
        """
        async with self._making:
            kept = self._kept.get(select)
            if kept is None or kept.cursor.offset < at_least or trio.current_time() - kept.made_at > MAX_AGE_S:
                kept = await self._make(select)
            return kept

    async def _make(self, select: Filter) -> EncodedSnapshot:
        snapshot = await self._journal.snapshot(select)
        made = EncodedSnapshot(snapshot.cursor, encode(snapshot), trio.current_time())
        self._kept[select] = made
        self._kept.move_to_end(select)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return made
