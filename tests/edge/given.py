"""What the edge is given in its tests: a journal in memory and figures that never change, with a client to ask it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx
from attrs import frozen
from starlette.types import Receive, Scope, Send

from actors.links import LinkState
from actors.outbox import Outbox
from actors.subscribers import Joined, SubscribersStatistics, TooFarBehind
from mission_control.core.events import Draft
from mission_control.core.frames import Policy
from mission_control.core.subscription import Filter
from mission_control.core.system_views import ClientView, SubscriberView
from mission_control.edge.app import build_app
from mission_control.edge.audience import Audience
from mission_control.edge.renders import RenderReports
from mission_control.edge.services import Access, LoopFigures, Services
from mission_control.edge.static import Dashboard
from mission_control.gateways.record import Record
from mission_control.stores.memory import MemoryJournal
from runtime import Failure, Kind, MailboxStatistics, State, TreeNode
from tests.stores.samples import FakeClock

TOKEN = "correct-horse"
HERE = "http://localhost:8700"
OPEN = Access(token=None, loopback_only=True)
GUARDED = Access(token=TOKEN, loopback_only=False)
BEARER = {"authorization": f"Bearer {TOKEN}"}
FAILURE = Failure("OSError", "disk full", "stores.sqlite:1 in append", 0.0)
PAGE = b'<html><script src="/_next/static/app.js"></script><script>start()</script></html>'


class Hub:
    """A registry that nobody joins."""

    async def join(self, outbox: Outbox, select: Filter, after: int) -> Joined | TooFarBehind:
        raise AssertionError("nobody joins here")

    def leave(self, outbox: Outbox) -> None:
        raise AssertionError("nobody joins here")

    def position(self, outbox: Outbox) -> int | None:
        raise AssertionError("nobody joins here")

    def statistics(self) -> SubscribersStatistics:
        return SubscribersStatistics(subscribers=0, overflows=2, frames=40, duplicates=5, published={"heartbeat": 8})


@frozen(eq=False)
class Fixed:
    """A subscriber that never changes."""

    lag: int

    def view(self) -> SubscriberView:
        return SubscriberView(
            session=f"lag-{self.lag}",
            transport="websocket",
            client=ClientView("dashboard", "1"),
            connected_at=1,
            offset=100 - self.lag,
            lag=self.lag,
            buffered_bytes=10 * self.lag,
            resets=0,
            filtered=False,
        )


@contextmanager
def audience(*lags: int) -> Iterator[Audience]:
    """Subscribers that are so many offsets behind."""
    there = Audience()
    with ExitStack() as stack:
        for lag in lags:
            stack.enter_context(there.joined_by(Fixed(lag)))
        yield there


class Stream:
    """Stands for the WebSocket endpoint."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": 1000})


def mailbox_of(depth: int) -> MailboxStatistics:
    return MailboxStatistics(
        depth=depth,
        capacity=1_000,
        in_hand=0,
        peak=depth,
        handled=9,
        dead_lettered=0,
        refused=0,
        waiting=0,
        closed=False,
        overflow="wait",
        dropped=0,
        superseded=0,
        oldest_age_s=0.0,
        busy_s=0.0,
    )


def node(
    path: str, kind: Kind = Kind.ACTOR, *children: TreeNode, depth: int | None = None, restarts: int = 0
) -> TreeNode:
    """A running node of the tree; ``depth`` is that of its mailbox, if it has one."""
    mailbox = None if depth is None else mailbox_of(depth)
    failure = FAILURE if restarts else None
    return TreeNode(path.split("/")[-1], path, kind, State.RUNNING, 1, restarts, 1.0, 0.0, failure, mailbox, children)


TREE = node(
    "root",
    Kind.SUPERVISOR,
    node("root/persistence", depth=4, restarts=1),
    node(
        "root/agents",
        Kind.POOL,
        node("root/agents/gw:alpha", depth=2),
        node("root/agents/gw:beta", depth=7, restarts=3),
    ),
    node("root/edge", Kind.SERVICE),
)


def links() -> Mapping[str, LinkState]:
    """One gateway that is up and one that is not."""
    asked, told = Record(), Record(repeated=4, missing=2)
    for _ in range(11):
        asked.asked.note("chat.history", 0)
    asked.odd.note_unknown("event", "foo", b"{}", 0)
    told.odd.note_malformed("not JSON", b"", 0)
    told.odd.note_oversized(9, b"", 0)
    return {"gw": LinkState(up=True, reconnects=2, record=asked), "gw2": LinkState(reconnects=9, record=told)}


def services(journal: MemoryJournal | None = None, clock: Callable[[], int] | None = None, **changes: Any) -> Services:
    """Open to everyone on loopback, ready and quiet, but for ``changes``."""
    clock = clock or FakeClock()
    renders = RenderReports(clock)
    plain: dict[str, Any] = {
        "journal": journal or MemoryJournal(clock),
        "subscribers": Hub(),
        "policy": Policy(ping_interval_ms=15_000, max_buffer_bytes=1_000, flush_interval_ms=50, retention={}),
        "replay_limit": 100,
        "source": "live",
        "access": OPEN,
        "clock": clock,
        "tree": lambda: TREE,
        "dead_letters": tuple,
        "retry": lambda letter: None,
        "discard": lambda letter: None,
        "unready": tuple,
        "gateways": links,
        "reconnect": lambda gateway: None,
        "loop": lambda: LoopFigures(0.25, 0.02),
        "reported": renders.add,
        "rendered": renders.figures,
    }
    return Services(**(plain | changes))


@asynccontextmanager
async def asking(given: Services, dashboard: Dashboard | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, without a network between them."""
    app = build_app(given, dashboard or Dashboard({"index.html": PAGE}), Stream())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


async def over(*drafts: Draft) -> Services:
    """The edge over a journal that holds these."""
    clock = FakeClock()
    journal = MemoryJournal(clock)
    await journal.append(drafts)
    return services(journal, clock)


async def refused(client: httpx.AsyncClient, url: str, method: str = "GET") -> dict[str, Any]:
    """The problem that a request meets, checked for what RFC 9457 asks of one."""
    answer = await client.request(method, url)
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem.keys() >= {"type", "title", "detail"}
    return problem
