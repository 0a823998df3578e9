"""Which runs stand still: the state machine behind the stall watch.

A run moves on when it starts, writes, or when one of its tools starts, reports or ends. One that is open and does not
move on for as long as the policy says is *stalled*: told once, and once more when it goes on. A run that ends while it
is stalled is simply over.

::

    open ── quiet for too long ──► stalled ── moves on ──► open
      └──────────── ends ─────────────┴── ends ──► (forgotten)

Two clocks are in play. How long a run has been quiet is measured by ours, from when its progress was seen here. When it
moved on, as told in events and in their ids, is the source's time, which is the same however often it is read. Quiet
counts only while its gateway is connected: what a run does behind a lost connection nobody knows, so it begins anew
with the next one.
"""

from collections.abc import Iterator
from typing import Final as Constant

import msgspec
from attrs import Factory, define, field, frozen
from msgspec import UNSET

from mission_control.core.events import (
    Activity,
    AgentKey,
    Draft,
    Event,
    EventType,
    Status,
    decode_payload,
    shows_progress,
)
from mission_control.core.ids import event_id
from mission_control.core.subscription import Filter
from mission_control.core.views import RunView, Snapshot

WATCHED: Constant = Filter(types=frozenset({EventType.CHUNK, EventType.FINAL, EventType.ACTIVITY, EventType.STATUS}))
"""The events that matter here."""
RUNS: Constant = frozenset({EventType.HEARTBEAT})
"""The ``types`` of a filter that leaves nothing in a snapshot but gateways and agents with their runs."""

_ENDS: Constant = frozenset({"run.finished", "run.failed", "run.aborted"})


@frozen
class StallPolicy:
    """How long a run may be quiet, in ms; ``slow_after_ms`` while one of ``slow_tools`` is at work."""

    after_ms: int = 60_000
    slow_after_ms: int = 600_000
    slow_tools: frozenset[str] = frozenset()


@frozen
class _Part:
    """What matters of a chunk or a final."""

    run_id: str


_decode_part = msgspec.json.Decoder(_Part).decode

_RunKey = tuple[AgentKey, str]


@define
class _Run:
    """An open run. ``quiet_since`` is our time, ``progress_at`` the source's. ``tools`` at work, by call id.

    ``stalled_since``: its ``progress_at`` when it was said to be stalled.
    """

    session: str
    progress_at: int
    quiet_since: int
    tools: dict[str, str] = Factory(dict)
    stalled_since: int | None = None


@define
class Stalls:
    """All open runs. Every ``now`` in ms."""

    policy: StallPolicy
    _runs: dict[_RunKey, _Run] = field(init=False, factory=dict)
    _connected: set[str] = field(init=False, factory=set)
    _position: int = field(init=False, default=0)

    def restore(self, snapshot: Snapshot, now: int) -> list[Draft]:
        """Begin where the journal stands; what it had no time to say is said now."""
        self._position = snapshot.cursor.offset
        self._connected = {gateway.id for gateway in snapshot.gateways if gateway.state == "connected"}
        drafts: list[Draft] = []
        for agent in snapshot.agents:
            for view in agent.runs:
                key = ((agent.gateway, agent.id), view.run_id)
                run = self._runs[key] = _restored(view, now)
                if run.stalled_since is not None and run.stalled_since != view.progress_at:
                    drafts.append(_resumed(key, run, view.progress_at, now))
        return drafts

    def handle(self, event: Event, now: int) -> list[Draft]:
        """What follows from one event; the events come in the order of their offsets."""
        if event.offset is None or event.offset <= self._position:
            return []
        self._position = event.offset
        match event.type:
            case EventType.CHUNK | EventType.FINAL:
                return self._moved((event.key, _decode_part(event.payload).run_id), event.timestamp, now)
            case EventType.ACTIVITY | EventType.STATUS:
                payload = decode_payload(event.type, event.payload)
                if isinstance(payload, Activity) and payload.run_id is not UNSET:
                    return self._did((event.key, payload.run_id), payload, event.timestamp, now)
                if isinstance(payload, Status) and payload.component == "gateway":
                    self._linked(payload.id, payload.state == "connected", now)
        return []

    def due(self) -> int | None:
        """When the next run will have been quiet for too long, in ms."""
        return min((run.quiet_since + self._patience(run) for _, run in self._waiting()), default=None)

    def doubtful(self, now: int) -> Filter | None:
        """What to take a snapshot of for :meth:`judge`; None when no run has been quiet for too long."""
        keys = [key for key, _ in self._overdue(now)]
        if not keys:
            return None
        agents = frozenset(agent_id for (_, agent_id), _ in keys if agent_id is not None)
        return Filter(agents, RUNS, frozenset(gateway for (gateway, _), _ in keys))

    def judge(self, snapshot: Snapshot, now: int) -> list[Draft]:
        """Say of the runs in doubt that they are stalled, unless the journal knows better.

        What it knows may not have arrived here yet: nothing is said of a run that moved on, ended or lost its gateway.
        """
        connected = {gateway.id for gateway in snapshot.gateways if gateway.state == "connected"}
        views: dict[_RunKey, RunView] = {
            ((agent.gateway, agent.id), view.run_id): view for agent in snapshot.agents for view in agent.runs
        }
        drafts: list[Draft] = []
        for key, run in self._overdue(now):
            view = views.get(key)
            if view is None or view.progress_at != run.progress_at or key[0][0] not in connected:
                run.quiet_since = now
            else:
                run.stalled_since = run.progress_at
                drafts.append(_stalled(key, run, now))
        return drafts

    def _waiting(self) -> Iterator[tuple[_RunKey, _Run]]:
        """The runs that may come to stall."""
        for key, run in self._runs.items():
            if run.stalled_since is None and key[0][0] in self._connected:
                yield key, run

    def _overdue(self, now: int) -> Iterator[tuple[_RunKey, _Run]]:
        return ((key, run) for key, run in self._waiting() if now >= run.quiet_since + self._patience(run))

    def _patience(self, run: _Run) -> int:
        slow = not self.policy.slow_tools.isdisjoint(run.tools.values())
        return self.policy.slow_after_ms if slow else self.policy.after_ms

    def _moved(self, key: _RunKey, at: int, now: int) -> list[Draft]:
        run = self._runs.get(key)
        if run is None:
            return []
        # A stall may be said before what it was judged by arrives here: that is no going on.
        drafts = [] if run.stalled_since in (None, at) else [_resumed(key, run, at, now)]
        run.progress_at, run.quiet_since = at, now
        return drafts

    def _did(self, key: _RunKey, activity: Activity, at: int, now: int) -> list[Draft]:
        drafts = self._moved(key, at, now) if shows_progress(activity.kind) else []
        if activity.kind == "run.started":
            session = "" if activity.session is UNSET else activity.session
            old = self._runs.get(key)
            self._runs[key] = _Run(session, at, now, stalled_since=None if old is None else old.stalled_since)
        elif activity.kind in _ENDS:
            self._runs.pop(key, None)
        elif (run := self._runs.get(key)) is not None and activity.kind.startswith("tool."):
            _use_tool(run.tools, activity)
        return drafts

    def _linked(self, gateway: str, up: bool, now: int) -> None:
        if not up:
            self._connected.discard(gateway)
        elif gateway not in self._connected:
            self._connected.add(gateway)
            for (agent, _), run in self._runs.items():
                if agent[0] == gateway:
                    run.quiet_since = now


def _restored(view: RunView, now: int) -> _Run:
    run = _Run(view.session, view.progress_at, now)
    if view.tool is not None:
        run.tools[""] = view.tool  # which call of it is not known any more
    if view.stalled_since is not UNSET:
        run.stalled_since = view.stalled_since
    return run


def _use_tool(tools: dict[str, str], activity: Activity) -> None:
    call = "" if activity.detail is UNSET else str(activity.detail.get("call_id", ""))
    tool = "" if activity.tool is UNSET else activity.tool
    if activity.kind in ("tool.started", "tool.progress"):
        tools[call] = tool
        return
    tools.pop(call, None)
    if tools.get("") == tool:
        del tools[""]


def _stalled(key: _RunKey, run: _Run, now: int) -> Draft:
    quiet = now - run.quiet_since
    names = sorted(set(run.tools.values()))
    match names:
        case []:
            subject = "Run has"
        case [name]:
            subject = f"Tool {name} has"
        case _:
            subject = f"Tools {', '.join(names)} have"
    activity = Activity(
        "run.stalled",
        f"{subject} made no progress for {_spell(quiet)}",
        run_id=key[1],
        session=run.session,
        tool=list(run.tools.values())[-1] if names else UNSET,
        detail={"seconds": quiet // 1000, "last_progress_at": run.progress_at},
    )
    return _draft(key, run.progress_at, "stalled", now, activity)


def _resumed(key: _RunKey, run: _Run, at: int, now: int) -> Draft:
    """The run moved on at ``at``, in the source's time."""
    assert run.stalled_since is not None
    since, run.stalled_since = run.stalled_since, None
    still = max(0, at - since)
    activity = Activity(
        "run.resumed",
        f"Run went on after {_spell(still)} without progress",
        run_id=key[1],
        session=run.session,
        detail={"seconds": still // 1000, "last_progress_at": since},
        duration_ms=still,
    )
    return _draft(key, since, "resumed", now, activity)


def _draft(key: _RunKey, since: int, what: str, now: int, activity: Activity) -> Draft:
    (gateway, agent_id), run_id = key
    return Draft(event_id(gateway, agent_id, run_id, since, what), now, gateway, agent_id, activity)


def _spell(duration_ms: int) -> str:
    seconds = duration_ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
