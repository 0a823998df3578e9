"""The stall watch: tells which runs stand still (``run.stalled``) and when they go on (``run.resumed``).

An actor type like any that a package adds. What it knows is in :mod:`mission_control.core.stalls`; this file moves
events in and drafts out. Mail is acknowledged when what it caused is handed over. A successor waits until that is
committed and goes on from the journal: so nothing is told twice and nothing forgotten, whoever dies.
"""

import math
from collections.abc import Sequence
from typing import Annotated
from typing import Final as Constant

import trio
from attrs import frozen

from mission_control.core.stalls import RUNS, WATCHED, StallPolicy, Stalls
from mission_control.extension import ActorType, Between, Event, Filter, Host, Seconds
from runtime import ActorSpec, Inbox, Ref

BATCH: Constant = 256


@frozen(kw_only=True)
class StallOptions:
    """How long a run may be quiet: ``slow_after_s`` while one of ``slow_tools`` is at work, else ``after_s``."""

    after_s: Annotated[Seconds, Between(1)] = Seconds(60.0)
    slow_tools: tuple[str, ...] = ()
    slow_after_s: Annotated[Seconds, Between(1)] = Seconds(600.0)

    @property
    def policy(self) -> StallPolicy:
        return StallPolicy(int(self.after_s * 1000), int(self.slow_after_s * 1000), frozenset(self.slow_tools))


class StallWatch:
    def __init__(self, host: Host, policy: StallPolicy) -> None:
        self._host = host
        self._policy = policy

    async def run(self, inbox: Inbox[Event]) -> None:
        host, stalls = self._host, Stalls(self._policy)
        await host.wait_committed()
        await host.publish(*stalls.restore(await host.snapshot(Filter(types=RUNS)), host.clock()))
        while True:
            due = stalls.due()
            events: Sequence[Event] = ()
            with trio.move_on_after(math.inf if due is None else max(0.0, (due - host.clock()) / 1000)):
                try:
                    events = await inbox.peek(BATCH)
                except trio.EndOfChannel:
                    return
            now = host.clock()
            drafts = [draft for event in events for draft in stalls.handle(event, now)]
            if (doubtful := stalls.doubtful(now)) is not None:
                await host.wait_committed()
                drafts += stalls.judge(await host.snapshot(doubtful), host.clock())
            if drafts:
                await host.publish(*drafts)
            inbox.drop(len(events))


def build(host: Host, options: StallOptions) -> ActorSpec[Event]:
    ref: Ref[Event] = Ref(host.name)
    host.subscribe(ref, WATCHED)
    return ActorSpec(ref, lambda: StallWatch(host, options.policy))


actor_type: Constant = ActorType(StallOptions, build)
