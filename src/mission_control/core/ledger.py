"""The arithmetic of a commit: which drafts are new, and which offset and sequence each gets.

A store asks its :class:`Ledger` to :meth:`admit <Ledger.admit>` a batch, writes exactly what came back in one
transaction, and throws the ledger away and loads a new one if that fails: a ledger is never ahead of its storage for
longer than one transaction.
"""

from collections.abc import Collection, Sequence

import msgspec
from attrs import Factory, define, frozen

from mission_control.core.events import AgentKey, Chunk, Draft, Event, Final, Payload, decode_payload, encode
from mission_control.core.projection import Projection


@frozen
class Entry:
    """One admitted event, its payload also in typed form."""

    event: Event
    payload: Payload


@frozen
class Commit:
    """What one append made visible: every journaled event with ``after < offset <= head``, in order.

    ``events`` also holds the batch's ephemeral events, at the place where they came. ``duplicates`` counts the drafts
    that were left out: the journal already had their ``event_id``, or the final of their message.
    """

    epoch: str
    after: int
    head: int
    events: Sequence[Event]
    duplicates: int


@define
class Ledger:
    """Heads of a journal: the newest offset, each agent's newest sequence, and the projection at that offset."""

    epoch: str
    head: int = 0
    sequences: dict[AgentKey, int] = Factory(dict)
    projection: Projection = Factory(Projection)

    def admit(
        self, drafts: Sequence[Draft], known: Collection[str], finished: Collection[str] = ()
    ) -> tuple[Sequence[Entry], int]:
        """Number the drafts that are not ``known`` yet and fold them into the projection.

        A message ends once: after its final, whatever else comes of it is a duplicate too. So a chunk that arrives
        again after its row was compacted away cannot open its message a second time.

        Args:
            known: the event ids among these drafts that the journal already holds.
            finished: the message ids among these drafts that the journal holds a final of.

        Returns:
            The admitted entries in order (ephemeral ones with offset None) and how many drafts were duplicates.

        Raises:
            TypeError, UnicodeEncodeError: a payload has no JSON; the ledger is as it was.
        """
        encoded = [msgspec.Raw(encode(draft.payload)) for draft in drafts]
        seen = set(known)
        ended = set(finished)
        entries: list[Entry] = []
        for draft, raw in zip(drafts, encoded, strict=True):
            payload = draft.payload
            if draft.event_id in seen:
                continue
            if isinstance(payload, Chunk | Final):
                if payload.message_id in ended:
                    continue
                if isinstance(payload, Final):
                    ended.add(payload.message_id)
            seen.add(draft.event_id)
            event = self._number(draft, raw)
            self.projection.apply(event, payload)
            entries.append(Entry(event, payload))
        return entries, len(drafts) - len(entries)

    def restore(self, event: Event) -> None:
        """Take in the next event that storage already holds."""
        self.projection.apply(event, decode_payload(event.type, event.payload))
        self.sequences[event.key] = event.sequence
        self.head = event.offset or self.head

    def _number(self, draft: Draft, raw: msgspec.Raw) -> Event:
        key = draft.key
        sequence = self.sequences.get(key, 0)
        offset: int | None = None
        if not draft.ephemeral:
            sequence = self.sequences[key] = sequence + 1
            offset = self.head = self.head + 1
        return Event(
            event_id=draft.event_id,
            timestamp=draft.timestamp,
            agent_id=draft.agent_id,
            type=str(draft.type),
            payload=raw,
            sequence=sequence,
            gateway=draft.gateway,
            offset=offset,
        )


def left_out(drafts: Sequence[Draft], known: Collection[str], finished: Collection[str]) -> set[str]:
    """The ids of those drafts that :meth:`Ledger.admit` would not admit."""
    return {
        draft.event_id
        for draft in drafts
        if draft.event_id in known
        or (isinstance(draft.payload, Chunk | Final) and draft.payload.message_id in finished)
    }
