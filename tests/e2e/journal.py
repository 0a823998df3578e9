"""The daemon's journal, read over HTTP, and what must hold of it whatever happened."""

import json
import urllib.request
from collections import defaultdict
from typing import Any

import trio

from mission_control.client import mirror, subscribe
from mission_control.core.events import Status, decode_payload
from mission_control.core.subscription import Cursor, Filter
from mission_control.core.views import GatewayView
from tests.e2e.wire import PATIENCE_S

Event = dict[str, Any]

PAGE = 1000


def get(url: str, path: str, token: str | None = None) -> Any:
    """The JSON that the daemon at `url` answers. Raises urllib.error.HTTPError."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url.rstrip("/") + path, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def journal(url: str) -> list[Event]:
    """Every event that the daemon at `url` has stored, in order."""
    page = get(url, f"/v1/events?limit={PAGE}")
    events: list[Event] = page["events"]
    while page["events"] and events[-1]["offset"] < page["head"]:
        page = get(url, f"/v1/events?limit={PAGE}&epoch={page['epoch']}&after={events[-1]['offset']}")
        events += page["events"]
    return events


def position(url: str) -> Cursor:
    """Where the journal of the daemon at `url` stands, as soon as nothing of what its gateways said is missing.

    Never before an event that somebody has seen: the snapshot that the copy begins with may be half a second old.
    """
    seen: int = get(url, "/v1/events?limit=1")["head"]

    async def wait() -> Cursor:
        with trio.fail_after(PATIENCE_S):
            async with mirror(_stream(url)) as copy:
                while (
                    copy.cursor is None
                    or copy.cursor.offset < seen
                    or not all(map(_is_caught_up, copy.view.gateways.values()))
                ):
                    await copy.changed()
                return copy.cursor

    return trio.run(wait)


def wait_caught_up(url: str, since: Cursor) -> None:
    """Wait until the daemon says so, after `since`: its gateway was lost, or it was itself, after that."""

    async def wait() -> None:
        with trio.fail_after(PATIENCE_S):
            select = Filter(types=frozenset({"system.status"}))
            async with subscribe(_stream(url), filter=select, cursor=since) as events:
                async for event in events:
                    status = decode_payload(event.type, event.payload)
                    if isinstance(status, Status) and _is_caught_up(status):
                        return

    trio.run(wait)


def _stream(url: str) -> str:
    return url.rstrip("/").replace("http://", "ws://") + "/v1/stream"


def _is_caught_up(gateway: GatewayView | Status) -> bool:
    return gateway.state == "connected" and gateway.missing_since is None


def assert_exact(events: list[Event]) -> None:
    """Each event is there once, numbers have no holes, and messages are the sums of their chunks."""
    ids = [event["event_id"] for event in events]
    assert len(set(ids)) == len(ids)
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
    sequences: defaultdict[tuple[str, str] | None, list[int]] = defaultdict(list)
    for event in events:  # what is of no agent is counted by the daemon as a whole
        agent = event["agent_id"]
        sequences[agent and (event["gateway"], agent)].append(event["sequence"])
    for numbers in sequences.values():
        assert numbers == list(range(1, len(numbers) + 1))
    for message in messages(events).values():
        assert_whole(message)


def messages(events: list[Event]) -> dict[str, list[Event]]:
    """The chunks and finals of each message."""
    parts: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"].startswith("conversation."):
            parts[event["payload"]["message_id"]].append(event)
    return parts


def assert_whole(parts: list[Event]) -> None:
    """The chunks continue each other. A final comes once and last, and has the text that was streamed."""
    chunks = [event["payload"] for event in parts if event["type"] == "conversation.chunk"]
    finals = [event["payload"] for event in parts if event["type"] == "conversation.final"]
    assert [event["payload"] for event in parts] == chunks + finals
    assert [chunk["index"] for chunk in chunks] == list(range(len(chunks)))
    text = ""
    for chunk in chunks:
        assert chunk["start"] == len(text)
        text += chunk["delta"]
    assert len(finals) <= 1
    for final in finals:
        assert final["chunks"] == len(chunks)
        assert final["text"] == text or not chunks


def activities(events: list[Event], agent: str, kind: str) -> list[Event]:
    """The activity of one kind of an agent."""
    return [event for event in events if event["agent_id"] == agent and event["payload"].get("kind") == kind]
