"""Messages assembled from what a source repeats, interrupts and forgets.

The rules that everything here serves:

* the chunks of a message, joined, are exactly the text of its final when that is ``complete``;
* a message gets exactly one final;
* the same message has the same id whenever it is assembled again, and a message that the source's history tells of is
  recognised as the one that was streamed, though the history has no ids (``matching.py``).

Sources send the whole message so far with every token. What was missed is therefore healed by the next text, and only
the new part leaves here.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from typing import Final as Constant

from attrs import define, field, frozen
from msgspec import UNSET

from mission_control.core.events import Chunk, Final, FinalState, Role
from mission_control.core.matching import Known, match, same_text
from mission_control.core.past import Past
from mission_control.core.signals import HistoryEntry
from mission_control.core.views import MessageView

RUNS_KEPT: Constant = 200
"""Of how many runs the last message is remembered, since a source may repeat it after the run's end."""


@define
class OpenMessage:
    """A message without a final. ``began`` is when its first text was emitted, in ms."""

    message_id: str
    run_id: str
    session: str
    began: int
    text: str = ""
    next_index: int = 0

    def extend(self, delta: str) -> Chunk:
        """Take new text and give its chunk."""
        chunk = Chunk(self.message_id, self.run_id, self.session, "assistant", self.next_index, delta, len(self.text))
        self.text += delta
        self.next_index += 1
        return chunk


@define
class _Echo:
    """A run that streams what is known from history; ``seen`` is how far it has come."""

    known: Known
    seen: str


@frozen
class Reconciled:
    """What a history brought that was missing: events, each with its time in ms."""

    events: Sequence[tuple[int, Chunk | Final]]

    @property
    def repaired(self) -> int:
        """How many messages were completed or brought in."""
        return sum(isinstance(event, Final) for _, event in self.events)


@define
class Conversation:
    """The messages of one agent: at most one open message a run, and the newest finals.

    ``namespace`` (the gateway's id) keeps the message ids of different gateways apart.
    """

    namespace: str
    past: Past = field(init=False, factory=Past)
    _open: dict[str, OpenMessage] = field(init=False, factory=dict)
    _echo: dict[str, _Echo] = field(init=False, factory=dict)
    _last_text: dict[str, str] = field(init=False, factory=dict)

    def restore(self, open_messages: Sequence[MessageView], recent: Sequence[MessageView], *, everything: bool) -> None:
        """Go on from what the journal holds: open messages, and the newest finals, oldest first.

        ``everything``: there are no older finals.
        """
        self.past.begin([_known(view) for view in recent], everything=everything)
        for view in recent:
            if view.run_id:
                self._note_last(view.run_id, view.text)
        for view in open_messages:
            index = 0 if view.next_index is UNSET else view.next_index
            self._open[view.run_id] = OpenMessage(
                view.message_id, view.run_id, view.session, view.timestamp, view.text, index
            )

    def recall(self, session: str, finals: Sequence[MessageView]) -> None:
        """A session's newest finals from the journal, oldest first: needed before its history can be reconciled."""
        self.past.recall(session, [_known(view) for view in finals])

    def open_messages(self) -> Iterator[OpenMessage]:
        return iter(self._open.values())

    def open_message(self, run_id: str) -> OpenMessage | None:
        return self._open.get(run_id)

    def write(
        self, run_id: str, session: str, text: str, delta: str, at: int, *, not_before: int | None = None
    ) -> list[Chunk | Final]:
        """An assistant's message so far: gives its new chunk, and before it the final of the message it follows.

        ``not_before``: when the run began, in ms, if that was seen: its messages cannot be older than that.
        """
        if self._echoes(run_id, text, delta):
            return []
        message = self._open.get(run_id)
        events: list[Chunk | Final] = []
        if message is not None and delta != text and message.text.startswith(text):
            return []  # an older state of this message, or the same again
        if message is not None and not _continues(message.text, text, delta):
            events = self.close(run_id, at, "complete")
            message = None
        if message is None:
            if not text or self._begins_echo(run_id, session, text, at, not_before):
                return events
            message = self._open[run_id] = OpenMessage(self._new_id(run_id, session, at), run_id, session, at)
        if len(text) > len(message.text):
            events.append(message.extend(text[len(message.text) :]))
        return events

    def close(
        self, run_id: str, at: int, state: FinalState, *, error: str | None = None, entry: HistoryEntry | None = None
    ) -> list[Chunk | Final]:
        """End the run's open message, if it has one, with the text that it has."""
        self._echo.pop(run_id, None)
        message = self._open.pop(run_id, None)
        if message is None:
            return []
        self._remember(message.message_id, run_id, message.session, "assistant", message.text, message.began, state)
        details = _details(entry)
        if error is not None:
            details["error"] = error
        final = Final(
            message_id=message.message_id,
            run_id=run_id,
            session=message.session,
            role="assistant",
            text=message.text,
            state=state,
            chunks=message.next_index,
            duration_ms=max(0, at - message.began),
            started_at=message.began,
            **details,
        )
        return [final]

    def answer(
        self,
        run_id: str,
        session: str,
        text: str,
        at: int,
        entry: HistoryEntry | None = None,
        *,
        not_before: int | None = None,
    ) -> list[Chunk | Final]:
        """The whole text of a run's last message, as its source tells it at the end.

        Completes the open message with what is missing of it, as an ``error`` if that is how its ``entry`` ended. When
        none is open, this is a message that never streamed, unless it is the one that was closed last or that a history
        told of.
        """
        echo = self._echo.pop(run_id, None)
        if echo is not None and same_text(echo.known.text, text):
            return []
        message = self._open.get(run_id)
        if message is None:
            if self._told(run_id, session, text, not_before):
                return []
            return [self._unstreamed(self._new_id(run_id, session, at), run_id, session, "assistant", text, at, entry)]
        if same_text(message.text, text):
            return self.close(run_id, at, _state(entry), entry=entry)
        if text.startswith(message.text):
            rest = message.extend(text[len(message.text) :])
            return [rest, *self.close(run_id, at, _state(entry), entry=entry)]
        # The source contradicts what it streamed. What was shown cannot be unsaid, so both stand, plainly marked.
        return [*self.close(run_id, at, "interrupted"), *self.answer(run_id, session, text, at, entry)]

    def reconcile(
        self, session: str, entries: Sequence[HistoryEntry], *, since: int, run_began: dict[str, int], now: int
    ) -> Reconciled:
        """Bring in what a session's history has and the stream did not.

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
        open_runs: dict[str, str] = {}
        for message in self._open.values():
            if message.session == session:
                open_runs[message.message_id] = message.run_id
                began = run_began.get(message.run_id)
                known.append(
                    Known(message.message_id, session, "assistant", message.text, message.began, False, True, began)
                )
        known.sort(key=lambda item: item.began)
        events: list[tuple[int, Chunk | Final]] = []
        matches = match(entries, known, lambda entry: self._entry_id(session, entry))
        for entry, item in zip(entries, matches, strict=True):
            run_id = None if item is None else open_runs.get(item.message_id)
            if run_id is not None:
                events += [(now, event) for event in self.answer(run_id, session, entry.text, now, entry)]
            elif item is None and entry.text and entry.at >= since:
                message_id = self._entry_id(session, entry)
                final = self._unstreamed(message_id, "", session, entry.role, entry.text, entry.at, entry)
                events.append((entry.at, final))
        return Reconciled(events)

    def _told(self, run_id: str, session: str, text: str, not_before: int | None) -> bool:
        """Whether this text is the last message that we have: of this run, or of its session from history alone."""
        last = self._last_text.get(run_id)
        if last is not None and same_text(last, text):
            return True
        for known in reversed(self.past.of(session)):
            if known.could_stream(not_before) and same_text(known.text, text):
                known.claimed = True
                return True
        return False

    def _begins_echo(self, run_id: str, session: str, text: str, at: int, not_before: int | None) -> bool:
        """Whether a message that a history told of in full is only now streamed: it was under way at that time."""
        for known in reversed(self.past.of(session)):
            if known.could_stream(not_before) and known.began <= at and known.text.startswith(text):
                known.claimed = True
                self._echo[run_id] = _Echo(known, text)
                return True
        return False

    def _echoes(self, run_id: str, text: str, delta: str) -> bool:
        """Whether this is more of a message that a history has told of already."""
        echo = self._echo.get(run_id)
        if echo is None:
            return False
        if _continues(echo.seen, text, delta):
            if echo.known.text.startswith(text.rstrip()):
                echo.seen = text
                return True
            echo.known.claimed = False  # it was another message, which began with the same words
        del self._echo[run_id]
        return False

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
        state = _state(entry)
        self._remember(message_id, run_id, session, role, text, at, state)
        return Final(message_id, run_id, session, role, text, state, 0, **_details(entry))

    def _remember(
        self, message_id: str, run_id: str, session: str, role: Role, text: str, began: int, state: FinalState
    ) -> None:
        self.past.add(Known(message_id, session, role, text, began, state == "complete", bool(run_id)))
        if run_id:
            self._note_last(run_id, text)

    def _note_last(self, run_id: str, text: str) -> None:
        """Remember a run's last message: its source may repeat it after the run's end."""
        self._last_text.pop(run_id, None)
        self._last_text[run_id] = text
        while len(self._last_text) > RUNS_KEPT:
            del self._last_text[next(iter(self._last_text))]

    def _new_id(self, run_id: str, session: str, began: int) -> str:
        """A message is named by its run and the time of its first text, which are the source's: the name is stable."""
        name = f"{self.namespace}/{run_id}/{began}"
        taken = {item.message_id for item in self.past.of(session)[-10:]}
        return name if name not in taken else f"{name}+"

    def _entry_id(self, session: str, entry: HistoryEntry) -> str:
        return f"{self.namespace}/{session}/{entry.at}/{entry.role}"


def _known(view: MessageView) -> Known:
    streamed, complete = bool(view.run_id), view.state == "complete"
    return Known(view.message_id, view.session, view.role, view.text, view.timestamp, complete, streamed)


def _continues(so_far: str, text: str, delta: str) -> bool:
    """Whether ``text`` is a later state of the message ``so_far`` rather than the beginning of the next one.

    A source starts its text over with each message of a run, and then all of the text is new.
    """
    return text.startswith(so_far) and not (so_far and delta == text)


def _state(entry: HistoryEntry | None) -> FinalState:
    """How a message ended, as far as its history tells."""
    return "error" if entry is not None and entry.error is not None else "complete"


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
