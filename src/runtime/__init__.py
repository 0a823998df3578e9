"""The actor kernel: supervised actors with bounded mailboxes on trio. See docs/runtime.md."""

from runtime.errors import (
    ActorCrashed,
    ActorError,
    ActorKilled,
    ActorStopped,
    AlreadySupervised,
    DuplicateName,
    InvalidTree,
    MailboxFull,
    RestartIntensityExceeded,
    SameActorReturned,
)
from runtime.inbox import Actor, Inbox
from runtime.mailbox import MailboxStatistics
from runtime.observe import (
    Crashed,
    DeadLetter,
    DeadLettered,
    DeadLetters,
    Escalated,
    Failure,
    GaveUp,
    Kind,
    MailboxHighWater,
    Observer,
    Restarting,
    RuntimeEvent,
    Started,
    State,
    Stopped,
    StoppedLate,
    TreeNode,
)
from runtime.policy import Backoff, Intensity, Restart, Strategy
from runtime.pool import Pool
from runtime.ref import Ref, Reply
from runtime.spec import ActorSpec, ServiceSpec
from runtime.supervisor import ChildSpec, Supervisor

__all__ = [
    "Actor",
    "ActorCrashed",
    "ActorError",
    "ActorKilled",
    "ActorSpec",
    "ActorStopped",
    "AlreadySupervised",
    "Backoff",
    "ChildSpec",
    "Crashed",
    "DeadLetter",
    "DeadLettered",
    "DeadLetters",
    "DuplicateName",
    "Escalated",
    "Failure",
    "GaveUp",
    "Inbox",
    "Intensity",
    "InvalidTree",
    "Kind",
    "MailboxFull",
    "MailboxHighWater",
    "MailboxStatistics",
    "Observer",
    "Pool",
    "Ref",
    "Reply",
    "Restart",
    "RestartIntensityExceeded",
    "Restarting",
    "RuntimeEvent",
    "SameActorReturned",
    "ServiceSpec",
    "Started",
    "State",
    "Stopped",
    "StoppedLate",
    "Strategy",
    "Supervisor",
    "TreeNode",
]
