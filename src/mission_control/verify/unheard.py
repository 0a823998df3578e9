"""What a source itself forgot before anybody could have heard of it: nobody could tell of that.

A run that was aborted before it had given an answer, one of which nothing was stored, not even its prompt, when the
process died, and an agent that spoke for the first time in its source's life, leave no trace if nobody was connected
then, or if what was said of them was still on its way.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from math import inf
from typing import Final

from mission_control.truth import Envelope, Message, Restart, Run, Tool, Truth
from mission_control.verify.messages import begins
from mission_control.verify.readings import Account

FIRST_TOLD_MS: Final = 4_000
"""By so long after a connection began, a source has told of the agents that there were before."""


def knowable(truth: Truth, account: Account) -> Truth:
    """The truth without the runs that left no trace, if they are not told of all the same. A prompt that was stored
    stays: where the process goes on, so may its run."""
    told: set[str | None] = {deed.run for deed in account.deeds}
    stored = [each for each in truth.of(Message) if each.state in ("complete", "error")]
    prompted, answered = ({each.run for each in stored if each.role == role} for role in ("user", "assistant"))

    def left_a_trace(run: Run) -> bool:
        if run.run in told or run.run in answered:
            return True
        is_new = run.began >= account.watched_from  # a prompt from before is known, and says nothing more
        return run.outcome == "lost" and is_new and run.run in prompted

    gone = {
        run.run
        for run in truth.of(Run)
        if run.outcome in ("lost", "aborted") and not left_a_trace(run) and not account.must_have_heard(run.began)
    }
    kept = {id(each) for each in stored}
    kept |= {
        id(each)
        for each in truth.of(Message)
        if each.run in gone and any(final.session == each.session and begins(final, each) for final in account.finals)
    }
    calls = {deed.call for deed in account.deeds}
    kept |= {id(each) for each in truth.of(Tool) if each.call in calls}
    tried_again = _tried_again(truth, account) if truth.header.dialect == "openclaw" else set()
    records = (
        each
        for each in truth.records
        if id(each) in kept or not (isinstance(each, Message | Run | Tool) and each.run in gone)
        if id(each) not in tried_again
    )
    return Truth(truth.header, tuple(records))


def _tried_again(truth: Truth, account: Account) -> set[int]:
    """The ids of attempts that failed unheard and were tried again, if they are not told of all the same: OpenClaw
    stores the last attempt alone."""
    attempts: defaultdict[str, list[Run]] = defaultdict(list)
    for run in truth.of(Run):
        attempts[run.run].append(run)
    told = {
        id(_nearest(attempts[deed.run], deed.at))
        for deed in account.deeds
        if deed.kind == "run.started" and deed.run is not None and deed.run in attempts
    }
    return {
        id(run)
        for each in attempts.values()
        for run in each
        if run is not max(each, key=lambda attempt: attempt.began) and run.outcome == "error"
        if id(run) not in told and not account.must_have_heard(run.began)
    }


def _nearest(attempts: Sequence[Run], at: float) -> Run:
    return min(attempts, key=lambda attempt: abs(attempt.began - at))


def ends_unheard(truth: Truth, account: Account) -> set[str]:
    """Runs that were aborted while nobody listened, and that no other run of their sessions followed, by which one
    could tell that they are over."""
    last = {run.session: run.run for run in sorted(truth.of(Run), key=lambda run: run.began)}
    return {
        run.run
        for run in truth.of(Run)
        if run.outcome == "aborted" and last[run.session] == run.run and not account.must_have_heard(run.ended)
    }


def knowable_envelopes(
    sent: Sequence[Envelope],
    restarts: Sequence[Restart],
    heard: Collection[tuple[str | None, str]],
    account: Account,
) -> list[Envelope]:
    """Without those of agents of which nothing of that life of the source was ``heard`` (agents and ids of events), and
    those before the first that ever was heard of an agent: of one that may have been there before, any number may be
    the first (docs/envelope.md)."""
    ends = sorted(restart.at for restart in restarts)
    present: set[tuple[str, int]] = set()
    first: dict[str, float] = {}
    for each in sent:
        if (each.agent, each.event_id) in heard:
            present.add((each.agent, bisect_left(ends, each.timestamp)))
            first.setdefault(each.agent, each.timestamp)

    def is_knowable(each: Envelope) -> bool:
        if (each.agent, each.event_id) in heard:
            return True
        life = bisect_left(ends, each.timestamp)
        over = life < len(ends)
        if over and (each.agent, life) not in present:
            return account.must_have_heard(each.timestamp)
        met = first.get(each.agent, inf)
        return each.timestamp > met or account.was_there(met, FIRST_TOLD_MS)

    return [each for each in sent if is_knowable(each)]
