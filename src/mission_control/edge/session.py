"""What a client's frame means: the stream protocol without I/O (docs/protocol.md, section 2).

A :class:`Session` takes frames and gives actions. It knows who is speaking and whether it has said hello; it does not
know the journal, the clock or the socket.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from mission_control.core.draft_check import LATEST
from mission_control.core.events import UNREADABLE, EventType
from mission_control.core.frames import MAX_CLIENT_FRAME, ClientFrame, CloseCode, Echo, WireFilter, decode_client_frame
from mission_control.core.subscription import EVERYTHING, Cursor, Filter, unknown_types
from mission_control.core.system_views import ClientView
from mission_control.edge.auth import MAX_SHOWN, is_operator
from mission_control.edge.services import Access, RenderReport

_RENDER_TIMES: Final = frozenset({"count", "p50", "p95", "p99", "max"})


@frozen
class Begin:
    """The client said hello and may look. ``client`` is what it says that it is."""

    select: Filter
    cursor: Cursor | None
    client: ClientView | None = None


@frozen
class Refilter:
    """The client wants to see something else from now on. ``id`` goes back with the answer."""

    select: Filter
    id: Echo


@frozen
class Answer:
    """A pong is due for this ``t``."""

    t: Echo


@frozen
class Measured:
    """The client told what it measured."""

    report: RenderReport


@frozen
class Refuse:
    """The connection must end: ``code`` and ``message`` go into the error frame, ``close_code`` into the close."""

    close_code: int
    code: str
    message: str


Action: TypeAlias = Begin | Refilter | Answer | Measured | Refuse


class Session:
    """One connection's side of the conversation. After a :class:`Refuse` it must not be asked again."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._greeted = False

    def receive(self, frame: str | bytes) -> Action | None:
        """What follows from a frame (text, or bytes when it was a binary one); None when nothing does."""
        if isinstance(frame, bytes):
            return _bad_request("Frames are text, not binary.")
        if len(frame) > MAX_CLIENT_FRAME or len(frame.encode()) > MAX_CLIENT_FRAME:
            limit = f"A frame may have {MAX_CLIENT_FRAME} bytes."
            return Refuse(CloseCode.TOO_LARGE, "frame_too_large", limit)
        try:
            decoded = decode_client_frame(frame)
        except UNREADABLE as error:
            return _bad_request(f"The frame cannot be read: {error}.")
        if not self._greeted:
            return self._hello(decoded)
        return _continue(decoded)

    def _hello(self, frame: ClientFrame) -> Action:
        if frame.op != "hello":
            return _bad_request(f"The first frame must be hello, not {frame.op[:40]!r}.")
        if not is_operator(self._access, frame.token):
            return Refuse(CloseCode.UNAUTHENTICATED, "unauthenticated", _why_not(frame))
        select = _filter(frame.filter)
        if isinstance(select, Refuse):
            return select
        self._greeted = True
        return Begin(select, frame.cursor, _client(frame.client))


def _continue(frame: ClientFrame) -> Action | None:
    match frame.op:
        case "ping":
            return Answer(frame.t)
        case "filter":
            if frame.filter is None:
                return _bad_request("A filter frame needs the field filter.")
            select = _filter(frame.filter)
            return select if isinstance(select, Refuse) else Refilter(select, frame.id)
        case "report":
            report = _report(frame)
            return None if report is None else Measured(report)
        case "hello":
            return _bad_request("Only the first frame may be hello.")
        case _:
            return None


def _filter(wanted: WireFilter | None) -> Filter | Refuse:
    select = EVERYTHING if wanted is None else wanted.value()
    if unknown := unknown_types(select.types):
        known = ", ".join(EventType)
        return _bad_request(f"Unknown types in the filter: {', '.join(unknown)}. Known are {known}, and families (.*).")
    return select


def _client(said: Mapping[str, Any] | None) -> ClientView | None:
    """None when it has no name: that is not worth a connection."""
    name, version = ((said or {}).get(key) for key in ("name", "version"))
    if not isinstance(name, str) or not name:
        return None
    return ClientView(name[:MAX_SHOWN], version[:MAX_SHOWN] if isinstance(version, str) else None)


def _report(frame: ClientFrame) -> RenderReport | None:
    """None when it is incomplete, or was not measured: that is not worth a connection."""
    times = {name: value for name, value in (frame.render_ms or {}).items() if value is not None}
    if not times.keys() >= _RENDER_TIMES or max(*times.values(), frame.duplicates, frame.gaps) > LATEST:
        return None
    return RenderReport(
        times["count"], times["p50"], times["p95"], times["p99"], times["max"], frame.duplicates, frame.gaps
    )


def _why_not(hello: ClientFrame) -> str:
    if hello.token is not None:
        return "This is not the operator token."
    if hello.ticket is not None:
        return "This daemon takes no tickets: send the operator token."
    return "The operator token is missing."


def _bad_request(message: str) -> Refuse:
    return Refuse(CloseCode.BAD_REQUEST, "bad_request", message)
