"""What a running daemon says of itself and of its gateways, judged."""

from collections.abc import Iterator, Mapping
from typing import Final

from mission_control import __version__
from mission_control.console import POINT_AT_A_GATEWAY
from mission_control.core.actor_views import ActorsView
from mission_control.core.diagnostic_views import DiagnosticsView, GatewayDiagnosis, OddFrameView
from mission_control.doctor.findings import Finding, told
from mission_control.inspection.figures import nodes
from mission_control.inspection.wording import ago, duration, number, several

_REMEDIES: Final[Mapping[str, str]] = {
    "unknown": "nothing else is left out for it; report it with these lines, so that it can be shown",
    "malformed": "look whether something stands between that changes or cuts it; else report it with these lines",
    "oversized": "it is left out; what was in it and is not in the gateway's history is not shown",
}


def diagnose(view: DiagnosticsView, actors: ActorsView) -> Iterator[Finding]:
    yield from _daemon(view)
    yield from _actors(actors)
    for gateway in view.gateways:
        yield from _gateway(gateway, view.time)


def _daemon(view: DiagnosticsView) -> Iterator[Finding]:
    for reason in view.unready:
        yield Finding("problem", "daemon", reason)
    if view.version != __version__:
        text = f"it is version {view.version}, and this command {__version__}"
        yield Finding("warning", "daemon", text, "restart the daemon if it was brought up to date")
    if view.source == "simulated":
        yield Finding("warning", "daemon", "what it shows is simulated", f"to watch a gateway: {POINT_AT_A_GATEWAY}")


def _actors(view: ActorsView) -> Iterator[Finding]:
    down = [node for node in nodes(view.tree) if node.state == "gave_up"]
    for node in down:
        # What an exception says may quote an agent.
        why = "" if node.last_failure is None else f": {node.last_failure.type} in {node.last_failure.where}"
        yield Finding("problem", "actors", f"{node.path} stays down{why}", "the log says more; restart the daemon")
    if view.dead_letters:
        text = several(len(view.dead_letters), "message", "messages") + " that no actor could handle"
        yield Finding("warning", "actors", text, "mission-control dead-letters shows, retries and discards them")
    if not down and not view.dead_letters:
        yield Finding("ok", "actors", "all are well")


def _gateway(gateway: GatewayDiagnosis, now: int) -> Iterator[Finding]:
    check = f"gateway {gateway.id}"
    yield _link(check, gateway, now)
    if gateway.state == "connected":
        for warning in gateway.warnings:
            yield told("warning", check, warning)
    if gateway.missing_since is not None:
        text = f"of the last {duration((now - gateway.missing_since) / 1000)} something may be missing"
        yield Finding("warning", check, text, "it is being brought in; look again in a minute")
    yield Finding("ok", check, _asked(gateway))
    yield Finding("ok", check, _frames(gateway))
    for odd in gateway.odd_frames:
        yield Finding("warning", check, _odd(odd, now), _REMEDIES.get(odd.oddness, "report it with these lines"))
    if gateway.odd_left_out:
        yield Finding("warning", check, f"{several(gateway.odd_left_out, 'kind', 'kinds')} of odd frames more")


def _link(check: str, gateway: GatewayDiagnosis, now: int) -> Finding:
    if gateway.state == "connected":
        detail = gateway.detail.removesuffix("; ".join(("", *gateway.warnings)))
        granted = "" if gateway.scopes is None else f", granted {', '.join(gateway.scopes) or 'nothing'}"
        return Finding("ok", check, f"connected {ago(now, gateway.since)}: {detail}{granted}")
    attempts = f" (attempt {gateway.attempt})" if gateway.attempt > 1 else ""
    return told(
        "warning" if gateway.state == "connecting" else "problem",
        check,
        f"{gateway.state}{attempts}: {gateway.detail}",
    )


def _asked(gateway: GatewayDiagnosis) -> str:
    """What we asked of it."""
    within = {method: count.last_hour for method, count in gateway.requests.items() if count.last_hour}
    each = ", ".join(f"{method} {number(count)}" for method, count in sorted(within.items(), key=lambda one: -one[1]))
    total = sum(count.total for count in gateway.requests.values())
    hour = several(sum(within.values()), "request", "requests")
    return f"{hour} in the last hour{f' ({each})' if each else ''}, {number(total)} since the start"


def _frames(gateway: GatewayDiagnosis) -> str:
    frames = gateway.frames
    counts = (
        (frames.unknown, "unknown"),
        (frames.malformed, "malformed"),
        (frames.oversized, "too large"),
        (frames.repeated, "repeated"),
        (frames.missing, "missing"),
    )
    each = ", ".join(f"{number(count)} {what}" for count, what in counts if count)
    return f"frames since the start: {each}" if each else "no odd frames"


def _odd(odd: OddFrameView, now: int) -> str:
    times, size = several(odd.count, "time", "times"), several(odd.size, "byte", "bytes")
    sample = f": {odd.sample}" if odd.sample else ""
    return f"{odd.why} ({times}, last {ago(now, odd.last_seen)}, {size}){sample}"
