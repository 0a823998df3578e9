"""Drafts as short as they can be written, and a clock that only moves when told."""

from attrs import define

from mission_control.core.events import Activity, AgentKey, Chunk, Clocks, Draft, Final, FinalState, Heartbeat, Status

ALPHA: AgentKey = ("gw", "alpha")
BETA: AgentKey = ("gw", "beta")
OTHER: AgentKey = ("gw2", "alpha")


@define
class FakeClock:
    """The time in ms."""

    at: int = 1_000_000

    def __call__(self) -> int:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


def chunk(
    message: str,
    index: int,
    delta: str = "word ",
    *,
    of: AgentKey = ALPHA,
    session: str = "main",
    event_id: str | None = None,
    timestamp: int | None = None,
) -> Draft:
    return Draft(
        event_id=event_id or f"{message}#{index}",
        timestamp=index if timestamp is None else timestamp,
        gateway=of[0],
        agent_id=of[1],
        payload=Chunk(message, f"run-{message}", session, "assistant", index, delta, index * len(delta)),
    )


def final(
    message: str,
    text: str = "word word ",
    *,
    of: AgentKey = ALPHA,
    session: str = "main",
    state: FinalState = "complete",
    event_id: str | None = None,
    timestamp: int = 500,
) -> Draft:
    return Draft(
        event_id=event_id or f"{message}#final",
        timestamp=timestamp,
        gateway=of[0],
        agent_id=of[1],
        payload=Final(message, f"run-{message}", session, "assistant", text, state, 0),
    )


def activity(name: str, kind: str = "tool.started", *, of: AgentKey = ALPHA, timestamp: int = 1) -> Draft:
    return Draft(name, timestamp, of[0], of[1], Activity(kind, f"{kind} {name}", run_id="run", session="main"))


def beat(name: str, *, of: AgentKey = ALPHA, at: int = 7, ephemeral: bool = True) -> Draft:
    payload = Heartbeat("online", "online", "beating", Clocks(transport_at=at))
    return Draft(name, at, of[0], of[1], payload, ephemeral)


def status(name: str, state: str = "connected", *, gateway: str = "gw", timestamp: int = 1) -> Draft:
    payload = Status("gateway", gateway, state, f"{gateway} is {state}", kind="clawdbot", attempt=1)
    return Draft(name, timestamp, gateway, None, payload)
