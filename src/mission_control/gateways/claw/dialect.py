"""One gateway, whichever version of its protocol it speaks.

A connection begins in the same way in all of them: ``challenge → connecting → live``. ``connect`` offers the versions
that we speak, ``hello-ok`` says which it is, and from then on that version has the connection. A gateway that has
become another one while we were away goes on with what was known of its runs.
"""

from collections.abc import Mapping
from typing import Final as Constant
from typing import Literal, Protocol, TypeAlias

from mission_control.core.events import UNREADABLE
from mission_control.core.signals import LinkDown
from mission_control.gateways.claw import handshake
from mission_control.gateways.claw.handshake import CONNECT_ID, Credentials
from mission_control.gateways.clawdbot import Before, ClawdbotDialect, Greeting, frames
from mission_control.gateways.dialect import Broadcast, Order, Refused, Send
from mission_control.gateways.oddities import UnknownError, unreadable
from mission_control.gateways.openclaw import OpenclawDialect
from mission_control.gateways.record import Record

HANDSHAKE_MS: Constant = 10_000

Phase: TypeAlias = Literal["challenge", "connecting", "live"]


class Version(Protocol):
    """A version of the protocol, from ``hello-ok`` to the connection's end, over as many connections as it takes.

    The methods are those of :class:`mission_control.gateways.dialect.Dialect`.
    """

    @property
    def before(self) -> Before:
        """What a successor has to know."""

    def greeted(self, greeting: Greeting, now: int) -> list[Order]:
        """The handshake is done, which is still to be told."""

    def receive(self, frame: bytes, now: int) -> list[Order]: ...

    def tick(self, now: int) -> list[Order]: ...

    def due(self, now: int) -> int | None: ...

    def closed(self, now: int, reason: str) -> list[Order]: ...

    def given_up(self) -> list[Order]:
        """There is no other connection at once: what waited for it."""


class ClawDialect:
    """See :class:`mission_control.gateways.dialect.Dialect`.

    Args:
        gateway: the gateway's id in our configuration.
        runs: open runs that the journal knows: run id to (agent id, session).
        last_heard: when this gateway was last heard according to the journal, in ms.
        missing_since: from when on something is missing that was being brought in when the daemon ended, in ms.
        record: what was counted and kept of this gateway so far.
    """

    kind = "clawdbot"
    max_message = 32 * 1024 * 1024

    def __init__(
        self,
        gateway: str,
        credentials: Credentials,
        *,
        runs: Mapping[str, tuple[str, str]] | None = None,
        last_heard: int | None = None,
        missing_since: int | None = None,
        record: Record | None = None,
    ) -> None:
        self.record = record or Record()
        self._gateway = gateway
        self._credentials = credentials
        # Which one it is the gateway says later; until then, either does.
        self._version: Version = ClawdbotDialect(gateway, Before(runs or {}, last_heard, missing_since), self.record)
        self._phase: Phase = "challenge"
        self._handshake_by = 0
        self._ahead = 0

    def opened(self, now: int) -> list[Order]:
        self._phase, self._handshake_by = "challenge", now + HANDSHAKE_MS
        return []

    def receive(self, frame: bytes, now: int) -> list[Order]:
        if self._phase == "live":
            return self._version.receive(frame, now)
        try:
            return self._shake_hands(frames.head(frame), now)
        except UnknownError as unknown:
            self.record.odd.note_unknown(unknown.what, unknown.name, frame, now)
        except UNREADABLE as error:
            self.record.odd.note_malformed(f"in the handshake: {unreadable(error)}", frame, now)
        return []

    def oversized(self, size: int, beginning: bytes, now: int) -> list[Order]:
        """An event is missing then, and is made good as others are; an answer is not waited for beyond its time."""
        self.record.odd.note_oversized(size, beginning, now)
        return []

    def tick(self, now: int) -> list[Order]:
        if self._phase == "live":
            return self._version.tick(now)
        if now < self._handshake_by:
            return []
        return [
            Refused("no gateway handshake within 10 s", "check that the URL is that of a Clawdbot or OpenClaw gateway")
        ]

    def due(self, now: int) -> int | None:
        return self._version.due(now) if self._phase == "live" else self._handshake_by

    def closed(self, now: int, reason: str) -> list[Order]:
        if self._phase == "live":
            self._phase = "challenge"
            return self._version.closed(now, reason)
        return [*self._version.given_up(), Broadcast(LinkDown(now, reason))]

    def _shake_hands(self, head: frames.Head, now: int) -> list[Order]:
        if head.event == "connect.challenge":
            said = frames.challenge(head.payload).ts
            self._ahead = 0 if said is None else frames.sane(said) - now
            self._phase = "connecting"
            self.record.asked.note("connect", now)
            return [Send(handshake.connect(self._credentials))]
        if head.id != CONNECT_ID or self._phase != "connecting":
            raise UnknownError("step of the handshake", head.event or head.type)
        if not head.ok:
            return [handshake.refused(head.error, self._credentials)]
        hello = frames.hello(head.payload)
        speaks = _VERSIONS.get(hello.protocol)
        if speaks is None:
            return [handshake.foreign(hello.protocol)]
        if not isinstance(self._version, speaks):
            self._version = speaks(self._gateway, self._version.before, self.record)
        self._phase = "live"
        said = hello.snapshot.said_at
        said = now + self._ahead if said is None else said
        self._ahead = max(self._ahead, said - now)  # by that which was on its way for the shorter time
        told = handshake.established(hello, self._credentials, self._ahead)
        began = said - int(hello.snapshot.uptimeMs) - self._ahead
        return self._version.greeted(Greeting(hello, told, self._ahead, began), now)


_VERSIONS: Constant[dict[int, type[ClawdbotDialect]]] = {3: ClawdbotDialect, 4: OpenclawDialect}
