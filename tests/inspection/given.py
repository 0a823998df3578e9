"""Trees of all shapes as the daemon tells them, built with as few words as possible, and how they look."""

from typing import Any

from attrs import evolve
from rich.text import Text

from mission_control.core.actor_views import ActorsView, FailureView, LetterView, MailboxView, NodeView
from mission_control.inspection.charset import charset
from mission_control.inspection.picture import Frame, picture
from mission_control.inspection.watch import Moment

NOW = 1_700_000_000_000
URL = "http://127.0.0.1:8700"
EMPTY = MailboxView(
    depth=0,
    capacity=1_000,
    overflow="wait",
    in_hand=0,
    peak=9,
    oldest_age_s=0.0,
    waiting=0,
    handled=0,
    dead_lettered=0,
    refused=0,
    dropped=0,
    superseded=0,
    closed=False,
)


def failure(kind: str = "OSError", message: str = "disk full", *, seconds_ago: float = 12) -> FailureView:
    return FailureView(kind, message, "stores.sqlite:1 in append", NOW - int(seconds_ago * 1000))


def actor(name: str, /, state: str = "running", **changes: Any) -> NodeView:
    """An actor; ``changes`` are fields of its own or of its mailbox."""
    of_mailbox = {key: changes.pop(key) for key in list(changes) if hasattr(EMPTY, key)}
    node = NodeView(
        name=name,
        path=f"root/{name}",
        kind="actor",
        state=state,
        incarnation=1 + changes.get("restarts", 0),
        restarts=0,
        uptime_s=100.0,
        busy_s=25.0,
        busy_fraction=0.25,
        last_failure=None,
        mailbox=evolve(EMPTY, **of_mailbox),
        children=(),
    )
    return evolve(node, **changes)


def branch(name: str, *children: NodeView, kind: str = "supervisor", **changes: Any) -> NodeView:
    return evolve(actor(name), kind=kind, mailbox=None, children=children, **{"busy_s": 0.0, **changes})


def tree(*children: NodeView, uptime_s: float = 7_380) -> NodeView:
    return evolve(branch("root", *children), path="root", uptime_s=uptime_s)


def letter(serial: int, message: str = "Signal(…)", *, seconds_ago: float = 60) -> LetterView:
    raised = failure("ValueError", "no such run", seconds_ago=seconds_ago)
    return LetterView(f"3f9c2a-{serial}", "root/agents/alpha", message, raised, raised.timestamp)


def actors(*children: NodeView, letters: tuple[LetterView, ...] = (), **changes: Any) -> ActorsView:
    """The daemon's answer; ``uptime_s`` is that of the root, all else are its own fields."""
    uptime_s = changes.pop("uptime_s", 7_380)
    return evolve(ActorsView(NOW, "3f9c2a", tree(*children, uptime_s=uptime_s), letters), **changes)


def drawn(
    moment: Moment | ActorsView,
    *,
    width: int | None = None,
    height: int | None = None,
    encoding: str = "utf-8",
    everything: bool = False,
) -> list[Text]:
    """The lines of the picture."""
    if isinstance(moment, ActorsView):
        moment = Moment(moment)
    return picture(moment, URL, Frame(charset(encoding), width, height), everything=everything)


def plain(moment: Moment | ActorsView, **options: Any) -> str:
    return "\n".join(line.plain for line in drawn(moment, **options))


def line_of(name: str, moment: Moment | ActorsView, **options: Any) -> list[str]:
    """The words of the line of the tree that has ``name``."""
    (found,) = [line.split() for line in plain(moment, **options).splitlines() if name in line.split()]
    return found
