"""What came of a run of the load benchmark: whether it was faultless, and its figures."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from benchmarks.machine import Machine
from benchmarks.plan import Plan
from mission_control.truth import Message, Truth


@frozen
class Outcome:
    """``results`` is what the subscribers found (:mod:`benchmarks.subscriber`), ``said`` what :func:`said` gives, and
    ``journaled`` the events in that time.

    ``cpu_s`` is each process's CPU time while it was measured, by name. ``stall_s`` is the daemon's longest step of one
    task; ``step_cpu_s`` the most computed between two polls, which a busy machine does not stretch. None where unknown.
    """

    plan: Plan
    results: Mapping[str, Any]
    said: Mapping[str, Sequence[int]]
    journaled: int
    cpu_s: Mapping[str, float | None]
    rss: int | None
    stall_s: float | None
    step_cpu_s: float | None

    def failures(self) -> Iterator[str]:
        """What must not be, one line each."""
        for name in ("lost", "duplicated"):
            if count := self.results[name]:
                yield f"{count} events {name}"
        if behind := self.results["behind"]:
            yield f"{behind} subscribers never came to the end"
        if snapshots := self.results["snapshots"]:
            yield f"subscribers fell behind {snapshots} times and got a snapshot"
        yield from self.results["problems"]
        finals = self.results["finals"]
        wrong = [session for session in finals if not _continues(finals[session], self.said.get(session, ()))]
        if wrong:
            yield f"in {len(wrong)} sessions the messages are not what was said: {', '.join(sorted(wrong)[:4])} …"
        if not any(self.results["events"]):
            yield "nothing arrived"

    def report(self) -> Iterator[str]:
        """The figures, a line each."""
        plan, seconds = self.plan, self.plan.seconds
        picks = [percentile(self.results["latency"], share) for share in (0.5, 0.95, 0.99, 1.0)]
        yield from Machine.here("trio", "hypercorn", "msgspec").report()
        yield (
            f"load         {plan.agents} agents x {plan.rate:g} events/s for {seconds:g} s "
            f"to {plan.subscribers} subscribers (seed {plan.seed})"
        )
        yield f"in           {self.journaled / seconds:,.0f} events/s journaled"
        rate, volume = sum(self.results["events"]) / seconds, self.results["bytes"] / seconds / 1e6
        yield f"out          {rate:,.0f} deliveries/s, {volume:,.1f} MB/s"
        yield "latency      p50 {} ms, p95 {} ms, p99 {} ms, max {} ms (emission to receipt)".format(*picks)
        cpu_s = self.cpu_s["daemon"]
        if cpu_s is not None and self.journaled:
            yield f"daemon       {cpu_s / self.journaled * 1e6:.1f} ms CPU per 1,000 events"
        if self.rss is not None:
            yield f"             {self.rss / 1e6:,.0f} MB resident"
        if self.stall_s is not None and self.step_cpu_s is not None:
            yield f"             {self.stall_s * 1000:.1f} ms longest step of its event loop"
            yield f"             {self.step_cpu_s * 1000:.1f} ms most computed between two polls"
        shares = [f"{name} {spent / seconds:.0%}" for name, spent in self.cpu_s.items() if spent is not None]
        yield f"processor    {', '.join(shares)} of a core"
        yield f"lost         {self.results['lost']}"
        yield f"duplicated   {self.results['duplicated']}"


def percentile(latency: Sequence[Sequence[int]], share: float) -> int:
    """By nearest rank, from (ms, count) pairs in order."""
    remaining = share * sum(count for _, count in latency)
    for ms, count in latency:
        remaining -= count
        if remaining <= 0:
            return ms
    return 0


def said(truth: Truth) -> dict[str, list[int]]:
    """CRC-32 of each message that agents completed, by session."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for message in truth.of(Message):
        if message.role == "assistant" and message.state == "complete":
            found[message.session].append(zlib.crc32(message.text.encode()))
    return found


def _continues(found: Sequence[int], said: Sequence[int]) -> bool:
    """Whether ``found`` is a stretch of ``said`` without a hole."""
    return any(said[at : at + len(found)] == found for at in range(len(said) - len(found) + 1))
