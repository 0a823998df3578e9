"""What ``kill -9`` leaves behind."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mission_control.core.events import Chunk, Event, Final, Payload, decode_payload
from mission_control.core.ledger import Ledger
from mission_control.core.positions import Position
from mission_control.core.subscription import EVERYTHING
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.asking import everything
from tests.stores.crash_child import event

ROOT = Path(__file__).parents[2]


def run_and_kill(path: Path, seed: int, commits: int, mode: str) -> int:
    """Let the child commit so often, kill it at once, and give the last head that it has acknowledged."""
    command = [sys.executable, "-m", "tests.stores.crash_child", str(path), str(seed), mode]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        heads = [child.stdout.readline() for _ in range(commits)]
        child.kill()
        heads += child.stdout.readlines()
    return int([line for line in heads if line.endswith("\n")][-1])


def copied(path: Path, number: int) -> Path:
    """A copy of the journal, so that the original stays as the killed process left it."""
    scratch = path.parent / str(number)
    scratch.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{scratch / path.name}{suffix}")
    return scratch / path.name


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_acknowledged_is_lost(tmp_path: Path, seed: int) -> None:
    """After each kill everything acknowledged is there, in order, once; the snapshot is the fold of it, and where its
    source stands is where its events end."""
    rng = random.Random(seed)
    path = tmp_path / "journal.db"
    for kill in range(4):
        acknowledged = run_and_kill(path, rng.randrange(10**6), rng.randint(1, 40), "append")
        async with SqliteJournal.open(copied(path, kill), now=lambda: 0) as journal:
            events = await everything(journal)
            snapshot = await journal.snapshot(EVERYTHING)
            assert await journal.positions("gw") == {"source": Position(len(events))}
        assert snapshot.cursor.offset == len(events) >= acknowledged
        ledger = Ledger(snapshot.cursor.epoch)
        script = [event(number) for number in range(1, len(events) + 1)]
        assert events == [entry.event for entry in ledger.admit(script, ())[0]]
        assert snapshot == ledger.projection.snapshot(snapshot.cursor, EVERYTHING)


async def test_compaction_may_be_killed_too(tmp_path: Path) -> None:
    """Above the floor nothing is missing, and below it nothing but chunks of finished messages."""
    rng = random.Random(3)
    path = tmp_path / "journal.db"
    for kill in range(3):
        acknowledged = run_and_kill(path, rng.randrange(10**6), rng.randint(5, 40), "retain")
        async with SqliteJournal.open(copied(path, kill), now=lambda: 0) as journal:
            bounds = journal.bounds()
            events = await everything(journal)
        there = {one.event_id for one in events}
        assert (len(there), bounds.head >= acknowledged) == (len(events), True)
        missing = [number for number in range(1, bounds.head + 1) if f"e{number}" not in there]
        assert max(missing, default=0) == bounds.floor
        finished = {payload.message_id for one in events if isinstance(payload := _payload(one), Final)}
        lost = [event(number).payload for number in missing]
        assert all(isinstance(payload, Chunk) and payload.message_id in finished for payload in lost)


def _payload(one: Event) -> Payload:
    return decode_payload(one.type, one.payload)
