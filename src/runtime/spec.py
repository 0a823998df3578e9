"""How a child is to be run: what a program gives to a supervisor or a pool."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs
from attrs import validators

from runtime.inbox import Actor
from runtime.policy import Backoff, Restart
from runtime.ref import Ref

M = TypeVar("M")


@attrs.frozen
class ActorSpec(Generic[M]):
    """How to run one actor. ``factory`` makes a fresh object for each incarnation.

    grace: seconds between the mailbox's close and the cancellation, when it is stopped for good
    """

    ref: Ref[M]
    factory: Callable[[], Actor[M]]
    restart: Restart = Restart.PERMANENT
    grace: float = attrs.field(default=5.0, validator=validators.ge(0))
    backoff: Backoff = attrs.field(factory=Backoff)

    @property
    def name(self) -> str:
        return self.ref.name


@attrs.frozen
class ServiceSpec:
    """How to run a plain async function under supervision: a server, a clock. It has no mailbox.

    stop: asks it to end, in a way of its own, when it is stopped for good; without it, it is cancelled at once
    grace: seconds between the call of ``stop`` and the cancellation; without ``stop``, how long a cancelled
        service may take to clean up before it is reported as late
    """

    name: str = attrs.field(validator=validators.min_len(1))
    run: Callable[[], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    grace: float = attrs.field(default=5.0, validator=validators.ge(0))
    backoff: Backoff = attrs.field(factory=Backoff)
    stop: Callable[[], None] | None = None
