"""How fast the SQLite journal commits: ``python -m benchmarks.journal [--events N] [--directory DIR]``.

Prints events a second and the latency of a commit for several batch sizes, with both durabilities; then the same while
the event loop is fully busy, when every change of hands of the interpreter's lock costs up to 5 ms; then what the
reading calls take on the journal that resulted.
"""

import argparse
import os
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path

import trio

from mission_control.core.events import Activity, Chunk, Draft, Final
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores.journal import Retention
from mission_control.stores.sqlite import SqliteJournal
from mission_control.stores.sqlite_schema import Durability

AGENTS = 200
CHUNKS = 40
BATCHES = (1, 20, 100, 512)


def drafts(seed: int) -> Iterator[Draft]:
    """Endless talk of :data:`AGENTS` agents in turn: messages of :data:`CHUNKS` chunks, a tool call between them."""
    rng = random.Random(seed)
    at = 1_764_000_000_000
    message = 0
    while True:
        runs = [f"{rng.getrandbits(128):032x}" for _ in range(AGENTS)]
        for index in range(CHUNKS + 2):
            for agent, run in enumerate(runs):
                at += 1
                name, session, message_id = f"agent-{agent}", f"agent:agent-{agent}:main", f"local/{run}/{message}"
                delta = "a few words of text "
                if index < CHUNKS:
                    start = index * len(delta)
                    payload: Chunk | Final | Activity = Chunk(
                        message_id, run, session, "assistant", index, delta, start
                    )
                elif index == CHUNKS:
                    payload = Final(message_id, run, session, "assistant", delta * CHUNKS, "complete", CHUNKS)
                else:
                    payload = Activity("tool.started", "Reads a file", run, session, "read", {"path": "notes.md"})
                yield Draft(f"local:{run}:{message}:{index}", at, "local", name, payload)
        message += 1


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    picks = [ordered[int(part * (len(ordered) - 1))] * 1000 for part in (0.5, 0.95, 0.99, 1.0)]
    return "p50 {:7.2f}  p95 {:7.2f}  p99 {:7.2f}  max {:7.2f} ms".format(*picks)


async def measure(journal: SqliteJournal, source: Iterator[Draft], batch: int, budget: int, label: str) -> None:
    """Append ``budget`` events in batches, and say how that went."""
    times: list[float] = []
    began = time.perf_counter()
    for _ in range(budget // batch):
        some = list(islice(source, batch))
        start = time.perf_counter()
        await journal.append(some)
        times.append(time.perf_counter() - start)
    elapsed = time.perf_counter() - began
    rate = len(times) * batch / sum(times)
    print(f"{label:<22} {batch:>5} {rate:>9,.0f} events/s  {percentiles(times)}  ({elapsed:.1f} s)")


async def hog(lag: list[float]) -> None:
    """Keep the loop busy in steps of about 1 ms, and note how long each step really took."""
    while True:
        start = time.perf_counter()
        for _ in range(20_000):
            pass
        lag.append(time.perf_counter() - start)
        await trio.lowlevel.checkpoint()


async def reading(journal: SqliteJournal) -> None:
    head = journal.bounds().head
    key = ("local", "agent-7")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "snapshot": lambda: journal.snapshot(EVERYTHING),
        "snapshot of one agent": lambda: journal.snapshot(Filter(agents=frozenset({"agent-7"}))),
        "read 1,000": lambda: journal.read(head // 2, 1_000, EVERYTHING),
        "read 1,000 of one": lambda: journal.read(head // 2, 1_000, Filter(agents=frozenset({"agent-7"}))),
        "conversation of 50": lambda: journal.conversation(key, session=None, before=None, limit=50),
        "feed of 200": lambda: journal.feed(key=None, kinds=frozenset(), before=None, limit=200),
        "memory": lambda: journal.memory(key, 200),
    }
    for name, call in calls.items():
        times: list[float] = []
        for _ in range(50):
            start = time.perf_counter()
            await call()
            times.append(time.perf_counter() - start)
        print(f"{name:<28} {percentiles(times)}")


async def run(directory: Path, events: int) -> None:
    print(f"{platform.machine()} {platform.system()} {platform.release()}, Python {sys.version.split()[0]}, ", end="")
    print(f"trio {trio.__version__}, SQLite {sqlite3.sqlite_version}, {events:,} events a line, ", end="")
    print(f"{os.cpu_count()} processors with {os.getloadavg()[0]:.1f} busy before\n")
    durabilities: tuple[Durability, ...] = ("full", "normal")
    for durability in durabilities:
        async with SqliteJournal.open(
            directory / f"{durability}.db", durability=durability, now=lambda: time.time_ns() // 1_000_000
        ) as journal:
            source = drafts(1)
            for batch in BATCHES:
                await measure(journal, source, batch, min(events, batch * 1_000), durability)
    async with SqliteJournal.open(directory / "full.db", now=lambda: time.time_ns() // 1_000_000) as journal:
        lag: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hog, lag)
            for batch in (100, 512):
                await measure(journal, drafts(batch), batch, min(events, batch * 60), "full, loop busy")
            nursery.cancel_scope.cancel()
        print(f"a step of the busy loop: {percentiles(lag)}\n")
        await reading(journal)
        await journal.retain(Retention(), 0)
        statistics = journal.statistics()
        print(f"\n{statistics.events:,} events in {(statistics.bytes or 0) / statistics.events:.0f} bytes each")
    start = time.perf_counter()
    async with SqliteJournal.open(directory / "full.db", now=lambda: 0):
        print(f"opened again in {(time.perf_counter() - start) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="most events per line of the table")
    parser.add_argument("--directory", type=Path, help="where to write: the disk to be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        trio.run(run, Path(directory), options.events)


if __name__ == "__main__":
    main()
