"""Whether each gateway can be heard: written by its connection actor, read by agents' actors when they start,
and by whoever asks how it stands."""

from collections.abc import Sequence

from attrs import Factory, define

from mission_control.core.events import Status
from mission_control.core.signals import LinkUp, Missed
from mission_control.gateways.record import Record


@define
class LinkState:
    """The link to one gateway. Outlives incarnations on both sides.

    ``missed`` is what was last said of what was not heard. ``reason`` says why it is down; ``changed_at`` in ms.
    ``reconnects`` counts connections after the first. ``protocol`` and ``scopes`` are those of the newest connection,
    as in :class:`~mission_control.gateways.dialect.Established`. ``told`` is what was last journaled of the link, and
    ``told_at`` (ms) since when it is in that state.
    """

    up: bool = False
    missed: LinkUp | Missed | None = None
    reason: str = "not connected to its gateway yet"
    changed_at: int = 0
    reconnects: int = 0
    warnings: tuple[str, ...] = ()
    protocol: int | None = None
    scopes: Sequence[str] | None = None
    told: Status | None = None
    told_at: int = 0
    record: Record = Factory(Record)

    def status(self, gateway: str) -> Status:
        """How the link to this gateway stands: what was last journaled, or that nothing was yet."""
        return self.told or Status("gateway", gateway, "connecting", self.reason)
