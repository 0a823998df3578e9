"""The whole way under load: ``python -m benchmarks.load [--agents N] [--rate R] [--seconds S] [--subscribers M]``.

The simulated gateway, the daemon and the subscribers run in a process each, on loopback. Every subscriber takes
everything and checks it; afterwards the texts that arrived are compared with those that the simulation's seed decides.
Exit code 1 if anything was lost, repeated or wrong.
"""

import argparse
import json
import platform
import re
import sys
import tempfile
import urllib.request
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from benchmarks.processes import Child, ChildError, Usage, child
from mission_control.simulate import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.schedule import Schedule

START_SECONDS = 60
SETTLE_SECONDS = 20
STALL = "mission_control_loop_stall_seconds_max"
STEP_CPU = "mission_control_loop_step_cpu_seconds_max"


@frozen
class Plan:
    """A run of the benchmark. ``warm_up`` seconds of load come before the ``seconds`` that are measured."""

    agents: int
    rate: float
    seconds: float
    subscribers: int
    warm_up: float
    seed: int
    profile: Path | None

    @property
    def fleet(self) -> Fleet:
        return Fleet(agents=self.agents, rate=self.rate, seed=self.seed)


@frozen
class Outcome:
    """``results`` is what the subscribers found; ``stall_s`` the daemon's longest step of one task;
    ``step_cpu_s`` the most that one step computed, which a busy machine does not stretch."""

    results: Mapping[str, Any]
    journaled: int
    cpu_s: float | None
    rss: int | None
    stall_s: float | None
    step_cpu_s: float | None

    @property
    def deliveries(self) -> int:
        return sum(self.results["events"])

    def failures(self, plan: Plan) -> Iterator[str]:
        """What must not be, one line each."""
        for name in ("lost", "duplicated"):
            if count := self.results[name]:
                yield f"{count} events {name}"
        if behind := self.results["behind"]:
            yield f"{behind} subscribers never came to the end"
        if snapshots := self.results["snapshots"]:
            yield f"subscribers fell behind {snapshots} times and got a snapshot"
        yield from self.results["problems"]
        for session, finals in self.results["finals"].items():
            if not _continues(finals, _said(plan)[session]):
                yield f"the messages of {session} are not those that the simulation said"
        if not self.deliveries:
            yield "nothing arrived"


async def measure(plan: Plan) -> Outcome:
    """Run everything once.

    Raises:
        ChildError: a process ended before its time.
        trio.TooSlowError: a process did not start in time.
    """
    with tempfile.TemporaryDirectory(prefix="mission-control-bench-") as name:
        async with AsyncExitStack() as stack:
            directory = Path(name)
            daemon, url, simulator = await _start(plan, stack, directory)
            stream = f"{url.replace('http', 'ws', 1)}v1/stream"
            arguments = ["-m", "benchmarks.subscriber", stream, str(plan.subscribers)]
            subscribers = await stack.enter_async_context(child("subscribers", arguments, directory))
            with trio.fail_after(START_SECONDS):
                await subscribers.line("ready")
            await trio.sleep(plan.warm_up)
            before, first = daemon.usage(), await _head(url)
            await subscribers.tell("begin")
            await trio.sleep(plan.seconds)
            await subscribers.tell("end")
            after, last = daemon.usage(), await _head(url)
            await simulator.aclose()
            await subscribers.tell(f"finish {await _settled(url)}")
            with trio.fail_after(START_SECONDS):
                results = json.loads(await subscribers.line())
            return Outcome(
                results,
                last - first,
                _difference(before, after),
                after.rss,
                await _metric(url, STALL),
                await _metric(url, STEP_CPU),
            )


async def _start(plan: Plan, stack: AsyncExitStack, directory: Path) -> tuple[Child, str, AsyncExitStack]:
    """Start gateway and daemon; gives the daemon, its URL, and what stops the gateway."""
    simulator = await stack.enter_async_context(AsyncExitStack())
    arguments = ["-m", "benchmarks.simulator", str(plan.agents), str(plan.rate), str(plan.seed)]
    gateway = await simulator.enter_async_context(child("simulator", arguments, directory))
    profiler = ["-m", "cProfile", "-o", str(plan.profile)] if plan.profile else []
    with trio.fail_after(START_SECONDS):
        address = json.loads(await gateway.line())
        arguments = [*profiler, "-m", "mission_control", "run", "--gateway", address["url"]]
        arguments += ["--gateway-token", address["token"], "--listen", "127.0.0.1:0", "--data-dir", str(directory)]
        daemon = await stack.enter_async_context(child("daemon", arguments, directory))
        url = await daemon.line("dashboard")
    return daemon, url, simulator


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


def _difference(before: Usage, after: Usage) -> float | None:
    return None if before.cpu_s is None or after.cpu_s is None else after.cpu_s - before.cpu_s


@cache
def _said(plan: Plan) -> dict[str, list[int]]:
    """CRC-32 of each message that the simulation's seed decides, by session, for longer than the run lasted."""
    gateway = Gateway(plan.fleet, 0)
    said: dict[str, list[int]] = defaultdict(list)
    for agent_id, action in Schedule(plan.fleet, gateway.actors).take(plan.warm_up + plan.seconds + 2 * START_SECONDS):
        for _, payload in gateway.actors[agent_id].act(action, 0):
            if payload.get("state") == "final":
                said[payload["sessionKey"]].append(zlib.crc32(payload["message"]["content"][0]["text"].encode()))
    return said


def _continues(found: Sequence[int], said: Sequence[int]) -> bool:
    """Whether ``found`` is a stretch of ``said`` without a hole."""
    return any(said[at : at + len(found)] == found for at in range(len(said) - len(found) + 1))


def percentile(latency: Sequence[tuple[int, int]], share: float) -> int:
    """From (ms, count) pairs in order."""
    remaining = share * sum(count for _, count in latency)
    for ms, count in latency:
        remaining -= count
        if remaining <= 0:
            return ms
    return 0


def report(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """The lines to print."""
    results, seconds = outcome.results, plan.seconds
    latency = results["latency"]
    picks = [percentile(latency, share) for share in (0.5, 0.95, 0.99, 1.0)]
    packages = ", ".join(f"{name} {version(name)}" for name in ("trio", "hypercorn", "msgspec"))
    yield f"machine      {platform.system()} {platform.machine()}, {_processors()}"
    yield f"versions     Python {platform.python_version()}, {packages}"
    yield (
        f"load         {plan.agents} agents x {plan.rate:g} events/s for {seconds:g} s "
        f"to {plan.subscribers} subscribers (seed {plan.seed})"
    )
    yield f"in           {outcome.journaled / seconds:,.0f} events/s journaled"
    rate, volume = outcome.deliveries / seconds, results["bytes"] / seconds / 1e6
    yield f"out          {rate:,.0f} deliveries/s, {volume:,.1f} MB/s"
    yield "latency      p50 {} ms, p95 {} ms, p99 {} ms, max {} ms (emission to receipt)".format(*picks)
    if outcome.cpu_s is not None and outcome.rss is not None:
        cost = outcome.cpu_s / outcome.journaled * 1000 if outcome.journaled else 0
        share = outcome.cpu_s / seconds * 100
        yield f"daemon       {cost * 1000:.1f} ms CPU per 1,000 events ({share:.0f} % of a core)"
        yield f"             {outcome.rss / 1e6:,.0f} MB resident"
    if outcome.stall_s is not None:
        yield f"             {outcome.stall_s * 1000:.1f} ms longest step of its event loop"
    if outcome.step_cpu_s is not None:
        yield f"             {outcome.step_cpu_s * 1000:.1f} ms most computed in one step"
    yield f"lost         {results['lost']}"
    yield f"duplicated   {results['duplicated']}"


def _processors() -> str:
    """How many processors there are and what they are called."""
    try:
        names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except FileNotFoundError:
        names = []
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def parse(arguments: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="agent events a second of each agent")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument("--warm-up", type=float, default=5, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile the daemon (cProfile) into this file")
    return Plan(**vars(parser.parse_args(arguments)))


def main() -> int:
    plan = parse()
    outcome = None
    try:
        outcome = trio.run(measure, plan)
    except* (ChildError, trio.TooSlowError) as errors:
        print(*errors.exceptions, sep="\n", file=sys.stderr)
    if outcome is None:
        return 1
    print("\n".join(report(plan, outcome)))
    failures = list(outcome.failures(plan))
    print("\n".join(["", "FAILED", *failures]) if failures else "nothing lost, repeated or wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
