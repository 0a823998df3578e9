"""Event frames on their way to the clients: encoded once, queued for each, within bounds.

Everything that agents, clocks and presence make known to clients passes :meth:`Fanout.publish`.
"""

from collections.abc import Iterable

import trio

from mission_control.simulate.framing import text_frame


class Outlet:
    """What one client has yet to be sent, at most ``max_bytes`` of it: a client that is slower than that is closed."""

    def __init__(self, max_bytes: float) -> None:
        self.farewell: tuple[int, str] | None = None
        """The close code and reason with which the connection ends once everything pending is sent."""
        self._max_bytes = max_bytes
        self._pending: list[bytes] = []
        self._bytes = 0
        self._wakeup = trio.Event()

    def put(self, wire: bytes) -> None:
        """Queue bytes; nothing is taken after a farewell."""
        if self.farewell is not None:
            return
        self._bytes += len(wire)
        self._pending.append(wire)
        self._wakeup.set()
        if self._bytes > self._max_bytes:
            self._pending.clear()
            self.close(1008, "slow consumer")

    def close(self, code: int, reason: str) -> None:
        self.farewell = (code, reason)
        self._wakeup.set()

    async def get(self) -> bytes:
        """Wait for bytes or a farewell, and take all bytes that are pending: none when only the farewell is left."""
        await self._wakeup.wait()
        if self.farewell is None:
            self._wakeup = trio.Event()
        wire = b"".join(self._pending)
        self._pending.clear()
        self._bytes = 0
        return wire


class Fanout:
    """The outlets of all clients that were admitted."""

    def __init__(self) -> None:
        self._outlets: set[Outlet] = set()

    def add(self, outlet: Outlet) -> None:
        self._outlets.add(outlet)

    def discard(self, outlet: Outlet) -> None:
        self._outlets.discard(outlet)

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        return tuple(self._outlets)

    def answer(self, outlet: Outlet, frame: bytes) -> None:
        """Queue a frame (JSON) that is for one client alone."""
        outlet.put(text_frame(frame))

    def publish(self, frames: Iterable[bytes]) -> None:
        """Queue event frames (JSON) for every client."""
        wire = b"".join(map(text_frame, frames))
        for outlet in self._outlets:
            outlet.put(wire)

    def arrive(self) -> None:
        """Whatever is still under way arrives now."""

    def lose(self) -> None:
        """Whatever is still under way never arrives."""

    def settle(self) -> None:
        """Whatever is still under way arrives now, and nothing is harmed any more."""
