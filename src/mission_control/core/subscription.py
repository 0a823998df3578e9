"""What a subscriber wants and where it stands: filters, cursors, and the decision how it resumes.

Source: docs/protocol.md, section 2.
"""

from typing import Literal, TypeAlias

from attrs import frozen

from mission_control.core.events import EventType

SnapshotReason: TypeAlias = Literal["first", "epoch_changed", "expired", "ahead", "filter", "slow_consumer"]


@frozen
class Cursor:
    """A position in one journal. An ``offset`` means nothing without the ``epoch`` of the journal it counts in."""

    epoch: str
    offset: int


@frozen
class Bounds:
    """What a journal can still replay: every event with ``floor < offset <= head``."""

    epoch: str
    floor: int
    head: int

    @property
    def cursor(self) -> Cursor:
        """The position after the newest event."""
        return Cursor(self.epoch, self.head)


@frozen
class Filter:
    """Which events a subscriber sees; an empty set means all.

    ``types`` holds event types; one that ends in ``.*`` admits the whole family. Filters are values: subscribers with
    equal filters share encoded frames.
    """

    agents: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()

    def admits_type(self, event_type: str) -> bool:
        if not self.types or event_type in self.types:
            return True
        return f"{event_type.partition('.')[0]}.*" in self.types

    def admits_agent(self, gateway: str, agent_id: str | None) -> bool:
        """Whether events of this agent pass. Those of no agent (``system.status``) pass any filter by agent."""
        if self.gateways and gateway not in self.gateways:
            return False
        return not self.agents or agent_id is None or agent_id in self.agents

    def admits(self, event_type: str, gateway: str, agent_id: str | None) -> bool:
        return self.admits_agent(gateway, agent_id) and self.admits_type(event_type)


EVERYTHING = Filter()


def unknown_types(types: frozenset[str]) -> list[str]:
    """Those entries of a filter's ``types`` that can match no event type, sorted."""
    families = {f"{event_type.partition('.')[0]}.*" for event_type in EventType}
    return sorted(entry for entry in types if entry not in families and entry not in set(EventType))


def resume(cursor: Cursor | None, bounds: Bounds, *, replay_limit: int) -> SnapshotReason | None:
    """Why a subscriber at ``cursor`` needs a snapshot, or None when it can simply continue.

    ``replay_limit`` is the largest number of events worth replaying one by one.
    """
    if cursor is None:
        return "first"
    if cursor.epoch != bounds.epoch:
        return "epoch_changed"
    if cursor.offset > bounds.head:
        return "ahead"
    if cursor.offset < bounds.floor or bounds.head - cursor.offset > replay_limit:
        return "expired"
    return None
