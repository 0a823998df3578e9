"""For tests of actor types: one of them in the real thing, with a journal in memory and in trio's time.

::

    async def test_it_greets_whoever_starts_a_run(autojump_clock: MockClock) -> None:
        async with running(actor_type, Options(greeting="Hello")) as there:
            await there.commit(activity("alpha", "run.started"))
            [greeting] = await there.published()

Kernel, subscriber registry, writer, feeds and routes are the daemon's own; what is missing is gateways and sockets. The
clock that the actor sees follows trio's, so that with ``autojump_clock`` hours pass in no time.
"""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import trio
import trio.testing
from attrs import define, field
from starlette.applications import Starlette

from actors.persistence import Append, Barrier, JournalHealth, PersistenceActor, PersistenceMessage
from actors.roster import Roster
from actors.subscribers import SubscriberMessage, SubscriberRegistry, Subscribers, Tally
from mission_control.app.extensions import build_extensions
from mission_control.app.host import Wiring
from mission_control.core.events import Activity, Draft, decode_payload
from mission_control.core.sinks import SinkStatus
from mission_control.core.subscription import EVERYTHING
from mission_control.edge.extensions import extension_routes
from mission_control.edge.problems import EXCEPTION_HANDLERS
from mission_control.edge.services import Extension
from mission_control.extension import ActorType, Place
from mission_control.plugins import Found, Installed
from mission_control.settings import ActorSettings
from mission_control.stores.memory import MemoryJournal
from runtime import ActorSpec, Intensity, Ref, Supervisor, TreeNode

START: Final = 1_700_000_000_000
"""Wall-clock time in ms when trio's clock is at 0."""
GATEWAY: Final = "gw"

_LONGEST: Final = 2**31
_serial = count(1)

O = TypeVar("O")  # noqa: E741 - options


def clock() -> int:
    """Wall-clock time in ms, as the actor sees it."""
    return START + int(trio.current_time() * 1000)


def activity(agent: str, kind: str, title: str = "", **fields: Any) -> Draft:
    """An ``activity.event`` of an agent that happens now; ``fields`` are others of :class:`Activity`."""
    now = clock()
    name = f"test:{next(_serial)}:{kind}"
    return Draft(name, now, GATEWAY, agent, Activity(kind=kind, title=title or kind, **fields))


@define
class Bench:
    """An actor type at work. Made by :func:`running`."""

    journal: MemoryJournal
    root: Supervisor
    _persistence: Ref[PersistenceMessage]
    _extension: Extension
    _node: str
    _given: set[str] = field(init=False, factory=set)

    async def commit(self, *drafts: Draft) -> None:
        """Journal these, as if they came from the daemon's own actors, and publish them."""
        self._given |= {draft.event_id for draft in drafts}
        await self._persistence.send(Append(drafts))
        await self._persistence.ask(Barrier)

    async def settled(self) -> None:
        """Wait until every event has reached the actor and it has handled all its mail, however long that takes it."""
        while True:
            await trio.testing.wait_all_tasks_blocked()
            if not any(feed.lag for feed in self._extension.feeds()) and not _waiting(self.root.tree()):
                return
            # Nobody can go on before somebody's time has come.
            await trio.sleep(trio.lowlevel.current_statistics().seconds_to_next_deadline)

    async def published(self) -> Sequence[Draft]:
        """Everything that the actor has published so far, in order; once it has settled."""
        await self.settled()
        page = await self.journal.read(0, _LONGEST, EVERYTHING)
        return [
            Draft(one.event_id, one.timestamp, one.gateway, one.agent_id, decode_payload(one.type, one.payload))
            for one in page.events
            if one.event_id not in self._given
        ]

    def metric(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        """The value of one of its own metrics, under the sample's name in the code: ``greetings_total``."""
        return self._extension.metrics.get_sample_value(name, dict(labels or {}))

    def sinks(self) -> Sequence[SinkStatus]:
        """How its sinks say that they stand."""
        return [status() for status in self._extension.sinks]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client of its routes; URLs are relative to ``/v1/extensions/NAME``."""
        app = Starlette(routes=extension_routes([self._extension]), exception_handlers=EXCEPTION_HANDLERS)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        base = f"http://localhost/v1/extensions/{self._extension.name}"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            yield client

    def crash(self) -> None:
        """End the living incarnation of what it built, as if it had raised. The next one starts after its backoff."""
        self.root.kill(self._node)

    def stop(self) -> None:
        """Stop all in order, as the daemon does."""
        self.root.stop()


@asynccontextmanager
async def running(
    actor_type: ActorType[O], options: O | None = None, *, name: str = "under_test", directory: Path = Path("nowhere")
) -> AsyncIterator[Bench]:
    """Run an actor type for as long as the block lasts, and stop it in order.

    Args:
        options: an object of its options class; None for one with the defaults.
        directory: the data directory, of which it has a part of its own.

    Raises:
        UnusableActorTypeError: it cannot be built.
    """
    journal = MemoryJournal(clock)
    persistence: Ref[PersistenceMessage] = Ref("persistence")
    registry: Ref[SubscriberMessage] = Ref("subscribers")
    roster, tally = Roster(), Tally()
    rng = random.Random(0)  # noqa: S311 - repeatable
    wiring = Wiring(journal, persistence, Subscribers(registry, roster, tally), clock, rng, directory)
    built = build_extensions(
        Found({name: Installed(name, "the package under test", actor_type)}),
        {name: ActorSettings(enabled=True, options=options or actor_type.options(), asked_for=True)},
        wiring,
    )
    [own] = built.supervisors[actor_type.place]
    others = [] if actor_type.place is Place.EXTENSIONS else [own]
    root = Supervisor(
        "root",
        [
            ActorSpec(
                registry, partial(SubscriberRegistry, journal, roster, tally, flush_interval=0.05, ping_interval=15.0)
            ),
            ActorSpec(persistence, partial(PersistenceActor, journal, registry, JournalHealth(), clock)),
            *others,
            Supervisor("extensions", built.supervisors[Place.EXTENSIONS], intensity=Intensity.unlimited()),
        ],
        intensity=Intensity(restarts=20, within=60),
        rng=rng,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(root.run)
        yield Bench(journal, root, persistence, built.served[0], own.children()[0].path)
        root.stop()


def _waiting(node: TreeNode) -> bool:
    """Whether there is mail anywhere in the tree that is not handled."""
    return (node.mailbox is not None and node.mailbox.depth > 0) or any(_waiting(child) for child in node.children)
