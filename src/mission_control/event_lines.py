"""An event as one line for people."""

from datetime import datetime, tzinfo
from typing import Final

from rich.text import Text

from mission_control.core import events
from mission_control.printable import one_line

_STYLES: Final = {
    "online": "green",
    "connected": "green",
    "complete": "green",
    "degraded": "yellow",
    "reconnecting": "yellow",
    "interrupted": "yellow",
    "offline": "red",
    "disconnected": "red",
    "error": "red",
    "aborted": "red",
}

_TROUBLE: Final = {"failed": "error", "stalled": "degraded"}


def line(event: events.Event, zone: tzinfo | None = None) -> Text:
    """Time in ``zone`` (the local one), agent, what happened, and the gist of it. Nothing in it drives a terminal."""
    what, state, gist = _gist(event)
    return Text.assemble(
        (_clock(event.timestamp, zone), "dim"),
        "  ",
        (f"{one_line(event.agent_id or event.gateway):<14}", "bold"),
        "  ",
        (f"{one_line(what):<20}", _STYLES.get(state, "cyan")),
        "  ",
        one_line(gist),
    )


def _clock(timestamp: int, zone: tzinfo | None) -> str:
    try:
        return datetime.fromtimestamp(timestamp / 1000, zone).strftime("%H:%M:%S.%f")[:-3]
    except (OverflowError, OSError, ValueError):  # sources may send any number
        return "--:--:--.---"


def _gist(event: events.Event) -> tuple[str, str, str]:
    """What happened, the state that colours it, and the text to show."""
    match events.decode_payload(event.type, event.payload):
        case events.Chunk(role=role, delta=delta):
            return f"{role} …", "", delta
        case events.Final(role=role, state=state, text=text):
            return f"{role} {state}", state, text
        case events.Activity(kind=kind, title=title):
            return kind, _TROUBLE.get(kind.rpartition(".")[2], ""), title
        case events.Heartbeat(status=status, reason=reason):
            return status, status, reason
        case events.Status(component=component, state=state, detail=detail):
            return f"{component} {state}", state, detail
