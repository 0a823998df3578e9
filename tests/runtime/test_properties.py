"""Random trees in trouble: the invariants that must hold whatever happens, in whatever interleaving.

Here nothing waits for anything else to be over: messages, crashes before, during and after receives, kills, removals
and stops meet each other half-way. What exactly becomes of the tree then depends on the interleaving, so only what must
hold in all of them is checked; test_tree_machine.py and test_mail_model.py say what happens step by step.

The history is written down before it runs (a script of actions, whose targets are numbers taken modulo what is there),
because such a list shrinks well: any part of it can go, and the rest still means something.
"""

import math
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import ActorStopped, DeadLettered, Restart, Started, Stopped, StoppedLate, Strategy, WatcherFailed
from runtime.testing import run
from tests.runtime.chaos import POLICIES, Account, Action, ActorShape, Message, PoolShape, Shape, SupervisorShape, World

graces = st.sampled_from([5.0, 1.0, 0.0])
budgets = st.sampled_from([math.inf, math.inf, 3])

actors = st.builds(
    ActorShape,
    policy=st.sampled_from(list(POLICIES)),
    capacity=st.integers(1, 5),
    batch=st.sampled_from([0, 0, 3]),
    grace=graces,
    restart=st.sampled_from([Restart.PERMANENT, Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY]),
)
pools = st.builds(PoolShape, actors, budgets)


def supervisors(children: st.SearchStrategy[Shape]) -> st.SearchStrategy[SupervisorShape]:
    return st.builds(
        SupervisorShape,
        st.lists(children, min_size=1, max_size=4).map(tuple),
        st.sampled_from(Strategy),
        budgets,
        st.sampled_from([30.0, 2.0]),
    )


# An actor first, so that there is always somebody to send to.
trees = st.builds(
    lambda first, tree: SupervisorShape((first, *tree.children), tree.strategy, tree.budget, tree.grace),
    actors,
    supervisors(st.recursive(actors | pools, supervisors, max_leaves=6)),
)
actions = st.tuples(
    st.sampled_from(
        ["tell", "send", "ask", "sleep"] * 3 + ["crash", "crash", "kill", "ensure", "remove", "retry", "discard"]
    ),
    st.integers(0, 30),
    st.sampled_from(["plain", "plain", "plain", "flaky", "poison"]),
    st.sampled_from([0.0, 0.05, 0.2, 1.0, 3.0]),
)


@settings(max_examples=150)
@given(
    tree=trees,
    script=st.lists(actions, max_size=60),
    end=st.sampled_from(["stop", "stop when quiet", "cancel"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_happens_nothing_accepted_is_lost_repeated_or_reordered(
    tree: SupervisorShape, script: list[Action], end: str, seed: int
) -> None:
    """FIFO per sender, one live incarnation per name, every ask ends, stops are bounded, only the guilty are buried."""
    world = World(tree, seed)
    took = run(world.live, script, end, seed=seed)
    assert took <= tree.grace
    assert not world.events.of(WatcherFailed)
    assert not any(event.stuck for event in world.events.of(StoppedLate))
    for account in world.accounts:
        check_life(account)
        check_numbers(account)
        check_order(account)
        check_burials(account)
        assert len(account.answers) == account.asked, "an ask has not ended"
        assert "wrong" not in account.answers


def check_life(account: Account) -> None:
    """One incarnation after the other, each told, until the address has stopped for good."""
    assert account.probe.most_live <= 1
    assert account.probe.live == 0
    started = [event.incarnation for event in account.told if isinstance(event, Started)]
    assert started == list(range(1, len(started) + 1))
    letters = {"Started": "S", "Crashed": "C", "Restarting": "R", "GaveUp": "G", "Stopped": "X"}
    life = "".join(letters.get(type(event).__name__, "") for event in account.told)
    assert re.fullmatch(r"(SR*(CR*)?)*G?X", life), life
    assert account.told[-1] is account.end
    with pytest.raises(ActorStopped):
        account.probe.ref.tell(Message(0, "plain", "late"))


def check_numbers(account: Account) -> None:
    """What went in came out: handled, buried, lost by the policy, or counted as undelivered."""
    statistics = account.probe.ref.statistics()
    [stopped] = [event for event in account.told if isinstance(event, Stopped)]
    came_out = (
        statistics.handled + statistics.dead_lettered + statistics.dropped + statistics.superseded + stopped.undelivered
    )
    went_in = len(account.accepted) + len(account.retried)
    outcomes = Counter(account.answers)
    taken = sum(outcomes[outcome] for outcome in ("answered", "ActorCrashed", "RequestDropped"))
    assert went_in + taken <= came_out <= went_in + account.asked - outcomes["MailboxFull"]
    assert (statistics.depth, statistics.in_hand, statistics.waiting) == (0, 0, 0)


def check_order(account: Account) -> None:
    """Of each sender, nothing that was not accepted is handled, nor out of order; more than once only over an end."""
    times = Counter(message.number for message in account.probe.handled)
    assert all(count <= max(1, account.probe.incarnations) for count in times.values())
    accepted = {message.number for message in account.accepted}
    streams: dict[object, list[int]] = {}
    for message in {message.number: message for message in account.probe.handled}.values():
        if message.sender == "asker" or message.number in account.retried:
            continue
        assert message.number in accepted
        of = (message.sender, message.key) if account.shape.policy == "keep_latest" else message.sender
        streams.setdefault(of, []).append(message.number)
    for numbers in streams.values():
        assert numbers == sorted(numbers), "out of order"


def check_burials(account: Account) -> None:
    """Only what crashes its actor goes to the dead letters, unless the actor was made to crash over it."""
    if account.crashed_on_demand:
        return
    for event in account.told:
        if isinstance(event, DeadLettered):
            kind, _ = event.letter.message.split()
            assert kind == "poison" or (kind == "flaky" and account.shape.batch)
