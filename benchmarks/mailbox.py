"""What the actor runtime costs, beside bare trio and Pykka: ``python -m benchmarks.mailbox [--quick] [--json]``.

The contenders take turns for several rounds, and their medians are compared. Exit code 1 if a goal is missed; the
figures of ``--quick`` show that everything runs, and nothing else.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence

from attrs import frozen

from benchmarks.contenders import channels, ours, pykka_threads
from benchmarks.contenders.work import BURST, NARROW
from benchmarks.crowd import CrowdCost, CrowdError, crowd
from benchmarks.machine import Machine, busy
from benchmarks.mailbox_result import BATCHED, BY_HAND, NAMES, ONE_BY_ONE, PYKKA, Crowds, Result
from benchmarks.rounds import Measure, compete


@frozen
class Plan:
    """How much is done. Steps are those of one round; ``crowd_rounds`` is how often each crowd of idle actors lives."""

    rounds: int
    bursts: int
    asks: int
    spawns: int
    restarts: int
    crowds: tuple[int, ...]
    crowd_rounds: int


FULL = Plan(9, bursts=200, asks=5_000, spawns=2_000, restarts=2_000, crowds=(200, 2_000, 20_000), crowd_rounds=3)
QUICK = Plan(2, bursts=4, asks=50, spawns=20, restarts=20, crowds=(20,), crowd_rounds=1)

THREADS_ONCE = 10_000
"""From here on Pykka's crowds live once: starting and stopping that many threads takes half a minute."""


def measures(plan: Plan) -> list[Measure]:
    return [
        Measure(
            f"tell and receive, bursts of {BURST}",
            "messages",
            {
                BY_HAND: channels.tell_one_by_one,
                ONE_BY_ONE: ours.tell_one_by_one,
                BATCHED: ours.tell_batched,
                "trio channel, receive_nowait": channels.tell_drained,
                PYKKA: pykka_threads.tell_one_by_one,
            },
            BY_HAND,
            plan.bursts,
            BURST,
        ),
        Measure(
            f"send and receive, room for {NARROW}",
            "messages",
            {
                BY_HAND: channels.send_one_by_one,
                ONE_BY_ONE: ours.send_one_by_one,
                BATCHED: ours.send_batched,
            },
            BY_HAND,
            plan.bursts,
            BURST,
        ),
        Measure(
            "ask and answer",
            "round trips",
            {"trio channel and event": channels.ask, "runtime": ours.ask, PYKKA: pykka_threads.ask},
            "trio channel and event",
            plan.asks,
        ),
        Measure(
            "spawn and stop, one after the other",
            "actors",
            {
                "trio task and channel": channels.spawn_and_stop,
                "runtime, pool": ours.spawn_and_stop,
                PYKKA: pykka_threads.spawn_and_stop,
            },
            "trio task and channel",
            plan.spawns,
        ),
        Measure(
            "restart, from the crash to the next incarnation",
            "restarts",
            {"trio nursery for each life": channels.restart, "runtime": ours.restart},
            "trio nursery for each life",
            plan.restarts,
        ),
    ]


def live(plan: Plan) -> Crowds:
    """Every kind of crowd in every size, in turns.

    Raises CrowdError, unless it is Pykka that cannot live: a system may well have too few threads for it.
    """
    costs: dict[str, dict[int, list[CrowdCost]]] = defaultdict(lambda: defaultdict(list))
    failures: dict[str, str] = {}
    for turn in range(plan.crowd_rounds):
        for count in plan.crowds:
            for kind in NAMES:
                if kind == "pykka" and count >= THREADS_ONCE and turn:
                    continue
                try:
                    cost = crowd(kind, count)
                except CrowdError as error:
                    if kind != "pykka":
                        raise
                    failures[f"{NAMES[kind]}, {count:,}"] = str(error)
                else:
                    costs[kind][count].append(cost)
    return Crowds({kind: dict(sizes) for kind, sizes in costs.items()}, failures)


def run(plan: Plan) -> Result:
    before = busy()
    figures = {measure.title: (measure, compete(measure, plan.rounds)) for measure in measures(plan)}
    crowds = live(plan)
    return Result(Machine.here("trio", "attrs", "pykka"), before, busy(), plan.rounds, figures, crowds)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.mailbox", description="What the actor runtime costs.")
    parser.add_argument("--quick", action="store_true", help="a few steps of everything, in a few seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = run(QUICK if options.quick else FULL)
    print(result.json() if options.json else "\n".join(result.report()))
    return 0 if options.quick or all(goal.holds for goal in result.goals()) else 1


if __name__ == "__main__":
    sys.exit(main())
