"""Connecting: who we say we are, what we ask for, and what a refusal means for the operator."""

from collections.abc import Sequence
from typing import Any
from typing import Final as Constant

import msgspec
from attrs import field, frozen

from mission_control.gateways.clawdbot.frames import Hello
from mission_control.gateways.dialect import Established, Refused

PROTOCOL: Constant = 3
CLOCK_TOLERANCE_MS: Constant = 5_000
"""How far the gateway's clock may differ from ours before it is worth a warning; the network's delay is in it."""
CONNECT_ID: Constant = "mc-connect"
SCOPES: Constant = ("operator.read",)
"""We only observe. Scopes must be claimed: a gateway grants everything to a client that claims nothing."""


@frozen
class Credentials:
    """How we present ourselves. ``instance_id`` stays the same over connections and restarts."""

    instance_id: str
    version: str
    token: str | None = field(default=None, repr=False)


def connect(credentials: Credentials) -> str:
    """The ``connect`` request as text. The client's id and mode are from the gateway's closed list."""
    params: dict[str, Any] = {
        "minProtocol": PROTOCOL,
        "maxProtocol": PROTOCOL,
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
    detail = f"gateway {hello.server.version} on {hello.server.host}, protocol {hello.protocol}"
    warnings = [warning for warning in (_scope_warning(hello, credentials), _clock_warning(ahead)) if warning]
    return Established(detail, warnings)


def _scope_warning(hello: Hello, credentials: Credentials) -> str | None:
    granted = _granted(hello, credentials.instance_id)
    if granted is None or any(scope in granted for scope in ("operator.read", "operator.admin")):
        return None
    scopes = ", ".join(granted) or "nothing"
    return f"the gateway granted {scopes}, not operator.read: agents' events will not arrive; allow that scope there"


def _clock_warning(ahead: int) -> str | None:
    if abs(ahead) < CLOCK_TOLERANCE_MS:
        return None
    seconds, where = abs(ahead) // 1000, "ahead of" if ahead > 0 else "behind"
    return (
        f"the gateway's clock is {seconds} s {where} this machine's, and its times are shown as it tells them: set it"
    )


def refused(error: dict[str, Any] | None) -> Refused:
    """A refusal of ``connect``, with what to do about it."""
    message = str((error or {}).get("message") or "no reason given")
    if "protocol" in message:
        details = (error or {}).get("details")
        theirs = details.get("expectedProtocol") if isinstance(details, dict) else None
        remedy = f"this version speaks gateway protocol {PROTOCOL}, the gateway wants {theirs or 'another'}"
        return Refused(message, f"{remedy}: use a gateway or a Mission Control of a matching version")
    if "token" in message or "device identity" in message or "password" in message:
        return Refused(
            message, "set the gateway's own token (its gateway.auth.token): --gateway-token, or gateways[].token"
        )
    return Refused(message, "look into the gateway's log for the reason")


def _granted(hello: Hello, instance_id: str) -> Sequence[str] | None:
    """The scopes that the gateway's presence list shows for us, None if we are not in it."""
    for entry in hello.snapshot.presence or ():
        if entry.instanceId == instance_id:
            return entry.scopes or ()
    return None
