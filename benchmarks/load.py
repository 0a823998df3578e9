"""The whole way under load: ``python -m benchmarks.load [--agents N] [--rate R] [--seconds S] [--subscribers M]``.

The simulated gateway, the daemon and the subscribers run in a process each, on loopback. Every subscriber takes
everything and checks it; afterwards the texts that arrived are compared with the simulation's ground truth.
Exit code 1 if anything was lost, repeated or wrong.
"""

import json
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import trio
from attrs import frozen

from benchmarks.outcome import Outcome, said
from benchmarks.plan import Plan, parse
from benchmarks.processes import Child, ChildError, Usage, child
from benchmarks.service import START_SECONDS, TRUTH, Service, spent
from mission_control.truth import read_truth


@frozen
class Rig:
    """The running processes."""

    service: Service
    subscribers: Child

    def usage(self) -> dict[str, Usage]:
        children = {"simulator": self.service.simulator, "daemon": self.service.daemon, "subscribers": self.subscribers}
        return {name: each.usage() for name, each in children.items()}


async def measure(plan: Plan) -> Outcome:
    """Run everything once.

    Raises:
        ChildError: a process ended before its time.
        trio.TooSlowError: a process did not start, or did not answer, in time.
    """
    with tempfile.TemporaryDirectory(prefix="mission-control-bench-") as name:
        async with AsyncExitStack() as stack:
            rig = await _start(plan, stack, Path(name))
            service = rig.service
            await trio.sleep(plan.warm_up)
            before, first = rig.usage(), await service.head()
            await rig.subscribers.tell("begin")
            await trio.sleep(plan.seconds)
            await rig.subscribers.tell("end")
            after, last = rig.usage(), await service.head()
            await service.load.aclose()
            await rig.subscribers.tell(f"finish {await service.settled()}")
            with trio.fail_after(START_SECONDS):
                results = json.loads(await rig.subscribers.line())
            return Outcome(
                plan=plan,
                results=results,
                said=said(read_truth(Path(name) / TRUTH)),
                journaled=last - first,
                cpu_s={name: spent(before[name], after[name]) for name in before},
                rss=after["daemon"].rss,
                stall_s=await service.metric("mission_control_loop_stall_seconds_max"),
                step_cpu_s=await service.metric("mission_control_loop_cpu_seconds_max"),
            )


async def _start(plan: Plan, stack: AsyncExitStack, directory: Path) -> Rig:
    fleet = ["--agents", str(plan.agents), "--rate", str(plan.rate), "--seed", str(plan.seed)]
    profiler = ["-m", "cProfile", "-o", str(plan.profile)] if plan.profile else []
    service = await Service.start(stack, directory, fleet, profiler)
    host, port = urlsplit(service.url).hostname, urlsplit(service.url).port
    arguments = ["-m", "benchmarks.subscriber", str(host), str(port), str(plan.subscribers)]
    subscribers = await stack.enter_async_context(child("subscribers", arguments, directory))
    with trio.fail_after(START_SECONDS):
        await subscribers.line("ready")
    return Rig(service, subscribers)


def main() -> int:
    outcome = None
    try:
        outcome = trio.run(measure, parse())
    except* (ChildError, trio.TooSlowError) as errors:
        print(*errors.exceptions, sep="\n", file=sys.stderr)
    if outcome is None:
        return 1
    print("\n".join(outcome.report()))
    failures = list(outcome.failures())
    print("\n".join(["", "FAILED", *failures]) if failures else "nothing lost, repeated or wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
