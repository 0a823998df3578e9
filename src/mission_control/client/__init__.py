"""A subscriber in Python: what a running daemon tells, on trio and on asyncio. See docs/client.md.

The events, over any number of connections, once each and in order::

    async with subscribe("ws://127.0.0.1:8700/v1/stream") as stream:
        async for event in stream:
            print(event.offset, event.type)

What they come to, always the newest state::

    async with mirror("ws://127.0.0.1:8700/v1/stream") as live:
        while True:
            print(len(live.view.agents), live.state)
            await live.changed()

A lost connection is taken up again where it ended, after a random wait (full jitter), for as long as it takes. Where
the daemon cannot continue, the stream jumps, and says so. Source: docs/protocol.md, "The stream".
"""

from mission_control.client.mirror import Mirror, mirror
from mission_control.client.states import Backoff, Jump, RefusedError
from mission_control.client.stream import EventStream, subscribe
from mission_control.client.view import View
from mission_control.core.events import Event, decode_payload
from mission_control.core.frames import Notice
from mission_control.core.subscription import Cursor, Filter

__all__ = [
    "subscribe",
    "EventStream",
    "mirror",
    "Mirror",
    "View",
    "Cursor",
    "Filter",
    "Event",
    "decode_payload",
    "Jump",
    "Notice",
    "Backoff",
    "RefusedError",
]
