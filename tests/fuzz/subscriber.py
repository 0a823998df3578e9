"""What a subscriber says to the daemon, over either transport.

The words of an input, besides those of ``script.py``:

=========== ==========================================================
``locked``  the daemon wants a token
``frame``   a text frame comes over the WebSocket
``binary``  a binary one does
``lose``    another connection is opened
``header``  a header of the next request, ``NAME: VALUE``
``get``     a request for Server-Sent Events with this query
=========== ==========================================================
"""

from typing import Final

from msgspec import UNSET
from starlette.requests import Request

from mission_control.client.decode import decode_frame
from mission_control.core.events import encode
from mission_control.core.frames import Echo, ErrorFrame, Pong, snapshot_frame, text
from mission_control.core.subscription import Bounds, Cursor, Filter, resume
from mission_control.core.views import Snapshot
from mission_control.edge.problems import Problem
from mission_control.edge.renders import RenderReports
from mission_control.edge.services import Access, RenderFigures
from mission_control.edge.session import Action, Answer, Begin, Measured, Refilter, Refuse, Session
from mission_control.edge.sse import hello_of
from tests.fuzz.daemon import EPOCH
from tests.fuzz.script import MOST_MS, Step

WORDS: Final = ("after", "again", "locked", "frame", "binary", "lose", "header", "get")
BOUNDS: Final = Bounds(EPOCH, 10, 100)
_BODY: Final = encode(Snapshot(BOUNDS.cursor, [], [], [], []))


class Door:
    """Where subscribers come in: a connection at a time, and what is kept of all of them."""

    def __init__(self) -> None:
        self._access = Access(None, loopback_only=True)
        self._session: Session | None = Session(self._access)
        self._now = 0
        self._reports = RenderReports(lambda: self._now)
        self._figures = RenderFigures()
        self._headers: list[tuple[bytes, bytes]] = []

    def play(self, step: Step) -> None:
        match step.word:
            case "after":
                self._now += min(step.number, MOST_MS)
            case "locked":
                self._access = Access("t", loopback_only=True)
                self._session = Session(self._access)
            case "frame":  # what is no UTF-8 does not get past the WebSocket
                self._receive(step.body.decode(errors="replace"))
            case "binary":
                self._receive(step.body)
            case "lose":
                self._session = Session(self._access)
            case "header":
                name, _, value = step.body.partition(b":")
                self._headers.append((name.strip().lower(), value.strip()))
            case "get":
                self._request(step.body)

    def check(self) -> None:
        """Everything was looked at as it came."""

    @property
    def roots(self) -> list[object]:
        return [self._reports]

    def _receive(self, frame: str | bytes) -> None:
        if self._session is not None:
            action = self._session.receive(frame)
            if isinstance(action, Refuse):
                self._session = None  # it must not be asked again
            self._heed(action)

    def _request(self, query: bytes) -> None:
        """A request that is no refusal amounts to a hello that the stream understands."""
        headers, self._headers = self._headers, []
        request = Request({"type": "http", "method": "GET", "headers": headers, "query_string": query})
        try:
            hello = hello_of(request)
        except Problem:
            return
        action = Session(self._access).receive(hello)
        assert isinstance(action, Begin) or (isinstance(action, Refuse) and action.code == "unauthenticated"), action
        self._heed(action)

    def _heed(self, action: Action | None) -> None:
        """What the daemon makes of it can be said, and its counters only grow."""
        match action:
            case Begin(select, cursor):
                self._begin(select, cursor)
            case Refilter(_, request_id):
                assert _shown(request_id) in snapshot_frame(_BODY, "filter", request_id)
            case Answer(t):
                assert _shown(t) in text(Pong(t, self._now))
            case Measured(report):
                self._reports.add(report)
                self._measure()
            case Refuse(_, code, message):
                assert decode_frame(text(ErrorFrame(code, message))).frame == ErrorFrame(code, message)
            case None:
                pass

    def _begin(self, select: Filter, cursor: Cursor | None) -> None:
        hash(select)  # subscribers are grouped by it
        if resume(cursor, BOUNDS, replay_limit=50) is None:
            assert cursor is not None
            assert BOUNDS.floor <= cursor.offset <= BOUNDS.head

    def _measure(self) -> None:
        """The scrape can write it: every figure is a number that Prometheus has."""
        before, self._figures = self._figures, self._reports.figures()
        now = self._figures
        for figure in (now.p50, now.p95, now.p99, now.max):
            float(figure)
        assert float(before.count) <= float(now.count)
        assert float(before.duplicates) <= float(now.duplicates)
        assert float(before.gaps) <= float(now.gaps)


def _shown(echo: Echo) -> str:
    """As it stands in the answer."""
    return "" if echo is UNSET else bytes(echo).decode()
