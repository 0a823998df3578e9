"""The agent actor: one per agent. It keeps that agent's order and its heartbeat clock.

What it knows is in :class:`~mission_control.core.agent.AgentCore`; this file moves signals in and drafts out. A signal
leaves the mailbox only after its drafts are in the persistence actor's. If this actor dies, its successor waits until
everything the predecessor handed over is committed, and goes on from the journal.
"""

from collections.abc import Sequence
from typing import Final as Constant
from typing import TypeAlias

import trio
from attrs import frozen

from actors.clock import Clock
from actors.links import LinkState
from actors.persistence import Barrier, PersistenceMessage, hand_over
from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, AgentKey, Draft, decode_payload
from mission_control.core.liveness import LivenessPolicy
from mission_control.core.past import FINALS_KEPT
from mission_control.core.runs import RunPolicy
from mission_control.core.signals import Signal, Told
from mission_control.core.telling import told_drafts
from mission_control.stores.journal import Journal
from runtime import Inbox, Ref, Reply

BATCH: Constant = 64
RECENT_FINALS: Constant = 200
RECENT_ACTIVITIES: Constant = 400


@frozen
class HandedOver:
    """Answered when everything that follows from what was told before is with the persistence actor."""

    reply: Reply[None]


AgentMessage: TypeAlias = Signal | HandedOver


@frozen
class AgentSettings:
    """The policies that all agents share."""

    liveness: LivenessPolicy
    runs: RunPolicy


class AgentActor:
    def __init__(
        self,
        key: AgentKey,
        journal: Journal,
        persistence: Ref[PersistenceMessage],
        link: LinkState,
        settings: AgentSettings,
        clock: Clock,
    ) -> None:
        self._key = key
        self._journal = journal
        self._persistence = persistence
        self._link = link
        self._settings = settings
        self._clock = clock

    async def run(self, inbox: Inbox[AgentMessage]) -> None:
        core = await self._restored()
        position = core.telling.position
        while True:
            now = self._clock()
            due = core.due(now)
            messages: Sequence[AgentMessage] = ()
            with trio.move_on_after(float("inf") if due is None else max(0.0, (due - now) / 1000)):
                try:
                    messages = await inbox.peek(BATCH)
                except trio.EndOfChannel:
                    return
            now = self._clock()
            drafts: list[Draft] = []
            asked: list[HandedOver] = []
            for message in messages:
                if isinstance(message, HandedOver):
                    asked.append(message)
                    continue
                if (session := core.unknown_past(message)) is not None:
                    await self._recall(core, session)
                if isinstance(message, Told) and core.telling.is_unsure(message):
                    await self._look_up(core, messages)
                drafts += core.handle(message, now)
            if not messages:
                drafts = core.tick(now)
            if drafts or core.telling.position is not position:
                position = core.telling.position
                await hand_over(self._persistence, drafts, {} if position is None else {self._key: position})
            for message in asked:
                message.reply.set(None)
            inbox.drop(len(messages))

    async def _restored(self) -> AgentCore:
        await self._persistence.ask(Barrier)
        memory = await self._journal.memory(self._key, RECENT_FINALS)
        core = AgentCore(self._key, self._settings.liveness, self._settings.runs)
        core.restore(
            memory.view,
            memory.open,
            memory.recent,
            self._clock(),
            activities=await self._activities(),
            everything=len(memory.recent) < RECENT_FINALS,
            position=memory.position,
        )
        if self._link.up and self._link.missed is not None:
            core.begin(self._link.missed, self._clock())
        return core

    async def _activities(self) -> Sequence[tuple[int, Activity]]:
        """The newest ones, with their times, oldest first."""
        newest = await self._journal.feed(key=self._key, kinds=frozenset(), before=None, limit=RECENT_ACTIVITIES)
        payloads = [(event.timestamp, decode_payload(event.type, event.payload)) for event in reversed(newest)]
        return [(at, payload) for at, payload in payloads if isinstance(payload, Activity)]

    async def _recall(self, core: AgentCore, session: str) -> None:
        """Finals that this actor has not handed over yet are in the core already."""
        newest_first = await self._journal.conversation(self._key, session=session, before=None, limit=FINALS_KEPT)
        core.conversation.recall(session, newest_first[::-1])

    async def _look_up(self, core: AgentCore, messages: Sequence[AgentMessage]) -> None:
        """Ask the journal which of these events it has. What this actor handed over and is not stored yet, and what it
        has in hand, its core remembers."""
        told = [message for message in messages if isinstance(message, Told)]
        await self._persistence.ask(Barrier)
        core.telling.look_up(told, await self._journal.known(told_drafts(self._key, told)))
