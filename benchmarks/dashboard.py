"""The page under load: ``python -m benchmarks dashboard [--view fleet|agents|activity|all] [--seconds S]``.

The simulated gateway, the daemon and a headless Chromium run on loopback, anew for each view. What is measured is
measured within the page. Exit code 1 if anything came twice, was missing or was not understood, or if the page did not
come to the journal's end; a figure that is not as it should be is marked, since it depends on the machine too.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio
from attrs import frozen

from benchmarks.machine import Machine, busy
from benchmarks.processes import ChildError, child
from benchmarks.service import START_SECONDS, Service, spent
from benchmarks.visit import Visit, details, table
from scripts.paths import DASHBOARD, WEB

VIEWS = {"fleet": "", "agents": "agents", "activity": "activity"}
_WEIGH_SECONDS = 60
_LOADS_SECONDS = 120


@frozen
class Plan:
    """``seconds`` is how long each view is measured, after ``warm_up`` seconds of the same load without a page."""

    agents: int
    rate: float
    seconds: float
    warm_up: float
    views: Sequence[str]
    profile: str
    seed: int
    record: Path | None

    @property
    def every(self) -> float:
        """Seconds between two looks at the heap: a minute, and less where there would not be some."""
        return min(_WEIGH_SECONDS, self.seconds / 3)


def parse(arguments: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(prog="benchmarks dashboard", description="The page under load.")
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="agent events a second of each agent")
    parser.add_argument("--seconds", type=float, default=300, help="how long each view is measured")
    parser.add_argument("--warm-up", type=float, default=5, metavar="SECONDS")
    parser.add_argument("--view", choices=[*VIEWS, "all"], default="all")
    parser.add_argument("--profile", choices=["chat", "tools"], default="chat", help="what the agents are busy with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--record", type=Path, metavar="DIRECTORY", help="write a CPU profile of each view there, for Chrome's DevTools"
    )
    options = vars(parser.parse_args(arguments))
    view = options.pop("view")
    return Plan(views=list(VIEWS) if view == "all" else [view], **options)


async def visit(plan: Plan, view: str) -> tuple[Visit, dict[str, float | None]]:
    """Open a view and measure it; also the CPU seconds of the other processes meanwhile.

    Raises:
        ChildError: a process ended before its time.
        trio.TooSlowError: a process did not start, or did not answer, in time.
    """
    with tempfile.TemporaryDirectory(prefix="mission-control-bench-") as name:
        async with AsyncExitStack() as stack:
            fleet = ["--agents", str(plan.agents), "--rate", str(plan.rate), "--seed", str(plan.seed)]
            service = await Service.start(stack, Path(name), [*fleet, "--profile", plan.profile])
            await trio.sleep(plan.warm_up)
            arguments = ["-m", "benchmarks.visitor", f"{service.url}{VIEWS[view]}"]
            visitor = await stack.enter_async_context(child("visitor", arguments, Path(name)))
            with trio.fail_after(_LOADS_SECONDS):
                await visitor.line("ready")
            others = {"simulator": service.simulator, "daemon": service.daemon}
            before = {name: each.usage() for name, each in others.items()}
            record = [] if plan.record is None else [str(plan.record.resolve() / f"{view}.cpuprofile")]
            await visitor.tell(" ".join(["watch", str(plan.seconds), str(plan.every), *record]))
            with trio.fail_after(plan.seconds + START_SECONDS):
                await visitor.line("watched")
            cpu_s = {name: spent(before[name], each.usage()) for name, each in others.items()}
            await service.load.aclose()
            head = await service.settled()
            await visitor.tell(f"finish {head}")
            with trio.fail_after(START_SECONDS):
                return Visit(**json.loads(await visitor.line()), head=head), cpu_s


def versions() -> dict[str, str]:
    """Of what the page is made of, as its lock pins it."""
    packages = json.loads((WEB / "package.json").read_text())["dependencies"]
    return {name: packages[name] for name in ("next", "react")}


async def run(plan: Plan) -> dict[str, Visit]:
    before = busy()
    visits: dict[str, Visit] = {}
    lines: list[str] = []
    for view in plan.views:
        visits[view], cpu_s = await visit(plan, view)
        shares = [f"{name} {cpu / plan.seconds:.0%}" for name, cpu in cpu_s.items() if cpu is not None]
        lines += [*details(view, visits[view], plan.seconds), f"{'':<12} beside it: {', '.join(shares)} of a core"]
    here = Machine.here("trio", "playwright")
    chromium = next(iter(visits.values())).browser
    machine = Machine(here.hardware, here.versions | {"Chromium": chromium} | versions())
    print(*machine.report(), sep="\n")
    print(f"busy         {' '.join(f'{mean:.1f}' for mean in before)} before, ", end="")
    print(f"{' '.join(f'{mean:.1f}' for mean in busy())} after (means of 1, 5 and 15 minutes)")
    print(f"load         {plan.agents} agents x {plan.rate:g} events/s, profile {plan.profile}, ", end="")
    print(f"{plan.seconds:g} s for each view (seed {plan.seed})\n")
    print(*table(visits), "", *lines, sep="\n")
    return visits


def main(arguments: Sequence[str] | None = None) -> int:
    plan = parse(arguments)
    if not (DASHBOARD / "index.html").exists():
        print("the dashboard is not built: run make dashboard", file=sys.stderr)
        return 1
    visits: dict[str, Visit] = {}
    try:
        visits = trio.run(run, plan)
    except* (ChildError, trio.TooSlowError) as errors:
        print(*errors.exceptions, sep="\n", file=sys.stderr)
    if not visits:
        return 1
    failures = [f"{view}: {failure}" for view, visit in visits.items() for failure in visit.failures()]
    print("\n".join(["", "FAILED", *failures]) if failures else "\nnothing lost, repeated or wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
