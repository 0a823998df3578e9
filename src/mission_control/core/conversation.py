"""Messages assembled from what a source repeats, interrupts and forgets.

The rules that everything here serves:

* the chunks of a message, joined, are exactly the text of its final when that is ``complete``;
* a message gets exactly one final;
* the same message has the same id whenever it is assembled again, and a message that the source's history tells of is
  recognised as the one that was streamed, though the history has no ids (``matching.py``).

Sources send the whole message so far with every token. What was missed is therefore healed by the next text, and only
the new part leaves here.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from mission_control.core.echoes import Echoes
from mission_control.core.events import Chunk, Final, FinalState, Role
from mission_control.core.matching import Known, continues, match, same_text
from mission_control.core.open_messages import OpenMessage, OpenMessages
from mission_control.core.past import Past
from mission_control.core.signals import HistoryEntry
from mission_control.core.views import MessageView


@frozen
class Reconciled:
    """What an entry of a history brought that was missing: parts of messages, and their time in ms.

    ``streamed``: it is a message that a stream told of.
    """

    at: int
    events: Sequence[Chunk | Final] = ()
    streamed: bool = False

    @property
    def repaired(self) -> int:
        """How many messages were completed or brought in."""
        return sum(isinstance(event, Final) for event in self.events)


@define
class Conversation:
    """The messages of one agent: the open ones, and the newest finals.

    ``namespace`` (the gateway's id) keeps the message ids of different gateways apart.
    """

    namespace: str
    past: Past = field(init=False, factory=Past)
    _open: OpenMessages = field(init=False, factory=OpenMessages)
    _echoes: Echoes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._echoes = Echoes(self.past)

    def restore(self, open_messages: Sequence[MessageView], recent: Sequence[MessageView], *, everything: bool) -> None:
        """Go on from what the journal holds: open messages, and the newest finals, oldest first.

        ``everything``: there are no older finals.
        """
        self.past.begin([_known(view, view.timestamp) for view in recent], everything=everything)
        for view in recent:
            if view.run_id:
                self._echoes.note_last(view.run_id, view.text)
        self._open.restore(open_messages)

    def recall(self, session: str, finals: Sequence[MessageView]) -> None:
        """A session's newest finals from the journal, oldest first: needed before its history can be reconciled."""
        self.past.recall(session, [_known(view, view.timestamp) for view in finals])

    def doubt(self) -> None:
        """The connection was lost: what is open may have been finished meanwhile."""
        self._open.doubt()

    def open_message(self, run_id: str) -> OpenMessage | None:
        """What the run is writing."""
        return self._open.of_run(run_id)

    def write(
        self, run_id: str, session: str, text: str, delta: str, at: int, *, not_before: int | None = None
    ) -> list[Chunk | Final]:
        """An assistant's message so far: gives its new chunk, and before it the final of the message it follows.

        ``not_before``: when the run began, in ms, if that was seen: its messages cannot be older than that.
        """
        if self._echoes.goes_on(run_id, text, delta):
            return []
        message = self._open.of_run(run_id)
        events: list[Chunk | Final] = []
        if message is not None and delta != text and message.text.startswith(text):
            return []  # an older state of this message, or the same again
        if message is not None and not continues(message.text, text, delta):
            events = self.go_on(run_id, at)
            message = None
        if message is None:
            if not text or self._echoes.begins(run_id, session, text, at, not_before):
                return events
            message = OpenMessage(self._new_id(run_id, session, at), run_id, session, at)
            self._open.begin(message)
        message.doubted = False
        if len(text) > len(message.text):
            events.append(message.extend(text[len(message.text) :]))
        return events

    def go_on(self, run_id: str, at: int) -> list[Chunk | Final]:
        """The run goes on to something else: what it was writing is whole, or, if its end may not have been heard, is
        left to a history that has it."""
        message = self._open.of_run(run_id)
        if message is not None and message.doubted:
            self._open.set_aside(run_id)
            return []
        return self.close(run_id, at, "complete")

    def close(self, run_id: str, at: int, state: FinalState, *, error: str | None = None) -> list[Chunk | Final]:
        """End what the run was writing, if it was, with the text that it has."""
        self._echoes.end(run_id)
        message = self._open.of_run(run_id)
        return [] if message is None else [self._finish(message, at, state, error=error)]

    def unfinished(self, session: str) -> set[str]:
        """The runs of this session that have messages without a final."""
        return {message.run_id for message in self._open if message.session == session}

    def end(self, run_id: str, at: int, state: FinalState, *, error: str | None = None) -> list[Chunk | Final]:
        """End all messages of a run that is over. No history had those whose end was not heard."""
        lost = [self._finish(message, at, "interrupted") for message in self._open.aside_of(run_id)]
        return [*lost, *self.close(run_id, at, state, error=error)]

    def answer(
        self, run_id: str, session: str, text: str, at: int, *, not_before: int | None = None
    ) -> list[Chunk | Final]:
        """The whole text of a run's last message, as its source tells it at the end.

        Completes the open message with what is missing of it. When none is open, this is a message that never
        streamed, unless it is the one that was closed last or that a history told of.
        """
        echo = self._echoes.end(run_id)
        if echo is not None and same_text(echo, text):
            return []
        message = self._open.of_run(run_id)
        if message is not None:
            return self._complete(message, text, at)
        if self._echoes.is_told(run_id, session, text, not_before):
            return []
        return [self._unstreamed(self._new_id(run_id, session, at), run_id, session, "assistant", text, at, None)]

    def reconcile(
        self, session: str, entries: Sequence[HistoryEntry], *, since: int, run_began: dict[str, int], now: int
    ) -> list[Reconciled]:
        """Bring in what a session's history has and the stream did not, for each of its entries.

        Args:
            entries: oldest first.
            since: unknown entries from before this time (ms) are left alone.
            run_began: when each open run began, in ms; its messages cannot be older than that.
            now: the time of what is completed here, in ms.
        """
        for entry in entries:
            if entry.role == "user":
                self.past.prompted(session, entry.at)
        known = self.past.of(session)
        opened = {message.message_id: message for message in self._open if message.session == session}
        for message in opened.values():
            began = run_began.get(message.run_id)
            known.append(
                Known(
                    message.message_id,
                    session,
                    "assistant",
                    message.text,
                    message.began,
                    complete=False,
                    not_before=began,
                    run_id=message.run_id,
                )
            )
        known.sort(key=lambda item: item.began)
        brought: list[Reconciled] = []
        matches = match(entries, known, lambda entry: self._entry_id(session, entry))
        for entry, item in zip(entries, matches, strict=True):
            if item is not None and item.message_id in opened:
                message = opened[item.message_id]
                if self._open.of_run(message.run_id) is message:
                    self._echoes.expect(message.run_id, message.text, entry.text)
                brought.append(Reconciled(now, self._complete(message, entry.text, now, entry), streamed=True))
            elif item is None and entry.text and entry.at >= since:
                message_id = self._entry_id(session, entry)
                final = self._unstreamed(message_id, "", session, entry.role, entry.text, entry.at, entry)
                brought.append(Reconciled(entry.at, [final]))
            else:
                brought.append(Reconciled(entry.at, streamed=item is not None and item.claimed))
        return brought

    def _complete(
        self, message: OpenMessage, text: str, at: int, entry: HistoryEntry | None = None
    ) -> list[Chunk | Final]:
        """End an open message with what is missing of ``text``, as an ``error`` if that is how its ``entry`` ended."""
        if same_text(message.text, text):
            return [self._finish(message, at, _state(entry), entry=entry)]
        if text.startswith(message.text):
            rest = message.extend(text[len(message.text) :])
            return [rest, self._finish(message, at, _state(entry), entry=entry)]
        # The source contradicts what it streamed. What was shown cannot be unsaid, so both stand, plainly marked.
        cut = self._finish(message, at, "interrupted")
        run_id, session = message.run_id, message.session
        if self._echoes.is_told(run_id, session, text, None):
            return [cut]
        return [cut, self._unstreamed(self._new_id(run_id, session, at), run_id, session, "assistant", text, at, entry)]

    def _finish(
        self,
        message: OpenMessage,
        at: int,
        state: FinalState,
        *,
        error: str | None = None,
        entry: HistoryEntry | None = None,
    ) -> Final:
        """End an open message with the text that it has."""
        if self._open.of_run(message.run_id) is message:
            self._echoes.note_last(message.run_id, message.text)
        self._open.remove(message)
        details = _details(entry)
        if error is not None:
            details["error"] = error
        final = Final(
            message_id=message.message_id,
            run_id=message.run_id,
            session=message.session,
            role="assistant",
            text=message.text,
            state=state,
            chunks=message.next_index,
            duration_ms=max(0, at - message.began),
            started_at=message.began,
            **details,
        )
        self.past.add(_known(final, message.began))
        return final

    def _unstreamed(
        self,
        message_id: str,
        run_id: str,
        session: str,
        role: Role,
        text: str,
        at: int,
        entry: HistoryEntry | None,
    ) -> Final:
        if run_id:
            self._echoes.note_last(run_id, text)
        final = Final(message_id, run_id, session, role, text, _state(entry), 0, **_details(entry))
        self.past.add(_known(final, at, None if entry is None else entry.over_by))
        return final

    def _new_id(self, run_id: str, session: str, began: int) -> str:
        """A message is named by its run and the time of its first text, which are the source's: the name is stable."""
        name = f"{self.namespace}/{run_id}/{began}"
        taken = {item.message_id for item in (*self.past.of(session)[-10:], *self._open)}
        while name in taken:
            name += "+"
        return name

    def _entry_id(self, session: str, entry: HistoryEntry) -> str:
        return f"{self.namespace}/{session}/{entry.id or entry.at}/{entry.role}"


def _known(told: MessageView | Final, began: int, over_by: int | None = None) -> Known:
    return Known(
        told.message_id,
        told.session,
        told.role,
        told.text,
        began,
        complete=told.state == "complete",
        claimed=bool(told.run_id),
        aborted=told.state == "aborted",
        run_id=told.run_id,
        over_by=over_by,
    )


def _state(entry: HistoryEntry | None) -> FinalState:
    """How a message ended, as far as its history tells."""
    if entry is None:
        return "complete"
    return "error" if entry.error is not None else "aborted" if entry.aborted else "complete"


def _details(entry: HistoryEntry | None) -> dict[str, Any]:
    """What only a history knows of a message."""
    details: dict[str, Any] = {}
    if entry is not None and entry.model is not None:
        details["model"] = entry.model
    if entry is not None and entry.usage is not None:
        details["usage"] = entry.usage
    if entry is not None and entry.error is not None:
        details["error"] = entry.error
    return details
