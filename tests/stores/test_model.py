"""The SQLite journal against the one in memory, through random programs of appends, failures, crashes and retention."""

import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.core import projection
from mission_control.core.events import AgentKey, Clocks, Draft
from mission_control.core.positions import Position
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.core.views import AgentView, Snapshot
from mission_control.stores import sqlite_head, sqlite_load, sqlite_retention
from mission_control.stores.journal import Journal, JournalError, Retention
from mission_control.stores.memory import MemoryJournal
from mission_control.stores.sqlite import SqliteJournal
from tests.stores.asking import everything, retain
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, beat, chunk, final, status

AGENTS: tuple[AgentKey, ...] = (ALPHA, BETA, OTHER)
KINDS = ("run.started", "run.finished", "tool.started", "tool.failed", "stream.gap", "agent.added")
FILTERS = (
    EVERYTHING,
    Filter(agents=frozenset({"alpha"})),
    Filter(gateways=frozenset({"gw2"}), types=frozenset({"conversation.*", "system.status"})),
)


@frozen
class Append:
    """Append, possibly while inserts into ``failing`` are refused."""

    drafts: Sequence[Draft]
    positions: Mapping[AgentKey, Position]
    failing: str | None = None


@frozen
class Retain:
    policy: Retention


@frozen
class Wait:
    seconds: float


@frozen
class Reopen:
    """``crash``: as the files were at some moment, without the orderly end."""

    crash: bool


Step: TypeAlias = Append | Retain | Wait | Reopen


def _message(number: int) -> tuple[str, AgentKey]:
    return f"m{number}", AGENTS[number % len(AGENTS)]


def _chunk(number: int, index: int, delta: str) -> Draft:
    name, key = _message(number)
    return chunk(name, index, delta, of=key, session=f"s{index % 2}")


def _final(number: int, text: str) -> Draft:
    name, key = _message(number)
    return final(name, text, of=key, session=f"s{number % 2}")


numbers = st.integers(0, 8)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
drafts = st.one_of(
    st.builds(_chunk, numbers, st.integers(0, 5), texts),
    st.builds(_final, numbers, texts),
    st.builds(activity, st.integers(0, 30).map("a{}".format), st.sampled_from(KINDS), of=st.sampled_from(AGENTS)),
    st.builds(
        beat, st.integers(0, 9).map("b{}".format), of=st.sampled_from(AGENTS), at=numbers, ephemeral=st.booleans()
    ),
    st.builds(
        status,
        st.integers(0, 9).map("s{}".format),
        st.sampled_from(["connected", "reconnecting"]),
        gateway=st.sampled_from(["gw", "gw2"]),
    ),
)
batches = st.lists(drafts, max_size=12)
policies = st.builds(
    Retention,
    max_age_s=st.sampled_from([5.0, 1e9]),
    max_events=st.sampled_from([0, 4, 15, 10**6]),
    compact_after_s=st.sampled_from([0.0, 4.0, 1e9]),
)
positions = st.dictionaries(st.sampled_from(AGENTS), st.builds(Position, numbers, life=st.integers(1, 2)), max_size=2)
failures = st.sampled_from(["events", "messages", "agents", "event_ids", "positions"])
steps = st.one_of(
    st.builds(Append, batches, positions),
    st.builds(Append, batches, positions, failures),
    st.builds(Retain, policies),
    st.builds(Wait, st.integers(1, 5)),
    st.builds(Reopen, st.booleans()),
)


class Pair:
    """Both journals, taken through the same steps. ``ephemeral`` turns true when state that may be lost was made."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = AsyncExitStack()
        self._generation = 0
        self.clock = FakeClock()
        self.memory = MemoryJournal(self.clock, epoch="same")
        self.sqlite: SqliteJournal
        self.ephemeral = False

    @property
    def path(self) -> Path:
        return self._directory / f"{self._generation}.db"

    async def open(self) -> None:
        opened = SqliteJournal.open(self.path, now=self.clock, durability="normal", epoch=lambda: "same")
        self.sqlite = await self._stack.enter_async_context(opened)

    async def aclose(self) -> None:
        await self._stack.aclose()

    async def take(self, step: Step) -> None:
        match step:
            case Append():
                await self._append(step)
            case Retain(policy):
                assert await retain(self.sqlite, policy, self.clock.at) == await self.memory.retain(
                    policy, self.clock.at
                )
            case Wait(seconds):
                self.clock.advance(seconds)
            case Reopen(crash):
                await self._reopen(crash)

    async def _append(self, step: Append) -> None:
        before = self.memory.bounds()
        try:
            with _refused(self.path, step.failing):
                commit = await self.sqlite.append(step.drafts, step.positions)
        except JournalError:
            assert step.failing is not None
            assert self.sqlite.bounds() == before
            return
        self.ephemeral |= any(draft.ephemeral for draft in step.drafts)
        assert commit == await self.memory.append(step.drafts, step.positions)

    async def _reopen(self, crash: bool) -> None:
        before = self.path
        if crash:
            self._generation += 1
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{before}{suffix}", f"{self.path}{suffix}")
        await self._stack.aclose()
        await self.open()


class _refused:  # noqa: N801  # reads as a word in a with statement
    """Refuse inserts into a table, through a connection of its own, for as long as the block lasts."""

    def __init__(self, path: Path, table: str | None) -> None:
        self._path = path
        self._table = table

    def __enter__(self) -> None:
        if self._table is not None:
            self._run(f"CREATE TRIGGER refuse AFTER INSERT ON {self._table} BEGIN SELECT RAISE(ABORT, 'refused'); END")

    def __exit__(self, *error: object) -> None:
        if self._table is not None:
            self._run("DROP TRIGGER refuse")

    def _run(self, sql: str) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute(sql)
        connection.close()


async def answers(journal: Journal, *, ephemeral: bool) -> AsyncIterator[Any]:
    """Everything that a journal can be asked."""
    yield journal.bounds()
    known = journal.statistics()
    yield known.events, known.oldest_at, known.trimmed_to
    for select in FILTERS:
        yield _settled(await journal.snapshot(select)) if ephemeral else await journal.snapshot(select)
        yield await everything(journal, select, limit=3)
        yield (await journal.read(2, 5, select)).trimmed_to
    for kinds in (set[str](), {"run.started"}, {"run.*", "tool.failed"}, {"run.*", "tool.*", "agent.*"}):
        yield await journal.feed(key=None, kinds=kinds, before=20, limit=7)
    yield await journal.known([_chunk(number, 0, "") for number in range(9)])
    for gateway in ("gw", "gw2"):
        yield await journal.positions(gateway)
    for key in AGENTS:
        yield await journal.conversation(key, session=None, before=None, limit=5)
        yield await journal.conversation(key, session="s1", before=25, limit=5)
        for kinds in (set[str](), {"tool.failed"}, {"run.*", "stream.gap"}):
            yield await journal.feed(key=key, kinds=kinds, before=None, limit=5)
        memory = await journal.memory(key, 4)
        yield evolve(memory, view=_settled_view(memory.view)) if ephemeral else memory


def _settled(snapshot: Snapshot) -> Snapshot:
    """Without what ephemeral beats left: it need not survive a restart."""
    views = [settled for view in snapshot.agents if (settled := _settled_view(view)) is not None]
    return evolve(snapshot, agents=sorted(views, key=lambda view: (view.gateway, view.id)))


def _settled_view(view: AgentView | None) -> AgentView | None:
    if view is None or view.last_event_at is None:
        return None
    return evolve(view, status="offline", reason="", clocks=Clocks())


SMALL_LIMITS: Sequence[tuple[ModuleType, str, int]] = (
    (projection, "FINALS_PER_AGENT", 3),
    (projection, "FINALS_BYTES", 40),
    (projection, "FEED_KEPT", 6),
    (projection, "FEED_LENGTH", 4),
    (sqlite_head, "FOLD_EVERY", 9),
    (sqlite_load, "REPLAY_PAGE", 4),
    (sqlite_retention, "SLICE_ROWS", 3),
    (sqlite_retention, "SLICE_FINALS", 2),
)
"""So small that a short program meets all of them."""


@settings(max_examples=60)
@given(program=st.lists(steps, max_size=25))
async def test_both_journals_answer_alike(program: Sequence[Step]) -> None:
    """Whatever happened, in whatever order, every query gives the same from both."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        for module, name, value in SMALL_LIMITS:
            patch.setattr(module, name, value)
        pair = Pair(Path(directory))
        await pair.open()
        try:
            for step in program:
                await pair.take(step)
            expected = [answer async for answer in answers(pair.memory, ephemeral=pair.ephemeral)]
            assert [answer async for answer in answers(pair.sqlite, ephemeral=pair.ephemeral)] == expected
        finally:
            await pair.aclose()
