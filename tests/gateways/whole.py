"""What came over a link, where nothing is too large."""

from collections.abc import Sequence

from mission_control.gateways.framing import Oversized


def whole(messages: Sequence[bytes | Oversized]) -> list[bytes]:
    """All of them, none of which was left out."""
    taken = [message for message in messages if isinstance(message, bytes)]
    assert len(taken) == len(messages)
    return taken
