"""What a running daemon tells, judged: what needs an operator is not lost among what does not."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from mission_control import __version__
from mission_control.core.actor_views import ActorsView, FailureView, LetterView, NodeView
from mission_control.core.diagnostic_views import (
    DiagnosticsView,
    FramesView,
    GatewayDiagnosis,
    OddFrameView,
    RequestsView,
)
from mission_control.doctor.daemon import diagnose
from mission_control.doctor.findings import Finding

NOW = 1_700_000_000_000
FAILURE = FailureView("ValueError", "the agent said: hello there", "core.agent:1 in f", NOW)
GATEWAY = GatewayDiagnosis(
    id="gw",
    kind="clawdbot",
    state="connected",
    since=NOW - 90_000,
    detail="gateway 1 on desk, protocol 3",
    attempt=0,
    retry_at=None,
    last_event_at=None,
    missing_since=None,
    warnings=(),
    protocol=3,
    scopes=("operator.read",),
    reconnects=0,
    requests={
        "connect": RequestsView(3, 0),
        "chat.history": RequestsView(40, 1_200),
        "sessions.list": RequestsView(4, 2),
    },
    frames=FramesView(0, 0, 0, 0, 0),
    odd_frames=(),
    odd_left_out=0,
)


def node(name: str, *children: NodeView, state: str = "running", failure: FailureView | None = None) -> NodeView:
    return NodeView(name, name, "actor", state, 1, 0, 1.0, 0.0, 0.0, failure, None, children)


def found(*gateways: GatewayDiagnosis, tree: NodeView | None = None, letters: int = 0, **changes: Any) -> list[Finding]:
    view = DiagnosticsView(NOW, "abc", __version__, "live", (), gateways)
    letter = LetterView("abc-1", "root/a", "hello there", FAILURE, NOW)
    return list(diagnose(evolve(view, **changes), ActorsView(NOW, "abc", tree or node("root"), (letter,) * letters)))


def not_ok(*args: GatewayDiagnosis, **kwargs: Any) -> list[Finding]:
    return [finding for finding in found(*args, **kwargs) if finding.level != "ok"]


def test_a_daemon_that_is_well_has_no_problem() -> None:
    """How long it has been connected, what was negotiated, and what it asks of the gateway."""
    assert found(GATEWAY) == [
        Finding("ok", "actors", "all are well"),
        Finding("ok", "gateway gw", "connected 1m 30s ago: gateway 1 on desk, protocol 3, granted operator.read"),
        Finding(
            "ok",
            "gateway gw",
            "1,202 requests in the last hour (chat.history 1,200, sessions.list 2), 47 since the start",
        ),
        Finding("ok", "gateway gw", "no odd frames"),
    ]


@pytest.mark.parametrize(
    ("changes", "level", "text", "remedy"),
    [
        (
            {"state": "reconnecting", "attempt": 7, "detail": "nothing listens on a:1; start the gateway there"},
            "problem",
            "reconnecting (attempt 7): nothing listens on a:1",
            "start the gateway there",
        ),
        ({"state": "disconnected", "detail": "refused; the token"}, "problem", "disconnected: refused", "the token"),
        ({"state": "connecting", "detail": "connecting to ws://a"}, "warning", "connecting: connecting to ws://a", ""),
        ({"state": "odd and new", "detail": "x"}, "problem", "odd and new: x", ""),
        (
            {"missing_since": NOW - 60_000},
            "warning",
            "of the last 1m 00s something may be missing",
            "it is being brought in; look again in a minute",
        ),
        (
            {"detail": "gateway 1, protocol 3; set the clock; now", "warnings": ("set the clock; now",)},
            "warning",
            "set the clock",
            "now",
        ),
        ({"odd_left_out": 3}, "warning", "3 kinds of odd frames more", ""),
    ],
)
def test_what_is_wrong_with_a_gateway_is_told(changes: dict[str, Any], level: str, text: str, remedy: str) -> None:
    """With what the daemon itself says to do about it."""
    assert not_ok(evolve(GATEWAY, **changes)) == [Finding(level, "gateway gw", text, remedy)]  # type: ignore[arg-type]


def test_odd_frames_are_listed_and_counted() -> None:
    """Each kind is a line that can be pasted into a report."""
    odd = OddFrameView("unknown", "unknown event: foo", 1, NOW, NOW, 57, '{"type":"event"}')
    large = OddFrameView("oversized", "too large: 40 MiB", 3, NOW - 9_000, NOW - 9_000, 41_943_040, "")
    newer = OddFrameView("haunted", "boo", 1, NOW, NOW, 1, "")
    frames = FramesView(unknown=1, malformed=0, oversized=3, repeated=0, missing=2_000)
    gateway = evolve(GATEWAY, odd_frames=(odd, large, newer), frames=frames)
    assert [finding.text for finding in not_ok(gateway)] == [
        'unknown event: foo (1 time, last just now, 57 bytes): {"type":"event"}',
        "too large: 40 MiB (3 times, last 9s ago, 41,943,040 bytes)",
        "boo (1 time, last just now, 1 byte)",
    ]
    assert all(finding.remedy for finding in not_ok(gateway))
    assert "frames since the start: 1 unknown, 3 too large, 2,000 missing" in [one.text for one in found(gateway)]


def test_what_is_wrong_with_the_daemon_is_told() -> None:
    """And what its exceptions and dead letters say is not: it may be anybody's words."""
    down = node("root", node("root/a", state="gave_up", failure=FAILURE), node("root/b", state="gave_up"))
    findings = not_ok(tree=down, letters=2, unready=("events are not being stored",), version="0", source="simulated")
    told: Mapping[str, str] = {finding.text: finding.level for finding in findings}
    assert told == {
        "events are not being stored": "problem",
        f"it is version 0, and this command {__version__}": "warning",
        "what it shows is simulated": "warning",
        "root/a stays down: ValueError in core.agent:1 in f": "problem",
        "root/b stays down": "problem",
        "2 messages that no actor could handle": "warning",
    }
    assert "hello" not in str(findings)
