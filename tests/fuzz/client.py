"""What a daemon says, to the Python client.

The words of an input, besides those of ``script.py``:

=========== ==========================================================
``open``    the socket that the client asked for is open
``frame``   this text comes
``close``   the socket closes with this code
``lose``    it is lost without one, and the next one is open as soon as the client wants it
``wanted``  the program wants the agents of these names, separated by commas
=========== ==========================================================
"""

from math import isfinite
from typing import Final

from mission_control.client.session import Session
from mission_control.client.states import LOST, Action, Backoff, Batch, Deliver, Send
from mission_control.core.events import encode
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.edge.services import Access
from mission_control.edge.session import Answer, Begin, Refilter
from mission_control.edge.session import Session as Daemon
from tests.fuzz.script import MOST_MS, Step

WORDS: Final = ("after", "again", "open", "frame", "close", "lose", "wanted")
TICKS: Final = 1_000


class Program:
    """A program that follows a daemon, and holds its client to what docs/client.md says."""

    def __init__(self) -> None:
        self._now = 1_000_000
        self._session = Session(token=None, select=EVERYTHING, cursor=None, backoff=Backoff(), chance=lambda: 0.5)
        self._reached: Cursor | None = None
        self._daemon = Daemon(Access(None, loopback_only=True))
        self._do(self._session.start(self._now))

    def play(self, step: Step) -> None:
        session = self._session
        match step.word:
            case "after":
                self._pass(min(step.number, MOST_MS))
            case "open":
                if session.link == "opening":
                    self._daemon = Daemon(Access(None, loopback_only=True))
                self._do(session.opened(self._now))
            case "frame":
                self._do(session.received(step.body, self._now))
            case "close":
                self._do(session.closed(step.number, "", self._now))
            case "lose":
                self._do(session.closed(LOST, "", self._now))
                self._pass(MOST_MS)
                self.play(Step("open"))
            case "wanted":
                names = step.body.decode(errors="replace").split(",")
                self._do(session.refilter(Filter(agents=frozenset(filter(None, names))), self._now))

    def check(self) -> None:
        """What it holds can be shown."""
        self._pass(MOST_MS)
        view = self._session.view
        encode(view.snapshot(Cursor("", 0)))
        encode(self._session.notices)

    @property
    def roots(self) -> list[object]:
        return [self._session]

    def _pass(self, ms: int) -> None:
        until = self._now + ms
        for _ in range(TICKS):
            due = self._session.wake_at
            if due is None or due > until:
                break
            self._now = max(self._now, round(due))
            self._do(self._session.tick(self._now))
            again = self._session.wake_at
            assert again is None or again > self._now, "the client wants to be woken again and again"
        self._now = until

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                said = self._daemon.receive(action.text)
                assert isinstance(said, Begin | Refilter | Answer), f"the daemon does not take {action.text}: {said}"
            elif isinstance(action, Deliver):
                self._deliver(action.batch)
        due = self._session.wake_at
        assert due is None or not isfinite(due) or due > self._now - 1

    def _deliver(self, batch: Batch) -> None:
        """Each event once and in order, or the program is told what it does not get."""
        if batch.jump is not None:
            assert batch.jump.after == batch.cursor
            assert not batch.events
        else:
            assert self._reached is not None
            assert batch.cursor.epoch == self._reached.epoch
            offsets = [event.offset for event in batch.events if event.offset is not None]
            path = [self._reached.offset, *offsets]
            assert all(one < other for one, other in zip(path, offsets, strict=False)), f"out of order: {path}"
            assert path[-1] <= batch.cursor.offset
        self._reached = batch.cursor
