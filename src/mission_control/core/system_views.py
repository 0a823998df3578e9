"""What an operator sees of the daemon as a whole: the answer of ``GET /v1/system``, made by the edge (docs/protocol.md,
"The daemon at one moment").

Moments are in ms since the epoch. What names a kind is a plain string here: a reader must tolerate those of a newer
daemon.
"""

from collections.abc import Mapping

from attrs import frozen

from mission_control.core.percentiles import Percentiles
from mission_control.core.sinks import SinkStatus


@frozen
class JournalView:
    """The journal. Below ``floor`` no stream can go on, up to ``kept_after`` nothing is left.

    Chunks of messages that had ended by ``compacted_to`` are gone. ``oldest_at`` is when the oldest of the ``events``
    was emitted. ``bytes`` on disk are as of the last round of retention. ``commit_ms`` is of the newest commits.
    ``waiting`` counts messages to the writer, each of one event or more. ``retention`` has the limits; None is none.
    """

    kind: str
    epoch: str
    head: int
    floor: int
    kept_after: int
    compacted_to: int
    events: int
    bytes: int | None
    oldest_at: int | None
    commit_ms: Percentiles | None
    waiting: int
    retention: Mapping[str, float | None]
    stalled_since: int | None


@frozen
class ClientView:
    """What a subscriber says that it is."""

    name: str
    version: str | None


@frozen
class SubscriberView:
    """One subscriber of the stream. All that its filter admits up to ``offset`` was sent to it.

    ``lag`` is how many offsets the journal's head is beyond that, ``buffered_bytes`` what waits to be sent. ``resets``:
    how often it was so slow that it got a snapshot instead. ``filtered``: it does not want everything.
    """

    session: str
    transport: str
    client: ClientView | None
    connected_at: int
    offset: int
    lag: int
    buffered_bytes: int
    resets: int
    filtered: bool


@frozen(kw_only=True)
class SinkView(SinkStatus):
    """A sink, with the name of its actor type. ``lag`` is how many offsets its mailbox is behind the journal's head."""

    name: str
    lag: int


@frozen
class RenderingView:
    """What pages reported: counts since the start, and of late the worst page's time from emission to paint, in ms."""

    count: float
    p50: float
    p95: float
    p99: float
    max: float
    duplicates: int
    gaps: int


@frozen
class SystemView:
    """Everything at one moment, ``time``. ``instance`` is another after each start of the daemon.

    ``subscribers`` are in the order in which they came. ``rendering`` is None while no page reports.
    """

    time: int
    instance: str
    version: str
    source: str
    started_at: int
    journal: JournalView
    subscribers: tuple[SubscriberView, ...]
    sinks: tuple[SinkView, ...]
    rendering: RenderingView | None
