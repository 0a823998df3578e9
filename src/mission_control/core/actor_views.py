"""What an operator sees of the daemon's actors: the answer of ``GET /v1/actors``, made by the edge and read by the
command line (docs/protocol.md, "Actors and dead letters").

Moments are in ms since the epoch, durations in seconds. What names a kind or a state is a plain string here: a reader
must tolerate those of a newer daemon.
"""

from attrs import frozen


@frozen
class FailureView:
    """An exception as text. ``where``: "module:line in function"."""

    type: str
    message: str
    where: str
    timestamp: int


@frozen
class MailboxView:
    """``depth``: accepted and not handled, of which ``in_hand`` are with the actor; ``peak``: the greatest so far.

    ``waiting``: senders that wait for room. All other counts only grow: ``handled``, ``dead_lettered``, ``refused``
    (a sender found it full), ``dropped`` and ``superseded`` (by the overflow policy, which is ``overflow``).
    ``oldest_age_s`` is 0 when it is empty.
    """

    depth: int
    capacity: int
    overflow: str
    in_hand: int
    peak: int
    oldest_age_s: float
    waiting: int
    handled: int
    dead_lettered: int
    refused: int
    dropped: int
    superseded: int
    closed: bool


@frozen
class NodeView:
    """One actor, service, supervisor or pool. ``mailbox`` is null for all but actors.

    ``busy_s`` is how long this incarnation of an actor did not wait for mail, ``busy_fraction`` that of ``uptime_s``;
    both, and ``uptime_s``, are 0 unless it is running.
    """

    name: str
    path: str
    kind: str
    state: str
    incarnation: int
    restarts: int
    uptime_s: float
    busy_s: float
    busy_fraction: float
    last_failure: FailureView | None
    mailbox: MailboxView | None
    children: tuple["NodeView", ...]


@frozen
class LetterView:
    """A message that crashed its actor twice. ``id`` is of this run of the daemon, and no other run has it.

    ``message`` is its repr, cut off.
    """

    id: str
    path: str
    message: str
    failure: FailureView
    timestamp: int


@frozen
class ActorsView:
    """Everything at one moment, ``time``. ``instance`` is another after each start of the daemon."""

    time: int
    instance: str
    tree: NodeView
    dead_letters: tuple[LetterView, ...]
