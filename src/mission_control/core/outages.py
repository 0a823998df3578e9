"""What a session's history has of an outage: the ends of runs that nobody may have heard of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from mission_control.core.accounts import is_own
from mission_control.core.runs import Run
from mission_control.core.signals import HistoryEntry


@frozen
class Outage:
    """The time before this connection of which something may be missing, by the gateway's clock, in ms.

    ``booted_at``: when the gateway began anew, if it did in this time.
    """

    since: int
    until: int
    booted_at: int | None = None

    def covers(self, at: int) -> bool:
        return self.since <= at <= self.until

    def outlived(self, at: int) -> bool:
        """Whether what began then ended with the gateway's process, whatever became of it."""
        return self.booted_at is not None and self.since <= at < self.booted_at


@frozen
class Unseen:
    """The last that a history has of a run that nobody may have heard of; it may be the run's prompt itself.

    ``prompted_at``, ``until``: when that prompt came, and the next one, in ms, where the history has them.
    """

    last: HistoryEntry
    prompted_at: int | None
    until: int | None

    def is_of(self, run: Run) -> bool:
        """Whether it may be of this run: by its name, or by its time and as an answer to the same prompt."""
        if not is_own(self.last, run):
            return False
        if self.last.run_id is not None:
            return True
        since, until = self.prompted_at, self.until
        return (since is None or since <= run.asked_by) and (until is None or run.asked_by < until)


def is_missed(outage: Outage | None, *times: int | None) -> bool:
    """Whether any of them was in the outage."""
    return outage is not None and any(at is not None and outage.covers(at) for at in times)


@frozen
class _Turn:
    """What a history has of a run: its prompt, if the history reaches back to that, what came after it, and when the
    next prompt did. Some gateways put prompts into runs that go on: then there are more turns than runs."""

    prompt: HistoryEntry | None
    answers: Sequence[HistoryEntry]
    until: int | None

    def is_of_any(self, began: Mapping[str, int]) -> bool:
        """Whether it is one of these runs', by id where the history says whose it is, else by when they began."""
        if self.prompt is None:
            return False
        if self.prompt.run_id is not None:
            return self.prompt.run_id in began
        since, until = self.prompt.at, self.until
        return any(since <= at and (until is None or at < until) for at in began.values())


def _turns(entries: Sequence[HistoryEntry]) -> Iterator[_Turn]:
    prompts = [index for index, entry in enumerate(entries) if entry.role == "user"]
    for begin, end in pairwise((None, *prompts, len(entries))):
        prompt = None if begin is None else entries[begin]
        answers = entries[0 if begin is None else begin + 1 : end]
        if prompt is not None or answers:
            yield _Turn(prompt, answers, entries[end].at if end is not None and end < len(entries) else None)


def missed_ends(
    outage: Outage | None, entries: Sequence[HistoryEntry], began: Mapping[str, int], new: Collection[int]
) -> Iterator[Unseen]:
    """The ends of runs, and of attempts at them, that fell into the outage, or whose prompts did, or that are new
    although they began before; and the last that is stored of runs that died with the gateway: their prompts, or
    answers that called a tool. ``began``: when the known runs did; ``new``: the ids of the entries that were not known.
    """
    if outage is None:
        return
    for turn in _turns(entries):
        prompted_at = None if turn.prompt is None else turn.prompt.at
        unheard = turn.prompt is not None and not turn.is_of_any(began)
        unknown = id(turn.prompt) in new  # then all that came after it is, also what has no words
        for entry in turn.answers:
            if entry.ends_run or entry.error is not None:
                is_new = unheard and (unknown or id(entry) in new)
                if is_new or is_missed(outage, prompted_at, entry.at):
                    yield Unseen(entry, prompted_at, turn.until)
        last = turn.answers[-1] if turn.answers else turn.prompt
        is_end = last is None or last.ends_run or last.error is not None
        if last is not None and not is_end and unheard and prompted_at is not None and outage.outlived(prompted_at):
            yield Unseen(last, prompted_at, turn.until)
