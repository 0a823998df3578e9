"""The REST API: the same state and the same envelopes as on the stream, for whoever would rather ask (docs/protocol.md,
section 3). It only reads.
"""

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mission_control import __version__
from mission_control.core.events import AgentKey
from mission_control.core.frames import PROTOCOL
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.views import AgentView
from mission_control.edge.auth import bearer_token, is_operator
from mission_control.edge.metrics import exposition
from mission_control.edge.problems import SEALED, Problem, bad_parameter, json_response
from mission_control.edge.query import MAX_OFFSET, Query
from mission_control.edge.services import Services
from mission_control.stores.journal import Page

MESSAGES_PAGE: Final = (50, 200)
"""How many messages a page has by default, and at most; likewise below."""
FEED_PAGE: Final = (100, 1_000)
EVENTS_PAGE: Final = (1_000, 1_000)

_AGENTS_ALONE: Final = frozenset({"heartbeat"})
"""Types under which a snapshot has agents but neither messages nor feed."""


class Api:
    """The endpoints; each is one method."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._journal = services.journal

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.metrics),
            Route("/v1/config", self.config),
            Route("/v1/stream", self.stream_without_upgrade),
            Route("/v1/snapshot", self.snapshot),
            Route("/v1/agents", self.agents),
            Route("/v1/agents/{id}", self.agent),
            Route("/v1/agents/{id}/messages", self.messages),
            Route("/v1/feed", self.feed),
            Route("/v1/events", self.events),
        ]

    async def alive(self, request: Request) -> Response:
        return json_response({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Anyone learns whether; whoever may look learns also why not."""
        reasons = self._services.unready()
        body: dict[str, Any] = {"ready": not reasons}
        if is_operator(self._services.access, bearer_token(request.headers.get("authorization"))):
            body["reasons"] = reasons
        return json_response(body, 503 if reasons else 200)

    async def metrics(self, request: Request) -> Response:
        body, content_type = await exposition(self._services, request.headers.get("accept", ""))
        return Response(body, headers={**SEALED, "content-type": content_type})

    async def config(self, request: Request) -> Response:
        """What a client has to know before it can sign in."""
        mode = "none" if self._services.access.token is None else "token"
        source = self._services.source
        return json_response({"auth": {"mode": mode}, "protocol": PROTOCOL, "source": source, "version": __version__})

    async def stream_without_upgrade(self, request: Request) -> Response:
        detail = "The stream is a WebSocket: open it with a WebSocket client."
        raise Problem(426, "upgrade_required", detail, headers={"Upgrade": "websocket", "Connection": "Upgrade"})

    async def snapshot(self, request: Request) -> Response:
        select = Query(request, "agents", "types", "gateways").filter()
        return json_response(await self._journal.snapshot(select))

    async def agents(self, request: Request) -> Response:
        Query(request)
        snapshot = await self._journal.snapshot(Filter(types=_AGENTS_ALONE))
        return json_response({"cursor": snapshot.cursor, "agents": snapshot.agents})

    async def agent(self, request: Request) -> Response:
        gateway = Query(request, "gateway").text("gateway")
        cursor, view = await self._find_agent(request.path_params["id"], gateway)
        return json_response({"cursor": cursor, "agent": view})

    async def messages(self, request: Request) -> Response:
        query = Query(request, "gateway", "session", "before", "limit")
        session, before, limit = query.text("session"), query.before(), query.limit(*MESSAGES_PAGE)
        key = await self._key(request.path_params["id"], query.text("gateway"))
        # One more than the page holds: whether it is there tells whether there is a next page.
        found = await self._journal.conversation(key, session=session, before=before, limit=limit + 1)
        page = found[:limit]
        return self._history(messages=page, following=page[-1].offset if len(found) > limit else None)

    async def feed(self, request: Request) -> Response:
        query = Query(request, "agent", "gateway", "kind", "before", "limit")
        agent, gateway = query.text("agent"), query.text("gateway")
        kinds, before, limit = query.kinds("kind"), query.before(), query.limit(*FEED_PAGE)
        if agent is None and gateway is not None:
            raise bad_parameter("gateway", "it without agent", "it together with agent, or neither")
        key = None if agent is None else await self._key(agent, gateway)
        found = await self._journal.feed(key=key, kinds=kinds, before=before, limit=limit + 1)
        page = found[:limit]
        return self._history(events=page, following=page[-1].offset if len(found) > limit else None)

    async def events(self, request: Request) -> Response:
        """A page of the journal. Without ``after`` it begins with the oldest event there is."""
        query = Query(request, "after", "epoch", "limit")
        after, epoch, limit = query.number("after", 0, MAX_OFFSET), query.text("epoch"), query.limit(*EVENTS_PAGE)
        page = await self._journal.read(after or 0, limit, EVERYTHING)
        _check_continues(page, after, epoch)
        return json_response({"epoch": page.bounds.epoch, "events": page.events, "head": page.bounds.head})

    def _history(self, *, following: int | None, **items: Sequence[Any]) -> Response:
        """A page of history; ``following`` is the ``before`` of the page after it."""
        return json_response({"epoch": self._journal.bounds().epoch, **items, "next": following})

    async def _key(self, agent_id: str, gateway: str | None) -> AgentKey:
        _, view = await self._find_agent(agent_id, gateway)
        return view.gateway, view.id

    async def _find_agent(self, agent_id: str, gateway: str | None) -> tuple[Cursor, AgentView]:
        """The one agent of that id, and the cursor at which its state holds."""
        gateways = frozenset() if gateway is None else frozenset({gateway})
        snapshot = await self._journal.snapshot(Filter(frozenset({agent_id}), _AGENTS_ALONE, gateways))
        match snapshot.agents:
            case []:
                where = "" if gateway is None else f" at gateway {gateway}"
                raise Problem(404, "unknown_agent", f"There is no agent {agent_id}{where}.")
            case [view]:
                return snapshot.cursor, view
            case several:
                names = sorted(view.gateway for view in several)
                detail = f"Several gateways have an agent {agent_id}: add gateway= with one of {', '.join(names)}."
                raise Problem(409, "ambiguous_agent", detail, {"gateways": names})


def _check_continues(page: Page, after: int | None, epoch: str | None) -> None:
    """Events may be missing between ``after`` and the page only where compaction took chunks of finished messages."""
    bounds = page.bounds
    if epoch is not None and epoch != bounds.epoch:
        code, why = "epoch_changed", f"this journal is of epoch {bounds.epoch}, whose offsets are its own"
    elif after is not None and after > bounds.head:
        code, why = "ahead", f"the journal ends at offset {bounds.head}"
    elif after is not None and after < page.trimmed_to:
        code, why = "expired", f"only events after offset {page.trimmed_to} are kept"
    else:
        return
    members = {"epoch": bounds.epoch, "head": bounds.head, "kept_after": page.trimmed_to}
    raise Problem(410, code, f"Reading cannot go on from there: {why}.", members)
