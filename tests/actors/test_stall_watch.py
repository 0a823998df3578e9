"""The stall watch at work: in the daemon's own parts, in trio's time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from actors.stall_watch import StallOptions, actor_type
from mission_control.core.events import Activity, AgentKey, Draft, Status
from mission_control.core.ledger import Commit
from mission_control.core.positions import Position
from mission_control.settings import Seconds
from mission_control.stores.journal import JournalUnavailableError
from mission_control.testing import GATEWAY, Bench, activity, clock, running

OPTIONS = StallOptions(after_s=Seconds(60), slow_tools=("build",), slow_after_s=Seconds(300))


@asynccontextmanager
async def watching(options: StallOptions = OPTIONS) -> AsyncIterator[Bench]:
    """A watch over a gateway that is connected."""
    async with running(actor_type, options, name="stall_watch") as there:
        await there.commit(link("connected"))
        yield there


def link(state: str) -> Draft:
    return Draft(f"link:{clock()}:{state}", clock(), GATEWAY, None, Status("gateway", GATEWAY, state, state))


def run(kind: str, run_id: str = "r", agent: str = "alpha") -> Draft:
    return activity(agent, f"run.{kind}", run_id=run_id, session="main")


def tool(kind: str, name: str = "exec") -> Draft:
    return activity("alpha", f"tool.{kind}", run_id="r", tool=name, detail={"call_id": "c"})


async def told(there: Bench) -> list[tuple[str, str]]:
    """(kind, title) of everything that it said, in order."""
    payloads = [draft.payload for draft in await there.published()]
    return [(one.kind, one.title) for one in payloads if isinstance(one, Activity)]


async def test_a_silence_and_its_end_are_told(autojump_clock: MockClock) -> None:
    """Once when it has lasted, once when it is over."""
    async with watching() as there:
        await there.commit(run("started"), tool("started"))
        await trio.sleep(59.9)
        assert await told(there) == []
        await trio.sleep(0.2)
        assert await told(there) == [("run.stalled", "Tool exec has made no progress for 60 s")]
        await trio.sleep(1_000)
        await there.commit(tool("finished"))
        assert (await told(there))[1:] == [("run.resumed", "Run went on after 17 min without progress")]


async def test_options_are_heeded(autojump_clock: MockClock) -> None:
    async with watching() as there:
        await there.commit(run("started"), tool("started", "build"))
        await trio.sleep(299)
        assert await told(there) == []
        await trio.sleep(2)
        assert await told(there) == [("run.stalled", "Tool build has made no progress for 5 min")]


async def test_a_lost_connection_is_not_the_runs_fault(autojump_clock: MockClock) -> None:
    async with watching() as there:
        await there.commit(run("started"))
        await trio.sleep(30)
        await there.commit(link("reconnecting"))
        await trio.sleep(3_600)
        await there.commit(link("connected"))
        await trio.sleep(59)
        assert await told(there) == []
        await trio.sleep(2)
        assert await told(there) == [("run.stalled", "Run has made no progress for 60 s")]


async def test_a_crash_repeats_and_forgets_nothing(autojump_clock: MockClock) -> None:
    """Killed at every stage: while a run is silent, while it is stalled, with its progress unread, and thereafter."""
    async with watching() as there:
        await there.commit(run("started"))
        await trio.sleep(30)
        there.crash()
        await trio.sleep(61)
        assert [kind for kind, _ in await told(there)] == ["run.stalled"]
        there.crash()
        await trio.sleep(500)
        assert [kind for kind, _ in await told(there)] == ["run.stalled"]
        there.crash()
        await there.commit(tool("started"))
        assert [kind for kind, _ in await told(there)] == ["run.stalled", "run.resumed"]
        there.crash()
        await there.commit(run("finished"))
        await trio.sleep(500)
        assert [kind for kind, _ in await told(there)] == ["run.stalled", "run.resumed"]


async def test_storage_that_refuses_makes_nothing_stall(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress that waits to be stored is progress."""
    async with watching() as there, trio.open_nursery() as nursery:
        await there.commit(run("started"))
        await trio.sleep(30)
        with monkeypatch.context() as refusing:
            refusing.setattr(there.journal, "append", refuse)
            nursery.start_soon(there.commit, tool("started"))
            await trio.sleep(600)
        assert await told(there) == []
        await trio.sleep(61)
        assert await told(there) == [("run.stalled", "Tool exec has made no progress for 60 s")]


async def test_what_a_predecessor_said_counts_although_it_is_not_stored_yet(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A successor waits for it, or it would not know that there is something to end."""
    async with watching() as there:
        await there.commit(run("started"))
        await trio.sleep(59.9)
        with monkeypatch.context() as refusing:
            refusing.setattr(there.journal, "append", refuse_stalls(there.journal.append))
            await trio.sleep(1)
            there.crash()
            await trio.sleep(5)
        await trio.sleep(2)
        await there.commit(tool("started"))
        assert [kind for kind, _ in await told(there)] == ["run.stalled", "run.resumed"]


Positions = Mapping[AgentKey, Position] | None
Append = Callable[[Sequence[Draft], Positions], Awaitable[Commit]]


def refuse_stalls(append: Append) -> Append:
    async def append_others(drafts: Sequence[Draft], positions: Positions = None) -> Commit:
        if any(draft.event_id.endswith(":stalled") for draft in drafts):
            return await refuse(drafts)
        return await append(drafts, positions)

    return append_others


async def refuse(drafts: Sequence[Draft], positions: Positions = None) -> Commit:
    await trio.lowlevel.checkpoint()
    raise JournalUnavailableError("the disk is full")


async def test_whatever_a_gateway_calls_its_runs(autojump_clock: MockClock) -> None:
    """Ids are the gateway's own: a no-break space, a line end or an emoji in one is nobody's mistake."""
    names = ["a\u00a0b", "a\nb", "🛰️", "x" * 300]
    async with watching() as there:
        await there.commit(*(run("started", name) for name in names))
        await trio.sleep(61)
        assert len(await told(there)) == len(names)


async def test_a_fleet_that_falls_silent_at_once(autojump_clock: MockClock) -> None:
    """Each run is told of once, however many there are."""
    async with watching() as there:
        await there.commit(*(run("started", agent=f"agent-{number}") for number in range(500)))
        await trio.sleep(61)
        stalled = [draft.agent_id for draft in await there.published()]
        assert sorted(stalled, key=str) == sorted(f"agent-{number}" for number in range(500))
