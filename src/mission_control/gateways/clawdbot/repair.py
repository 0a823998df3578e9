"""What has to be brought in after a connection was down, and what has to wait for it."""

from collections.abc import Iterable, Sequence
from typing import Final as Constant

from mission_control.core.signals import RunAnswered, RunEnding, RunStarted, TextSeen, ToolSeen
from mission_control.gateways.dialect import Deliver, Order

MOST_WAITING: Constant = 10_000
"""More orders than this do not wait for another connection."""


class Repair:
    """One repair at a time, over as many connections as it takes.

    It is complete when the gateway has listed the sessions that may have changed and each of them has had its history
    (or was found not to have one). Until then what is missing begins at :attr:`since`, however often the connection is
    lost and found meanwhile. A session's live orders wait from :meth:`hold` to :meth:`settle`, if need be over several
    connections, or until :meth:`release`.

    ``missing_since`` is where a repair begins that was not completed before the daemon was started.
    """

    def __init__(self, missing_since: int | None = None) -> None:
        self.since = missing_since
        """From when on something is missing: when the gateway had last been heard, in ms; None when it never was."""
        self.is_first = missing_since is None
        """Whether the gateway had never been heard when this repair began: then all that it has is missing."""
        self._pending = missing_since is not None
        self._reach = 0
        self._listed = False
        self._unsettled: dict[str, None] = {}
        self._held: set[str] = set()
        self._settled: set[str] = set()
        self._waiting: dict[str, list[Order]] = {}
        self._old: set[str] = set()

    @property
    def is_complete(self) -> bool:
        return not self._pending

    @property
    def missing_since(self) -> int | None:
        """From when on something is missing, as :attr:`since`, where that is not known as far back as was looked; None
        when nothing is."""
        if not self._pending:
            return None
        return self._reach if self.since is None else self.since

    @property
    def unlisted(self) -> bool:
        """Whether the gateway has not yet said which sessions may have changed."""
        return self._pending and not self._listed

    def begin(self, last_heard: int | None, open_sessions: Iterable[str], reach: int) -> list[str]:
        """A connection is up. Gives the sessions that are to be repaired whatever the gateway lists.

        ``reach``: since when all is missing of a gateway that was never heard, in ms. A first repair that was cut short
        is still about all of that.
        """
        if not self._pending:
            self._pending, self.since, self.is_first = True, last_heard, last_heard is None
            self._reach = reach
        elif self.since is None:
            self.since = self._reach
        self._listed = False
        self._held.clear()
        self._settled.clear()
        self._old = {session for session, waiting in self._waiting.items() if waiting}
        return list(dict.fromkeys((*self._unsettled, *open_sessions)))

    def hold(self, session: str) -> bool:
        """Let a session's orders wait. False when that was said before on this connection."""
        if not session or session in self._held or session in self._settled:
            return False
        self._held.add(session)
        self._unsettled[session] = None
        self._waiting.setdefault(session, [])
        return True

    @property
    def is_crowded(self) -> bool:
        """Whether too much waits for it to wait any longer."""
        return sum(map(len, self._waiting.values())) > MOST_WAITING

    @property
    def held(self) -> list[str]:
        """The sessions whose orders wait."""
        return list(self._waiting)

    def take(self, session: str, order: Order) -> bool:
        """Whether this order has to wait; if so it is kept."""
        waiting = self._waiting.get(session)
        if waiting is None:
            return False
        waiting.append(order)
        return True

    def is_old(self, session: str) -> bool:
        """Whether orders wait that were there when this connection began."""
        return session in self._old

    def renew(self, session: str) -> list[Order]:
        """Give what waited, and let the session's orders wait for another history."""
        self._old.discard(session)
        waited, self._waiting[session] = self._waiting[session], []
        return waited

    def settle(self, session: str) -> list[Order]:
        """The session has what can be had of its history. Gives the orders that waited."""
        self._unsettled.pop(session, None)
        self._settled.add(session)
        self._finish()
        return self._waiting.pop(session, [])

    def listed(self) -> None:
        """The gateway has said which sessions may have changed, or will not."""
        self._listed = True
        self._finish()

    def release(self) -> list[Order]:
        """No history will come soon. Gives the orders that waited; the sessions stay to be repaired."""
        orders = [order for waiting in self._waiting.values() for order in waiting]
        self._waiting.clear()
        self._old.clear()
        return orders

    def _finish(self) -> None:
        if self._listed and not self._unsettled:
            self._pending = False


def in_turn(waited: Sequence[Order], agent: str, joined: Sequence[TextSeen | ToolSeen]) -> list[Order]:
    """What waited, and what the history told of a run that goes on, by the source's time: the run may have begun, and
    gone on, while the history was asked for. Of what is of one time that which waited is first.
    """
    orders = list(waited)
    for signal in joined:
        later = (index for index, order in enumerate(orders) if _is_later(order, signal))
        orders.insert(next(later, len(orders)), Deliver(agent, signal))
    return orders


def _is_later(order: Order, than: TextSeen | ToolSeen) -> bool:
    signal = order.signal if isinstance(order, Deliver) else None
    if not isinstance(signal, RunStarted | TextSeen | ToolSeen | RunEnding | RunAnswered):
        return False
    return signal.run_id == than.run_id and signal.at > than.at
