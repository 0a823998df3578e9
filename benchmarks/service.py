"""The simulated gateway and the daemon that watches it, as processes, and what that daemon answers over HTTP."""

import json
import re
import urllib.request
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio
from attrs import frozen

from benchmarks.processes import Child, Usage, child

START_SECONDS = 60
TRUTH = "truth.jsonl"
_SETTLE_SECONDS = 20


@frozen
class Service:
    """Both processes, and where the daemon's dashboard is; ``load.aclose()`` stops the simulator."""

    simulator: Child
    daemon: Child
    url: str
    load: AsyncExitStack

    @classmethod
    async def start(
        cls, stack: AsyncExitStack, directory: Path, fleet: Sequence[str], profiler: Sequence[str] = ()
    ) -> "Service":
        """Start both, until ``stack`` ends; ``fleet`` are options of the simulator, ``profiler`` runs the daemon.

        Raises:
            ChildError: one of them ended.
            trio.TooSlowError: one of them did not start in time.
        """
        load = await stack.enter_async_context(AsyncExitStack())
        with trio.fail_after(START_SECONDS):
            token = str(directory / "token")
            arguments = ["-m", "mission_control", "simulate", *fleet]
            arguments += ["--token-file", token, "--truth", str(directory / TRUTH)]
            simulator = await load.enter_async_context(child("simulator", arguments, directory))
            gateway = await simulator.line("gateway")
            arguments = [*profiler, "-m", "mission_control", "run", "--gateway", gateway]
            arguments += ["--gateway-token-file", token, "--listen", "127.0.0.1:0", "--data-dir", str(directory)]
            daemon = await stack.enter_async_context(child("daemon", arguments, directory))
            return cls(simulator, daemon, await daemon.line("dashboard"), load)

    async def head(self) -> int:
        """The offset of the newest event in the journal."""
        head: int = json.loads(await self._get("v1/events?limit=1"))["head"]
        return head

    async def settled(self) -> int:
        """The head of the journal once it has not moved for a second, or after 20 s."""
        head = await self.head()
        for _ in range(_SETTLE_SECONDS):
            await trio.sleep(1)
            before, head = head, await self.head()
            if head == before:
                break
        return head

    async def metric(self, name: str) -> float | None:
        found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", await self._get("metrics"), re.MULTILINE)
        return float(found[1]) if found else None

    async def _get(self, path: str) -> str:
        def fetch() -> str:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=START_SECONDS) as answer:
                text: str = answer.read().decode()
                return text

        return await trio.to_thread.run_sync(fetch)


def spent(before: Usage, after: Usage) -> float | None:
    """CPU seconds between the two, or None where they are not known."""
    return None if before.cpu_s is None or after.cpu_s is None else after.cpu_s - before.cpu_s
