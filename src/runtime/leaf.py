"""The leaves of the tree: actors with their mailboxes, and plain services."""

from collections.abc import Awaitable
from typing import Any

import trio

from runtime.child import Child
from runtime.errors import NotAnActor, SameActorReturned
from runtime.failure import Failure
from runtime.inbox import Actor, Inbox
from runtime.mailbox import MailboxStatistics
from runtime.member import Host
from runtime.observe import DeadLettered, Kind, MailboxHighWater
from runtime.policy import Restart
from runtime.ref import Ref
from runtime.spec import ActorSpec, ServiceSpec


class ActorChild(Child):
    """An actor with its mailbox."""

    __slots__ = ("_factory", "_inbox", "_latest", "ref")

    def __init__(self, spec: ActorSpec[Any], host: Host) -> None:
        super().__init__(spec.name, Kind.ACTOR, spec.restart, spec.grace, spec.backoff)
        spec.ref._claim(self)
        self.host = host
        self.ref: Ref[Any] = spec.ref
        self._factory = spec.factory
        self._latest: Actor[Any] | None = None
        self._inbox: Inbox[Any] | None = None

    async def _run(self) -> None:
        actor = self._factory()
        if actor is self._latest:
            raise SameActorReturned(self.name)
        self._latest = actor
        self.ref._mailbox.on_high_water = self._tell_high_water
        self._inbox = Inbox(self.ref)
        self.begun()
        running = actor.run(self._inbox) if hasattr(actor, "run") else None
        if not isinstance(running, Awaitable):
            raise NotAnActor(self.name, type(actor).__qualname__)
        await running

    def _release(self, *, returned: bool, blamed: bool) -> None:
        mailbox = self.ref._mailbox
        if returned:
            mailbox.release_clean()
        elif not blamed:
            mailbox.release_interrupted()
        else:
            for message in mailbox.release_crashed():
                self._bury(message)
        if self.error is not None or not (self.stopping or (returned and self.restart is not Restart.PERMANENT)):
            self.ref._fail_lost_asks(self.error)  # else its askers hear ActorStopped when it is closed

    def _bury(self, message: object) -> None:
        assert self.host is not None
        assert self.last_failure is not None
        letter = self.host.bury(self, message, self.last_failure)
        self.emit(DeadLettered(letter.path, letter.time, letter))

    def _ask_to_stop(self) -> None:
        assert self._scope is not None
        self.ref._mailbox.close()
        self._scope.deadline = self._cut

    def _close(self) -> int:
        self._latest = None
        return self.ref._close_for_good()

    def _tell_high_water(self, depth: int) -> None:
        self.emit(MailboxHighWater(self.path, trio.current_time(), depth, self.ref._mailbox.capacity))

    def watched(self) -> Ref[Any]:
        return self.ref

    def healthy(self) -> bool:
        return self._inbox is not None and self._inbox._healthy

    def statistics(self) -> MailboxStatistics:
        return self.ref.statistics()


class ServiceChild(Child):
    """A plain async function."""

    __slots__ = ("_function", "_stop")

    def __init__(self, spec: ServiceSpec, host: Host) -> None:
        super().__init__(spec.name, Kind.SERVICE, spec.restart, spec.grace, spec.backoff)
        self.host = host
        self._function = spec.run
        self._stop = spec.stop

    async def _run(self) -> None:
        self.begun()
        await self._function()

    def _release(self, *, returned: bool, blamed: bool) -> None:
        pass  # it holds no mail

    def _ask_to_stop(self) -> None:
        assert self._scope is not None
        if self._stop is None:
            self._scope.cancel()
            return
        self._scope.deadline = self._cut
        try:
            self._stop()
        except Exception as error:
            self.last_failure = Failure.of(error, trio.current_time())
            self._scope.cancel()

    def _close(self) -> int:
        return 0
