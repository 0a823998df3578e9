"""``actors`` and ``dead-letters`` in processes of their own, against a daemon whose actors can be made to fail."""

import json
import os
import pty
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import Factory, define

from actors.clock import wall_clock
from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.core.subscription import EVERYTHING
from mission_control.edge import guard
from mission_control.edge.app import build_app
from mission_control.edge.services import Services
from mission_control.edge.static import Dashboard
from mission_control.edge.stream import StreamEndpoint
from mission_control.extension import ActorType, NoOptions
from mission_control.plugins import Found, Installed
from mission_control.settings import ActorSettings, AuthSettings, Secret, Settings
from mission_control.stores.memory import MemoryJournal
from runtime import Backoff, Crashed, DeadLettered, RuntimeEvent
from runtime.testing import Probe
from tests.commands import Finished, Program, command, environment, finish, start

PATIENCE_S = 90
"""For the slowest of machines; each step takes a second or so."""
CHOOSY = "root/extensions/choosy/choosy"


@define
class Ward:
    """A daemon in memory with an actor that crashes on ``bad`` until it is cured, and commands that look at it."""

    home: Path
    port: int
    journal: MemoryJournal = Factory(lambda: MemoryJournal(wall_clock))
    daemon: Daemon | None = None
    actor: Probe[str] | None = None
    cured: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        return "--url", f"http://127.0.0.1:{self.port}", "--token-file", str(self.home / "token")

    async def run(self, *args: str) -> Finished:
        """The outcome of a command."""
        return await finish(self.home, *args, *self.flags)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Run the daemon, each time anew, at the same port."""
        sock = socket.create_server(("127.0.0.1", self.port))
        self.port = sock.getsockname()[1]
        serving = trio.Event()

        async def edge(services: Services) -> None:
            app = build_app(services, Dashboard({}), StreamEndpoint(services))
            async with trio.open_nursery() as nursery:
                await nursery.start(
                    partial(guard.serve, app, [sock.dup()], shutdown=services.shutdown.begun.wait, grace_s=0.5)
                )
                serving.set()

        async def handle(message: str) -> None:
            await trio.lowlevel.checkpoint()
            if message == "bad" and not self.cured:
                raise ValueError("no such run")

        self.actor = Probe("choosy", handle)
        spec = self.actor.spec(backoff=Backoff(first=0.01, ceiling=0.05))
        choosy = ActorType(options=NoOptions, build=lambda host, options: spec)
        self.daemon = Daemon(
            Settings(
                data_dir=self.home,
                auth=AuthSettings(mode="token", token=Secret("hidden")),
                actors={"choosy": ActorSettings(enabled=True, options=NoOptions(), asked_for=True)},
            ),
            self.journal,
            (),
            edge=edge,
            meter=LoopMeter(),
            clock=wall_clock,
            actor_types=Found({"choosy": Installed("choosy", "tests", choosy)}),
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(self.daemon.run)
            await serving.wait()
            try:
                yield
            finally:
                self.daemon.stop()
        sock.close()

    @asynccontextmanager
    async def until(self, kind: type[RuntimeEvent], *, count: int = 1) -> AsyncIterator[None]:
        """Wait at the end of the block until the actor has met with this so many times since its beginning."""
        assert self.actor is not None
        left, happened = count, trio.Event()

        def note(event: RuntimeEvent) -> None:
            nonlocal left
            left -= isinstance(event, kind)
            if left == 0:
                happened.set()

        with self.actor.ref.watch(note):
            yield
            await happened.wait()

    async def bury(self, count: int = 1) -> None:
        """Make so many dead letters."""
        assert self.actor is not None
        async with self.until(DeadLettered, count=count):
            for _ in range(count):
                self.actor.ref.tell("bad")


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    (tmp_path / "token").write_text("hidden")
    with trio.fail_after(PATIENCE_S):
        yield Ward(tmp_path, 0)


@asynccontextmanager
async def started(there: Ward, *args: str) -> AsyncIterator[Program]:
    program = await start(there.home, *args, *there.flags)
    try:
        yield program
    finally:
        await program.kill()


async def states(there: Ward) -> list[str]:
    """What the journal says of the actor."""
    page = await there.journal.read(0, 1_000, EVERYTHING)
    payloads = [json.loads(bytes(event.payload)) for event in page.events]
    return [payload["state"] for payload in payloads if payload.get("id") == CHOOSY]


async def test_a_killed_actor_is_seen(ward: Ward) -> None:
    """Its restart and what ended it are there at the next look, as text and as JSON."""
    async with ward.up():
        assert ward.daemon is not None
        async with ward.until(Crashed):
            ward.daemon.root.kill(CHOOSY)
        looked = await ward.run("actors")
        assert (looked.code, looked.err) == (0, "")
        assert [line for line in looked.out.splitlines() if " choosy " in line and "ActorKilled" in line]
        assert "ActorKilled: 'choosy' was killed on request" in looked.out
        tree = json.loads((await ward.run("actors", "--json")).out)["tree"]
    (extensions,) = [child for child in tree["children"] if child["name"] == "extensions"]
    node = extensions["children"][0]["children"][0]
    assert (node["path"], node["last_failure"]["type"]) == (CHOOSY, "ActorKilled")
    assert node["incarnation"] in (1, 2)


async def test_a_message_that_nobody_could_handle_is_seen_retried_and_discarded(ward: Ward) -> None:
    """From the crash to the cure without a restart and without another tool; the journal knows of each step."""
    async with ward.up():
        assert ward.actor is not None
        await ward.bury(3)
        listed = await ward.run("dead-letters", "--json")
        letters = [json.loads(line) for line in listed.out.splitlines()]
        assert [(letter["path"], letter["message"]) for letter in letters] == [(CHOOSY, "'bad'")] * 3
        first, second, third = [letter["id"] for letter in letters]

        shown = await ward.run("dead-letters")
        assert f"{first}  " in shown.out
        assert "ValueError: no such run" in shown.out
        assert "dead letters\n" in (await ward.run("actors")).out

        async with ward.until(DeadLettered):
            assert (await ward.run("dead-letters", "retry", first)).code == 0
        assert (await ward.run("dead-letters", "discard", second)).out == f"{second}: discarded, for {CHOOSY}: 'bad'\n"
        again = await ward.run("dead-letters", "discard", second)
        assert (again.code, again.out) == (1, "")
        assert f"{second}: There is no dead letter {second}" in again.err

        ward.cured = True
        retried = await ward.run("dead-letters", "retry", "--all")
        assert (retried.code, retried.err) == (0, "")
        assert f"{third}: back in the mailbox of {CHOOSY}" in retried.out
        await ward.actor.wait_handled(2)
        assert "there are no dead letters" in (await ward.run("dead-letters", "list")).err
    assert ward.actor.handled == ["bad", "bad"]
    told = await states(ward)
    assert [told.count(state) for state in ("dead_letter", "dead_letter_retried", "dead_letter_discarded")] == [4, 3, 1]


async def test_an_id_from_before_a_restart_hits_nothing(ward: Ward) -> None:
    """The operator's screen may be older than the daemon: no other message than the one that was seen is touched."""
    async with ward.up():
        await ward.bury()
        old = json.loads((await ward.run("dead-letters", "--json")).out)["id"]
    async with ward.up():
        await ward.bury()
        done = await ward.run("dead-letters", "discard", old)
        assert (done.code, done.out) == (1, "")
        assert "from before the daemon was started" in done.err
        assert len((await ward.run("dead-letters", "--json")).out.splitlines()) == 1


async def test_watching_goes_on_over_a_restart_of_the_daemon(ward: Ward) -> None:
    """It says that the daemon is gone and that it is another one now, and ends with an interrupt alone."""
    async with AsyncExitStack() as stack:
        async with ward.up():
            watching = started(ward, "actors", "--watch", "--interval", "0.1", "--json")
            program = await stack.enter_async_context(watching)
            first = json.loads(await program.line())
        assert "trying again" in await program.complaint()
        async with ward.up():
            assert "the daemon has restarted" in await program.complaint()
            while (now := json.loads(await program.line()))["instance"] == first["instance"]:
                pass
            assert now["tree"]["name"] == "root"
            assert await program.stop(signal.SIGINT) == 130


async def test_a_reader_that_has_enough_ends_the_watching_quietly(ward: Ward) -> None:
    """``mission-control actors --watch | head`` prints no complaint about the closed pipe."""
    async with ward.up(), started(ward, "actors", "--watch", "--interval", "0.1") as program:
        while "root" not in await program.line():
            pass
        assert program.process.stdout is not None
        assert program.process.stderr is not None
        await program.process.stdout.aclose()
        assert await program.process.wait() == 0
        assert await program.process.stderr.receive_some() == b""


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
async def test_a_terminal_is_drawn_on_and_left_in_order(ward: Ward, term: str) -> None:
    """On a real terminal the tree is redrawn in place; after Ctrl-C the cursor is there again. A dumb terminal gets one
    tree below the other, without a single escape sequence that it would not understand."""
    master, slave = pty.openpty()
    async with ward.up():
        process = await trio.lowlevel.open_process(
            command("actors", "--watch", "--interval", "0.1", *ward.flags),
            env={**environment(ward.home), "TERM": term, "COLUMNS": "100", "LINES": "24"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        drawn = b""
        async with trio.lowlevel.FdStream(master) as stream:
            while drawn.count("●".encode()) < 30:
                drawn += await stream.receive_some()
            process.send_signal(signal.SIGINT)
            with suppress(trio.BrokenResourceError):  # how Linux says that the other end is closed
                async for data in stream:
                    drawn += data
        assert await process.wait() == 130
    text = drawn.decode()
    assert "Traceback" not in text
    assert ("\x1b[1A" in text) == (term != "dumb")
    if term == "dumb":
        assert "\x1b" not in text
    else:
        assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


async def test_the_settings_lead_to_the_daemon_and_its_token(ward: Ward) -> None:
    """Nobody needs to write a token where other users of the machine may read it."""
    async with ward.up():
        file = ward.home / ".config/mission-control/mission-control.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'listen = "127.0.0.1:{ward.port}"\n[auth]\nmode = "token"\ntoken = "hidden"\n')
        done = await finish(ward.home, "actors")
    assert (done.code, done.err) == (0, "")
    assert "choosy" in done.out
