"""Everything the kernel raises, on one page. The base class says whose fault it is.

ActorError      what a holder of a Ref meets: the address is full, gone, or its actor died with the request
InvalidTree     the program describes an impossible tree: a bug in its wiring, found when it is built or as it starts
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
class WaitsForItself(ActorError):
    """An actor awaits what only it could bring about: its own answer, room in its own mailbox, its own end."""

    name: str

    def __str__(self) -> str:
        return (
            f"{self.name!r} would wait for itself: nobody else gives its answers, makes room in its mailbox or ends it;"
            " call the method, tell, or return instead"
        )


@attrs.define(eq=False)
class RequestDropped(ActorError):
    """The mailbox let this request go for a newer message, as its overflow policy says; nobody will answer it.

    superseded: a newer one with the same key has taken its place
    """

    name: str
    superseded: bool

    def __str__(self) -> str:
        how = "was replaced by a newer one of its key" if self.superseded else "had to make room for a newer message"
        return f"the request to {self.name!r} {how}: use Overflow.WAIT or REFUSE where every request counts"


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
    restarts: float
    within: float

    def __str__(self) -> str:
        return f"{self.child} needed more than {self.restarts} restarts of {self.path} within {self.within:g} s"


class InvalidTree(Exception):
    """The program describes a tree that cannot exist."""


@attrs.define(eq=False)
class InvalidOption(InvalidTree, ValueError):
    """An option lies outside its range. ``owner``: what it was given to; ``allowed``: what it must be."""

    owner: str
    option: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.option} of {self.owner} must be {self.allowed}, not {self.value!r}"


@attrs.define(eq=False)
class DuplicateName(InvalidTree):
    """Two children of one supervisor, or of one pool, have the same name."""

    parent: str
    name: str

    def __str__(self) -> str:
        return f"{self.parent!r} has two children named {self.name!r}: names tell siblings apart, so give each its own"


@attrs.define(eq=False)
class AlreadySupervised(InvalidTree):
    """A Ref, Supervisor or Pool is given to a second parent, runs twice, or was stopped and is used again."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} already has its place in a tree: make a new one for another place or another run"


@attrs.define(eq=False)
class NotAChild(InvalidTree):
    """A supervisor was given something else than a child, or a pool's ``spec_for`` returned it."""

    parent: str
    given: object

    def __str__(self) -> str:
        return (
            f"{self.parent!r} cannot run {self.given!r} as a child:"
            " wrap an actor in an ActorSpec and a function in a ServiceSpec, or give a Supervisor or Pool"
        )


@attrs.define(eq=False)
class InvalidSignificance(InvalidTree):
    """A significant child that no shutdown can follow from, or an automatic shutdown that no child can cause."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r} {self.reason}"


@attrs.define(eq=False)
class SameActorReturned(InvalidTree):
    """A factory returned the object of the previous incarnation, whose state the crash has put in doubt."""

    name: str

    def __str__(self) -> str:
        return (
            f"the factory of {self.name!r} returned the same object twice: each incarnation needs a fresh one,"
            " so give the class, or a function that makes a new object"
        )


@attrs.define(eq=False)
class NotAnActor(InvalidTree):
    """What a factory returned cannot be run. ``type``: the name of its type."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"the factory of {self.name!r} returned a {self.type}: an actor has 'async def run(self, inbox)'"
