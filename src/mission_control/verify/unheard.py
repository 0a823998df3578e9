"""What a source itself forgot before anybody could have heard of it: nobody could tell of that.

A run of which nothing was stored, not even its prompt, and an agent that spoke for the first time in its source's life,
leave no trace when that run is aborted or the process dies while nobody is connected, or in the moment in which what
was said is still on its way.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence

from mission_control.truth import Envelope, Message, Restart, Run, Tool, Truth
from mission_control.verify.readings import Account


def knowable(truth: Truth, account: Account) -> Truth:
    """The truth without the runs that left no trace, if they are not told of all the same."""
    told = {deed.run for deed in account.deeds}
    stored = {each.run for each in truth.of(Message) if each.state in ("complete", "error")}
    gone = {
        run.run
        for run in truth.of(Run)
        if run.outcome in ("lost", "aborted")
        if run.run not in told | stored and not account.must_have_heard(run.began)
    }
    records = (each for each in truth.records if not (isinstance(each, Message | Run | Tool) and each.run in gone))
    return Truth(truth.header, tuple(records))


def knowable_envelopes(
    sent: Sequence[Envelope],
    restarts: Sequence[Restart],
    heard: Collection[tuple[str | None, str]],
    account: Account,
) -> list[Envelope]:
    """Without those of agents of which nothing of that life of the source was ``heard`` (agents and ids of events)."""
    ends = sorted(restart.at for restart in restarts)
    present = {(each.agent, bisect_left(ends, each.timestamp)) for each in sent if (each.agent, each.event_id) in heard}

    def is_knowable(each: Envelope) -> bool:
        life = bisect_left(ends, each.timestamp)
        over = life < len(ends)
        return not over or (each.agent, life) in present or account.must_have_heard(each.timestamp)

    return [each for each in sent if is_knowable(each)]
