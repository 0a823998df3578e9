"""How a child is to be run: what a program gives to a supervisor or a pool."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs

from runtime.inbox import Actor
from runtime.options import at_least, callable_by, named, of_type
from runtime.policy import Backoff, Restart
from runtime.ref import Ref

M = TypeVar("M")

_BACKOFF = Backoff()  # one for all that name none


@attrs.frozen
class ActorSpec(Generic[M]):
    """How to run one actor. ``factory`` makes a fresh object for each incarnation.

    grace: seconds between the mailbox's close and the cancellation, when it is stopped for good
    significant: its end for good may end its supervisor (AutoShutdown)
    """

    ref: Ref[M] = attrs.field(validator=of_type(Ref))
    factory: Callable[[], Actor[M]] = attrs.field(validator=callable_by("pass the class, or a function that makes one"))
    restart: Restart = attrs.field(default=Restart.PERMANENT, validator=of_type(Restart))
    grace: float = attrs.field(default=5.0, validator=at_least(0))
    backoff: Backoff = attrs.field(default=_BACKOFF, validator=of_type(Backoff))
    significant: bool = False

    @property
    def name(self) -> str:
        return self.ref.name


@attrs.frozen
class ServiceSpec:
    """How to run a plain async function under supervision: a server, a clock. It has no mailbox.

    stop: asks it to end, in a way of its own, when it is stopped for good; without it, it is cancelled at once
    grace: seconds between the call of ``stop`` and the cancellation; without ``stop``, how long a cancelled
        service may take to clean up before it is reported as late
    significant: its end for good may end its supervisor (AutoShutdown)
    """

    name: str = attrs.field(validator=named)
    run: Callable[[], Awaitable[None]] = attrs.field(validator=callable_by("pass the function, without calling it"))
    restart: Restart = attrs.field(default=Restart.PERMANENT, validator=of_type(Restart))
    grace: float = attrs.field(default=5.0, validator=at_least(0))
    backoff: Backoff = attrs.field(default=_BACKOFF, validator=of_type(Backoff))
    stop: Callable[[], None] | None = None
    significant: bool = False
