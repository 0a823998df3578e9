"""What an actor type is given does what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve
from msgspec import UNSET
from starlette.routing import Mount, Route, WebSocketRoute

from mission_control.core.events import Clocks
from mission_control.extension import (
    Activity,
    ActorType,
    Chunk,
    Cursor,
    Draft,
    Event,
    Filter,
    Heartbeat,
    Host,
    NoOptions,
    SinkStatus,
    Status,
)
from mission_control.plugins import UnusableActorTypeError
from mission_control.testing import GATEWAY, START, activity, running
from runtime import ActorSpec, Inbox, Ref
from runtime.testing import find
from tests.extensions.samples import Greeting, Idle, answering, greeter, running_as, serving


async def test_it_hears_publishes_and_counts(autojump_clock: trio.testing.MockClock) -> None:
    async with running(greeter, Greeting("Good morning")) as there:
        await there.commit(activity("alpha", "run.started"), activity("bravo", "run.finished"))
        [greeting] = await there.published()
        assert (greeting.agent_id, greeting.payload) == ("alpha", Activity("greeting", "Good morning"))
        assert there.metric("greetings_total") == 1


async def test_an_event_published_twice_is_one(autojump_clock: trio.testing.MockClock) -> None:
    """A crash between handing over and acknowledging repeats what it did; the journal leaves the second out."""
    crashes = [RuntimeError("too late to acknowledge")]

    class Clumsy:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            async for event in inbox:
                if event.event_id.startswith("test:"):
                    name = f"echo:{event.event_id}"
                    await self._host.publish(Draft(name, event.timestamp, "gw", "alpha", Activity("echo", "Echo")))
                    if crashes:
                        raise crashes.pop()

    async with running(running_as(Clumsy)) as there:
        given = [activity("alpha", f"test.{index}") for index in range(3)]
        await there.commit(*given)
        assert [draft.event_id for draft in await there.published()] == [f"echo:{one.event_id}" for one in given]


async def test_its_events_come_back_to_it_if_it_wants_them(autojump_clock: trio.testing.MockClock) -> None:
    """They are in the stream like any others."""
    seen: list[str] = []

    class Both:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            async for event in inbox:
                seen.append(event.event_id)
                if event.event_id.startswith("test:"):
                    await self._host.publish(Draft("own", event.timestamp, "gw", "alpha", Activity("own", "Own")))

    async with running(running_as(Both)) as there:
        await there.commit(one := activity("alpha", "test.note"))
        await there.settled()
    assert seen == [one.event_id, "own"]


async def test_a_snapshot_after_wait_committed_has_what_it_published(autojump_clock: trio.testing.MockClock) -> None:
    """A successor of a crashed actor can build on it."""
    heads: list[int] = []

    class Careful:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            host = self._host
            await host.publish(*(Draft(f"n:{n}", host.clock(), "gw", "alpha", Activity("n", "N")) for n in range(50)))
            await host.wait_committed()
            snapshot = await host.snapshot(Filter(agents=frozenset({"alpha"})))
            heads.append(snapshot.cursor.offset)
            async for _ in inbox:
                pass

    async with running(running_as(Careful)) as there:
        await there.settled()
    assert heads == [50]


async def test_it_has_a_clock_a_name_and_a_directory(autojump_clock: trio.testing.MockClock, tmp_path: Path) -> None:
    hosts: list[Host] = []

    def build(host: Host, options: NoOptions) -> ActorSpec[Any]:
        hosts.append(host)
        return ActorSpec(Ref("idle"), Idle)

    async with running(ActorType(NoOptions, build), name="hello", directory=tmp_path) as there:
        assert find(there.root.tree(), "root/extensions/hello/idle").name == "idle"
        [host] = hosts
        assert host.name == "hello"
        assert host.directory == tmp_path / "extensions" / "hello"
        await trio.sleep(60)
        assert host.clock() == START + 60_000


GOOD = Draft("a:1", START, GATEWAY, "alpha", Activity("a.kind", "Title"))
STATUS = Status("actor", "hello", "up", "All is well")


def _anything(value: Any) -> Any:
    """What a type checker would not let through."""
    return value


def _activity(**fields: Any) -> Activity:
    return Activity(**{"kind": "a.kind", "title": "Title", **fields})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": "x" * 201}, "event_id"),
        ({"event_id": "a\0b"}, "event_id"),
        ({"event_id": 3}, "event_id"),
        ({"gateway": ""}, "gateway"),
        ({"gateway": "\ud800"}, "gateway"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 1.5}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"agent_id": None}, "agent_id"),
        ({"agent_id": ""}, "agent_id"),
        ({"payload": {"kind": "x"}}, "payload"),
        ({"payload": _activity(title=3)}, "payload"),
        ({"payload": _activity(title="\ud800")}, "payload"),
        ({"payload": _activity(detail={"x": object()})}, "payload"),
        ({"payload": Chunk("m", "r", "s", _anything("robot"), 0, "", 0)}, "payload"),
        ({"payload": Heartbeat(_anything("fine"), None, "", Clocks())}, "payload"),
        ({"payload": STATUS}, "agent_id must be None"),
        ({"agent_id": None, "payload": evolve(STATUS, component="gateway")}, "state of a gateway"),
        ({"agent_id": None, "payload": evolve(STATUS, component=_anything("cat"))}, "payload"),
    ],
)
async def test_what_would_hurt_the_journal_or_a_client_is_refused(
    autojump_clock: trio.testing.MockClock, wrong: dict[str, Any], why: str
) -> None:
    """The publisher learns it; nothing of that call was taken, and the writer never sees it."""
    refusals: list[str] = []

    class Careless:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            async for event in inbox:
                if event.event_id.startswith("test:"):
                    try:
                        await self._host.publish(GOOD, evolve(GOOD, **{"event_id": "a:2", **wrong}))
                    except ValueError as error:
                        refusals.append(str(error))

    async with running(running_as(Careless)) as there:
        await there.commit(activity("alpha", "test.note"))
        assert await there.published() == []
        assert find(there.root.tree(), "root/persistence").restarts == 0
    [refusal] = refusals
    assert why in refusal


@pytest.mark.parametrize(
    "draft",
    [
        GOOD,
        evolve(GOOD, gateway="my tracker", agent_id="7", payload=Activity("a", "b", detail={"x": None})),
        evolve(GOOD, agent_id=None, payload=STATUS),
        evolve(GOOD, agent_id=None, gateway="ci", payload=Status("gateway", "ci", "connected", "", previous=UNSET)),
    ],
)
async def test_any_good_event_can_be_published(autojump_clock: trio.testing.MockClock, draft: Draft) -> None:
    class Once:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            await self._host.publish(draft)
            async for _ in inbox:
                pass

    async with running(running_as(Once)) as there:
        assert await there.published() == [draft]


async def test_after_build_nothing_is_added(autojump_clock: trio.testing.MockClock) -> None:
    """A subscription that would never be fed, or a route that would never be served, is an error at once."""
    errors: list[str] = []

    class Late:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            calls: list[Callable[[], None]] = [
                lambda: self._host.subscribe(Ref("late")),
                lambda: self._host.routes(Route("/late", answering(1))),
                lambda: self._host.sink(lambda: SinkStatus(endpoint="late")),
            ]
            for call in calls:
                try:
                    call()
                except RuntimeError as error:
                    errors.append(str(error))

    async with running(running_as(Late)) as there:
        await there.settled()
    assert errors[:3] == [
        "subscribe belongs into build: under_test is running already",
        "routes belongs into build: under_test is running already",
        "sink belongs into build: under_test is running already",
    ]


@pytest.mark.parametrize(
    "route", [WebSocketRoute("/x", answering(1)), Mount("/x", routes=[WebSocketRoute("/y", answering(1))]), "x"]
)
async def test_only_plain_routes_are_taken(autojump_clock: trio.testing.MockClock, route: Any) -> None:
    """The access guard does not look at WebSockets: one of an actor type would be open to everyone."""
    with pytest.raises(UnusableActorTypeError, match=r"must be a starlette\.routing\.Route"):
        async with running(serving(route)):
            raise AssertionError("it cannot be built")


async def test_mail_of_several_kinds_goes_into_one_mailbox(autojump_clock: trio.testing.MockClock) -> None:
    """Events come wrapped, or not at all when the wrapping says so; from where they were asked for."""
    seen: list[tuple[str, int | None] | str] = []
    note = seen.append
    ref: Ref[tuple[str, int | None] | str] = Ref("mixed")

    class Mixed:
        async def run(self, inbox: Inbox[tuple[str, int | None] | str]) -> None:
            async for message in inbox:
                note(message)

    def wrap(event: Event) -> tuple[str, int | None] | None:
        return ("event", event.offset) if event.agent_id == "alpha" else None

    def build(host: Host, options: NoOptions) -> ActorSpec[Any]:
        host.subscribe(ref, wrap=wrap, after=Cursor("memory", 0))
        return ActorSpec(ref, Mixed)

    async with running(ActorType(NoOptions, build)) as there:
        await there.commit(activity("alpha", "a"), activity("bravo", "b"))
        await there.settled()
        ref.tell("tick")
        await there.commit(activity("alpha", "c"))
        await there.settled()
        assert find(there.root.tree(), "root/extensions/under_test/mixed").mailbox is not None
    assert seen == [("event", 1), "tick", ("event", 3)]
