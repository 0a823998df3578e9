"""What an actor type from outside the tree is made of, and what it is given. See docs/extending.md.

An entry point in the group :data:`GROUP` names an :class:`ActorType`. Its name is the actor type's name: of its table
``[actors.NAME]`` in the configuration, of its place ``root/extensions/NAME`` in the tree, of its routes below
``/v1/extensions/NAME`` and of its metrics ``mission_control_extension_NAME_…``.

This module is all that such a package needs to import, besides :mod:`runtime`; its tests use
:mod:`mission_control.testing`.
"""

import enum
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, overload
from typing import Final as Constant

from attrs import frozen
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from mission_control.core.events import (
    Activity,
    AgentKey,
    Chunk,
    Clocks,
    Draft,
    Event,
    EventType,
    Final,
    Heartbeat,
    Payload,
    Status,
    decode_payload,
)
from mission_control.core.ids import event_id
from mission_control.core.sinks import Delivered, Failed, SinkStatus
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.views import AgentView, MessageView, RunView, Snapshot
from mission_control.settings import Between, Bytes, Milliseconds, Seconds, Secret
from runtime import ChildSpec, Ref

GROUP: Constant = "mission_control.actors"
"""The entry-point group in which actor types are found."""

M = TypeVar("M")
O = TypeVar("O")  # noqa: E741 - options


class Place(enum.Enum):
    """Under which supervisor an actor type runs, and so what its failures may cost."""

    EXTENSIONS = "extensions"
    """One for all of them: it is restarted ever more slowly for as long as it fails, and takes nothing else down."""
    ROOT = "root"
    """The daemon's: its failures count as those of the daemon's own parts, of which 20 in a minute end it."""


class Host(Protocol):
    """What the daemon gives to an actor type. ``subscribe``, ``routes`` and ``sink`` are for ``build``, the rest is for
    any time."""

    @property
    def name(self) -> str:
        """The actor type's name."""

    @property
    def clock(self) -> Callable[[], int]:
        """Wall-clock time in ms since the Unix epoch."""

    @property
    def rng(self) -> random.Random:
        """Chance, such as for jitter. Not for secrets."""

    @property
    def log(self) -> logging.Logger: ...

    @property
    def directory(self) -> Path:
        """A directory of its own to keep things in, in the data directory. It need not exist yet."""

    @property
    def metrics(self) -> CollectorRegistry:
        """What is registered here is in ``/metrics``, each name with ``mission_control_extension_NAME_`` before it."""

    @overload
    def subscribe(self, ref: Ref[Event], select: Filter = ..., *, after: Cursor | None = ...) -> None: ...
    @overload
    def subscribe(
        self, ref: Ref[M], select: Filter = ..., *, wrap: Callable[[Event], M | None], after: Cursor | None = ...
    ) -> None: ...

    def subscribe(
        self, ref: Ref[Any], select: Filter = EVERYTHING, *, wrap: Any = None, after: Cursor | None = None
    ) -> None:
        """Put every journaled event that ``select`` admits into the mailbox of ``ref``, once each, in offset order.

        The first is the first one that is committed after ``build``; or after ``after``, if that is given and of this
        journal: if of another, it is the oldest that this one has. No snapshot is older than ``build``, so whoever
        starts from one passes over events up to its cursor. Ephemeral events (plain heartbeats) are not delivered.

        When the mailbox is full, its overflow policy decides. With ``Overflow.WAIT`` the events wait in the journal,
        and nobody waits for this actor; those that a refusing mailbox has no room for are left out and counted.

        wrap: makes the message of an event, for an actor that gets other mail besides; None leaves the event out.
            What it raises crashes the feed, which will come to that event again
        """

    async def publish(self, *drafts: Draft) -> None:
        """Hand over events for commit. They become visible together, in this order; one whose ``event_id`` the journal
        has is left out. Waits only while the writer has no room.

        Raises:
            ValueError: a draft is not one (its name, payload or time); none of them was taken.
        """

    async def wait_committed(self) -> None:
        """Wait until everything that was published before is in the journal, and so in any snapshot."""

    async def snapshot(self, select: Filter = EVERYTHING) -> Snapshot:
        """What the events so far amount to, exact at its cursor. Raises JournalError."""

    def routes(self, *routes: Route) -> None:
        """Serve these below ``/v1/extensions/NAME``, for whoever may use the API. Paths begin with ``/``."""

    def sink(self, status: Callable[[], SinkStatus]) -> None:
        """Be shown in ``GET /v1/system`` as something that delivers events to somewhere else. ``status`` says how that
        goes; it may not wait."""


@frozen
class NoOptions:
    """For actor types that have nothing to set."""


@frozen
class ActorType(Generic[O]):
    """A kind of actor that a package adds to the daemon; what its entry point names.

    options: an attrs class; its fields are the keys of ``[actors.NAME]``, typed as those in
        :mod:`mission_control.settings`
    build: makes what is to run, once; it may not wait. A ``ValueError`` says what is wrong with the options
    enabled: whether it runs although nothing of it is configured. Its table in the configuration enables it, and
        ``enabled = false`` there does not
    """

    options: type[O]
    build: Callable[[Host, O], ChildSpec]
    enabled: bool = True
    place: Place = Place.EXTENSIONS


def payload_of(event: Event) -> Payload:
    """The typed payload of an event."""
    return decode_payload(event.type, event.payload)


__all__ = [
    "ActorType",
    "Host",
    "NoOptions",
    "Place",
    "GROUP",
    # options
    "Between",
    "Bytes",
    "Milliseconds",
    "Seconds",
    "Secret",
    # events
    "Activity",
    "AgentKey",
    "Chunk",
    "Clocks",
    "Draft",
    "Event",
    "EventType",
    "Final",
    "Heartbeat",
    "Payload",
    "Status",
    "event_id",
    "payload_of",
    # sinks
    "Delivered",
    "Failed",
    "SinkStatus",
    # subscribing and snapshots
    "EVERYTHING",
    "Cursor",
    "Filter",
    "AgentView",
    "MessageView",
    "RunView",
    "Snapshot",
]
