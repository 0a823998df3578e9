"""The whole program without a socket and without a real clock: a simulated gateway, the daemon with all of its actors,
a journal in memory and subscribers before the real edge."""

from contextlib import suppress
from pathlib import Path
from random import Random

import trio

from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.core.subscription import Filter
from mission_control.edge.services import Services
from mission_control.edge.snapshots import Snapshots
from mission_control.settings import Bytes, GatewayKind, GatewaySettings, Milliseconds, Secret, Settings, StreamSettings
from mission_control.simulate.faults import Faults, Outage
from mission_control.simulate.fleet import Dialect, Fleet
from mission_control.simulate.kit import BREATH_SECONDS
from mission_control.simulate.server import Simulation
from mission_control.stores.memory import MemoryJournal
from mission_control.truth import Header, Record, Truth
from mission_control.verify import compare
from mission_control.verify.readings import Reading
from mission_control.verify.verdict import Verdict
from tests.chaos.judge import Complaint, complaints
from tests.pipeline.network import Network
from tests.pipeline.reader import Reader
from tests.pipeline.storage import Disk, Mounted

START = 1_800_000_000_000
TOKEN = "open sesame"
SETTLED_S = 90.0
"""After so long nothing more follows from what has happened: repairs wait for answers, runs for their ends."""


PING_S = 10
"""The time between two pings, which tell readers how far they are where their filter hides what comes."""


def clock() -> int:
    return START + int(trio.current_time() * 1000)


class Whole:
    """Its parts live in ``nursery``. The methods let things happen; time passes only where a test lets it."""

    def __init__(self, nursery: trio.Nursery, fleet: Fleet, dialect: Dialect, faults: Faults, readers: int) -> None:
        self._nursery = nursery
        self._fleet, self._dialect = fleet, dialect
        self._records: list[Record] = []
        self._simulation = Simulation(fleet, TOKEN, clock, faults, self._records.append, dialect)
        self.network = Network(nursery, self._simulation.serve)
        self.disk = Disk(MemoryJournal(clock))
        self.readers = [Reader(f"reader {number}", nursery) for number in range(readers)]
        self._playing = trio.CancelScope()
        self._daemon: _Life | None = None

    async def begin(self) -> None:
        self._nursery.start_soon(self._simulation.keep_time)
        self._nursery.start_soon(self._play)
        await self.start()

    async def _play(self) -> None:
        with self._playing:
            await self._simulation.play()

    # -- what happens to the gateway and the way to it -----------------------------------------------------------------

    def cut(self, *, abrupt: bool) -> None:
        self._simulation.cut(abrupt=abrupt)

    def restart_gateway(self, down: float, *, abrupt: bool) -> None:
        """Its process ends now, and the next one is there ``down`` seconds later."""
        self.network.shut()
        self._nursery.start_soon(self._simulation.restart, Outage(0.0, abrupt, down), self.network)

    # -- what happens to the daemon ------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self._daemon is not None

    async def start(self) -> None:
        self._daemon = _Life(self.disk, "envelope" if self._dialect == "envelope" else "clawdbot", self._fleet.seed)
        await self._nursery.start(self._daemon.run)

    async def kill(self) -> None:
        """At once: what is not committed is gone, and nobody is told."""
        await self._end(kill=True)

    async def stop(self) -> None:
        await self._end(kill=False)

    async def _end(self, *, kill: bool) -> None:
        assert self._daemon is not None
        daemon, self._daemon = self._daemon, None
        await daemon.kill() if kill else await daemon.stop()
        for reader in self.readers:
            reader.take()
            reader.go()

    def crash(self, actor: str) -> None:
        """One actor, if it is there; its supervisor starts it again."""
        assert self._daemon is not None
        with suppress(LookupError):
            self._daemon.daemon.root.kill(actor)

    # -- what readers do -----------------------------------------------------------------------------------------------

    def come(self, reader: Reader, select: Filter) -> None:
        assert self._daemon is not None
        reader.come(self._daemon.services, self._daemon.snapshots, select)

    # -- the end -------------------------------------------------------------------------------------------------------

    async def conclude(self) -> None:
        """Nothing goes wrong any more, every agent comes to its end, and all that can be had is had."""
        self.disk.is_full = False
        await self.network.opened.wait()
        if self._daemon is None:
            await self.start()
        self._playing.cancel()
        await trio.sleep(BREATH_SECONDS)
        self._simulation.conclude()
        await trio.sleep(SETTLED_S)
        for reader in self.readers:
            reader.recover()
            reader.take()
            if not reader.is_there:
                self.come(reader, reader.following.select)
        self.head = self.disk.journal.bounds().head
        await trio.sleep(PING_S + 1)
        for reader in self.readers:
            reader.take()
        await self.stop()

    async def verdict(self) -> Verdict:
        """On the journal, by what really happened."""
        header = Header(
            dialect=self._dialect,
            seed=self._fleet.seed,
            agents=self._fleet.agents,
            profile=self._fleet.profile,
            started_at=START,
            ended_at=clock(),
        )
        return compare(Truth(header, tuple(self._records)), [Reading("journal", tuple(await self.disk.events()))])

    async def complaints(self) -> list[Complaint]:
        """Of the readers, by the journal."""
        records = [reader.record for reader in self.readers]
        return complaints(await self.disk.events(), self.disk.journal.bounds().epoch, records)


class _Life:
    """A daemon from its start to its end."""

    def __init__(self, disk: Disk, kind: GatewayKind, seed: int) -> None:
        gateway = GatewaySettings(url="ws://gateway.test:1", id="gw", kind=kind, token=Secret(TOKEN))
        stream = StreamSettings(ping_interval_ms=Milliseconds(PING_S * 1000), max_buffer_bytes=Bytes(64 * 1024))
        self._disk = disk
        self.daemon = Daemon(
            Settings(data_dir=Path("/nowhere"), stream=stream),
            Mounted(disk),
            [gateway],
            edge=self._edge,
            meter=LoopMeter(),
            clock=clock,
            rng=Random(seed),
        )
        self.services = self.daemon.services
        self.snapshots = Snapshots(self.services.journal)
        self._scope = trio.CancelScope()
        self._over = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        try:
            with self._scope:
                await self.daemon.run(task_status=task_status)
        finally:
            self._over.set()

    async def _edge(self, services: Services) -> None:
        await services.shutdown.begun.wait()

    async def kill(self) -> None:
        self._disk.holder = None
        self._scope.cancel()
        await self._over.wait()

    async def stop(self) -> None:
        self.daemon.stop()
        await self._over.wait()
