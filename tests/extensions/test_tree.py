"""Where actor types run, and what their failures cost."""

import logging
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from mission_control.app.daemon import Daemon
from mission_control.app.extensions import build_extensions
from mission_control.app.loop_meter import LoopMeter
from mission_control.app.observing import RuntimeObserver
from mission_control.core.subscription import EVERYTHING
from mission_control.edge.services import Services
from mission_control.extension import Activity, ActorType, Draft, Event, Host, NoOptions, Place
from mission_control.plugins import Found, Installed, UnusableActorTypeError
from mission_control.settings import ActorSettings, Settings
from mission_control.stores.memory import MemoryJournal
from mission_control.testing import activity, clock, running
from runtime import (
    ActorSpec,
    Inbox,
    Kind,
    Pool,
    Ref,
    Restart,
    RestartIntensityExceeded,
    RuntimeEvent,
    ServiceSpec,
    State,
    Stopped,
    Supervisor,
    TreeNode,
)
from runtime.testing import find
from tests.extensions.offers import found
from tests.extensions.samples import Idle, greeter, running_as
from tests.extensions.wiring import wiring


class Failing:
    """Fails at once, always."""

    def __init__(self, host: Host) -> None:
        pass

    async def run(self, inbox: Inbox[Any]) -> None:
        raise RuntimeError("as ever")


async def test_each_has_a_supervisor_of_its_own_with_its_feed(autojump_clock: trio.testing.MockClock) -> None:
    """The actor is there before its feed, and still there when the feed has ended."""
    async with running(greeter, name="hello") as there:
        node = find(there.root.tree(), "root/extensions/hello")
        assert node.kind is Kind.SUPERVISOR
        assert [(child.name, child.kind) for child in node.children] == [
            ("greeter", Kind.ACTOR),
            ("feed", Kind.SERVICE),
        ]


async def test_one_that_always_fails_is_tried_ever_more_slowly_and_hurts_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A day of failures: the others run on, and there are no more than a few thousand attempts."""
    async with running(running_as(Failing), name="failing") as there:
        await trio.sleep(24 * 3600)
        node = find(there.root.tree(), "root/extensions/failing/actor")
        assert 2_000 < node.restarts < 10_000
        assert node.last_failure is not None
        assert node.last_failure.message == "as ever"
        tree = there.root.tree()
        assert find(tree, "root/extensions").restarts == find(tree, "root/extensions/failing").restarts == 0
        await there.commit(activity("alpha", "test.note"))


async def test_at_the_root_its_failures_are_the_daemons(autojump_clock: trio.testing.MockClock) -> None:
    """It is there for what the program is of no use without."""

    async def an_hour() -> None:
        async with running(running_as(Failing, Place.ROOT), name="vital") as there:
            assert find(there.root.tree(), "root/vital/actor").kind is Kind.ACTOR
            await trio.sleep(3600)

    with pytest.raises(BaseExceptionGroup) as caught:
        await an_hour()
    assert caught.group_contains(RestartIntensityExceeded)


@pytest.mark.parametrize("kind", [Supervisor, Pool, ServiceSpec])
async def test_it_may_be_any_kind_of_child(autojump_clock: trio.testing.MockClock, kind: type) -> None:
    """A tree of its own, a pool, or a plain function."""

    def build(host: Host, options: NoOptions) -> Any:
        if kind is ServiceSpec:
            return ServiceSpec("own", trio.sleep_forever)
        if kind is Pool:
            return Pool[str, Any]("own", lambda key: ActorSpec(Ref(key), Idle))
        return Supervisor("own", [ActorSpec(Ref("inner"), Idle)])

    async with running(ActorType(NoOptions, build), name="hello") as there:
        assert find(there.root.tree(), "root/extensions/hello/own").state is State.RUNNING


async def test_when_it_has_stopped_for_good_its_feed_ends(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing is gathered for who will never read it."""

    class Once:
        async def run(self, inbox: Inbox[Any]) -> None:
            await inbox.get()

    def build(host: Host, options: NoOptions) -> ActorSpec[Event]:
        ref: Ref[Event] = Ref("once")
        host.subscribe(ref)
        return ActorSpec(ref, Once, restart=Restart.TRANSIENT)

    async with running(ActorType(NoOptions, build), name="hello") as there:
        for _ in range(3):
            await there.commit(activity("alpha", "test.note"))
            await trio.sleep(1)
        feed = find(there.root.tree(), "root/extensions/hello/feed")
        assert (feed.state, feed.restarts) == (State.STOPPED, 0)


# -- building ----------------------------------------------------------------------------------------------------------


def enabled(asked_for: bool = False) -> ActorSettings:
    return ActorSettings(enabled=True, options=NoOptions(), asked_for=asked_for)


def test_only_what_is_enabled_is_built() -> None:
    there = found(one="plain", two="plain", dear="dear")
    built = build_extensions(
        there,
        {"one": enabled(), "two": ActorSettings(enabled=False, options=None), "dear": enabled()},
        wiring(),
    )
    assert [one.name for one in built.supervisors[Place.EXTENSIONS]] == ["one"]
    assert [one.name for one in built.supervisors[Place.ROOT]] == ["dear"]
    assert {one.name for one in built.served} == {"one", "dear"}


def test_one_that_cannot_be_built_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """With its package and what to do, once."""
    built = build_extensions(found(bad="unlucky", good="plain"), {"bad": enabled(), "good": enabled()}, wiring())
    assert [one.name for one in built.supervisors[Place.EXTENSIONS]] == ["good"]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "the actor type 'bad' of sample 1.0 is left out: it cannot be built: RuntimeError: no luck today;"
        " correct its options or install another version of it"
    ]


def test_one_that_cannot_be_built_ends_the_start_of_who_asked_for_it() -> None:
    """Running on without it would be a silent loss."""
    with pytest.raises(UnusableActorTypeError, match=r"no luck today.*set actors\.bad\.enabled = false"):
        build_extensions(found(bad="unlucky"), {"bad": enabled(asked_for=True)}, wiring())


def test_what_was_found_broken_is_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    build_extensions(found(bad="nested"), {}, wiring())
    assert "the actor type 'bad' of sample 1.0 is left out: Nested.inner" in caplog.text


@pytest.mark.parametrize("child", [None, Idle, Idle()])
def test_what_is_no_spec_is_told(child: Any) -> None:
    bad = Found({"bad": Installed("bad", "sample 1.0", ActorType(NoOptions, lambda host, options: child))})
    with pytest.raises(UnusableActorTypeError, match="gave no ActorSpec"):
        build_extensions(bad, {"bad": enabled(asked_for=True)}, wiring())


def test_the_roots_own_names_are_taken() -> None:
    """A second ``persistence`` at the root would be no valid tree, so the daemon would not start."""
    with pytest.raises(UnusableActorTypeError, match="a part of its own named persistence"):
        build_extensions(
            found(persistence="dear"), {"persistence": enabled(asked_for=True)}, wiring(), taken=("persistence",)
        )


# -- in the daemon -----------------------------------------------------------------------------------------------------


def paths(node: TreeNode) -> list[str]:
    return [child.path for child in node.children]


async def edge(services: Services) -> None:
    await services.shutdown.begun.wait()


async def test_the_daemon_starts_them_before_and_stops_them_after_who_makes_events(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that they see the last events of agents and gateways, and what they publish then is still stored."""
    seen: list[str] = []

    class Last:
        def __init__(self, host: Host) -> None:
            self._host = host

        async def run(self, inbox: Inbox[Event]) -> None:
            async for event in inbox:
                seen.append(event.event_id)
                if "stopping" in event.event_id:
                    await self._host.publish(Draft("bye", self._host.clock(), "gw", "alpha", Activity("bye", "Bye")))

    vital = running_as(lambda host: Idle(), Place.ROOT)
    there = Found({name: Installed(name, "sample", of) for name, of in (("dear", vital), ("last", running_as(Last)))})
    journal = MemoryJournal(clock)
    settings = Settings(data_dir=tmp_path, actors={name: enabled() for name in there.installed})
    stopped: list[str] = []

    def observe(_: RuntimeObserver, event: RuntimeEvent) -> None:
        if isinstance(event, Stopped):
            stopped.append(event.path)

    monkeypatch.setattr(RuntimeObserver, "__call__", observe)
    daemon = Daemon(settings, journal, [], edge=edge, meter=LoopMeter(), clock=clock, actor_types=there)
    async with trio.open_nursery() as nursery:
        await nursery.start(daemon.run)
        assert paths(daemon.root.tree()) == [
            "root/subscribers",
            "root/persistence",
            "root/retention",
            "root/dear",
            "root/extensions",
            "root/agents",
            "root/edge",
        ]
        await trio.sleep(1)
        daemon.stop()
    makers, last, dear = "root/agents", "root/extensions/last", "root/dear"
    order = [makers, f"{last}/feed", f"{last}/actor", last, "root/extensions", dear, "root/persistence"]
    assert [path for path in stopped if path in order] == order
    assert any("started" in one for one in seen)
    assert any("stopping" in one for one in seen)
    page = await journal.read(0, 1_000, EVERYTHING)
    assert page.events[-1].event_id == "bye"
