"""One trial: a gateway with faults, a daemon in trouble, twenty subscribers, and the verdict."""

import json
import socket
from pathlib import Path
from random import Random
from typing import Any

import httpx
import trio
from attrs import define, field, frozen

from mission_control.verify.journal import find_journal, read_journal
from tests.chaos import troubles
from tests.chaos.daemon import Daemon
from tests.chaos.judge import Complaint, complaints
from tests.chaos.plan import Plan
from tests.chaos.record import Record
from tests.chaos.subscribers import Client, Visitor, subscribers
from tests.commands import finish, start

PATIENCE_S = 120.0
"""For what has no length of its own: a start, an end, catching up; on the slowest of machines."""
CLASSES = ("lost", "repeated", "reordered", "altered")


@frozen
class Verdict:
    """``judged`` is what `mission-control verify --json` says; ``complaints`` what subscribers have to say."""

    judged: dict[str, Any]
    complaints: list[Complaint]
    records: list[Record]
    kills: int
    shortages: int

    @property
    def is_clean(self) -> bool:
        return bool(self.judged["clean"]) and not self.complaints

    def lines(self) -> list[str]:
        """For people."""
        counts, read = self.judged["counts"], self.judged["read"]
        bad = [finding for finding in self.judged["findings"] if finding["class"] != "declared"]
        jumps: dict[str, int] = {}
        for record in self.records:
            for reason, count in record.jumps.items():
                jumps[reason] = jumps.get(reason, 0) + count
        seen = sum(len(stretch.events) for record in self.records for stretch in record.stretches)
        return [
            f"daemon       killed {self.kills} times, could not write {self.shortages} times",
            f"journal      {read['journal']} events",
            f"subscribers  {len(self.records)}, {seen} events seen; snapshots: {jumps}",
            "verdict      " + ", ".join(f"{counts[each]} {each}" for each in (*CLASSES, "declared")),
            *(f"  {finding['class']}: {finding['where']}: {finding['what']}" for finding in bad[:20]),
            f"complaints   {len(self.complaints)}",
            *(f"  {complaint}" for complaint in self.complaints[:20]),
        ]


async def tried(plan: Plan, home: Path) -> Verdict:
    """Run it. Everything is kept in ``home``."""
    trial = _Trial(plan, home, Random(plan.seed))
    return await trial.run()


@define
class _Trial:
    plan: Plan
    home: Path
    rng: Random
    daemon: Daemon = field(init=False)
    crowd: list[Visitor | Client] = field(init=False, factory=list)

    async def run(self) -> Verdict:
        plan = self.plan
        words = ["--agents", plan.agents, "--rate", plan.rate, "--seed", plan.seed, "--profile", plan.profile]
        words += ["--faults", plan.faults, "--dialect", plan.dialect, "--duration", f"{plan.seconds}s"]
        words += ["--truth", self._truth, "--token-file", self.home / "token"]
        gateway = await start(self.home, "simulate", *map(str, words))
        try:
            with trio.fail_after(PATIENCE_S):
                url = (await gateway.line()).split()[-1]
            self._configure(url)
            with trio.fail_after(PATIENCE_S):
                await self.daemon.start()
            async with trio.open_nursery() as following:
                self.crowd = subscribers(self.daemon.port, await self._agents(), self.rng)
                for subscriber in self.crowd:
                    following.start_soon(subscriber.follow)
                async with trio.open_nursery() as troubling:
                    self._trouble(troubling)
                    with trio.fail_after(plan.seconds + PATIENCE_S):
                        await trio.sleep(plan.seconds * 0.9)
                        troubling.cancel_scope.cancel()
                await self._recover()
                with trio.fail_after(plan.seconds + PATIENCE_S):
                    assert await gateway.process.wait() == 0
                await self._all_caught_up()
                following.cancel_scope.cancel()
            return await self._judge()
        finally:
            await gateway.kill()
            if hasattr(self, "daemon"):
                await self.daemon.end()

    @property
    def _truth(self) -> Path:
        return self.home / "truth.jsonl"

    def _configure(self, url: str) -> None:
        kind = "envelope" if self.plan.dialect == "envelope" else "clawdbot"
        config = self.home / "trial.toml"
        config.write_text(f'[[gateways]]\nurl = "{url}"\ntoken_file = "{self.home / "token"}"\nkind = "{kind}"\n')
        clock_seed = self.plan.seed if "clock" in self.plan.trouble else None
        self.daemon = Daemon(self.home, config, _free_port(), clock_seed)

    async def _agents(self) -> list[str]:
        """Ids of agents to ask for; those that come later are nobody's favourites."""
        async with httpx.AsyncClient(base_url=self.daemon.url) as client:
            while True:
                found = [agent["id"] for agent in (await client.get("/v1/agents")).json()["agents"]]
                if found:
                    return sorted(found)
                await trio.sleep(0.1)

    def _trouble(self, nursery: trio.Nursery) -> None:
        if "crashes" in self.plan.trouble:
            nursery.start_soon(troubles.kill_now_and_then, self.daemon, Random(self.rng.random()))
        if "full disk" in self.plan.trouble:
            nursery.start_soon(troubles.fill_the_disk_now_and_then, self.daemon, Random(self.rng.random()))

    async def _recover(self) -> None:
        """Whatever was going on when troubles ended, the daemon is there and can write."""
        await self.daemon.revive()

    async def _all_caught_up(self) -> None:
        """Until each has been given what there is now."""
        async with httpx.AsyncClient(base_url=self.daemon.url) as client:
            head = (await client.get("/v1/events?limit=1")).json()["head"]
        with trio.move_on_after(PATIENCE_S):
            for subscriber in self.crowd:
                await subscriber.record.reaches(head)
        behind = [each.record for each in self.crowd if each.record.cursor is None or each.record.cursor.offset < head]
        if behind:
            told = ", ".join(f"{record.name} at {record.cursor} ({record.connections} times)" for record in behind)
            raise RuntimeError(f"the head is at {head}, and some never came there: {told}")

    async def _judge(self) -> Verdict:
        asked = ("verify", "--truth", str(self._truth), "--journal", str(self.home / "data"), "--json")
        done = await finish(self.home, *asked, "--url", self.daemon.url)
        if not done.out:
            raise RuntimeError(f"no verdict: {done.err}")
        await self.daemon.end()
        journal = read_journal(find_journal(self.home / "data"))
        assert [event.offset for event in journal.events] == list(range(1, len(journal.events) + 1))
        records = [subscriber.record for subscriber in self.crowd]
        [epoch] = {stretch.epoch for record in records for stretch in record.stretches}
        found = complaints(journal.events, epoch, records)
        return Verdict(json.loads(done.out), found, records, self.daemon.kills, self.daemon.shortages)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
