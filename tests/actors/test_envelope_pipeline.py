"""A source of events behind a real WebSocket, through the whole daemon into its journal."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import serve_websocket

from mission_control.core.subscription import EVERYTHING
from mission_control.stores.sqlite import SqliteJournal
from scripts.paths import ROOT
from tests.actors.fake_source import FakeSource
from tests.actors.test_crashes import ALL, Viewer, running
from tests.gateways.followed import SCRIPT, WORDS


def _of_source(event: dict[str, Any]) -> str | None:
    """The source's own id of an event, if it is one of its."""
    prefix, _, name = str(event["event_id"]).rpartition(":")
    return name if prefix == "gw:alpha" and name[0].isdigit() and "." in name else None


def _told(viewer: Viewer) -> list[str]:
    return [name for event in viewer.events if (name := _of_source(event)) is not None]


def _named(event: dict[str, Any], kind: str) -> bool:
    return bool(event["payload"].get("kind") == kind)


def _ranges(viewer: Viewer, kind: str) -> list[tuple[int, int]]:
    details = [event["payload"]["detail"] for event in viewer.events if _named(event, kind)]
    return [(detail["from_sequence"], detail["to_sequence"]) for detail in details]


def _numbers(life: int, *numbers: int) -> list[str]:
    return [f"{life}.{number}" for number in numbers]


async def _heard(viewer: Viewer, name: str) -> None:
    await viewer.wait_for(lambda event: _of_source(event) == name)


async def test_what_is_swapped_and_repeated_arrives_in_order_once(tmp_path: Path) -> None:
    """In frames of one event and of many, and the agent is online."""
    async with FakeSource().serving() as source, running(tmp_path, source.url, "envelope") as (_, journal, viewer):
        with trio.fail_after(30):
            await source.connected.wait()
            first, second, third, fourth, fifth = (source.event() for _ in range(5))
            await source.send(second)
            await source.send(first)
            await source.send(fourth, first, third, fifth)
            await source.send(second)
            await source.say(len(SCRIPT) - 5)
            await _heard(viewer, f"1.{len(SCRIPT)}")
        assert _told(viewer) == _numbers(1, *range(1, len(SCRIPT) + 1))
        assert viewer.texts() == ["".join(WORDS)]
        snapshot = await journal.snapshot(EVERYTHING)
        (agent,) = snapshot.agents
        assert (agent.id, agent.status, agent.listed, agent.runs) == ("alpha", "online", True, [])
        assert [(gateway.id, gateway.kind, gateway.state) for gateway in snapshot.gateways] == [
            ("gw", "envelope", "connected")
        ]


async def test_a_source_that_resumes_gives_again_what_was_lost(tmp_path: Path) -> None:
    """A hole is declared when the connection ends, and repaired when the source repeats what was missing."""
    async with FakeSource().serving() as source, running(tmp_path, source.url, "envelope") as (_, _, viewer):
        with trio.fail_after(30):
            await source.connected.wait()
            await source.say(2)
            source.event()
            await source.say(2)
            await _heard(viewer, "1.2")
            await source.hang_up()
            source.event()  # while nobody listens
            await source.connected.wait()
            await source.say()
            await _heard(viewer, "1.7")
        assert sorted(_told(viewer)) == _numbers(1, 1, 2, 3, 4, 5, 6, 7)
        assert source.hellos[1]["resume"]["alpha"] == 2
        assert (_ranges(viewer, "stream.gap"), _ranges(viewer, "stream.repaired")) == ([(3, 3)], [(3, 3)])


async def test_a_source_that_cannot_resume_leaves_a_gap(tmp_path: Path) -> None:
    """It names exactly what did not come. A chunk behind a lost one cannot be placed; the final has its text."""
    source = FakeSource(resumes=False)
    async with source.serving(), running(tmp_path, source.url, "envelope") as (_, _, viewer):
        with trio.fail_after(30):
            await source.connected.wait()
            await source.say(2)
            await _heard(viewer, "1.2")
            await source.hang_up()
            for _ in range(3):
                source.event()
            await source.connected.wait()
            await source.say(2)
            await source.hang_up()  # so that nothing can fill the hole any more
            await _heard(viewer, "1.7")
        assert (_told(viewer), _ranges(viewer, "stream.gap")) == (_numbers(1, 1, 2, 7), [(3, 5)])
        assert viewer.texts() == ["".join(WORDS)]


async def test_a_source_that_starts_over_is_followed_into_its_new_life(tmp_path: Path) -> None:
    """Its numbers mean new events, and what it had open has ended."""
    for boots in (True, False):
        source = FakeSource(boots=boots, resumes=False)
        directory = tmp_path / str(boots)
        directory.mkdir()
        async with source.serving(), running(directory, source.url, "envelope") as (_, journal, viewer):
            with trio.fail_after(30):
                await source.connected.wait()
                await source.say(2)
                await _heard(viewer, "1.2")
                source.source.restart()
                await source.hang_up()
                await source.connected.wait()
                await source.say(4)
                await _heard(viewer, "2.4")
            assert _told(viewer) == [*_numbers(1, 1, 2), *_numbers(2, 1, 2, 3, 4)]
            assert sum(_named(event, "stream.restarted") for event in viewer.events) == 1
            assert _ranges(viewer, "stream.gap") == []
            snapshot = await journal.snapshot(EVERYTHING)
            assert [(view.text, view.state) for view in snapshot.messages] == [
                ("Hel", "interrupted"),
                ("Hello, ", "streaming"),
            ]
            assert [run.run_id for run in snapshot.agents[0].runs] == ["r2-0"]


@pytest.mark.parametrize("resumes", [True, False])
async def test_a_restart_of_the_daemon_loses_and_repeats_nothing(resumes: bool, tmp_path: Path) -> None:
    """It asks for what comes after the last event that is committed, and says what it cannot have."""
    source = FakeSource(resumes=resumes)
    async with source.serving():
        for last in (5, 10, 15):
            async with running(tmp_path, source.url, "envelope") as (_, _, viewer):
                with trio.fail_after(30):
                    await source.connected.wait()
                    await source.say(3)
                    await source.hang_up()  # so that nothing can fill a hole any more
                    await _heard(viewer, f"1.{last - 2}")
            source.connected = trio.Event()
            for _ in range(2):
                source.event()
        assert next(hello["resume"] for hello in source.hellos if hello["resume"]) == {"alpha": 3}
    async with SqliteJournal.open(tmp_path / "journal.sqlite3", now=lambda: 0) as journal:
        names = [event.event_id.removeprefix("gw:alpha:") for event in (await journal.read(0, 999, EVERYTHING)).events]
    gaps = [name for name in names if name.endswith(":gap")]
    there = [name for name in names if name.startswith("1.")]
    if resumes:
        assert (there, gaps) == (_numbers(1, *range(1, 14)), [])
    else:
        assert there == _numbers(1, 1, 2, 3, 7, 8, 11, 13)  # 6 and 12 are chunks whose predecessors are lost
        assert gaps == ["1:4:gap", "1:9:gap"]


async def test_a_source_that_repeats_all_of_its_past_is_recognised(tmp_path: Path) -> None:
    """Without numbers to rely on, the journal is asked: nothing twice, and no new life where there is none."""
    source = FakeSource(boots=False, resumes=False)
    async with source.serving():
        for last in (5, 10, 15):
            async with running(tmp_path, source.url, "envelope") as (_, journal, viewer):
                with trio.fail_after(30):
                    await source.connected.wait()
                    if source.source.book:
                        await source.send(*source.source.book)
                    await source.say(5)
                    await _heard(viewer, f"1.{last}")
                stored = (await journal.read(0, 999, EVERYTHING)).events
            source.connected = trio.Event()
    names = [event.event_id.removeprefix("gw:alpha:") for event in stored]
    assert [name for name in names if name.startswith("1.")] == _numbers(1, *range(1, 16))
    assert [name for name in names if name.endswith((":gap", ":restarted", ":repaired"))] == []


@pytest.mark.parametrize("victims", [*((one,) for one in ALL), ALL], ids="+".join)
async def test_a_crash_in_the_middle_loses_and_repeats_nothing(victims: tuple[str, ...], tmp_path: Path) -> None:
    """Whoever dies: the source's events are there once, in its order, without a gap, and every text is whole."""
    turns = 6
    async with FakeSource().serving() as source, running(tmp_path, source.url, "envelope") as (daemon, _, viewer):
        with trio.fail_after(30):
            await source.connected.wait()
            for turn in range(turns):
                await source.say(len(SCRIPT) - 3)
                if turn in (2, 4):
                    await _heard(viewer, f"1.{turn * len(SCRIPT)}")
                    source.connected = trio.Event() if "gateway gw" in victims else source.connected
                    for victim in victims:
                        daemon.root.kill(victim)
                    await source.say(1)
                    await source.connected.wait()
                    await source.say(2)
                else:
                    await source.say(3)
            await _heard(viewer, f"1.{turns * len(SCRIPT)}")
        assert _told(viewer) == _numbers(1, *range(1, turns * len(SCRIPT) + 1))
        assert [event["payload"]["kind"] for event in viewer.events if _named(event, "stream.gap")] == []
        assert viewer.texts() == ["".join(WORDS)] * turns
        offsets = [event["offset"] for event in viewer.events]
        assert offsets == list(range(1, len(offsets) + 1))


async def test_the_source_in_the_documentation_works(tmp_path: Path) -> None:
    """As it is printed: it is followed, and resumes where it was left."""
    page = (ROOT / "docs" / "envelope.md").read_text()
    printed = page.partition("```python\n")[2].partition("```")[0]
    example: dict[str, Any] = {}
    exec(printed.partition("trio.run(")[0], example)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, example["serve"], "127.0.0.1", 0, None)
        async with running(tmp_path, f"ws://127.0.0.1:{server.port}", "envelope") as (daemon, _, viewer):
            with trio.fail_after(30):
                await viewer.wait_for(lambda event: _named(event, "tool.finished"))
                daemon.root.kill("gateway gw")
                await viewer.wait_for(lambda event: _named(event, "tool.finished"), 2)
        nursery.cancel_scope.cancel()
    ids = [event["event_id"].removeprefix("gw:welder:") for event in viewer.events if _named(event, "tool.finished")]
    assert ids == [event["event_id"] for event in example["said"]][: len(ids)]
    assert [event for event in viewer.events if event["payload"].get("kind", "").startswith("stream.")] == []
