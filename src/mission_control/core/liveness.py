"""Online, degraded, offline: what can be said of an agent from its signs of life.

Gateways give no passive per-agent signal, so an idle agent on a live gateway is online. The status is the worst that
any rule says, in the order of :meth:`Liveness._judge`. Three clocks are kept: the gateway's last sign of life
(transport), the agent's own (heartbeat), and its work's (progress). All times are in ms.
"""

from typing import Final as Constant

from attrs import Factory, define, frozen

from mission_control.core.events import AgentStatus, Clocks, Heartbeat

BEAT_EVERY: Constant = 5_000
"""At most one plain beat per agent in this many ms."""

FAILED: Constant = "its last run failed: "


@frozen
class LivenessPolicy:
    """When silence becomes a status.

    ``link_grace_ms``: a lost gateway connection shorter than this does not change any agent's status, so that a blip
    does not redden a whole fleet. ``offline_after_ms``: after it, degraded becomes offline. ``stall_after_ms``: a run
    without progress for this long degrades its agent. Missed heartbeats count in multiples of the agent's interval.
    """

    link_grace_ms: int = 2_000
    offline_after_ms: int = 15_000
    stall_after_ms: int = 60_000
    beats_degraded: float = 2.0
    beats_offline: float = 4.0


@frozen
class Statement:
    """What a source says itself of its agent's status; ``reason`` is one line for people."""

    status: AgentStatus
    reason: str


@frozen
class Verdict:
    """A status and why; ``cause`` stays the same while only the wording of ``reason`` changes."""

    status: AgentStatus
    cause: str
    reason: str


@define
class Liveness:
    """The state machine of one agent. Tell it what happened, then ask :meth:`judge`."""

    policy: LivenessPolicy
    status: AgentStatus | None = None
    cause: str = ""
    clocks: Clocks = Factory(Clocks)
    heartbeat_ms: int | None = None
    listed: bool = True
    link_up: bool = False
    link_down_at: int | None = None
    link_reason: str = "no connection to the gateway yet"
    failure: str | None = None
    stated: Statement | None = None
    """Where the source says how its agent is, nothing is concluded from its runs."""
    running: bool = False
    _beat_sent_at: int = 0

    def resume(self, status: AgentStatus, reason: str, clocks: Clocks) -> None:
        """Go on from a stored status, so that a restart of ours is no event in the agent's life."""
        self.status, self.clocks = status, clocks
        if reason.startswith(FAILED):
            self.failure = reason.removeprefix(FAILED)
            self.cause = "failed"

    def heard_gateway(self, at: int) -> None:
        self.clocks = Clocks(at, self.clocks.heartbeat_at, self.clocks.progress_at)

    def heard_agent(self, at: int) -> None:
        """The agent itself was heard: it did something, or beat."""
        self.clocks = Clocks(at, at, self.clocks.progress_at)

    def progressed(self, at: int) -> None:
        """The agent's run moved on."""
        self.clocks = Clocks(at, at, at)

    def connected(self, at: int) -> None:
        self.link_up, self.link_down_at = True, None
        self.heard_gateway(at)

    def disconnected(self, at: int, reason: str) -> None:
        if self.link_up or self.link_down_at is None:
            self.link_down_at = at
        self.link_up, self.link_reason = False, reason

    def judge(self, now: int) -> Heartbeat | None:
        """The heartbeat to journal if the status or its cause changed, else None."""
        verdict = self._judge(now)
        if verdict is None or (verdict.status, verdict.cause) == (self.status, self.cause):
            return None
        if self.cause == "" and verdict.status == self.status == "online":
            self.cause = verdict.cause  # resumed, and still what it was
            return None
        previous, self.status, self.cause = self.status, verdict.status, verdict.cause
        self._beat_sent_at = now
        return Heartbeat(verdict.status, previous, verdict.reason, self.clocks)

    def beat(self, now: int) -> Heartbeat | None:
        """An ephemeral beat, if the agent was heard since the last one and it is time."""
        heard = max(self.clocks.transport_at or 0, self.clocks.heartbeat_at or 0)
        if (
            not self.link_up
            or self.status is None
            or heard <= self._beat_sent_at
            or now - self._beat_sent_at < BEAT_EVERY
        ):
            return None
        verdict = self._judge(now)
        self._beat_sent_at = now
        reason = self.link_reason if verdict is None else verdict.reason
        return Heartbeat(self.status, self.status, reason, self.clocks)

    def due(self, now: int) -> int | None:
        """When, after ``now``, :meth:`judge` may say something new without anything having happened, in ms."""
        times: list[int] = []
        if not self.link_up and self.link_down_at is not None:
            times += [self.link_down_at + self.policy.link_grace_ms, self.link_down_at + self.policy.offline_after_ms]
        if self.link_up and self.running and self.stated is None and self.clocks.progress_at is not None:
            times.append(self.clocks.progress_at + self.policy.stall_after_ms)
        if self.link_up and self.heartbeat_ms and self.clocks.heartbeat_at is not None:
            for beats in (self.policy.beats_degraded, self.policy.beats_offline):
                times.append(self.clocks.heartbeat_at + int(beats * self.heartbeat_ms))
        return min((time for time in times if time > now), default=None)

    def _judge(self, now: int) -> Verdict | None:
        """The first rule that applies; None while it is too early to say anything new."""
        if not self.listed:
            return Verdict("offline", "unlisted", "removed from the gateway")
        if not self.link_up:
            return self._judge_link(now)
        silent = now - (self.clocks.heartbeat_at or now)
        if self.heartbeat_ms and silent >= self.policy.beats_offline * self.heartbeat_ms:
            return Verdict("offline", "heartbeat", f"no heartbeat for {_seconds(silent)}")
        if self.heartbeat_ms and silent >= self.policy.beats_degraded * self.heartbeat_ms:
            return Verdict("degraded", "heartbeat", f"no heartbeat for {_seconds(silent)}")
        if self.stated is not None:
            return Verdict(self.stated.status, "stated", self.stated.reason)
        stalled = now - (self.clocks.progress_at or now)
        if self.running and stalled >= self.policy.stall_after_ms:
            return Verdict("degraded", "stalled", f"its run has made no progress for {_seconds(stalled)}")
        if self.failure is not None:
            return Verdict("degraded", "failed", f"{FAILED}{self.failure}")
        return Verdict("online", "live", "its gateway is live")

    def _judge_link(self, now: int) -> Verdict | None:
        if self.link_down_at is None:
            return Verdict("offline", "link", self.link_reason)
        down = now - self.link_down_at
        if down >= self.policy.offline_after_ms:
            return Verdict("offline", "link", f"no connection to its gateway for {_seconds(down)}: {self.link_reason}")
        if down >= self.policy.link_grace_ms:
            return Verdict("degraded", "link", f"the connection to its gateway was lost: {self.link_reason}")
        return None


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.0f} s"
