"""What a session's history has of one run, told apart by prompts and times, or by names where the history has them."""

from collections.abc import Sequence

from attrs import frozen

from mission_control.core.runs import Run
from mission_control.core.signals import HistoryEntry


@frozen
class Account:
    """What a session's history has of one run.

    ``own``: its answers, oldest first. ``followed``: a later prompt was answered to its end, so that the run is over.
    A later prompt alone proves nothing, since some gateways put one into a run that goes on. ``goes_on``: they say so.
    """

    own: Sequence[HistoryEntry]
    followed: bool
    goes_on: bool = False

    @property
    def last(self) -> HistoryEntry | None:
        """The newest of its answers, by which it may have ended."""
        return self.own[-1] if self.own and not self.goes_on else None

    @property
    def failures(self) -> int:
        """How many attempts failed without a word before the last answer."""
        return sum(entry.error is not None and not entry.text for entry in self.own[:-1])

    @staticmethod
    def of(run: Run, entries: Sequence[HistoryEntry], following: Run | None) -> "Account":
        """``entries``: the session's, oldest first; ``following``: the session's next run, if one is known.

        The history may not reach back to the prompt between the two.
        """
        if any(entry.run_id for entry in entries):
            return Account._named(run, entries)
        later = (index for index, entry in enumerate(entries) if entry.role == "user" and entry.at > run.asked_by)
        end = next(later, len(entries))
        until = None if following is None or following.joined else following.began
        own = [entry for entry in entries[:end] if entry.role == "assistant" and is_own(entry, run)]
        own = [entry for entry in own if until is None or entry.at < until]
        followed = any(entry.ends_run or entry.error is not None for entry in entries[end:])
        return Account(own, followed)

    @staticmethod
    def _named(run: Run, entries: Sequence[HistoryEntry]) -> "Account":
        """The same where the history says whose each entry is."""
        own = [index for index, entry in enumerate(entries) if entry.run_id == run.run_id]
        said = [entries[index] for index in own if entries[index].role == "assistant"]
        later = entries[own[-1] + 1 :] if own else [entry for entry in entries if entry.at > run.began]
        return Account(said, any(entry.ends_run or entry.error is not None for entry in later))


def is_own(entry: HistoryEntry, run: Run) -> bool:
    """Whether an entry from before the next prompt is the run's, in its present attempt."""
    if entry.run_id is not None:
        return entry.run_id == run.run_id
    if run.not_before is not None and entry.at < run.not_before:
        return False
    # An attempt that failed without a word before the run was first heard was an earlier one.
    return run.end_alone or entry.at >= run.began or entry.error is None or bool(entry.text)
