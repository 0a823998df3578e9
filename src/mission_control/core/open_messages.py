"""Messages without a final: what is being written, and what waits for its end."""

from collections.abc import Iterator, Sequence

from attrs import define, field
from msgspec import UNSET

from mission_control.core.events import Chunk
from mission_control.core.views import MessageView


@define(eq=False)
class OpenMessage:
    """A message without a final. ``began`` is when its first text was emitted, in ms.

    ``doubted``: the connection was lost since its last text, so that its end may not have been heard.
    """

    message_id: str
    run_id: str
    session: str
    began: int
    text: str = ""
    next_index: int = 0
    doubted: bool = False

    def extend(self, delta: str) -> Chunk:
        """Take new text and give its chunk."""
        chunk = Chunk(self.message_id, self.run_id, self.session, "assistant", self.next_index, delta, len(self.text))
        self.text += delta
        self.next_index += 1
        return chunk


@define
class OpenMessages:
    """The open messages of one agent: at most one a run is being written.

    A run may have gone on from a message whose end was not heard. That one is *set aside*: a history will have it.
    """

    _written: dict[str, OpenMessage] = field(init=False, factory=dict)
    _aside: list[OpenMessage] = field(init=False, factory=list)

    def restore(self, views: Sequence[MessageView]) -> None:
        """Go on from what the journal holds, oldest first."""
        for view in views:
            index = 0 if view.next_index is UNSET else view.next_index
            self.set_aside(view.run_id)
            self.begin(OpenMessage(view.message_id, view.run_id, view.session, view.timestamp, view.text, index))

    def __iter__(self) -> Iterator[OpenMessage]:
        yield from [*self._aside, *self._written.values()]

    def of_run(self, run_id: str) -> OpenMessage | None:
        """The message that the run is writing."""
        return self._written.get(run_id)

    def begin(self, message: OpenMessage) -> None:
        self._written[message.run_id] = message

    def set_aside(self, run_id: str) -> None:
        """The run has gone on from what it was writing."""
        message = self._written.pop(run_id, None)
        if message is not None:
            self._aside.append(message)

    def aside_of(self, run_id: str) -> list[OpenMessage]:
        return [message for message in self._aside if message.run_id == run_id]

    def remove(self, message: OpenMessage) -> None:
        if self._written.get(message.run_id) is message:
            del self._written[message.run_id]
        else:
            self._aside.remove(message)

    def doubt(self) -> None:
        """The connection was lost: of each message, more may have been said."""
        for message in self._written.values():
            message.doubted = True
