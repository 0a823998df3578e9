"""The runs of one agent: which are open, which are waiting for their last answer, which are over."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final as Constant

from attrs import define, field, frozen

OPEN_RUNS: Constant = 256
"""An agent that has more open at once loses sight of the oldest: there are ends that nobody hears of."""
CLOSED_RUNS: Constant = 512
"""How many closed runs are remembered, so that a late text does not open them again."""


@frozen
class RunPolicy:
    """How long to wait, in ms, for what a source may never send.

    ``answer_ms``: for the last word on a run that is over. ``repair_ms``: for the same after a reconnect.
    ``backfill_ms``: how far back a history is brought in that was never seen live.
    """

    answer_ms: int = 5_000
    repair_ms: int = 15_000
    backfill_ms: int = 24 * 3600 * 1000


@define
class Run:
    """An open run. ``began`` is the source's time; the other times are ours. All in ms.

    ``joined``: its start was not seen, and ``began`` is when it was first heard; the prompt that it answers, if a
    history shows it, came at ``prompted_at``. ``end_alone``: nothing but its end was heard.
    ``over``: it is, since ``over_at``, and the last word on how it ended is awaited;
    ``told``: its source said that it is over, and ``answer`` and ``error`` are what it said of the outcome so far.
    ``orphaned``: the gateway that ran it is gone. ``decide_by``: until when a history is awaited that tells how it
    ended. ``interrupted_at``: the connection was lost while it ran, and what it did meanwhile is not known yet.
    """

    run_id: str
    session: str
    began: int
    joined: bool = False
    prompted_at: int | None = None
    end_alone: bool = False
    over: bool = False
    over_at: int = 0
    told: bool = False
    answer: str | None = None
    error: str | None = None
    orphaned: bool = False
    decide_by: int | None = None
    interrupted_at: int | None = None
    progress_told_at: int = 0

    def await_last_word(self, now: int, patience: int, *, told: bool) -> None:
        """It is over: its source said so (``told``), or something did that came after it."""
        self.over_at = self.over_at if self.over else now
        self.over, self.told, self.decide_by = True, self.told or told, now + patience

    @property
    def asked_by(self) -> int:
        """The time of its prompt is not after this; at its very end, the session's next prompt may be there already."""
        return self.began - self.end_alone

    @property
    def not_before(self) -> int | None:
        """The time before which it cannot have said anything, if that is known."""
        return self.prompted_at if self.joined else self.began


@frozen
class Closed:
    """A run that is over, and was first heard of at ``began``.

    What is heard of it from ``again_from`` on, if that is set, is of another attempt. ``aborted_at``: when it was heard
    that it was aborted, in our time; a history that was asked for before that does not have all that it said.
    """

    session: str
    began: int
    again_from: int | None
    aborted_at: int | None


@define
class RunBook:
    """Open runs by id, oldest first, and the newest closed ones."""

    _open: dict[str, Run] = field(init=False, factory=dict)
    _closed: OrderedDict[str, Closed] = field(init=False, factory=OrderedDict)
    _recalled: OrderedDict[str, tuple[str, int]] = field(init=False, factory=OrderedDict)

    def __iter__(self) -> Iterator[Run]:
        """The open runs, oldest first; safe against closing while iterating."""
        return iter(list(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, run_id: str) -> Run | None:
        return self._open.get(run_id)

    def open(self, run_id: str, session: str, began: int, *, joined: bool = False) -> Run:
        """Start a run, or start it again."""
        self._closed.pop(run_id, None)
        run = self._open[run_id] = Run(run_id, session, began, joined)
        return run

    def close(self, run: Run, *, again_from: int | None = None, aborted_at: int | None = None) -> None:
        self._open.pop(run.run_id, None)
        self._closed[run.run_id] = Closed(run.session, run.began, again_from, aborted_at)
        while len(self._closed) > CLOSED_RUNS:
            self._closed.popitem(last=False)

    def is_closed(self, run_id: str) -> bool:
        return run_id in self._closed

    def aborted_at(self, run_id: str) -> int | None:
        """When it was heard that the run was aborted, in our time, if that is known of it."""
        closed = self._closed.get(run_id)
        return None if closed is None else closed.aborted_at

    def is_late(self, run_id: str, at: int) -> bool:
        """Whether what was said then is of a run that is over, and not of another attempt of it."""
        closed = self._closed.get(run_id)
        return closed is not None and (closed.again_from is None or at < closed.again_from)

    def session_of(self, run_id: str) -> str:
        """The session of a run that is or was known, else ``""``."""
        run = self._open.get(run_id) or self._closed.get(run_id)
        return "" if run is None else run.session

    def in_session(self, session: str) -> list[Run]:
        """A session's open runs, oldest first. Runs of no known session have nothing to do with each other."""
        return [run for run in self._open.values() if session and run.session == session]

    def recall(self, run_id: str, session: str, began: int) -> None:
        """A run of which was told before, whatever became of it. Nothing follows but that it was heard of."""
        self._recalled[run_id] = session, began
        if len(self._recalled) > CLOSED_RUNS:
            self._recalled.popitem(last=False)

    def beginnings(self, session: str) -> dict[str, int]:
        """When the session's runs were first heard of, by their ids, as far as they are known."""
        recalled = {run_id: began for run_id, (its, began) in self._recalled.items() if session and its == session}
        known: tuple[tuple[str, Run | Closed], ...] = (*self._closed.items(), *self._open.items())
        return recalled | {run_id: run.began for run_id, run in known if session and run.session == session}

    def began(self) -> dict[str, int]:
        """The time before which each open run cannot have said anything, where that is known."""
        return {run.run_id: run.not_before for run in self._open.values() if run.not_before is not None}
