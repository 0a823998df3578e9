"""A subscriber of what was journaled: the Python client must understand all of it, and see what the daemon sees."""

from collections.abc import Iterator
from typing import Final

from mission_control.client.session import Session
from mission_control.client.states import Backoff
from mission_control.core.events import encode
from mission_control.core.frames import Policy, Welcome, events_frame, snapshot_frame, text
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.core.views import Snapshot
from tests.fuzz.daemon import EPOCH, Journal

FRAME_EVENTS: Final = 64


def check_subscriber(journal: Journal) -> None:
    """Nothing is lost, doubled or not understood on the way to someone who listened from the beginning."""
    session = Session(token=None, select=EVERYTHING, cursor=None, backoff=Backoff(), chance=lambda: 0.0)
    session.start(0)
    session.opened(0)
    for frame in _frames(journal):
        session.received(frame, 0)
    assert (session.link, session.malformed, session.duplicates, session.gaps) == ("live", 0, 0, 0), (
        f"{session.link}: {session.malformed} malformed, {session.duplicates} doubled, {session.gaps} missing"
    )
    assert session.cursor == journal.cursor
    assert session.view.snapshot(journal.cursor) == journal.snapshot(), "the client sees another state than the daemon"


def _frames(journal: Journal) -> Iterator[str]:
    start = Cursor(EPOCH, 0)
    policy = Policy(ping_interval_ms=10_000, max_buffer_bytes=1, flush_interval_ms=1, retention={})
    yield text(Welcome("session", "snapshot", "first", start, 0, 0, policy, "live"))
    yield snapshot_frame(encode(Snapshot(start, [], [], [], [])), "first")
    offset = 0
    for index in range(0, len(journal.events), FRAME_EVENTS):
        events = journal.events[index : index + FRAME_EVENTS]
        offset = max((event.offset for event in events if event.offset is not None), default=offset)
        yield events_frame(map(encode, events), offset)
