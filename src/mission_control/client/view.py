"""What an operator sees of gateways, agents, messages and activity: the fold of what a subscriber hears, pure.

It is the daemon's own fold (:mod:`mission_control.core.projection`) behind checks that the daemon has no need of: a
part of a message that is there already is left out, and one before which something is missing is a gap.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from mission_control.core.events import AgentKey, Chunk, Event, Final, Payload
from mission_control.core.projection import Projection
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.core.views import AgentView, GatewayView, MessageView, Snapshot

Applied: TypeAlias = Literal["applied", "duplicate", "gap"]
"""``duplicate``: its content was already there. ``gap``: something before it never arrived."""


class View:
    """The state at the cursor. What it gives changes in place as events come: copy what has to stay as it is.

    Of the messages it holds the open ones and, as a snapshot does, the newest 50 finals of each agent and 2 MiB in all;
    of the activities the newest 200.
    """

    def __init__(self) -> None:
        self._fold = Projection()
        self.whole = False
        """Whether it began with a snapshot. One that did not knows only what was heard."""

    @property
    def gateways(self) -> Mapping[str, GatewayView]:
        """By id, in order of appearance."""
        return self._fold.gateways

    @property
    def agents(self) -> Mapping[AgentKey, AgentView]:
        """By gateway and id, in order of appearance."""
        return self._fold.agents

    @property
    def messages(self) -> list[MessageView]:
        """All of them, by agent in the order of :attr:`agents`; see :meth:`conversation`."""
        return [message for key in self._fold.agents for message in self._fold.messages_of(key)]

    def conversation(self, gateway: str, agent_id: str) -> list[MessageView]:
        """An agent's messages in the order in which they began."""
        return self._fold.messages_of((gateway, agent_id))

    @property
    def feed(self) -> list[Event]:
        """The newest activities, the newest last."""
        return self._fold.activities(EVERYTHING)

    def snapshot(self, cursor: Cursor) -> Snapshot:
        """A copy that no later event changes; ``cursor`` is where it is said to stand."""
        return self._fold.snapshot(cursor, EVERYTHING)

    def load(self, snapshot: Snapshot) -> None:
        """Begin anew with a snapshot, which becomes the view's own."""
        self._fold = Projection()
        self.whole = True
        for gateway in snapshot.gateways:
            self._fold.put_gateway(gateway)
        for agent in snapshot.agents:
            self._fold.put_agent(agent)
        for message in sorted(snapshot.messages, key=lambda view: view.offset):
            if message.state == "streaming":
                self._fold.open[message.message_id] = message
            elif not self._fold.has_final(message.message_id):
                self._fold.put_final(message)
        for event in snapshot.feed:
            self._fold.put_activity(event)

    def apply(self, event: Event, payload: Payload) -> Applied:
        """Fold one event in, in order of offset; ``payload`` is ``event.payload`` decoded."""
        if isinstance(payload, Chunk):
            found = self._place(payload)
            if found != "applied" or not self._begins_here(payload):
                return found
        elif isinstance(payload, Final) and self._fold.has_final(payload.message_id):
            return "duplicate"
        self._fold.apply(event, payload)
        return "applied"

    def _place(self, chunk: Chunk) -> Applied:
        """Whether the chunk is the next of its message."""
        message = self._fold.open.get(chunk.message_id)
        if message is None:
            if self._fold.has_final(chunk.message_id):
                return "duplicate"
            return "gap" if self.whole and (chunk.index, chunk.start) != (0, 0) else "applied"
        expected = message.next_index
        assert isinstance(expected, int), "an open message has a next index"
        if chunk.index < expected:
            return "duplicate"
        return "gap" if chunk.index > expected or chunk.start != len(message.text) else "applied"

    def _begins_here(self, chunk: Chunk) -> bool:
        """False for the rest of a message whose beginning was before this view's: it cannot be shown."""
        return chunk.index == 0 or chunk.message_id in self._fold.open
