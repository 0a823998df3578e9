"""What a session's history brings: the messages and tool calls that were missed, and how the session's runs ended.

A session's runs follow one another, each from its prompt to the next one's. That tells whose an entry is where a
history names no runs; and how a run ended that nobody heard, although the session has gone on since.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final as Constant

from attrs import define, evolve, field
from msgspec import UNSET

from mission_control.core.accounts import Account
from mission_control.core.calls import Calls
from mission_control.core.conversation import Conversation, Reconciled
from mission_control.core.drafting import Drafting
from mission_control.core.ends import Ends
from mission_control.core.events import Activity
from mission_control.core.ids import event_id
from mission_control.core.ordering import SeenWindow
from mission_control.core.outages import Outage, Unseen, is_missed, missed_ends
from mission_control.core.runs import Run, RunBook
from mission_control.core.signals import (
    EntrySeen,
    HistoryEntry,
    HistoryMissing,
    HistorySeen,
    Settled,
    StoredCall,
)

ENDS_KEPT: Constant = 4_096


@define
class Histories:
    """Takes in the histories of one agent's sessions. Times are in ms.

    ``silent_since`` is when the gateway had last been heard before this connection, if there was one before.
    """

    ends: Ends
    calls: Calls
    backfill_ms: int
    silent_since: int | None = None
    _outage: Outage | None = None
    _unclaimed: dict[str, list[Unseen]] = field(factory=dict)
    """By session, how the runs ended that were missed: until it is known whether anything is heard of them."""
    _ends_told: SeenWindow = field(init=False, factory=lambda: SeenWindow(ENDS_KEPT))
    """The last answers of runs whose end was told from a history: by session and time."""

    def restore(self, activities: Iterable[tuple[int, Activity]]) -> None:
        """Go on from what the journal holds."""
        for at, activity in activities:
            if activity.kind == "run.started" and activity.run_id is not UNSET and activity.session is not UNSET:
                self._runs.recall(activity.run_id, activity.session, at)
            if isinstance(activity.detail, dict):
                told = activity.detail.get("answered_at")
                for answered_at in told if isinstance(told, list) else [told]:
                    if isinstance(answered_at, int):  # a source's own events may have anything there
                        self._ends_told.first_time((activity.session, answered_at))

    def met(self, at: int, ahead: int) -> None:
        """The gateway is heard for the first time: all that it has of late is missing."""
        self.silent_since = None
        self._outage = Outage(at - self.backfill_ms + ahead, at + ahead)

    def missed(self, since: int, at: int, ahead: int, booted_at: int | None = None) -> None:
        """What was said between ``since`` and ``at``, in our time, is missing, and the gateway began anew meanwhile."""
        self.silent_since = since
        self._outage = Outage(since + ahead, at + ahead, None if booted_at is None else booted_at + ahead)

    def seen(self, signal: HistorySeen) -> None:
        for run in self._runs.in_session(signal.session):
            if run.joined:
                # It answers the newest prompt that is older than the first that was heard of it.
                prompts = [entry.at for entry in signal.entries if entry.role == "user" and entry.at <= run.asked_by]
                run.prompted_at = max(prompts, default=run.prompted_at)
        runs = self._runs.in_session(signal.session)
        accounts = [
            (run, _account(run, following, signal)) for run, following in pairwise((*runs, None)) if run is not None
        ]
        streamed = self._bring_in(signal, {id(entry): run for run, account in accounts for entry in account.own})
        for run, account in accounts:
            self._settle(run, account, signal, streamed)
        self._give_up(signal)

    def told(self, signal: EntrySeen) -> None:
        """Bring in an entry that came by itself. It says nothing of how runs ended."""
        for found in self._reconcile(signal.session, (signal.entry,), signal.at):
            self._out.say(found.events, found.at)

    def missing(self, signal: HistoryMissing) -> None:
        """What was awaited of it is not known, and will not be."""
        runs = self._runs.in_session(signal.session)
        for run in runs:
            if run.orphaned or _is_last_word(signal, run):
                self.ends.undecided(run, signal.at)
        self._give_up(signal)
        if signal.purpose == "repair" and self.silent_since is not None and not any(run.orphaned for run in runs):
            unread = f"its history could not be read: {signal.reason}"
            self._out.gap(signal.session, self.silent_since, signal.at, unread)

    def settled(self, signal: Settled) -> None:
        """All is known of a session's runs that can be: those that nobody heard of are told of by their ends alone."""
        known = self._runs.in_session(signal.session)
        answered: list[int] = []
        for unseen in self._unclaimed.pop(signal.session, ()):
            entry = unseen.last
            if any(unseen.is_of(run) for run in known):
                continue
            if entry.error is not None:
                self.ends.failed_unseen(signal.session, entry.at, entry.error)
            elif self._ends_told.first_time((signal.session, entry.at)):
                self.ends.liveness.failure = None
                answered.append(entry.at)
        if answered and self.silent_since is not None:
            self._out.unseen_runs(signal.session, self.silent_since, signal.at, answered)

    @property
    def _runs(self) -> RunBook:
        return self.ends.runs

    @property
    def _conversation(self) -> Conversation:
        return self.ends.conversation

    @property
    def _out(self) -> Drafting:
        return self.ends.out

    def _bring_in(self, signal: HistorySeen, owners: Mapping[int, Run]) -> Collection[int]:
        """What was missed: messages, the rest of those that broke off, tool calls. ``owners``: by the entries' ids.

        Gives the ids of the entries that a stream told of.
        """
        brought = self._reconcile(signal.session, signal.entries, signal.at)
        outage = self._outage if signal.purpose == "repair" else None
        calls = 0
        new: set[int] = set()
        for entry, found in zip(signal.entries, brought, strict=True):
            self._out.say(found.events, found.at)
            owner = owners.get(id(entry))
            run = owner or Run("", signal.session, entry.at)
            # Of a run that is over, a history tells what was missed, and the other half of what was not.
            of_interest = (
                call
                for call in entry.calls
                if owner is not None
                or is_missed(outage, entry.at, call.ended)
                or self.calls.knows(signal.session, call)
            )
            told = sum(self._call(call, run) for call in of_interest)
            calls += told
            if found.events or told:
                new.add(id(entry))
        streamed = {id(entry) for entry, found in zip(signal.entries, brought, strict=True) if found.streamed}
        if signal.purpose == "repair":
            heard = owners.keys() | streamed
            began = self._runs.beginnings(signal.session)
            ends = missed_ends(outage, signal.entries, began, new)
            self._unclaimed[signal.session] = [unseen for unseen in ends if id(unseen.last) not in heard]
            messages = sum(found.repaired for found in brought)
            if self.silent_since is not None and (messages or calls):
                self._out.repaired(signal.session, self.silent_since, signal.at, messages, calls)
        return streamed

    def _call(self, call: StoredCall, run: Run) -> bool:
        """Tell what nobody has told yet of a call of this run. Whether there was anything."""
        began = self.calls.began(run.session, call.call_id)
        news = self.calls.missing(run.session, call)
        for phase in news:
            name = event_id(*self.ends.key, run.session, call.call_id, call.at, phase)
            if phase == "started":
                self._out.tool(name, call.at, phase, call.tool, call.call_id, call.arguments, run)
                continue
            ended = call.at if call.ended is None else call.ended
            duration = max(0, ended - began) if call.duration_ms is None and began is not None else call.duration_ms
            self._out.tool(name, ended, phase, call.tool, call.call_id, call.result, run, duration)
        return bool(news)

    def _reconcile(self, session: str, entries: Sequence[HistoryEntry], at: int) -> list[Reconciled]:
        backfill = at - self.backfill_ms
        since = max(backfill, self._conversation.past.reaches_back_to(session) or backfill)
        return self._conversation.reconcile(session, entries, since=since, run_began=self._runs.began(), now=at)

    def _give_up(self, signal: HistorySeen | HistoryMissing) -> None:
        """What runs that are over left unfinished, and no history has, remains as it is."""
        asked_at = signal.asked_at if isinstance(signal, HistorySeen) else None
        for run_id in self._conversation.unfinished(signal.session):
            aborted_at = self._runs.aborted_at(run_id)
            follows = asked_at is not None and aborted_at is not None and asked_at < aborted_at  # a history that has it
            if self._runs.get(run_id) is None and not follows:
                self._out.say(self._conversation.end(run_id, signal.at, "interrupted"), signal.at)

    def _settle(self, run: Run, account: Account, signal: HistorySeen, streamed: Collection[int]) -> None:
        """What the history says of an open run. ``streamed``: the ids of the entries that a stream told of."""
        last = account.last
        repair = signal.purpose == "repair"
        if last is not None and last.error is not None:
            name = event_id(*self.ends.key, signal.session, last.at, "error")
            # An attempt that fails without a word is tried again, and the start of that may not be heard.
            again_from = None if last.text else last.at
            self.ends.fail(run, signal.at, last.error, name=name, again_from=again_from, failures=account.failures)
        elif last is not None and last.aborted:
            self.ends.abort(run, signal.at, signal.at)
        elif last is not None and last.ends_run and (run.over or signal.purpose != "start"):
            heard = run.told or signal.purpose == "end"
            self._ends_told.first_time((signal.session, last.at))
            # A daemon that starts in the middle of a repair, or before it, has to know which ends were told of.
            answered_at = last.at if repair or not heard or id(last) not in streamed else None
            self.ends.finish(run, signal.at, heard=heard, answered_at=answered_at, failures=account.failures)
        elif _is_last_word(signal, run) or (repair and (run.orphaned or account.followed)):
            if signal.reaches_back_to(run.began):  # else another one, or time, decides
                self.ends.undecided(run, signal.at)
        elif repair and run.interrupted_at is not None:
            if self._outage is not None and _at_work(account.own, self._outage):
                unknown = "what its tools reported meanwhile is not known"
                self._out.gap(run.session, run.interrupted_at, signal.at, unknown, run)
            run.interrupted_at = None


def _account(run: Run, following: Run | None, signal: HistorySeen) -> Account:
    account = Account.of(run, signal.entries, following)
    if signal.under_way is None:
        return account
    if run.run_id in signal.under_way:
        return evolve(account, followed=False, goes_on=True)
    return evolve(account, followed=True) if signal.purpose == "repair" else account


def _is_last_word(signal: HistorySeen | HistoryMissing, run: Run) -> bool:
    """Whether a history was asked for after the run was over, so that no other one will tell more of it."""
    asked_at = signal.asked_at if isinstance(signal, HistorySeen) else None
    before = asked_at is not None and asked_at < run.over_at
    return run.over and not before and not (run.told and signal.purpose == "start")


def _at_work(entries: Sequence[HistoryEntry], outage: Outage) -> bool:
    """Whether any of their tools was, in the outage. What it reported before its end is in no history."""
    calls = (call for entry in entries for call in entry.calls)
    return any(call.ended is None or call.ended >= outage.since for call in calls)
