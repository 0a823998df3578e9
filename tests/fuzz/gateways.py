"""What a gateway says, through its dialect and the agents behind it, to a subscriber.

The words of an input, besides those of ``script.py``:

=========== ==========================================================
``frame``   the gateway sends this text
``large``   it sends a message that is too large, and this is its beginning
``answer``  the gateway answers the oldest open request with this
``refuse``  the gateway refuses the oldest open request with this error
``lose``    the connection is lost; the next one is open at once
``kill``    the daemon dies and starts again; it has its journal
=========== ==========================================================
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from mission_control.core.draft_check import LATEST
from mission_control.core.events import Draft, Event, LinkStateName, Status, encode
from mission_control.core.positions import Position, of_gateway
from mission_control.core.signals import LinkDown, LinkUp, Signal
from mission_control.core.views import Snapshot, last_heard
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.clawdbot.requests import LIST_TIMEOUT_MS
from mission_control.gateways.dialect import (
    Broadcast,
    CatchingUp,
    CaughtUp,
    Deliver,
    Dialect,
    Established,
    Later,
    Order,
    Refused,
    Send,
)
from mission_control.gateways.envelope import EnvelopeDialect
from mission_control.gateways.oddities import LONGEST_WHY
from mission_control.gateways.outline import LONGEST
from tests.fuzz.daemon import Daemon
from tests.fuzz.script import LATEST_MS, MOST_MS, START_MS, Step
from tests.fuzz.subscription import check_subscriber

WORDS: Final = ("at", "after", "again", "frame", "large", "answer", "refuse", "lose", "kill")
GATEWAY: Final = "gw"
TICK_MS: Final = 20_000
SETTLE_MS: Final = 120_000
"""At the end of an input the gateway falls silent: time enough for whatever is awaited."""
MOST_REQUESTS: Final = 3_000
"""No input makes the dialect ask so often."""
TICKS: Final = 1_000
"""No step needs so many to let its time pass."""


def claw(stored: Snapshot, positions: Mapping[str, Position]) -> Dialect:
    """The dialect of Clawdbot and OpenClaw, as the daemon makes it (``app/dialects.py``)."""
    return ClawDialect(
        GATEWAY,
        Credentials("mission-control-fuzzed", "1", "token"),
        runs={run.run_id: (agent.id, run.session) for agent in stored.agents for run in agent.runs},
        last_heard=last_heard(stored),
        missing_since=next((view.missing_since for view in stored.gateways), None),
    )


def envelope(stored: Snapshot, positions: Mapping[str, Position]) -> Dialect:
    """The dialect of our own envelope."""
    return EnvelopeDialect(GATEWAY, "token", positions, last_heard=last_heard(stored))


class Connection:
    """A dialect and what its orders come to: what the connection actor does, without a socket."""

    def __init__(self, dialect: Callable[[Snapshot, Mapping[str, Position]], Dialect]) -> None:
        self._new = dialect
        self._daemon = Daemon(GATEWAY)
        self._now = START_MS
        self._missing_since: int | None = None
        self._told = 0
        self._pending: deque[str] = deque()
        self._established = False
        self._dialect = self._made()
        self._begun = False

    def play(self, step: Step) -> None:
        if step.word == "at":
            self._now = max(self._now, min(step.number, LATEST_MS))
            return
        if not self._begun:
            self._begun = True
            self._open()
        match step.word:
            case "after":
                self._pass(min(step.number, MOST_MS))
            case "frame":
                self._receive(step.body)
            case "large":
                self._obey(self._dialect.oversized(self._dialect.max_message + 1, step.body, self._now))
            case "answer":
                self._answer(b"true", b"payload", step.body)
            case "refuse":
                self._answer(b"false", b"error", step.body)
            case "lose":
                self._reopen("lost")
            case "kill":
                self._daemon.restart(self._now)
                self._dialect = self._made()
                self._open()

    def check(self) -> None:
        """No repair is left open, and a subscriber sees all that there is to see."""
        self.play(Step("after", b"0"))
        self._refuse_all()
        for _ in range(2 * (LIST_TIMEOUT_MS // TICK_MS + 1)):  # an answer that was garbled on its way is waited for
            if self._missing_since is None or not self._established:
                break
            self._pass(TICK_MS)
            self._receive(b'{"type":"event","event":"tick","payload":{}}')
            self._refuse_all()
        assert not self._established or self._missing_since is None, (
            "nothing is asked any more, and it is not caught up"
        )
        self._pass(SETTLE_MS)
        self._close("the end")
        self._pass(SETTLE_MS)
        check_subscriber(self._daemon.journal)
        self._check_record()

    @property
    def events(self) -> Sequence[Event]:
        """Everything that came of it, in order."""
        return self._daemon.journal.events

    def _refuse_all(self) -> None:
        for _ in range(MOST_REQUESTS):
            if not self._pending:
                return
            self._answer(b"false", b"error", b'{"message":"refused"}')
        raise AssertionError(f"{MOST_REQUESTS} requests are not enough")

    @property
    def roots(self) -> list[object]:
        return [self._dialect, *self._daemon.agents.values()]

    # -- the connection ---------------------------------------------------------------------------------------------

    def _made(self) -> Dialect:
        journal = self._daemon.journal
        return self._new(journal.snapshot(), of_gateway(journal.positions, GATEWAY))

    def _open(self) -> None:
        self._pending.clear()
        self._established = False
        self._obey(self._dialect.opened(self._now))

    def _close(self, reason: str) -> None:
        self._obey(self._dialect.closed(self._now, reason))
        self._tell("reconnecting", reason)

    def _reopen(self, reason: str) -> None:
        self._close(reason)
        self._open()

    def _receive(self, frame: bytes) -> None:
        self._obey(self._dialect.receive(frame, self._now))
        self._check()

    def _answer(self, ok: bytes, name: bytes, body: bytes) -> None:
        if self._pending:
            request = self._pending.popleft().encode()
            self._receive(b'{"type":"res","id":"%b","ok":%b,"%b":%b}' % (request, ok, name, body))

    def _pass(self, ms: int) -> None:
        """Let time pass; whoever wants to be woken on the way is, at the time for which it asked."""
        until = self._now + ms
        for _ in range(TICKS):
            times = [due for due in (self._dialect.due(self._now), self._daemon.due(self._now)) if due is not None]
            at = min(times, default=until)
            if at > until or not times:
                break
            self._now = max(self._now, at)
            self._daemon.tick(self._now)
            self._tick()
        else:
            raise AssertionError(f"{TICKS} ticks in {ms} ms")
        self._now = until

    def _tick(self) -> None:
        due = self._dialect.due(self._now)
        if due is None or due > self._now:
            return
        orders = self._dialect.tick(self._now)
        self._obey(orders)
        if not any(isinstance(order, Refused | Later) for order in orders):
            again = self._dialect.due(self._now)
            assert again is None or again > self._now, "the dialect wants to be woken again and again"

    def _check(self) -> None:
        figures = self._dialect.record.statistics()
        counts = (figures.requests, figures.unknown_frames, figures.malformed_frames)
        for count in (*counts, figures.repeated_frames, figures.missing_frames):
            assert 0 <= count < 2**63, f"a figure is {count}"
        due = self._dialect.due(self._now)
        assert due is None or due < LATEST, f"due at {due}"

    def _check_record(self) -> None:
        """What is kept of odd frames can be shown, and is short."""
        for odd in self._dialect.record.odd.kept():
            assert len(odd.sample) <= LONGEST, f"a sample has {len(odd.sample)} characters"
            assert len(odd.why) <= 2 * LONGEST_WHY, f"a reason has {len(odd.why)} characters"
            encode(odd)

    # -- its orders -------------------------------------------------------------------------------------------------

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Send(text):
                    self._send(json.loads(text))
                case Deliver(agent_id, signal):
                    self._daemon.deliver(agent_id, signal, self._now)
                case Broadcast(signal):
                    self._note(signal)
                    self._daemon.broadcast(signal, self._now)
                case CatchingUp(since):
                    self._missing_since = since
                case CaughtUp():
                    self._missing_since = None
                    self._tell("connected", "caught up")
                case Established(detail, warnings):
                    self._established = True
                    self._tell("connected", "; ".join((detail, *warnings)))
                case Refused(reason, remedy):
                    self._reopen(f"{reason}; {remedy}")
                    return
                case Later(reason, after):
                    assert 0 <= after <= MOST_MS
                    self._reopen(reason)
                    return

    def _send(self, request: dict[str, Any]) -> None:
        if isinstance(name := request.get("id"), str):
            self._pending.append(name)

    def _note(self, signal: Signal) -> None:
        if isinstance(signal, LinkUp | LinkDown):
            self._daemon.up = isinstance(signal, LinkUp)

    def _tell(self, state: LinkStateName, detail: str) -> None:
        self._told += 1
        status = Status(
            component="gateway",
            id=GATEWAY,
            state=state,
            detail=detail,
            previous=UNSET,
            kind=self._dialect.kind,
            attempt=0,
            retry_at=None,
            last_event_at=self._now,
            missing_since=self._missing_since,
        )
        self._daemon.journal.append([Draft(f"{GATEWAY}:link:{self._told}", self._now, GATEWAY, None, status)])
