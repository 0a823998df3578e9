"""How a sink stands: a part of the daemon that delivers events to somewhere else, such as a webhook."""

from attrs import frozen


@frozen
class Delivered:
    """The newest delivery. ``latency_ms`` is from when the event was chosen to the answer, all attempts included."""

    event_id: str
    timestamp: int
    latency_ms: int


@frozen
class Failed:
    """The newest attempt that failed, and why."""

    event_id: str
    timestamp: int
    problem: str


@frozen(kw_only=True)
class SinkStatus:
    """What became of the events since the daemon's start. Moments are in ms.

    ``endpoint`` is all that may be shown of where they go. ``waiting`` are those that are not done with, ``given_up``
    those that were tried in vain, ``dropped`` those that had to make way for newer ones; ``failed_attempts`` counts
    attempts. ``failing_since``: when it was said that the endpoint fails, until it works again. ``next_attempt_at`` is
    None while nothing has to wait for one.
    """

    endpoint: str
    failing_since: int | None = None
    waiting: int = 0
    delivered: int = 0
    given_up: int = 0
    dropped: int = 0
    failed_attempts: int = 0
    next_attempt_at: int | None = None
    last_delivered: Delivered | None = None
    last_failed: Failed | None = None
