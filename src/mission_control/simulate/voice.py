"""A run as a gateway has it, and how a gateway speaks of it: what :class:`mission_control.simulate.runs.Actor` does is
the same in every version of the protocol, what is stored and said of it is not.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

from attrs import define, field

from mission_control.simulate.sessions import Entry, Session

Payload: TypeAlias = dict[str, Any]
Said: TypeAlias = tuple[str, Payload]
"""(event name, payload)."""

CHAT_EVERY_MS = 150
"""How often ``chat`` repeats at most what an assistant says."""


@define
class Call:
    """A tool call that has not come to its end."""

    id: str
    name: str
    arguments: dict[str, Any]
    started_at: int
    pid: int
    printed: str = ""


@define
class Run:
    """``text`` is what was said of the present message, ``texts`` the run's messages before it. Times in ms.

    ``over``: the present attempt; ``again``: another one will follow.
    """

    id: str
    session: Session
    began: int
    requested_at: int
    seq: int = 0
    text: str = ""
    texts: list[str] = field(factory=list)
    chat_at: int = 0
    told_at: int = 0
    named: bool = True
    """Whether its events still carry the session."""
    item: str = ""
    """What the present attempt's messages are called, before their numbers."""
    steps: list[Payload] = field(factory=list)
    """What its tools did, as told."""
    call: Call | None = None
    over: bool = False
    again: bool = False

    @property
    def goes_on(self) -> bool:
        return not self.over or self.again


class Voice(Protocol):
    """What a gateway stores and says when a run does something, before the run has gone on from it.

    Each method gives what is said, in order; ``now`` in ms.
    """

    def asked(self, run: Run, prompt: str, now: int) -> Iterator[Said]: ...

    def asked_while_busy(self, run: Run, other_id: str) -> Iterator[Said]:
        """A message that another run answers, or this one besides."""

    def said(self, run: Run, delta: str, now: int) -> Iterator[Said]:
        """``run.text`` has the ``delta`` already."""

    def called(self, run: Run, call: Call, now: int) -> Iterator[Said]: ...

    def printed(self, run: Run, call: Call, result: Entry, now: int) -> Iterator[Said]: ...

    def call_ended(self, run: Run, call: Call, result: Entry, now: int, *, failed: bool) -> Iterator[Said]: ...

    def finished(self, run: Run, now: int) -> Iterator[Said]: ...

    def broke_off(self, run: Run, now: int) -> Iterator[Said]: ...

    def failed(self, run: Run, error: str, now: int) -> Iterator[Said]: ...

    def tried_again(self, run: Run, now: int) -> Iterator[Said]: ...

    def aborted(self, run: Run, now: int) -> Iterator[Said]: ...
