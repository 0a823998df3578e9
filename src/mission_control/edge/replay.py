"""What is read from the journal for one subscriber, as frames of a bounded size."""

from collections.abc import Iterator, Sequence
from typing import Final

from mission_control.core.events import Event, encode
from mission_control.core.frames import events_frame

FRAME_BYTES: Final = 256 * 1024
"""About how large a frame of replayed events gets."""


def replayed(events: Sequence[Event], scanned_to: int) -> Iterator[tuple[str, int]]:
    """Frames with these events, each with the cursor after it; the last one's is ``scanned_to``."""
    envelopes: list[bytes] = []
    size = 0
    for event in events:
        if size > FRAME_BYTES and event.offset is not None:
            yield events_frame(envelopes, event.offset - 1), event.offset - 1
            envelopes, size = [], 0
        envelope = encode(event)
        envelopes.append(envelope)
        size += len(envelope)
    yield events_frame(envelopes, scanned_to), scanned_to
