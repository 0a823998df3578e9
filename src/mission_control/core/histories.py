"""What a session's history brings: the messages that were missed, and how the session's runs ended.

A session's runs follow one another, each from its prompt to the next one's. That tells whose an entry is, although a
history names no runs; and how a run ended that nobody heard, although the session has gone on since.
"""

from collections.abc import Sequence

from attrs import define, frozen

from mission_control.core.conversation import Conversation
from mission_control.core.drafting import Drafting
from mission_control.core.ends import Ends
from mission_control.core.ids import event_id
from mission_control.core.runs import Run, RunBook
from mission_control.core.signals import HistoryEntry, HistoryMissing, HistorySeen, Purpose


@frozen
class Account:
    """What a session's history has of one run.

    ``last``: the newest of its answers. ``followed``: a later prompt was answered to its end, so that the run is over.
    A later prompt alone proves nothing, since some gateways put one into a run that goes on.
    """

    last: HistoryEntry | None
    followed: bool

    @staticmethod
    def of(run: Run, entries: Sequence[HistoryEntry]) -> "Account":
        """``entries``: the session's, oldest first."""
        later = (index for index, entry in enumerate(entries) if entry.role == "user" and entry.at > run.began)
        end = next(later, len(entries))
        own = [entry for entry in entries[:end] if entry.role == "assistant" and _is_own(entry, run)]
        followed = any(entry.ends_run or entry.error is not None for entry in entries[end:])
        return Account(own[-1] if own else None, followed)


def _is_own(entry: HistoryEntry, run: Run) -> bool:
    """Whether an entry from before the next prompt is the run's, in its present attempt."""
    if run.not_before is not None and entry.at < run.not_before:
        return False
    # An attempt that failed without a word before the run was first heard was an earlier one.
    return entry.at >= run.began or entry.error is None or bool(entry.text)


@define
class Histories:
    """Takes in the histories of one agent's sessions. Times are in ms.

    ``silent_since`` is when the gateway had last been heard before this connection, if there was one before.
    """

    ends: Ends
    backfill_ms: int
    silent_since: int | None = None

    def seen(self, signal: HistorySeen) -> None:
        for run in self._runs.in_session(signal.session):
            if run.joined:
                # It answers the newest prompt that is older than the first that was heard of it.
                prompts = [entry.at for entry in signal.entries if entry.role == "user" and entry.at <= run.began]
                run.prompted_at = max(prompts, default=run.prompted_at)
        self._bring_in(signal)
        for run in self._runs.in_session(signal.session):
            self._settle(run, signal)
        self._give_up(signal)

    def missing(self, signal: HistoryMissing) -> None:
        """What was awaited of it is not known, and will not be."""
        runs = self._runs.in_session(signal.session)
        for run in runs:
            if run.orphaned or _is_last_word(signal.purpose, run):
                self.ends.undecided(run, signal.at)
        self._give_up(signal)
        if signal.purpose == "repair" and self.silent_since is not None and not any(run.orphaned for run in runs):
            unread = f"its history could not be read: {signal.reason}"
            self._out.gap(signal.session, self.silent_since, signal.at, unread)

    @property
    def _runs(self) -> RunBook:
        return self.ends.runs

    @property
    def _conversation(self) -> Conversation:
        return self.ends.conversation

    @property
    def _out(self) -> Drafting:
        return self.ends.out

    def _bring_in(self, signal: HistorySeen) -> None:
        """The messages that were missed, and the rest of those that broke off."""
        backfill = signal.at - self.backfill_ms
        since = max(backfill, self._conversation.past.reaches_back_to(signal.session) or backfill)
        found = self._conversation.reconcile(
            signal.session, signal.entries, since=since, run_began=self._runs.began(), now=signal.at
        )
        for at, event in found.events:
            self._out.say([event], at)
        if signal.purpose == "repair" and found.repaired and self.silent_since is not None:
            self._out.repaired(signal.session, self.silent_since, signal.at, found.repaired)

    def _give_up(self, signal: HistorySeen | HistoryMissing) -> None:
        """What runs that are over left unfinished, and no history has, remains as it is."""
        for run_id in self._conversation.unfinished(signal.session):
            if self._runs.get(run_id) is None:
                self._out.say(self._conversation.end(run_id, signal.at, "interrupted"), signal.at)

    def _settle(self, run: Run, signal: HistorySeen) -> None:
        """What the history says of an open run."""
        account = Account.of(run, signal.entries)
        last = account.last
        repair = signal.purpose == "repair"
        if last is not None and last.error is not None:
            name = event_id(*self.ends.key, signal.session, last.at, "error")
            # An attempt that fails without a word is tried again, and the start of that may not be heard.
            self.ends.fail(run, signal.at, last.error, name=name, again_from=None if last.text else last.at)
        elif last is not None and last.ends_run and (run.over or signal.purpose != "start"):
            heard = run.told or signal.purpose == "end"
            self.ends.finish(run, signal.at, "Run finished" if heard else "Run finished unseen")
        elif _is_last_word(signal.purpose, run) or (repair and (run.orphaned or account.followed)):
            self.ends.undecided(run, signal.at)
        elif repair and run.interrupted_at is not None:
            self._out.gap(run.session, run.interrupted_at, signal.at, "what its tools did meanwhile is not known", run)
            run.interrupted_at = None


def _is_last_word(purpose: Purpose, run: Run) -> bool:
    """Whether a history was asked for after the run was over, so that no other one will tell more of it."""
    return run.over and not (run.told and purpose == "start")
