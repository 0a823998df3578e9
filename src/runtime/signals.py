"""What the serial loop of a supervisor or pool hears of."""

import enum
from typing import Generic, TypeVar

import attrs

from runtime.child import Child

T = TypeVar("T")


@attrs.frozen(eq=False)
class Exited:
    """A child's incarnation has ended."""

    child: Child


@attrs.frozen(eq=False)
class Due(Generic[T]):
    """The backoff of ``what`` is over."""

    what: T


class Control(enum.Enum):
    STOP = enum.auto()


Signal = Exited | Due[object] | Control
