"""The gateway's frames as types: only the fields that are used. Unknown fields are ignored."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from attrs import Factory, frozen

from mission_control.core.draft_check import LATEST as LARGEST

_NULL = msgspec.Raw(b"null")
_EMPTY = msgspec.Raw(b"{}")


Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""What counts: frames are missing between one and the next, and there is no such number of them."""
LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: no clock says more, and no journal could keep it."""


def sane(time: int) -> int:
    """A time (ms) as a gateway tells it, within what can be a time at all."""
    return min(max(time, 0), LATEST)


@frozen
class Head:
    """Any frame. ``payload`` stays raw until it is known what it is."""

    type: str
    event: str | None = None
    id: str | None = None
    ok: bool | None = None
    payload: msgspec.Raw = _NULL
    error: dict[str, Any] | None = None
    seq: Number | None = None


@frozen
class AgentEvent:
    """``agent``: one step of a run. Without ``seq`` it is the gateway's own note about its stream."""

    runId: str  # noqa: N815 - the wire's names
    stream: str
    ts: int
    data: msgspec.Raw = _EMPTY
    seq: int | None = None
    sessionKey: str | None = None  # noqa: N815
    agentId: str | None = None  # noqa: N815


@frozen
class AssistantData:
    text: str = ""
    delta: str = ""


@frozen
class ChatMessage:
    content: list[dict[str, Any]] | str | None = None
    timestamp: int | None = None


@frozen
class ChatEvent:
    """``chat``: the state of a run as chat clients see it. ``delta`` repeats what ``agent`` events say better."""

    runId: str  # noqa: N815
    state: str
    sessionKey: str | None = None  # noqa: N815
    seq: int | None = None
    message: ChatMessage | None = None
    errorMessage: str | None = None  # noqa: N815
    stopReason: str | None = None  # noqa: N815


@frozen
class Challenge:
    """``connect.challenge``: ``ts`` is the gateway's time."""

    ts: int | None = None


@frozen
class HealthHeartbeat:
    enabled: bool = False
    everyMs: int | None = None  # noqa: N815


@frozen
class HealthAgent:
    agentId: str  # noqa: N815
    name: str | None = None
    heartbeat: HealthHeartbeat | None = None


@frozen
class Health:
    ts: int = 0
    defaultAgentId: str | None = None  # noqa: N815
    agents: list[HealthAgent] | None = None


@frozen
class Shutdown:
    """``shutdown``: the gateway ends its connections next."""

    reason: str = ""


@frozen
class PresenceEntry:
    """A client, or the gateway itself: then its time is when it was written down, which is now."""

    reason: str | None = None
    ts: int | None = None
    instanceId: str | None = None  # noqa: N815
    scopes: list[str] | None = None


@frozen
class HelloSnapshot:
    uptimeMs: float = 0  # noqa: N815
    health: Health | None = None
    presence: list[PresenceEntry] | None = None

    @property
    def said_at(self) -> int | None:
        """When the gateway said this, by its own clock, in ms; None if it does not tell."""
        times = (entry.ts for entry in self.presence or () if entry.reason == "self")
        said = next(times, None)
        return None if said is None else sane(said)


@frozen
class HelloServer:
    version: str = "unknown"
    host: str | None = None
    bootId: str | None = None  # noqa: N815


@frozen
class HelloPolicy:
    tickIntervalMs: int = 30_000  # noqa: N815


@frozen
class HelloAuth:
    scopes: list[str] | None = None


@frozen
class Hello:
    """The payload of the answer to ``connect``. Only protocol 4 tells ``bootId`` and ``auth``, only 3 a host."""

    protocol: int
    auth: HelloAuth = HelloAuth()
    server: HelloServer = HelloServer()
    snapshot: HelloSnapshot = HelloSnapshot()
    policy: HelloPolicy = HelloPolicy()


@frozen
class SessionRow:
    key: str
    updatedAt: int | None = None  # noqa: N815


@frozen
class SessionList:
    sessions: list[SessionRow] = Factory(list)


@frozen
class HistoryMessage:
    role: str
    content: list[dict[str, Any]] | str | None = None
    timestamp: int | None = None
    stopReason: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815
    model: str | None = None
    usage: dict[str, Any] | None = None
    toolCallId: Any = None  # noqa: N815
    isError: Any = None  # noqa: N815
    details: Any = None


@frozen
class History:
    messages: list[HistoryMessage] = Factory(list)


def written(head: Head) -> bytes:
    """A frame much as it came: what is not read of it is not there, nor is the reason of a refusal."""
    fields = {"type": head.type, "event": head.event, "id": head.id, "ok": head.ok, "seq": head.seq}
    kept: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(kept if head.payload is _NULL else {**kept, "payload": head.payload})


head = msgspec.json.Decoder(Head).decode
agent_event = msgspec.json.Decoder(AgentEvent).decode
assistant_data = msgspec.json.Decoder(AssistantData).decode
chat_event = msgspec.json.Decoder(ChatEvent).decode
challenge = msgspec.json.Decoder(Challenge).decode
health = msgspec.json.Decoder(Health).decode
hello = msgspec.json.Decoder(Hello).decode
session_list = msgspec.json.Decoder(SessionList).decode
history_message = msgspec.json.Decoder(HistoryMessage).decode
history = msgspec.json.Decoder(History).decode
shutdown = msgspec.json.Decoder(Shutdown).decode
mapping = msgspec.json.Decoder(dict[str, Any]).decode
