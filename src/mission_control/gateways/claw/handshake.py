"""Connecting: who we say we are, what we ask for, and what a refusal means for the operator."""

from collections.abc import Sequence
from typing import Any
from typing import Final as Constant

import msgspec
from attrs import evolve, field, frozen

from mission_control.gateways.clawdbot.frames import Hello
from mission_control.gateways.dialect import Established, Later, Refused
from mission_control.settings import Secret, masked

PROTOCOLS: Constant = (3, 4)
"""The lowest and the highest version that we speak, and all between."""
CLOCK_TOLERANCE_MS: Constant = 5_000
"""How far the gateway's clock may differ from ours before it is worth a warning; the network's delay is in it."""
CONNECT_ID: Constant = "mc-connect"
SCOPES: Constant = ("operator.read",)
"""We only observe. Scopes must be claimed: who claims none gets all of them from Clawdbot and none from OpenClaw."""
_FROM_HERE: Constant = "reach the gateway over loopback: run Mission Control on its machine, or through an SSH tunnel"
_SOONEST_MS, _LATEST_MS = 100, 10_000
"""Between these a gateway may choose when we come again."""


@frozen
class Credentials:
    """How we present ourselves. ``instance_id`` stays the same over connections and restarts."""

    instance_id: str
    version: str
    token: str | None = field(default=None, repr=False)


def connect(credentials: Credentials) -> str:
    """The ``connect`` request as text. The client's id and mode are from the gateway's closed list."""
    lowest, highest = PROTOCOLS
    params: dict[str, Any] = {
        "minProtocol": lowest,
        "maxProtocol": highest,
        "client": {
            "id": "gateway-client",
            "displayName": "Mission Control",
            "version": credentials.version,
            "platform": "python",
            "mode": "backend",
            "instanceId": credentials.instance_id,
        },
        "role": "operator",
        "scopes": list(SCOPES),
        "caps": ["tool-events"],
    }
    if credentials.token is not None:
        params["auth"] = {"token": credentials.token}
    frame = {"type": "req", "id": CONNECT_ID, "method": "connect", "params": params}
    return msgspec.json.encode(frame).decode()


def established(hello: Hello, credentials: Credentials, ahead: int) -> Established:
    """Who answered, and what the operator should know of it. ``ahead``: how far its clock is ahead of ours, in ms."""
    where = "" if hello.server.host is None else f" on {hello.server.host}"
    detail = f"gateway {hello.server.version}{where}, protocol {hello.protocol}"
    warnings = [warning for warning in (_scope_warning(hello, credentials), _clock_warning(ahead)) if warning]
    return Established(detail, warnings, hello.protocol, _granted(hello, credentials.instance_id))


def _scope_warning(hello: Hello, credentials: Credentials) -> str | None:
    granted = _granted(hello, credentials.instance_id)
    if granted is None or any(scope in granted for scope in ("operator.read", "operator.admin")):
        return None
    scopes = ", ".join(granted) or "nothing"
    remedy = "allow that scope there" if hello.protocol == 3 else _FROM_HERE
    return f"the gateway granted {scopes}, not operator.read: agents' events will not arrive; {remedy}"


def _clock_warning(ahead: int) -> str | None:
    if abs(ahead) < CLOCK_TOLERANCE_MS:
        return None
    seconds, where = abs(ahead) // 1000, "ahead of" if ahead > 0 else "behind"
    return (
        f"the gateway's clock is {seconds} s {where} this machine's, and its times are shown as it tells them: set it"
    )


def refused(error: dict[str, Any] | None, credentials: Credentials) -> Refused | Later:
    """A refusal of ``connect``, with what to do about it. The gateway's words are shown to everyone who may look, and
    they may repeat the token."""
    refusal = _refusal(error or {}, credentials)
    if credentials.token is None:
        return refusal
    return evolve(refusal, reason=masked(refusal.reason, [Secret(credentials.token)]))


def _refusal(error: dict[str, Any], credentials: Credentials) -> Refused | Later:
    details = error.get("details")
    details = details if isinstance(details, dict) else {}
    message = str(error.get("message") or "no reason given")
    after = error.get("retryAfterMs")
    if error.get("code") == "UNAVAILABLE" and isinstance(after, int | float):
        return Later(message, int(min(max(after, _SOONEST_MS), _LATEST_MS)))
    if "protocol" in message:
        return foreign(details.get("expectedProtocol"), message)
    if error.get("code") == "NOT_PAIRED" and credentials.token is not None:
        return Refused(message, f"only paired devices may connect from elsewhere, and this is none: {_FROM_HERE}")
    if "token" in message or "device identity" in message or "password" in message:
        return Refused(
            message, "set the gateway's own token (its gateway.auth.token): --gateway-token, or gateways[].token"
        )
    return Refused(message, "look into the gateway's log for the reason")


def foreign(theirs: Any, message: str = "protocol mismatch") -> Refused:
    """A gateway that speaks no version of ours."""
    lowest, highest = PROTOCOLS
    remedy = f"this version speaks gateway protocols {lowest} to {highest}, the gateway wants {theirs or 'another'}"
    return Refused(message, f"{remedy}: use a gateway or a Mission Control of a matching version")


def _granted(hello: Hello, instance_id: str) -> Sequence[str] | None:
    """The scopes that the gateway says it granted, or that its presence list shows for us; None if it tells neither."""
    if hello.auth.scopes is not None:
        return hello.auth.scopes
    for entry in hello.snapshot.presence or ():
        if entry.instanceId == instance_id:
            return entry.scopes or ()
    return None
