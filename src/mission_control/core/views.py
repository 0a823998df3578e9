"""What an operator sees of gateways, agents and messages at one cursor: the parts of a snapshot.

Source: docs/protocol.md, section 2, "Snapshot".
"""

from typing import Literal, TypeAlias

from attrs import Factory, define, frozen
from msgspec import UNSET, UnsetType

from mission_control.core.events import AgentStatus, Clocks, Count, Event, FinalState, LinkStateName, Role
from mission_control.core.subscription import Cursor

MessageState: TypeAlias = Literal["streaming"] | FinalState


@define
class GatewayView:
    """The link to one gateway. Times are in ms.

    ``missing_since`` is from when on something may be missing that is still to be brought in; None when all is there.
    """

    id: str
    kind: str
    state: LinkStateName
    since: int
    last_event_at: int | None = None
    attempt: Count = 0
    retry_at: int | None = None
    detail: str = ""
    missing_since: int | None = None


@define
class RunView:
    """A run that has started and not ended. Times are in ms.

    ``progress_at`` is when it last moved on, at first its start. ``stalled_since`` is there from a ``run.stalled`` to
    the next ``run.resumed``: its ``progress_at`` at the former. So it stands still while the two are equal.
    """

    run_id: str
    session: str
    started_at: int
    tool: str | None = None
    progress_at: int = 0
    stalled_since: int | UnsetType = UNSET

    def __attrs_post_init__(self) -> None:
        self.progress_at = self.progress_at or self.started_at


@define
class Counters:
    """How often each thing happened to an agent since its first event in this journal."""

    messages: Count = 0
    runs: Count = 0
    failures: Count = 0
    tools: Count = 0
    gaps: Count = 0


@define
class AgentView:
    """One agent. ``runs`` are its open runs, oldest first, and ``run`` the newest of them.

    ``listed`` is false before the gateway has announced the agent and after it has removed it.
    """

    id: str
    gateway: str
    name: str
    status: AgentStatus = "offline"
    reason: str = "not seen yet"
    clocks: Clocks = Factory(Clocks)
    sessions: list[str] = Factory(list)
    run: RunView | None = None
    runs: list[RunView] = Factory(list)
    listed: bool = False
    last_event_at: int | None = None
    counters: Counters = Factory(Counters)


@define
class MessageView:
    """A message, open or final. ``timestamp`` is when it began; ``offset`` is that of the last event that made it."""

    message_id: str
    agent_id: str
    gateway: str
    run_id: str
    session: str
    role: Role
    state: MessageState
    text: str
    timestamp: int
    offset: Count
    next_index: Count | UnsetType = UNSET
    error: str | UnsetType = UNSET


@frozen
class Snapshot:
    """The state a client would have had it seen every event up to ``cursor``."""

    cursor: Cursor
    gateways: list[GatewayView]
    agents: list[AgentView]
    messages: list[MessageView]
    feed: list[Event]


def last_heard(stored: Snapshot) -> int | None:
    """When its gateway, the only one in it, was last heard as far as is known, in ms.

    It says so itself whenever its link changes. While it is connected, what its agents did is newer; what is told of
    them without a connection was not heard.
    """
    known = [view.last_event_at for view in stored.gateways]
    if all(view.state == "connected" for view in stored.gateways):
        known += [view.last_event_at for view in stored.agents]
    return max((at for at in known if at is not None), default=None)
