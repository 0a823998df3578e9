"""What protocol 4 has beyond protocol 3, as types: only the fields that are used. Unknown fields are ignored."""

from typing import Any

import msgspec
from attrs import Factory, frozen

from mission_control.gateways.clawdbot.frames import AgentEvent


@frozen
class AssistantData:
    """``itemId`` names the message; ``text`` is all of it so far."""

    text: str = ""
    delta: str = ""
    itemId: str | None = None  # noqa: N815 - the wire's names


@frozen
class ItemData:
    """``item``: a step of a run as a client may list it. ``kind`` is ``tool`` for a tool call."""

    kind: str = ""
    phase: str = ""
    name: str = "tool"
    toolCallId: str = ""  # noqa: N815
    status: str | None = None
    meta: str | None = None


@frozen
class Job:
    agentId: str | None = None  # noqa: N815
    declarationKey: str | None = None  # noqa: N815


@frozen
class Cron:
    action: str = ""
    job: Job | None = None


@frozen
class Agent:
    id: str
    name: str | None = None


@frozen
class AgentList:
    agents: list[Agent] = Factory(list)


@frozen
class Own:
    """What OpenClaw notes of a stored message. Parts in which one answer of the model is shown share their ``id``."""

    id: str | None = None
    runId: str | None = None  # noqa: N815


class Note(msgspec.Struct, frozen=True, rename={"own": "__openclaw"}):
    """What a stored message has beyond protocol 3. A user's ``idempotencyKey`` is that of its run, with ``:user``."""

    role: str
    stopReason: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815
    idempotencyKey: str | None = None  # noqa: N815
    openclawAbort: dict[str, Any] | None = None  # noqa: N815
    own: Own = Own()


@frozen
class SessionMessage:
    """``session.message``: a message was stored."""

    sessionKey: str  # noqa: N815
    message: msgspec.Raw
    agentId: str | None = None  # noqa: N815


@frozen
class InFlight:
    """A run that is under way: the text of all that it said so far, and what its tools did."""

    runId: str  # noqa: N815
    text: str = ""
    startedAt: int = 0  # noqa: N815
    events: list[AgentEvent] = Factory(list)


@frozen
class SessionInfo:
    hasActiveRun: bool | None = None  # noqa: N815
    activeRunIds: list[str] | None = None  # noqa: N815


@frozen
class History:
    """What the answer to ``chat.history`` has beyond protocol 3."""

    messages: list[Note] = Factory(list)
    hasMore: bool = False  # noqa: N815
    inFlightRun: InFlight | None = None  # noqa: N815
    sessionInfo: SessionInfo = SessionInfo()  # noqa: N815


assistant_data = msgspec.json.Decoder(AssistantData).decode
item_data = msgspec.json.Decoder(ItemData).decode
agent_list = msgspec.json.Decoder(AgentList).decode
cron = msgspec.json.Decoder(Cron).decode
note = msgspec.json.Decoder(Note).decode
session_message = msgspec.json.Decoder(SessionMessage).decode
history = msgspec.json.Decoder(History).decode
