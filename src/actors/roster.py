"""Who subscribes to what, and how far each has been served. Outlives the registry's incarnations."""

from attrs import define, field

from actors.outbox import Outbox
from mission_control.core.subscription import Filter


@define(eq=False)
class Member:
    """One subscriber. Everything up to ``position`` that ``select`` admits is in its outbox, or was.

    An ``internal`` one is part of the daemon and no figure's business.
    """

    outbox: Outbox
    select: Filter
    position: int
    internal: bool = False


@define
class Roster:
    """Members by outbox, and grouped by filter."""

    _members: dict[Outbox, Member] = field(init=False, factory=dict)
    _groups: dict[Filter, dict[Outbox, Member]] = field(init=False, factory=dict)
    overflows: int = field(init=False, default=0)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, outbox: object) -> bool:
        return outbox in self._members

    def add(self, member: Member) -> None:
        self._members[member.outbox] = member
        self._groups.setdefault(member.select, {})[member.outbox] = member

    def remove(self, outbox: Outbox) -> None:
        """Idempotent."""
        member = self._members.pop(outbox, None)
        if member is None:
            return
        group = self._groups[member.select]
        del group[outbox]
        if not group:
            del self._groups[member.select]

    def members(self) -> list[Member]:
        return list(self._members.values())

    def find(self, outbox: Outbox) -> Member | None:
        return self._members.get(outbox)

    def groups(self) -> list[tuple[Filter, list[Member]]]:
        return [(select, list(group.values())) for select, group in self._groups.items()]

    def put(self, member: Member, frame: str, position: int) -> None:
        """Give a member a frame that takes it to ``position``; one whose outbox overflows is out until it rejoins."""
        if member.outbox.put_nowait(frame):
            member.position = max(member.position, position)
        else:
            self.overflows += not member.internal
            self.remove(member.outbox)
