"""Whether gateways can be had: greeted as the daemon greets them, under a name of our own, and left at once."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import trio

from actors.clock import wall_clock
from mission_control.app.dialects import make_dialect
from mission_control.console import POINT_AT_A_GATEWAY
from mission_control.core.subscription import Cursor
from mission_control.core.views import Snapshot
from mission_control.discovery import Choice
from mission_control.doctor.findings import Finding, told
from mission_control.gateways.dialect import Dialect, Established, Later, Order, Refused, Send
from mission_control.gateways.framing import Oversized
from mission_control.gateways.record import Record
from mission_control.gateways.transport import Link, LinkClosed, LinkFailed, open_link
from mission_control.settings import GatewaySettings

PATIENCE_S: Final = 15.0
"""For one gateway. Its dialect's own patience is shorter, and says more."""
NAME: Final = "doctor"
"""Stands where the daemon's own name is made of its journal's epoch."""

_NOTHING: Final = Snapshot(Cursor(NAME, 0), [], [], [], [])

_Answer: TypeAlias = Established | Refused | Later


def chosen(choice: Choice, *, asked_for: bool) -> Iterator[Finding]:
    """What a start would watch. ``asked_for``: the settings ask for a simulation."""
    for warning in choice.warnings:
        yield told("warning", "gateways", warning)
    if choice.simulated and asked_for:
        yield Finding("ok", "gateways", f"simulated, {choice.reason}")
    elif choice.simulated:
        yield Finding("warning", "gateways", f"{choice.reason}: a simulation would be shown", POINT_AT_A_GATEWAY)


async def greet(gateway: GatewaySettings) -> list[Finding]:
    check = f"gateway {gateway.id}"
    dialect = make_dialect(gateway, NAME, _NOTHING, {}, Record())
    try:
        with trio.move_on_after(PATIENCE_S):
            async with open_link(gateway.url, max_message=dialect.max_message) as link:
                return _found(check, await _greeting(dialect, link))
    except LinkFailed as error:
        return [Finding("problem", check, str(error), error.remedy)]
    except LinkClosed as error:
        remedy = "look into the gateway's log for the reason"
        return [Finding("problem", check, f"it ended the connection while being greeted: {error}", remedy)]
    text = f"no answer from {gateway.url} within {PATIENCE_S:.0f} s"
    return [Finding("problem", check, text, "is the gateway running there, and nothing else?")]


async def _greeting(dialect: Dialect, link: Link) -> _Answer:
    """What comes of the handshake. Nothing is asked of the gateway that does not belong to it."""
    orders: Sequence[Order] = dialect.opened(wall_clock())
    while (answer := _answer(orders)) is None:
        for order in orders:
            if isinstance(order, Send):
                await link.send(order.text)
        orders = await _next(dialect, link)
    return answer


async def _next(dialect: Dialect, link: Link) -> Sequence[Order]:
    due = dialect.due(wall_clock())
    frames: Sequence[bytes | Oversized] = ()
    with trio.move_on_after(float("inf") if due is None else max(0.0, (due - wall_clock()) / 1000)):
        frames = await link.receive()
    if not frames:
        return dialect.tick(wall_clock())
    orders: list[Order] = []
    for frame in frames:
        if isinstance(frame, bytes):
            orders += dialect.receive(frame, wall_clock())
    return orders


def _answer(orders: Sequence[Order]) -> _Answer | None:
    return next((order for order in orders if isinstance(order, Established | Refused | Later)), None)


def _found(check: str, answer: _Answer) -> list[Finding]:
    match answer:
        case Refused(reason, remedy):
            return [Finding("problem", check, reason, remedy)]
        case Later(reason, after):
            return [Finding("warning", check, f"not ready: {reason}", f"look again in {after / 1000:g} s")]
        case Established(detail, warnings, _, scopes):
            granted = "" if scopes is None else f", granted {', '.join(scopes) or 'nothing'}"
            return [Finding("ok", check, detail + granted), *(told("warning", check, warning) for warning in warnings)]
