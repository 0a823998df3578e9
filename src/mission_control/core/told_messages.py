"""Messages that a source tells in chunks of its own: what subscribers rely on is made true here.

* Chunks have the indexes 0, 1, 2 … A chunk whose predecessor has not come waits for it, and if that never comes, the
  message stands still until its final, which has the whole text.
* The chunks of a ``complete`` message, joined, are its text. What they lack goes before the final as one more chunk.
* A message ends once, and nothing of it comes after its end.
* What was shown is never taken back: where a final contradicts it, the message ends as ``interrupted`` and the final
  stands beside it as a message of its own.
"""

from collections.abc import Iterator, Sequence
from typing import Final as Constant
from typing import TypeAlias

from attrs import Factory, define, evolve, field
from msgspec import UNSET

from mission_control.core.events import Chunk, Final, Role
from mission_control.core.ids import event_id
from mission_control.core.ordering import SeenWindow
from mission_control.core.views import MessageView

OPEN_MESSAGES: Constant = 256
"""An agent that has more open at once loses sight of the oldest: it ends as ``interrupted``."""
LONGEST_TEXT: Constant = 4 * 1024 * 1024
"""Code points; a message that grows beyond ends as ``interrupted``."""
WAITING_CHUNKS: Constant = 256
ENDED_KEPT: Constant = 1_024

Said: TypeAlias = tuple[str, int, Chunk | Final]
"""An event's id, its time in ms, and what it says."""


@define(eq=False)
class ToldMessage:
    """A message without a final. ``waiting`` are chunks by index whose predecessor has not come."""

    message_id: str
    run_id: str
    session: str
    role: Role
    text: str = ""
    next_index: int = 0
    waiting: dict[int, tuple[str, int, str]] = Factory(dict)

    @property
    def length(self) -> int:
        return len(self.text) + sum(len(delta) for _, _, delta in self.waiting.values())

    def extend(self, delta: str) -> Chunk:
        start = len(self.text)
        chunk = Chunk(self.message_id, self.run_id, self.session, self.role, self.next_index, delta, start)
        self.text += delta
        self.next_index += 1
        return chunk

    def cut(self) -> Final:
        """Its end where the rest is lost."""
        return Final(
            self.message_id, self.run_id, self.session, self.role, self.text, "interrupted", chunks=self.next_index
        )


@define
class ToldMessages:
    """The open messages of one agent. A text instead of events is why the event cannot be taken."""

    _open: dict[str, ToldMessage] = field(init=False, factory=dict)
    _ended: SeenWindow = field(init=False, factory=lambda: SeenWindow(ENDED_KEPT))

    def restore(self, opened: Sequence[MessageView], ended: Sequence[MessageView]) -> None:
        for view in opened:
            index = 0 if view.next_index is UNSET else view.next_index
            self._open[view.message_id] = ToldMessage(
                view.message_id, view.run_id, view.session, view.role, view.text, index
            )
        for view in ended:
            self._ended.first_time(view.message_id)

    def chunk(self, name: str, at: int, chunk: Chunk) -> list[Said] | str:
        """Its own event and those that waited for it; nothing yet when its predecessor has not come."""
        if chunk.message_id in self._ended:
            return "its message has ended"
        message = self._open.get(chunk.message_id)
        before: list[Said] = []
        if message is None:
            before = self._make_room(at)
            message = ToldMessage(chunk.message_id, chunk.run_id, chunk.session, chunk.role)
            self._open[chunk.message_id] = message
        if chunk.index < message.next_index or chunk.index in message.waiting:
            return f"chunk {chunk.index} of its message was there already"
        if message.length + len(chunk.delta) > LONGEST_TEXT:
            return [*before, *self._cut(message, at)]
        if len(message.waiting) < WAITING_CHUNKS or chunk.index == message.next_index:
            message.waiting[chunk.index] = (name, at, chunk.delta)
        return [*before, *_due(message)]

    def final(self, name: str, at: int, final: Final) -> list[Said] | str:
        """Its own event, and before it what its chunks lack."""
        if final.message_id in self._ended:
            return "its message has ended already"
        self._ended.first_time(final.message_id)
        message = self._open.pop(final.message_id, None)
        if message is None or message.next_index == 0:
            return [(name, at, evolve(final, chunks=0))]
        rest = final.text.removeprefix(message.text) if final.text.startswith(message.text) else None
        if rest is None and final.state == "complete":
            beside = f"{final.message_id}+"
            return [
                (event_id(final.message_id, "final"), at, message.cut()),
                (name, at, evolve(final, message_id=beside, chunks=0)),
            ]
        said: list[Said] = []
        if rest:
            said.append((event_id(final.message_id, message.next_index, "rest"), at, message.extend(rest)))
        return [*said, (name, at, evolve(final, text=message.text, chunks=message.next_index))]

    def cut_all(self, at: int) -> list[Said]:
        """End all that is open: its source is gone."""
        return [said for message in list(self._open.values()) for said in self._cut(message, at)]

    def _make_room(self, at: int) -> list[Said]:
        if len(self._open) < OPEN_MESSAGES:
            return []
        return self._cut(next(iter(self._open.values())), at)

    def _cut(self, message: ToldMessage, at: int) -> list[Said]:
        """End an open message with the text that it has; one of which nothing was shown is only forgotten."""
        del self._open[message.message_id]
        self._ended.first_time(message.message_id)
        return [(event_id(message.message_id, "final"), at, message.cut())] if message.next_index else []


def _due(message: ToldMessage) -> Iterator[Said]:
    """The waiting chunks whose turn it is."""
    while (waited := message.waiting.pop(message.next_index, None)) is not None:
        name, at, delta = waited
        yield name, at, message.extend(delta)
