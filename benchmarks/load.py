"""The whole way under load: ``python -m benchmarks.load [--agents N] [--rate R] [--seconds S] [--subscribers M]``.

The simulated gateway, the daemon and the subscribers run in a process each, on loopback. Every subscriber takes
everything and checks it; afterwards the texts that arrived are compared with the simulation's ground truth.
Exit code 1 if anything was lost, repeated or wrong.
"""

import json
import re
import sys
import tempfile
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import trio
from attrs import frozen

from benchmarks.outcome import Outcome, said
from benchmarks.plan import Plan, parse
from benchmarks.processes import Child, ChildError, Usage, child
from mission_control.truth import read_truth

START_SECONDS = 60
TRUTH = "truth.jsonl"
SETTLE_SECONDS = 20


@frozen
class Rig:
    """The running processes; ``stop_load`` stops the simulator."""

    simulator: Child
    daemon: Child
    subscribers: Child
    url: str
    stop_load: AsyncExitStack

    def usage(self) -> dict[str, Usage]:
        children = {"simulator": self.simulator, "daemon": self.daemon, "subscribers": self.subscribers}
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
            await trio.sleep(plan.warm_up)
            before, first = rig.usage(), await _head(rig.url)
            await rig.subscribers.tell("begin")
            await trio.sleep(plan.seconds)
            await rig.subscribers.tell("end")
            after, last = rig.usage(), await _head(rig.url)
            await rig.stop_load.aclose()
            await rig.subscribers.tell(f"finish {await _settled(rig.url)}")
            with trio.fail_after(START_SECONDS):
                results = json.loads(await rig.subscribers.line())
            return Outcome(
                plan=plan,
                results=results,
                said=said(read_truth(Path(name) / TRUTH)),
                journaled=last - first,
                cpu_s={name: _spent(before[name], after[name]) for name in before},
                rss=after["daemon"].rss,
                stall_s=await _metric(rig.url, "mission_control_loop_stall_seconds_max"),
                step_cpu_s=await _metric(rig.url, "mission_control_loop_cpu_seconds_max"),
            )


async def _start(plan: Plan, stack: AsyncExitStack, directory: Path) -> Rig:
    load = await stack.enter_async_context(AsyncExitStack())
    profiler = ["-m", "cProfile", "-o", str(plan.profile)] if plan.profile else []
    with trio.fail_after(START_SECONDS):
        token = str(directory / "token")
        arguments = ["-m", "mission_control", "simulate", "--agents", str(plan.agents), "--rate", str(plan.rate)]
        arguments += ["--seed", str(plan.seed), "--token-file", token, "--truth", str(directory / TRUTH)]
        simulator = await load.enter_async_context(child("simulator", arguments, directory))
        gateway = await simulator.line("gateway")
        arguments = [*profiler, "-m", "mission_control", "run", "--gateway", gateway]
        arguments += ["--gateway-token-file", token, "--listen", "127.0.0.1:0", "--data-dir", str(directory)]
        daemon = await stack.enter_async_context(child("daemon", arguments, directory))
        url = await daemon.line("dashboard")
        host, port = urlsplit(url).hostname, urlsplit(url).port
        arguments = ["-m", "benchmarks.subscriber", str(host), str(port), str(plan.subscribers)]
        subscribers = await stack.enter_async_context(child("subscribers", arguments, directory))
        await subscribers.line("ready")
    return Rig(simulator, daemon, subscribers, url, load)


async def _get(url: str) -> str:
    def fetch() -> str:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
            text: str = answer.read().decode()
            return text

    return await trio.to_thread.run_sync(fetch)


async def _head(url: str) -> int:
    """The offset of the newest event in the journal."""
    head: int = json.loads(await _get(f"{url}v1/events?limit=1"))["head"]
    return head


async def _settled(url: str) -> int:
    """The head of the journal once it has not moved for a second, or after 20 s."""
    head = await _head(url)
    for _ in range(SETTLE_SECONDS):
        await trio.sleep(1)
        before, head = head, await _head(url)
        if head == before:
            break
    return head


async def _metric(url: str, name: str) -> float | None:
    found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", await _get(f"{url}metrics"), re.MULTILINE)
    return float(found[1]) if found else None


def _spent(before: Usage, after: Usage) -> float | None:
    return None if before.cpu_s is None or after.cpu_s is None else after.cpu_s - before.cpu_s


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
