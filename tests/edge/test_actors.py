"""The supervision tree and the dead letters over HTTP: all that the kernel knows, and each message once at most."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import trio
from attrs import define, evolve

from mission_control.core.actor_views import ActorsView
from mission_control.core.events import encode
from mission_control.edge.services import Services
from runtime import ActorStopped, DeadLetter, DeadLettered, Failure, Supervisor
from runtime.testing import Events, Probe, running
from tests.edge.given import BEARER, TREE, asking, refused, services
from tests.stores.samples import FakeClock

ACTIONS = [("POST", "/v1/dead-letters/{id}/retry"), ("DELETE", "/v1/dead-letters/{id}")]
FAILURE = Failure("OSError", "disk full", "stores.sqlite:1 in append", 0.0)
FIELDS = {
    "depth",
    "capacity",
    "overflow",
    "in_hand",
    "peak",
    "oldest_age_s",
    "waiting",
    "handled",
    "dead_lettered",
    "refused",
    "dropped",
    "superseded",
    "closed",
}


@define
class Ward:
    """A real tree with one actor, which crashes on ``bad`` until it is cured, and the edge before it."""

    root: Supervisor
    actor: Probe[str]
    events: Events
    services: Services
    cured: list[bool]

    async def bury(self, *messages: str) -> None:
        """Send these and wait until each is a dead letter."""
        before = len(self.events.of(DeadLettered))
        for message in messages:
            await self.actor.ref.send(message)
        await self.events.wait_for(DeadLettered, count=before + len(messages))


@asynccontextmanager
async def ward(capacity: int = 10) -> AsyncIterator[Ward]:
    cured: list[bool] = []

    async def handle(message: str) -> None:
        await trio.lowlevel.checkpoint()
        if message == "bad" and not cured:
            raise ValueError("no such run")

    actor = Probe("choosy", handle, capacity=capacity)
    events = Events()
    async with running(Supervisor("root", [actor.spec()], observer=events)) as root:
        given = services(
            clock=lambda: 1_700_000_000_000 + round(trio.current_time() * 1000),
            tree=root.tree,
            dead_letters=root.dead_letters,
            retry=root.retry,
            discard=root.discard,
        )
        yield Ward(root, actor, events, given, cured)


async def letters(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Those that there are, oldest first."""
    shown: list[dict[str, Any]] = (await client.get("/v1/actors", headers=BEARER)).json()["dead_letters"]
    return shown


async def test_everything_that_the_kernel_knows_is_shown() -> None:
    """An operator sees who runs since when, who crashed, how often and over what, and how the mail stands; with times
    that mean something outside the daemon."""
    failure = evolve(FAILURE, time=trio.current_time() - 60.0)
    crashed = evolve(TREE.children[0], last_failure=failure, uptime_s=8.0, busy_s=2.0)
    tree = evolve(TREE, children=(crashed, *TREE.children[1:]))
    async with asking(services(clock=FakeClock(1_700_000_060_000), tree=lambda: tree)) as client:
        shown = (await client.get("/v1/actors")).json()
    assert shown.keys() == {"time", "instance", "tree", "dead_letters"}
    assert shown["time"] == 1_700_000_060_000
    persistence = shown["tree"]["children"][0]
    assert abs(persistence["last_failure"].pop("timestamp") - 1_700_000_000_000) < 5_000
    assert persistence["last_failure"] == {"type": "OSError", "message": "disk full", "where": FAILURE.where}
    assert (persistence["path"], persistence["kind"], persistence["state"]) == ("root/persistence", "actor", "running")
    assert (persistence["incarnation"], persistence["restarts"]) == (1, 1)
    assert (persistence["uptime_s"], persistence["busy_s"], persistence["busy_fraction"]) == (8.0, 2.0, 0.25)
    assert persistence["mailbox"].keys() == FIELDS
    assert (persistence["mailbox"]["depth"], persistence["mailbox"]["capacity"]) == (4, 1_000)
    agents = shown["tree"]["children"][1]
    assert (agents["kind"], agents["mailbox"]) == ("pool", None)
    assert [child["name"] for child in agents["children"]] == ["gw:alpha", "gw:beta"]


async def test_a_dead_letter_is_told_with_what_it_was_and_why(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever looks can decide: the message, the exception and where it was raised, the actor, the time."""
    async with ward() as there, asking(there.services) as client:
        await there.bury("bad")
        await trio.sleep(60)
        shown = (await client.get("/v1/actors")).json()
    (letter,) = shown["dead_letters"]
    assert letter["id"] == f"{there.services.instance}-1"
    assert (letter["path"], letter["message"]) == ("root/choosy", "'bad'")
    assert (letter["failure"]["type"], letter["failure"]["message"]) == ("ValueError", "no such run")
    assert letter["failure"]["where"].endswith("in ward.<locals>.handle")
    assert letter["timestamp"] == letter["failure"]["timestamp"] == shown["time"] - 60_000


async def test_a_retried_message_is_delivered_once(autojump_clock: trio.testing.MockClock) -> None:
    """A cured actor gets the message back as new mail; saying it again, as after a lost answer, delivers nothing."""
    async with ward() as there, asking(there.services) as client:
        await there.bury("bad", "bad")
        first, second = await letters(client)
        there.cured.append(True)
        answer = await client.post(f"/v1/dead-letters/{first['id']}/retry")
        assert (answer.status_code, answer.json()["id"]) == (202, first["id"])
        for _ in range(2):
            problem = await refused(client, f"/v1/dead-letters/{first['id']}/retry", "POST")
            assert (problem["status"], problem["code"]) == (404, "unknown_dead_letter")
        await there.actor.wait_handled(1)
        await trio.sleep(60)
        assert there.actor.handled == ["bad"]
        assert [letter["id"] for letter in await letters(client)] == [second["id"]]


async def test_a_message_that_is_still_bad_comes_back_as_another_letter(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Retrying loses nothing, and the new letter is not mistaken for the old one."""
    async with ward() as there, asking(there.services) as client:
        await there.bury("bad")
        (first,) = await letters(client)
        assert (await client.post(f"/v1/dead-letters/{first['id']}/retry")).status_code == 202
        await there.events.wait_for(DeadLettered, count=2)
        (again,) = await letters(client)
        assert (again["path"], again["message"]) == (first["path"], first["message"])
        assert again["id"] != first["id"]


async def test_a_discarded_letter_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    """The answer is its last trace, and its message is delivered to nobody."""
    async with ward() as there, asking(there.services) as client:
        await there.bury("bad")
        (letter,) = await letters(client)
        there.cured.append(True)
        answer = await client.delete(f"/v1/dead-letters/{letter['id']}")
        assert (answer.status_code, answer.json()["message"]) == (200, letter["message"])
        assert (await refused(client, f"/v1/dead-letters/{letter['id']}", "DELETE"))["status"] == 404
        await trio.sleep(60)
        assert (await letters(client), there.actor.handled) == ([], [])


@pytest.mark.parametrize(("method", "path"), ACTIONS)
@pytest.mark.parametrize("name", ["1", "{instance}-2", "{instance}-01", "000000-1", "{instance}-1x", "%20", "a" * 500])
async def test_only_the_very_letter_is_meant(
    method: str, path: str, name: str, autojump_clock: trio.testing.MockClock
) -> None:
    """An id from before a restart, or one that is nearly right, never hits another message than the one that was seen;
    the answer says where the right ids are."""
    async with ward() as there, asking(there.services) as client:
        await there.bury("bad")
        problem = await refused(client, path.replace("{id}", name.format(instance=there.services.instance)), method)
        assert (problem["status"], problem["code"]) == (404, "unknown_dead_letter")
        assert "GET /v1/actors" in problem["detail"]
        assert len(problem["detail"]) < 400
        assert len(await letters(client)) == 1


async def test_a_full_mailbox_keeps_the_letter(autojump_clock: trio.testing.MockClock) -> None:
    """There is no room for it just now: worth trying again, and nothing is lost."""
    async with ward(capacity=1) as there, asking(there.services) as client:
        await there.bury("bad")
        (letter,) = await letters(client)
        there.root.kill("choosy")
        there.actor.ref.tell("in the way")
        answer = await client.post(f"/v1/dead-letters/{letter['id']}/retry")
        assert (answer.status_code, answer.json()["code"]) == (503, "mailbox_full")
        assert answer.headers["retry-after"] == "1"
        assert "root/choosy" in answer.json()["detail"]
        assert [one["id"] for one in await letters(client)] == [letter["id"]]


async def test_an_actor_that_is_gone_keeps_the_letter() -> None:
    """Its message could still be of use, so it is the operator who gives it up."""
    letter = DeadLetter(1, "root/agents/gw:beta", "Signal(…)", FAILURE, 0.0)

    def retry(_: int) -> None:
        raise ActorStopped("gw:beta")

    async with asking(services(dead_letters=lambda: (letter,), retry=retry, instance="abc")) as client:
        problem = await refused(client, "/v1/dead-letters/abc-1/retry", "POST")
    assert (problem["status"], problem["code"]) == (409, "actor_stopped")
    assert "discard" in problem["detail"]


async def test_the_answer_is_what_the_command_line_reads() -> None:
    """Both sides hold to one description, down to each field."""
    async with ward() as there, asking(there.services) as client:
        answer = await client.get("/v1/actors")
    read = msgspec.json.decode(answer.content, type=ActorsView)
    assert json.loads(encode(read)) == answer.json()
    assert read.tree.children[0].path == "root/choosy"
