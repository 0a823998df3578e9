"""What every simulated source is to its server, whatever it speaks: agents that act, frames, and a desk per client."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from mission_control.simulate.script import Action


@frozen
class Reply:
    """What to send to the client, and whether to close the connection after that. ``joined``: it was just admitted."""

    frames: tuple[bytes, ...] = ()
    close: tuple[int, str] | None = None
    joined: bool = False


class HasSessions(Protocol):
    """An agent, as far as its script knows it."""

    @property
    def session_keys(self) -> tuple[str, ...]: ...


class Desk(Protocol):
    """Where one connection is served."""

    def greet(self, now: int) -> tuple[bytes, ...]:
        """What a server says first."""

    def receive(self, text: str | bytes, now: int) -> Reply:
        """Answer one message from the client."""

    def leave(self, now: int) -> bool:
        """The connection has ended. Gives whether the others must be told."""


class Source(Protocol):
    """Every ``now`` is in ms since the epoch; frames are those of events, for everyone."""

    @property
    def agents_by_id(self) -> Mapping[str, HasSessions]: ...

    def desk(self) -> Desk: ...

    def act(self, agent_id: str, action: Action, now: int) -> list[bytes]: ...

    def conclude(self, now: int) -> list[bytes]:
        """Every agent brings its run to an end."""

    def tick(self, now: int) -> list[bytes]: ...

    def health(self, now: int) -> list[bytes]: ...

    def presence(self, now: int) -> list[bytes]: ...

    def shutdown(self, back_in_ms: int) -> list[bytes]: ...

    def die(self, now: int) -> None:
        """The process ends: its runs are gone, and with them what was not stored."""

    def boot(self, now: int) -> None:
        """A new process begins."""
