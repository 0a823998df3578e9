"""Everyone whom the stream is served to at this moment."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from mission_control.core.system_views import SubscriberView


class Listener(Protocol):
    """One of them: :class:`mission_control.edge.subscriber.Subscriber`."""

    def view(self) -> SubscriberView: ...


class Audience:
    """Those who have said hello and were not sent away."""

    def __init__(self) -> None:
        self._present: dict[Listener, None] = {}

    @contextmanager
    def joined_by(self, listener: Listener) -> Iterator[None]:
        """It is one of them for as long as the block lasts."""
        self._present[listener] = None
        try:
            yield
        finally:
            del self._present[listener]

    def present(self) -> Sequence[SubscriberView]:
        """How each of them stands, in the order in which they came."""
        return [listener.view() for listener in self._present]
