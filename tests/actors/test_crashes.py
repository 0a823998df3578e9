"""Any actor may die in the middle of a stream: a subscriber that stays connected sees the journal all the same."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.clock import wall_clock
from actors.outbox import Outbox
from actors.subscribers import Joined
from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.core.subscription import EVERYTHING
from mission_control.edge.services import Services
from mission_control.settings import GatewayKind, GatewaySettings, Settings
from mission_control.stores.sqlite import SqliteJournal
from tests.actors.fake_gateway import FakeGateway


class Viewer:
    """A subscriber without a socket: what its outbox was given."""

    def __init__(self) -> None:
        self.outbox = Outbox(64 * 1024 * 1024)
        self.events: list[dict[str, Any]] = []
        self._more = trio.Event()

    async def watch(self) -> None:
        while True:
            for frame in await self.outbox.get():
                self.events += [event for event in json.loads(frame)["events"] if event["offset"] is not None]
            self._more.set()

    async def wait_for(self, happened: Any, times: int = 1) -> None:
        """Wait until so many events satisfy ``happened``."""
        while sum(map(happened, self.events)) < times:
            self._more = trio.Event()
            await self._more.wait()

    def texts(self) -> list[str]:
        joined: dict[str, str] = {}
        for event in self.events:
            if event["type"] == "conversation.chunk":
                payload = event["payload"]
                assert payload["start"] == len(joined.get(payload["message_id"], ""))
                joined[payload["message_id"]] = joined.get(payload["message_id"], "") + payload["delta"]
        return list(joined.values())


@asynccontextmanager
async def running(
    tmp_path: Path, url: str, kind: GatewayKind = "clawdbot"
) -> AsyncIterator[tuple[Daemon, SqliteJournal, Viewer]]:
    async def edge(services: Services) -> None:
        await services.shutdown.begun.wait()

    settings = Settings(data_dir=tmp_path)
    watched = [GatewaySettings(url=url, id="gw", kind=kind)]
    async with SqliteJournal.open(tmp_path / "journal.sqlite3", now=wall_clock) as journal:
        daemon = Daemon(settings, journal, watched, edge=edge, meter=LoopMeter(), clock=wall_clock)
        viewer = Viewer()
        async with trio.open_nursery() as nursery:
            head = journal.bounds().head
            await nursery.start(daemon.run)
            joined = await daemon.services.subscribers.join(viewer.outbox, EVERYTHING, head)
            assert isinstance(joined, Joined)
            nursery.start_soon(viewer.watch)
            yield daemon, journal, viewer
            daemon.stop()
            await daemon.stopped.wait()
            nursery.cancel_scope.cancel()


def _is_connected(event: dict[str, Any]) -> bool:
    payload = event["payload"]
    return event["type"] == "system.status" and (payload["id"], payload["state"]) == ("gw", "connected")


ALL = ("persistence", "subscribers", "gw/alpha", "gateway gw")


@pytest.mark.parametrize("victims", [*((one,) for one in ALL), ALL], ids="+".join)
async def test_a_crash_in_the_middle_of_a_stream(victims: tuple[str, ...], tmp_path: Path) -> None:
    """Nothing lost, repeated or reordered: offsets without a hole, one chunk per token of text, one final."""
    tokens = ["word", *(f" word{index}" for index in range(60))]
    async with FakeGateway().serving() as gateway, running(tmp_path, gateway.url) as (daemon, journal, viewer):
        with trio.fail_after(30):
            await gateway.connected.wait()
            run = gateway.run("alpha", "run-1")
            await run.start("go on")
            connections = 1
            for index, token in enumerate(tokens):
                await run.token(token)
                if index in (20, 40):
                    await viewer.wait_for(lambda event: event["type"] == "conversation.chunk")
                    await viewer.wait_for(_is_connected, connections)  # so that the next to connect is the successor
                    for victim in victims:
                        daemon.root.kill(victim)
                    connections += "gateway gw" in victims
                    await viewer.wait_for(_is_connected, connections)
            await run.end()
            await viewer.wait_for(lambda event: event["payload"].get("kind") == "run.finished")
        offsets = [event["offset"] for event in viewer.events]
        assert offsets == list(range(1, len(offsets) + 1))
        stored = await journal.read(0, 1_000, EVERYTHING)
        assert [event.event_id for event in stored.events][: len(offsets)] == [
            event["event_id"] for event in viewer.events
        ]
        assert viewer.texts() == ["".join(tokens)]
        finals = [event["payload"] for event in viewer.events if event["type"] == "conversation.final"]
        assert sorted((final["role"], final["text"], final["state"]) for final in finals) == [
            ("assistant", "".join(tokens), "complete"),
            ("user", "go on", "complete"),
        ]
