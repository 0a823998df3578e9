"""How a daemon and its gateways are: the answer of ``GET /v1/diagnostics``, made by the edge and read by
``mission-control doctor`` (docs/protocol.md, "Diagnostics").

Moments are in ms since the epoch. What names a kind or a state is a plain string here: a reader must tolerate those of
a newer daemon.
"""

from collections.abc import Mapping

from attrs import frozen


@frozen
class RequestsView:
    """Requests of one method: since the start, and in the last hour."""

    total: int
    last_hour: int


@frozen
class FramesView:
    """How many frames were odd since the start. A missing one never came, a repeated one came before."""

    unknown: int
    malformed: int
    oversized: int
    repeated: int
    missing: int


@frozen
class OddFrameView:
    """Frames of one kind that were not understood: why, how many and when.

    ``oddness``: ``unknown``, ``malformed`` or ``oversized``. ``size`` (bytes) and ``sample`` are those of the first;
    ``sample`` shows how it was built, and not what it said.
    """

    oddness: str
    why: str
    count: int
    first_seen: int
    last_seen: int
    size: int
    sample: str


@frozen
class GatewayDiagnosis:
    """One gateway. ``state`` and what follows it are as in a snapshot's gateways.

    ``protocol`` and ``scopes`` are those of the newest connection; null where there was none, it has none, or does not
    say. ``odd_left_out`` is how many kinds of odd frames made way for others.
    """

    id: str
    kind: str
    state: str
    since: int
    detail: str
    attempt: int
    retry_at: int | None
    last_event_at: int | None
    missing_since: int | None
    warnings: tuple[str, ...]
    protocol: int | None
    scopes: tuple[str, ...] | None
    reconnects: int
    requests: Mapping[str, RequestsView]
    frames: FramesView
    odd_frames: tuple[OddFrameView, ...]
    odd_left_out: int


@frozen
class AttemptView:
    """The answer to a request to reconnect: how the gateway's connection stands, as in a snapshot's gateways."""

    id: str
    state: str
    attempt: int


@frozen
class DiagnosticsView:
    """Everything at one moment, ``time``. ``unready``: why the daemon is not ready, a line each."""

    time: int
    instance: str
    version: str
    source: str
    unready: tuple[str, ...]
    gateways: tuple[GatewayDiagnosis, ...]
