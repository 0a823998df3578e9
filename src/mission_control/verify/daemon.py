"""A running daemon, asked for all that it tells: its journal, its conversations, its stream from the beginning."""

from typing import Final
from urllib.parse import quote, urlencode

import trio
from attrs import frozen

from mission_control.client import Jump, subscribe
from mission_control.core.events import Event
from mission_control.core.subscription import Cursor
from mission_control.core.views import MessageView
from mission_control.inspection.daemon import Daemon
from mission_control.target import Target
from mission_control.verify.readings import Conversations, Reading

_EVENTS_PAGE: Final = 1000
_MESSAGES_PAGE: Final = 200
STREAM_SECONDS: Final = 60.0
"""How long the stream may take to come to the head."""


@frozen
class _Events:
    epoch: str
    events: list[Event]
    head: int


@frozen
class _Agent:
    id: str
    gateway: str


@frozen
class _Agents:
    agents: list[_Agent]


@frozen
class _Messages:
    messages: list[MessageView]
    next: int | None


async def read_history(daemon: Daemon) -> tuple[Reading, Cursor]:
    """All that ``/v1/events`` gives, and the cursor after it. Raises DaemonError."""
    page = await daemon.get(f"/v1/events?limit={_EVENTS_PAGE}", _Events)
    epoch, events = page.epoch, list(page.events)
    while page.events:
        query = urlencode({"limit": _EVENTS_PAGE, "epoch": epoch, "after": events[-1].offset})
        page = await daemon.get(f"/v1/events?{query}", _Events)
        events += page.events
    begins_after = (events[0].offset or 1) - 1 if events else page.head
    head = events[-1].offset or 0 if events else page.head
    return Reading("history", tuple(events), begins_after), Cursor(epoch, head)


async def read_conversations(daemon: Daemon) -> Conversations:
    """Every agent's messages. Raises DaemonError."""
    found = await daemon.get("/v1/agents", _Agents)
    return Conversations("conversations", tuple([await _conversation(daemon, agent) for agent in found.agents]))


async def _conversation(daemon: Daemon, agent: _Agent) -> tuple[MessageView, ...]:
    messages: list[MessageView] = []
    before: dict[str, int] = {}
    while True:
        query = urlencode({"gateway": agent.gateway, "limit": _MESSAGES_PAGE, **before})
        page = await daemon.get(f"/v1/agents/{quote(agent.id, safe='')}/messages?{query}", _Messages)
        messages += page.messages
        if page.next is None:
            return tuple(messages)
        before = {"before": page.next}


async def read_stream(target: Target, head: Cursor) -> Reading:
    """What a subscriber is given from the journal's beginning up to ``head``; where that cannot be replayed, from the
    snapshot on that it is given instead.

    Raises:
        RefusedError: of the client; the daemon does not serve it.
        trio.TooSlowError: it did not come to the head.
    """
    events: list[Event] = []
    begins_after = 0

    def on_jump(jump: Jump) -> None:
        nonlocal begins_after
        events.clear()
        begins_after = jump.after.offset
        if begins_after >= head.offset:
            done.cancel()

    token = None if target.token is None else target.token.reveal()
    with trio.fail_after(STREAM_SECONDS), trio.CancelScope() as done:
        if head.offset == 0:
            return Reading("stream", ())
        async with subscribe(target.url, token=token, cursor=Cursor(head.epoch, 0), on_jump=on_jump) as stream:
            async for event in stream:
                if event.offset is not None:
                    events.append(event)
                    if event.offset >= head.offset:
                        done.cancel()
    return Reading("stream", tuple(events), begins_after)
