"""Everything the kernel raises, on one page. The base class says whose fault it is.

ActorError      what a holder of a Ref meets: the address is full, gone, or its actor died with the request
InvalidTree     the program describes an impossible tree (a bug in its wiring, found before anything runs)
"""

import attrs


class ActorError(Exception):
    """A message or a request could not be served by the actor behind a Ref."""


@attrs.define(eq=False)
class MailboxFull(ActorError):
    """``tell`` found no room. Nothing was accepted; the sender decides whether to wait, coalesce or drop."""

    name: str
    capacity: int

    def __str__(self) -> str:
        return f"the mailbox of {self.name!r} holds {self.capacity} messages and is full"


@attrs.define(eq=False)
class ActorStopped(ActorError):
    """The actor has stopped for good, or is draining before it does: its address takes no more mail."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} has stopped"


@attrs.define(eq=False)
class ActorCrashed(ActorError):
    """The incarnation that took this request ended without answering it. ``__cause__`` is its exception, if any."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} ended before it answered"


@attrs.define(eq=False)
class ActorKilled(Exception):
    """What an incarnation that ``Supervisor.kill`` ended is recorded to have raised."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} was killed on request"


@attrs.define(eq=False)
class RestartIntensityExceeded(Exception):
    """A supervisor's child died too often. ``__cause__`` is the child's last exception.

    path: the supervisor; child: the path of the child that died last; within: seconds
    """

    path: str
    child: str
    restarts: int
    within: float

    def __str__(self) -> str:
        return f"{self.child} needed more than {self.restarts} restarts of {self.path} within {self.within:g} s"


class InvalidTree(Exception):
    """The program describes a tree that cannot exist."""


@attrs.define(eq=False)
class DuplicateName(InvalidTree):
    """Two children of one supervisor, or of one pool, have the same name."""

    parent: str
    name: str

    def __str__(self) -> str:
        return f"{self.parent!r} has two children named {self.name!r}"


@attrs.define(eq=False)
class AlreadySupervised(InvalidTree):
    """A Ref, Supervisor or Pool is given to a second parent, runs twice, or was stopped and is used again."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} already has its place in a tree: make a new one for another place or another run"


@attrs.define(eq=False)
class SameActorReturned(InvalidTree):
    """A factory returned the object of the previous incarnation, whose state the crash has put in doubt."""

    name: str

    def __str__(self) -> str:
        return f"the factory of {self.name!r} returned the same object twice: each incarnation needs a fresh one"
