"""``tail``: what it tells of the connection, beside the events."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from attrs import frozen

from mission_control import tail
from mission_control.client import Jump, RefusedError
from mission_control.core import events
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.settings import Secret
from mission_control.tail import UnreachableError, explain, follow
from mission_control.target import Target

DAEMON = Target("ws://127.0.0.1:8700/v1/stream", Secret("hidden"))
EVENT = events.Event("e", 0, "alpha", "activity.event", msgspec.Raw(b"{}"), 1, "office", 1)


@frozen
class State:
    name: str
    why: str


async def followed(monkeypatch: pytest.MonkeyPatch, *happenings: events.Event | State | Jump) -> tuple[int, list[str]]:
    """How many events are shown and what is told when these things happen to the subscription."""

    @asynccontextmanager
    async def subscribe(
        url: str, *, on_state: Callable[[str, str], None], on_jump: Callable[[Jump], None], **_: Any
    ) -> AsyncIterator[AsyncIterator[events.Event]]:
        async def stream() -> AsyncIterator[events.Event]:
            for happening in happenings:
                await trio.lowlevel.checkpoint()
                if isinstance(happening, State):
                    on_state(happening.name, happening.why)
                elif isinstance(happening, Jump):
                    on_jump(happening)
                else:
                    yield happening

        yield stream()

    monkeypatch.setattr(tail, "subscribe", subscribe)
    shown: list[events.Event] = []
    told: list[str] = []
    await follow(DAEMON, EVERYTHING, shown.append, told.append)
    return len(shown), told


async def test_a_daemon_that_was_never_there_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong URL is an error, not a wait without end."""
    with pytest.raises(UnreachableError, match="refused"):
        await followed(monkeypatch, State("reconnecting", "refused"), State("connected", ""), EVENT)


async def test_a_daemon_that_comes_back_is_followed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of the daemon is told, and costs nothing."""
    lost = State("reconnecting", "lost")
    shown, told = await followed(
        monkeypatch, State("connected", "first"), EVENT, lost, lost, State("connected", "continued"), EVENT
    )
    assert shown == 2
    assert told == ["reconnecting: lost", "reconnecting: lost", "connected: continued"]


async def test_missed_events_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap in the output is never silent; the beginning is no gap."""
    first = Jump("first", None, Cursor("e", 1))
    expired = Jump("expired", Cursor("e", 1), Cursor("e", 9))
    shown, told = await followed(monkeypatch, State("connected", "first"), first, EVENT, expired, EVENT)
    assert (shown, told) == (2, ["events were missed (expired): those after 1 up to 9"])


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (UnreachableError("no\x1b[2J answer"), "is it running"),
        (RefusedError(4401, "unauthenticated", "The token is missing."), "missing; give the operator token"),
        (RefusedError(4400, "bad_request", "Unknown type."), "Unknown type"),
    ],
)
def test_a_refusal_is_explained_with_the_remedy(error: Exception, hint: str) -> None:
    """The message names the daemon, says what to do, shows no token and drives no terminal."""
    text = explain(error, DAEMON)
    assert text is not None
    assert text.startswith("ws://127.0.0.1:8700/v1/stream: ")
    assert hint in text
    assert "hidden" not in text
    assert "\x1b" not in text
    assert explain(ValueError("bug"), DAEMON) is None
